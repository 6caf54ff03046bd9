"""Real sync processes over one sandbox, and what their index must hold."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from starlette.types import ASGIApp

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.chunking import chunk_document
from vector_assets.index.spec import IndexSpec
from vector_assets.pipeline.redaction.version import redaction_version
from vector_assets.sandbox import openai as sandbox_openai
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources import build_source
from vector_assets.stores import build_store
from vector_assets.stores.records import chunk_metadata, record_id
from vector_assets_tests.faults.benches import DIMENSIONS, Bench, LanceDBBench, PineconeBench
from vector_assets_tests.faults.test_machine import assert_equal
from vector_assets_tests.faults.world import Contents
from vector_assets_tests.sources.jira.issues import adf, issue
from vector_assets_tests.stores.test_pinecone import make_vector_index
from vector_assets_tests.support.patience import first_answer

DAYS = 8
PARAGRAPHS = (1, 1, 1, 2, 6)

QUIET_SECONDS = 0.3
"""In this time the sandbox has done whatever a killed process had asked of it."""


def paragraph(random: Random) -> str:
    """Return a text that fills a good part of a chunk and that no other chunk has."""
    return " ".join(f"word{random.randrange(10_000)}" for _ in range(90))


@dataclass
class Team:
    """Issues of the last days, and people who edit them.

    Attributes:
        random: Decides every edit.
        workspace: What the sandbox serves.
    """

    random: Random
    workspace: Workspace = field(default_factory=Workspace)

    @property
    def first(self) -> date:
        return datetime.now(UTC).date() - timedelta(days=DAYS)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=DAYS - 1)

    def write_issues(self, count: int) -> None:
        """Add issues, spread over the days."""
        newest = max((_number_of(issue) for issue in self.workspace.issues), default=0)
        for number in range(newest + 1, newest + 1 + count):
            self.workspace.issues.append(self._issue(number))

    def edit_issues(self, share: float) -> None:
        """Write a share of the issues anew: longer, shorter, or as long; each is newer then."""
        for place, old in enumerate(self.workspace.issues):
            if self.random.random() < share:
                self.workspace.issues[place] = self._issue(_number_of(old), after=old)

    def delete_issues(self, share: float) -> list[Any]:
        """Delete a share of the issues, and return them as they were."""
        gone = [issue for issue in self.workspace.issues if self.random.random() < share]
        self.workspace.issues[:] = [issue for issue in self.workspace.issues if issue not in gone]
        return gone

    def _issue(self, number: int, after: Any = None) -> Any:
        day = number % DAYS
        at = datetime.combine(self.first + timedelta(days=day), datetime.min.time(), UTC)
        minutes = 60 + number % 600
        if after is not None:
            minutes = _minutes_of(after) + 1
        count = self.random.choice(PARAGRAPHS)
        return issue(
            number,
            updated=at + timedelta(minutes=minutes),
            description=adf(*(paragraph(self.random) for _ in range(count))),
        )


def _number_of(raw: Any) -> int:
    return int(raw["id"]) - 10_000


def _minutes_of(raw: Any) -> int:
    at = datetime.fromisoformat(raw["fields"]["updated"])
    return at.hour * 60 + at.minute


class Runs:
    """Syncs of one sandbox into one index, each a process."""

    def __init__(self, served: Sandbox, folder: Path, store: str) -> None:
        self.environment = {
            **os.environ,
            **served.environment,
            "VECTOR_ASSETS_SOURCES": "jira",
            "VECTOR_STORE": "lancedb" if store == "lancedb" else "pinecone",
            "LANCEDB_URI": str(folder / "lancedb"),
            "PINECONE_INDEX": "vector-assets",
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self.folder = folder
        self.faults = served.faults
        self.log = served.faults.log
        self._bench: Bench = (
            LanceDBBench(folder) if store == "lancedb" else PineconeBench(served, store)
        )

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(
            {name.lower(): value for name, value in self.environment.items()}
        )

    def start(self, first: date, last: date, *, max_file_bytes: int = 0) -> "subprocess.Popen[str]":
        """Start a sync of some days; its files may be so large, if a bound is given."""
        limit = f"r.setrlimit(r.RLIMIT_FSIZE, ({max_file_bytes},) * 2)" if max_file_bytes else ""
        code = f"import resource as r; {limit}\nfrom vector_assets.cli.main import main; main()"
        return self.start_code(code, "sync", "jira", "--from", str(first), "--to", str(last))

    def start_code(self, code: str, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a process of some code that reads a command line."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *words],
            env={**self.environment, **environment}, cwd=self.folder, start_new_session=True,
            text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, first: date, last: date, *, max_file_bytes: int = 0) -> tuple[int, str]:
        """Sync some days to the end; return the exit code and what was said of errors."""
        process = self.start(first, last, max_file_bytes=max_file_bytes)
        _, said = process.communicate(timeout=240)
        return process.returncode, said

    def contents(self) -> Contents:
        """Return all that the index holds, read past our own code."""
        store = build_store(self.settings, Meter())
        store.open("jira", DIMENSIONS)
        return self._bench.contents(store, "jira")

    def assert_right(self, team: Team) -> Contents:
        """Check that the index holds each issue in its newest version and nothing else."""
        wanted = self.wanted(team)
        assert_equal(self.contents(), wanted)
        return wanted

    def wanted(self, team: Team) -> Contents:
        """Return what an index of a team's issues must hold."""
        settings, meter = self.settings, Meter()
        embedder = build_embedder(settings, meter)
        kind = IndexSpec.of(embedder).vector_spec
        start = datetime.combine(team.first - timedelta(days=2), datetime.min.time(), UTC)
        contents: Contents = {}
        documents = [
            document
            for document in build_source("jira", settings, meter).documents(Window(start, None))
            if isinstance(document, Document)
        ]
        assert {document.native_id for document in documents} == {
            raw["id"] for raw in team.workspace.issues
        }
        for document in documents:
            chunks = chunk_document(document, embedder.tokenizer, embedder.chunk_tokens)
            for chunk in chunks:
                contents[record_id(document.id, chunk.ordinal)] = (
                    chunk_metadata(
                        document,
                        chunk,
                        chunk_count=len(chunks),
                        vector_spec=kind,
                        redaction=redaction_version(),
                    ),
                    np.asarray(EMBED([chunk.text], DIMENSIONS)[0]),
                )
        return contents


