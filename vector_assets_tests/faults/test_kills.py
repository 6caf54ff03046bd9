"""A real sync process that is killed at random moments; the next run makes the index whole.

Keep out: faults that a process survives (`test_schedules.py`).
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from vector_assets.meter import Meter
from vector_assets.sandbox import openai as sandbox_openai
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.settings import Settings
from vector_assets.stores import build_store
from vector_assets.stores.base import VectorStore
from vector_assets_tests.jira_issues import adf, issue

ISSUES = 150
DIMENSIONS = 64
KILLS = 4
SOAK_KILLS = 25

Contents = dict[str, tuple[str, str]]
"""Fingerprint and what the head names, by record id."""


def workspace(random: Random) -> Workspace:
    """Return issues of yesterday, some of them several chunks long."""
    yesterday = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0)
    found = Workspace()
    found.issues = [
        issue(
            n,
            updated=yesterday - timedelta(days=1) + timedelta(minutes=n),
            description=adf(*_paragraphs(random, random.choice([1, 1, 3, 12]))),
        )
        for n in range(1, ISSUES + 1)
    ]
    return found


def _paragraphs(random: Random, count: int) -> list[str]:
    return [" ".join(f"word{random.randrange(500)}" for _ in range(150)) for _ in range(count)]


class Runs:
    """Syncs of one sandbox into one index, each a process."""

    def __init__(self, served: Sandbox, folder: Path, store: str) -> None:
        self.environment = {
            **os.environ,
            **served.environment,
            "VECTOR_ASSETS_SOURCES": "jira",
            "VECTOR_STORE": store,
            "LANCEDB_URI": str(folder / "lancedb"),
            "PINECONE_INDEX": folder.name,
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self.folder = folder

    def start(self) -> "subprocess.Popen[bytes]":
        """Start a sync of yesterday."""
        return subprocess.Popen(
            [sys.executable, "-c", "from vector_assets.cli import main; main()", "sync", "jira"],
            env=self.environment, cwd=self.folder, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def store(self) -> VectorStore:
        """Return the index, to be looked at from here."""
        values = {name.lower(): value for name, value in self.environment.items()}
        found = build_store(Settings.model_validate(values), Meter())
        found.open("jira", DIMENSIONS)
        return found

    def contents(self) -> Contents:
        """Return what the index holds, orphans included."""
        store = self.store()
        heads = {f"{one}#0": head for one, head in store.documents("jira")}
        ids = [one for head in heads for one in store.chunk_ids("jira", head.removesuffix("#0"))]
        named = {one: head.document_fingerprint for one, head in heads.items()}
        assert store.count("jira") == len(ids) == len(set(ids)), "doubled or orphaned"
        return {
            one: (fingerprint, named.get(one, ""))
            for one, fingerprint in store.fingerprints("jira", ids).items()
        }


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that the sandbox's OpenAI has embedded: what would have been paid for."""
    texts: list[str] = []
    embed = sandbox_openai.embed

    def counted(asked: list[str], dimensions: int) -> Any:
        texts.extend(asked)
        return embed(asked, dimensions)

    monkeypatch.setattr(sandbox_openai, "embed", counted)
    return texts


def kill_and_repair(runs: Runs, kills: int, random: Random, log: list[Any]) -> int:
    """Kill so many runs, each once some number of requests is made; return how many died."""
    died = 0
    for _ in range(kills):
        seen, wanted = len(log), random.randint(1, 14)
        process = runs.start()
        while process.poll() is None and len(log) - seen < wanted:
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.3))
        died += process.poll() is None
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
    assert runs.start().wait() == 0
    return died


@pytest.mark.parametrize(
    "kills",
    [pytest.param(KILLS, marks=pytest.mark.slow), pytest.param(SOAK_KILLS, marks=pytest.mark.slow)],
    ids=["few", "many"],
)
@pytest.mark.parametrize("store", ["lancedb", "pinecone"])
def test_after_kills_at_random_moments_one_run_makes_the_index_whole(
    serve: Callable[[Workspace], Sandbox],
    tmp_path: Path,
    embedded: list[str],
    store: str,
    kills: int,
    record_property: Callable[[str, object], None],
) -> None:
    random = Random(kills)
    held = workspace(random)
    (tmp_path / "killed").mkdir()
    (tmp_path / "whole").mkdir()
    served = serve(held)
    killed, whole = (Runs(served, tmp_path / name, store) for name in ("killed", "whole"))
    died = kill_and_repair(killed, kills, random, served.conditions.log)
    paid = len(embedded)
    assert whole.start().wait() == 0
    wanted = whole.contents()
    assert killed.contents() == wanted
    embedded.clear()
    assert killed.start().wait() == 0
    assert embedded == []
    record_property("died", died)
    record_property("paid_chunks_ratio", f"{paid}/{len(wanted)}")
    assert len(wanted) <= paid <= len(wanted) * (died + 1)
