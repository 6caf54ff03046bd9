"""The command and `serve` as real processes over one index: killed, run again, and followed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.maintenance.quality.panel import QUESTIONS
from vector_assets.maintenance.reindex.copy import BATCH_DOCUMENTS, BATCHES_IN_FLIGHT
from vector_assets.sandbox import openai as sandbox_openai
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.stores import build_store
from vector_assets_tests.maintenance.reindex.places import Place, contents
from vector_assets_tests.sources.jira.issues import adf, issue
from vector_assets_tests.support.patience import PATIENCE_SECONDS, first_answer

ISSUES = 600
IN_FLIGHT_CHUNKS = (BATCHES_IN_FLIGHT + 2) * BATCH_DOCUMENTS
"""What may be embedded and not yet written when a process dies, a batch that waits to be handed
over and one that is written among it: each issue is one chunk here."""

CANARY_TEXTS = 7
"""The canary, what it has to be told from, the question for it, and the mark that it was found."""

MAIN = "from vector_assets.cli.main import main; main()"

# The sandbox shows a write at once; without this each switch would wait a minute.
MAIN_BY_STORE = {
    "lancedb": MAIN,
    "pinecone": (
        "from vector_assets.stores.pinecone.store import PineconeStore; "
        f"PineconeStore.seen_within_seconds = 0.0; {MAIN}"
    ),
}


class Machine:
    """One index, one sandbox, and commands as processes."""

    def __init__(self, served: Sandbox, folder: Path, store: str) -> None:
        self.served = served
        self.folder = folder
        self.main = MAIN_BY_STORE[store]
        self.environment = {
            **os.environ,
            **served.environment,
            "VECTOR_ASSETS_SOURCES": "jira",
            "VECTOR_STORE": store,
            "LANCEDB_URI": str(folder / "lancedb"),
            "PINECONE_INDEX": "team",
            "EMBEDDING_DIMENSIONS": "64",
            "PARTITIONS_START": (datetime.now(UTC) - timedelta(days=30)).date().isoformat(),
            "READ_API_KEY": "reading-key",
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", self.main, *words],
            env={**self.environment, **environment}, cwd=self.folder, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def place(self) -> Place:
        values = {name.lower(): value for name, value in self.environment.items()}
        return Place(build_store(Settings.model_validate(values), Meter()))

    @contextmanager
    def serving(self) -> Iterator[Callable[[str], list[str]]]:
        """Give a function that asks a running `serve`, until the block ends."""
        process = self.start("serve", "--port", "0")
        assert process.stderr is not None
        try:
            said = next(line for line in process.stderr if "listening on" in line)
            url = said.split()[-1]

            def ask(question: str) -> list[str]:
                answer = requests.get(
                    f"{url}/api/find-context", params={"q": question, "limit": "3"},
                    headers={"Authorization": "Bearer reading-key"}, timeout=60,
                )  # fmt: skip
                answer.raise_for_status()
                return [listed["title"] for listed in answer.json()["answers"]]

            yield ask
        finally:
            process.kill()
            process.wait()


def workspace(issues: int) -> Workspace:
    random = Random(7)
    yesterday = datetime.now(UTC).replace(hour=10, minute=0) - timedelta(days=1)
    workspace = Workspace()
    workspace.issues = [
        issue(
            n,
            updated=yesterday + timedelta(minutes=n),
            description=adf(words(random)),
        )
        for n in range(1, issues + 1)
    ]
    return workspace


def words(random: Random) -> str:
    return " ".join(f"word{random.randrange(500)}" for _ in range(150))


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of each vector that the sandbox's OpenAI has made: what would be paid for."""
    made: list[int] = []
    embed = sandbox_openai.embed

    def counted(asked: list[str], dimensions: int) -> Any:
        made.extend([dimensions] * len(asked))
        return embed(asked, dimensions)

    monkeypatch.setattr(sandbox_openai, "embed", counted)
    return made


@pytest.fixture(params=["lancedb", pytest.param("pinecone", marks=pytest.mark.slow)])
def machine(
    request: pytest.FixtureRequest, serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> Machine:
    return Machine(serve(workspace(ISSUES)), tmp_path, request.param)


def test_a_killed_reindex_goes_on_and_pays_once_and_every_face_names_the_change(
    machine: Machine, embedded: list[int]
) -> None:
    assert machine.run("sync", "jira")[0] == 0
    old = contents(machine.place().base)
    wanted = {"EMBEDDING_DIMENSIONS": "32"}

    code, out, _ = machine.run("doctor", "--json", **wanted)
    [index] = [check for check in json.loads(out) if check["service"] == "index"]
    assert "dimensions 64, now 32" in index["line"]
    code, out, _ = machine.run("status", "--json", **wanted)
    assert "dimensions 64, now 32" in json.loads(out)["notes"][0]
    code, out, err = machine.run("sync", "jira", "--json", **wanted)
    assert code == 0
    assert "dimensions 64, now 32" in err
    assert machine.place().live().name == ""

    embedded.clear()
    process = machine.start("reindex", **wanted)
    first_answer(lambda: len(embedded) >= 0.6 * ISSUES, pause_seconds=0.002, process=process)
    died = process.poll() is None
    process.kill()
    process.communicate()
    assert died
    assert machine.place().live().name == ""
    assert contents(machine.place().base) == old

    code, out, err = machine.run("reindex", "--json", **wanted)
    assert (code, json.loads(out)["is_switched"]) == (0, True), err
    live = machine.place().live()
    assert live.spec.dimensions == 32
    new = machine.place().assert_unmixed(machine.place().served(), live.spec)
    assert new.keys() == old.keys()
    assert len(new) == ISSUES
    # Each question was asked of both, so of the old model as often as of the new one.
    questions = embedded.count(64)
    paid = embedded.count(32) - questions - CANARY_TEXTS
    assert set(embedded) <= {32, 64}
    assert questions <= QUESTIONS
    assert len(new) <= paid <= len(new) + IN_FLIGHT_CHUNKS

    embedded.clear()
    assert machine.run("sync", "jira", **wanted)[0] == 0
    assert embedded == []
    code, out, _ = machine.run("reindex", "--drop-old", **wanted)
    assert "64 dimensions" in out
    assert contents(machine.place().base) == {}
    assert machine.run("find", "word7 word8", "--json", **wanted)[0] == 0


def test_a_running_serve_follows_the_switch_without_a_restart(
    serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> None:
    held = workspace(20)
    machine = Machine(serve(held), tmp_path, "lancedb")
    assert machine.run("sync", "jira")[0] == 0
    with machine.serving() as ask:
        assert ask("word1 word2 word3")
        assert machine.run("reindex", EMBEDDING_DIMENSIONS="32")[0] == 0
        # Found by the new index alone: `serve` was started with the settings of the old.
        moment = datetime.now(UTC) - timedelta(minutes=5)
        held.issues.append(
            issue(9999, updated=moment, summary="Zebra crossing", description=adf("zebra"))
        )
        assert machine.run("sync", "jira", EMBEDDING_DIMENSIONS="32")[0] == 0
        assert first_answer(
            lambda: any("Zebra" in title for title in ask("zebra crossing")),
            patience_seconds=PATIENCE_SECONDS,
            pause_seconds=1,
        )
