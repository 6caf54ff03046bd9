"""Real sources, a real embedder's API and real indexes, all of which misbehave on the wire.

Jira and Slack are read through their SDKs, texts are embedded through OpenAI's, and each of the
requests of any of them may fail, be throttled, break off, or answer what is not so. Afterwards one
run, which reads everything again, has to leave what a first run into an empty index leaves.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources import build_source
from vector_assets.stores import build_store
from vector_assets.stores.records import document_id_of
from vector_assets_tests.faults.benches import DIMENSIONS, WIRE_FAULTS, LanceDBBench, PineconeBench
from vector_assets_tests.faults.processes import Team, paragraph
from vector_assets_tests.faults.test_machine import assert_equal
from vector_assets_tests.faults.world import Contents
from vector_assets_tests.sources.slack.team import BEN, populate, say
from vector_assets_tests.stores.test_pinecone import make_vector_index
from vector_assets_tests.support.targets import target_of

SCHEDULES = 8
SOAK_SCHEDULES = 150

PATHS = {"jira": "/jira/rest/api/3/search", "slack": "/slack/api/conversations"}
VENDOR_FAULTS = tuple(name for name in WIRE_FAULTS if not name.endswith("for long"))
"""What lasts is waited for by seconds, which a test of its own does."""


INDEXES = FAULTED, FRESH = "faulted", "fresh"


class Talk:
    """People who talk on Slack: threads, replies to old ones, and edits."""

    def __init__(self, sandbox: Sandbox, random: Random) -> None:
        self._sandbox, self._random = sandbox, random
        self._threads: list[str] = []
        self._said = 0
        populate(sandbox)

    def go_on(self, first: datetime) -> None:
        """Say a few things, each later than what was said before."""
        for _ in range(self._random.randint(2, 6)):
            self._said += 1
            at = (first + timedelta(minutes=7 * self._said)).strftime("%Y-%m-%dT%H:%M")
            parent = self._random.choice(["", *self._threads[-6:]])
            ts = say(self._sandbox, at, paragraph(self._random), thread=parent, user=BEN)
            if not parent:
                self._threads.append(ts)
        self._edit()

    def _edit(self) -> None:
        held = [message for some in self._sandbox.workspace.messages.values() for message in some]
        self._random.choice(held)["text"] = paragraph(self._random)


class Schedule:
    """One source, one sandbox, one index."""

    def __init__(self, source: str, store: str, seed: int, folder: Path, sandbox: Sandbox) -> None:
        self.random = Random(seed)
        self.source, self.store, self.sandbox = source, store, sandbox
        self.team = Team(self.random, sandbox.workspace)
        self.bench = LanceDBBench(folder) if store == "lancedb" else PineconeBench(sandbox, store)
        if store == "vectors":
            for index in INDEXES:
                make_vector_index(sandbox, DIMENSIONS, index)
        self._folder = folder
        self.injected: Counter[str] = Counter()
        self._armed: list[tuple[str, Any]] = []
        self._talk = Talk(sandbox, self.random) if source == "slack" else None

    def change(self) -> None:
        """Edit and add at the source."""
        if self._talk is not None:
            first = datetime.combine(self.team.first, datetime.min.time(), UTC)
            self._talk.go_on(first)
        else:
            self.team.write_issues(4)
            self.team.edit_issues(0.5)

    def arm(self) -> None:
        """Have one to three requests of any vendor misbehave."""
        conditions = self.sandbox.faults
        for _ in range(self.random.randint(1, 3)):
            path = self.random.choice([PATHS[self.source], "/openai", f"/pinecone/{FAULTED}"])
            name = self.random.choice(VENDOR_FAULTS)
            rule = conditions.fail(path, skip=self.random.randint(0, 2), **WIRE_FAULTS[name])
            self._armed.append((name, rule))

    def heal(self) -> None:
        for name, rule in self._armed:
            self.injected[name] += rule.times < WIRE_FAULTS[name]["times"]
        self._armed.clear()
        self.sandbox.faults.clear()

    def play(self) -> None:
        """Edit and run under faults, heal, run the next night, and compare with a first run."""
        for _ in range(self.random.randint(1, 3)):
            self.change()
            self.arm()
            with suppress(VectorAssetsError):
                self.run(FAULTED)
            self.heal()
        self.run(FAULTED, is_whole=True)
        if self._talk is not None:
            # Edits of old messages are seen by the rescan, which leaves channels' own documents be.
            self.run(FAULTED, is_rescan=True, is_whole=True)
        self.run(FRESH, is_whole=True)
        wanted = self.contents(FRESH)
        assert wanted
        assert_equal(_without_gone_days(self.contents(FAULTED), wanted), wanted)

    def run(self, index: str, *, is_rescan: bool = False, is_whole: bool = False) -> None:
        settings, meter = self._settings(index), Meter()
        store = build_store(settings, meter)
        pipeline = Pipeline(
            source=build_source(self.source, settings, meter),
            target=target_of(store, build_embedder(settings, meter)),
            meter=meter,
        )
        days = Days(self.team.first, self.team.last)
        report = write(pipeline.embedded_documents(days, is_rescan=is_rescan))
        assert not (is_whole and report.failures)

    def contents(self, index: str) -> Contents:
        settings = self._settings(index)
        return self.bench.contents(build_store(settings, Meter()), self.source)

    def _settings(self, index: str) -> Settings:
        values = {
            **self.sandbox.environment,
            "VECTOR_STORE": "lancedb" if self.store == "lancedb" else "pinecone",
            "LANCEDB_URI": str(self._folder / index),
            "PINECONE_INDEX": index,
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "PARTITIONS_START": str(self.team.first),
        }
        return Settings.model_validate({name.lower(): value for name, value in values.items()})


def _without_gone_days(contents: Contents, wanted: Contents) -> Contents:
    """Leave out a Slack channel's day of which each message has become a thread since.

    Such a document is gone at the source, and what is gone no sync deletes.
    """
    there = {document_id_of(identity) for identity in wanted}
    return {
        identity: record
        for identity, record in contents.items()
        if document_id_of(identity) in there
        or not re.search(r"^slack:.*\d{4}-\d\d-\d\d#", identity)
    }


@pytest.fixture
def sandboxes() -> Iterator[Callable[[], Sandbox]]:
    """A function that serves an empty workspace; contracts are checked where nothing lies."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(running_sandbox(Workspace()))


