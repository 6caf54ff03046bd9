"""Outages that outlast a run: it ends by name and with exit code 1, and the next one goes on.

What the index holds when a run ends is not paid for again, and nothing else is missing afterwards.
"""

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from vector_assets.cli.main import main
from vector_assets_tests.faults.processes import Runs, Team, embedded, running_runs

__all__ = ["embedded"]

ISSUES = 130
"""More than a page of Jira's."""

BATCH_DOCUMENTS = 8

HOUR = 3_600
STORES = ("lancedb", "documents", "vectors")


@pytest.fixture
def team() -> Team:
    new_team = Team(Random(7))
    new_team.write_issues(ISSUES)
    return new_team


@pytest.fixture
def sync(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """A function that syncs all days by the command line, in small batches, in this process."""
    monkeypatch.setattr("vector_assets.pipeline.extract.BATCH_DOCUMENTS", BATCH_DOCUMENTS)

    def run(runs: Runs, team: Team, **changed: str) -> tuple[int, str]:
        for name, value in {**runs.environment, **changed}.items():
            monkeypatch.setenv(name, value)
        code = 0
        try:
            main(["sync", "jira", "--from", str(team.first), "--to", str(team.last)])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, capsys.readouterr().err

    return run


def assert_goes_on(
    runs: Runs, team: Team, embedded: list[str], sync: Callable[..., tuple[int, str]]
) -> None:
    """Check that one more run completes the index and pays for nothing that it held."""
    held = {str(metadata["text"]) for metadata, _ in runs.contents().values()}
    before = len(embedded)
    code, said = sync(runs, team)
    assert code == 0, said
    wanted = runs.assert_right(team)
    again = embedded[before:]
    assert not held & set(again)
    assert len(again) == len(wanted) - len(held)


OUTAGES = {
    "jira throttles": ("/jira/rest/api/3/search", 429, HOUR, 1,
                       r"jira.* is rate limited: waited .* Run the same days again later"),
    "jira is away": ("/jira/rest/api/3/search", 503, None, 1, r"jira did not answer: .*503"),
    "the embedder throttles": ("/openai", 429, HOUR, 4, r"openai embeddings is rate limited: "),
}  # fmt: skip


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("store", ["lancedb", "documents"])
def test_an_outage_of_a_vendor_ends_the_run_by_name_and_the_next_goes_on(
    outage: str, store: str, tmp_path: Path, team: Team, embedded: list[str],
    sync: Callable[..., tuple[int, str]],
) -> None:  # fmt: skip
    path, status, wait, skip, words = OUTAGES[outage]
    with running_runs(team, tmp_path, store) as runs:
        runs.faults.fail(path, status=status, retry_after_seconds=wait, skip=skip)
        code, said = sync(runs, team)
        assert code == 1
        assert _matches(words, said), said
        assert runs.contents(), "what came before the outage is written"
        runs.faults.clear()
        assert_goes_on(runs, team, embedded, sync)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("store", ["documents", "vectors"])
def test_an_outage_of_pinecone_ends_the_run_by_name_and_the_next_goes_on(
    status: int, store: str, tmp_path: Path, team: Team, embedded: list[str],
    sync: Callable[..., tuple[int, str]],
) -> None:  # fmt: skip
    named = {429: r"pinecone .* is rate limited", 503: r"pinecone did not answer: .*503"}
    with running_runs(team, tmp_path, store) as runs:
        runs.faults.fail("/pinecone/vector-assets", status=status, retry_after_seconds=0, skip=25)
        code, said = sync(runs, team)
        assert code == 1
        assert _matches(named[status], said), said
        runs.faults.clear()
        assert runs.contents(), "what came before the outage is written"
        assert_goes_on(runs, team, embedded, sync)


def test_a_pinecone_that_refuses_connections_is_named_and_the_next_run_goes_on(
    tmp_path: Path, team: Team, embedded: list[str], sync: Callable[..., tuple[int, str]]
) -> None:
    with running_runs(team, tmp_path, "documents") as runs:
        code, said = sync(runs, team, PINECONE_HOST=f"http://127.0.0.1:{_closed_port()}")
        assert code == 1
        assert _matches(r"pinecone did not answer: .* Check PINECONE_HOST", said), said
        assert_goes_on(_at(runs, PINECONE_HOST=""), team, embedded, sync)


def test_a_disk_that_is_full_is_named_and_the_next_run_goes_on(
    tmp_path: Path, team: Team, embedded: list[str], sync: Callable[..., tuple[int, str]]
) -> None:
    with full_disk(tmp_path / "disk") as fill, running_runs(team, tmp_path, "lancedb") as runs:
        _at(runs, LANCEDB_URI=str(tmp_path / "disk" / "lancedb"))
        team.workspace.issues, later = team.workspace.issues[:40], team.workspace.issues[40:]
        assert sync(runs, team)[0] == 0
        team.workspace.issues += later
        with fill():
            code, said = sync(runs, team)
            assert code == 1
            assert _matches(r"LanceDB at .* did not answer: .* its disk has room", said), said
        assert_goes_on(runs, team, embedded, sync)


def test_a_file_that_may_not_grow_is_named_by_a_process_that_survives_it(
    tmp_path: Path, team: Team, embedded: list[str], sync: Callable[..., tuple[int, str]]
) -> None:
    with running_runs(team, tmp_path, "lancedb") as runs:
        code, said = runs.run(team.first, team.last, max_file_bytes=20_000)
        assert code == 1
        assert _matches(r"LanceDB at .* did not answer: .* its disk has room", said), said
        assert_goes_on(runs, team, embedded, sync)


@contextmanager
def full_disk(folder: Path) -> Iterator[Callable[[], object]]:
    """Mount a small disk, and yield what fills it for the length of a block."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk, which only root has")

    @contextmanager
    def fill() -> Iterator[None]:
        ballast = folder / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        yield
        ballast.unlink()

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _at(runs: Runs, **changed: str) -> Runs:
    runs.environment.update(changed)
    return runs


def _matches(words: str, said: str) -> bool:
    return re.search(words, " ".join(said.split())) is not None