def kill_one(
    log: Sized, start: Callable[[], "subprocess.Popen[str]"], random: Random, requests: int
) -> bool:
    """Start a process and kill it once it has made some number of requests, and a moment later.

    Counted and not timed, so that a slow machine kills in the same phases as a fast one. Returns
    whether it was still alive then.
    """
    before, wanted = len(log), random.randint(1, requests)
    process = start()
    first_answer(lambda: len(log) - before >= wanted, pause_seconds=0.001, process=process)
    time.sleep(random.choice([0.0, random.uniform(0, 0.3)]))
    has_died = process.poll() is None
    process.kill()
    process.communicate()
    time.sleep(QUIET_SECONDS)
    return has_died


@contextmanager
def running_runs(
    team: Team, folder: Path, store: str, *, wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> Iterator[Runs]:
    """Serve a team, and yield runs into an index: `lancedb`, or Pinecone's `documents`, `vectors`.

    Contracts are not checked here, which takes longer than all else; other tests check the same
    requests.
    """
    with running_sandbox(team.workspace, wrap=wrap) as served:
        if store == "vectors":
            make_vector_index(served, DIMENSIONS)
        yield Runs(served, folder, store)


EMBED: Callable[[list[str], int], Any] = sandbox_openai.embed
"""What the sandbox's OpenAI computes, out of reach of who counts its texts."""


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that the sandbox's OpenAI has embedded: what would have been paid for."""
    texts: list[str] = []

    def counted(asked: list[str], dimensions: int) -> Any:
        texts.extend(asked)
        return EMBED(asked, dimensions)

    monkeypatch.setattr(sandbox_openai, "embed", counted)
    return texts