def play(
    source: str, store: str, seeds: range, folder: Path, serve: Callable[[], Sandbox]
) -> Counter[str]:
    injected: Counter[str] = Counter()
    for seed in seeds:
        schedule = Schedule(source, store, seed, folder / str(seed), serve())
        try:
            schedule.play()
        except BaseException as error:
            error.add_note(f"Schedule({source!r}, {store!r}, {seed})")
            raise
        injected += schedule.injected
    return injected


PAIRS = [("jira", "lancedb"), ("jira", "documents"), ("slack", "lancedb"), ("slack", "vectors")]


@pytest.mark.parametrize(("source", "store"), PAIRS)
def test_after_faults_of_any_vendor_one_run_leaves_what_a_first_run_leaves(
    source: str,
    store: str,
    tmp_path: Path,
    sandboxes: Callable[[], Sandbox],
    record_property: Callable[[str, object], None],
) -> None:
    injected = play(source, store, range(SCHEDULES), tmp_path, sandboxes)
    record_property("schedules", SCHEDULES)
    record_property("faults_injected", dict(injected))
    assert injected.total() > SCHEDULES / 2


@pytest.mark.slow
@pytest.mark.parametrize(("source", "store"), PAIRS)
def test_after_more_faults_of_any_vendor_one_run_leaves_what_a_first_run_leaves(
    source: str,
    store: str,
    tmp_path: Path,
    sandboxes: Callable[[], Sandbox],
    record_property: Callable[[str, object], None],
) -> None:
    seeds = range(SCHEDULES, SCHEDULES + SOAK_SCHEDULES)
    record_property("schedules", SOAK_SCHEDULES)
    injected = play(source, store, seeds, tmp_path, sandboxes)
    record_property("faults_injected", dict(injected))
