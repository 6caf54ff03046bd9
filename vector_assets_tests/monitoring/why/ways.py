"""The ways in which a document gets lost: each made on purpose, with the cause to be named."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import Generation, Index
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import LiveIndex, ReadTarget, WriteTarget
from vector_assets.monitoring.why.answer import Asked, Cause, Why
from vector_assets.monitoring.why.walk import explain
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.stores.base import Filter, IndexStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import head_id
from vector_assets_tests.monitoring.why.vendors import PUT, READER, Put, prepare, texts_of
from vector_assets_tests.support.fake_secrets import some
from vector_assets_tests.support.targets import recorded_index
from vector_assets_tests.support.tiny import TinyEmbedder

SOURCES = tuple(PUT)
NOON = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
OLD = NOON - timedelta(days=60)
MISSED = NOON - timedelta(days=15)
EARLIER = NOON - timedelta(days=30)
READ = NOON - timedelta(days=2)
TOKEN = f"xoxb-{some(12, '0123456789')}-{some(12, '0123456789')}-{some(24)}"


@dataclass
class World:
    """Vendors, an index, and what is asked of it."""

    sandbox: Sandbox
    settings: Settings
    store: IndexStore
    index: Index
    embedder: TinyEmbedder = field(default_factory=TinyEmbedder)

    @classmethod
    def build(cls, sandbox: Sandbox, folder: Path, store: IndexStore | None = None) -> "World":
        """Return a world without documents; its index is in the folder, or in a store."""
        prepare(sandbox)
        given = {name.lower(): value for name, value in sandbox.environment.items()}
        settings = Settings.model_validate(
            {**given, "jira_projects": "HAR", "vector_store": "lancedb",
             "lancedb_uri": str(folder / "lancedb"),
             "partitions_start": str((NOON - timedelta(days=400)).date()),
             "dagster_graphql_url": "http://127.0.0.1:9/graphql"}
        )  # fmt: skip
        store = store or LanceDBStore(settings.lancedb_uri)
        embedder = TinyEmbedder()
        return cls(sandbox, settings, store, recorded_index(store, embedder), embedder)

    def sync(self) -> None:
        """Read the earlier days, then the newest; the days between are missed."""
        today = datetime.now(UTC).date()  # not that of import: midnight may have passed
        spans = (
            Days(EARLIER.date() - timedelta(days=1), EARLIER.date()),
            Days(today - timedelta(days=3), today - timedelta(days=1)),
        )
        for span in spans:
            for name in SOURCES:
                meter = Meter()
                source = build_source(name, self.settings, meter)
                target = WriteTarget(self.store, self.index.ledger, self.embedder)
                Pipeline(source=source, target=target, meter=meter).run(span)

    def why(self, text: str, **asked: Any) -> Why:
        """Ask; as an operator, unless told otherwise."""
        settings = asked.pop("settings", self.settings)
        return explain(
            Asked(text, **{"is_operator": True, **asked}),
            settings,
            LiveIndex(settings, self.index),
            target=ReadTarget(self.store, self.embedder),
        )

    def drop(self, document_id: str) -> None:
        """Delete all records of a document."""
        source = document_id.partition(":")[0]
        self.store.delete(source, self.store.chunk_ids(source, document_id))


@dataclass(frozen=True)
class Way:
    """A way of getting lost.

    Attributes:
        cause: To be named, for all sources unless `by_source` has another.
        before: Puts the document at the vendor before the sync; None puts it whole, two days ago.
        after: Loses it after the sync.
        asked: What is asked besides the document.
        only: Sources that know this way.
    """

    cause: Cause
    before: Callable[[World, str, int], Put | None] | None = None
    after: Callable[[World, Put], None] | None = None
    asked: Callable[[World, Put], dict[str, Any]] = lambda world, put: {}
    only: tuple[str, ...] = SOURCES
    by_source: dict[str, Cause] = field(default_factory=dict)

    def cause_of(self, source: str) -> Cause:
        """Return the cause to be named."""
        return self.by_source.get(source, self.cause)


def put(at: datetime, **how: Any) -> Callable[[World, str, int], Put]:
    """Return a maker that puts a document at this time."""

    def before(world: World, source: str, number: int) -> Put:
        texts = how.get("texts") or texts_of(number)
        texts = [*texts, *how.get("more", ())]
        kind = {"kind": how["kind"]} if "kind" in how else {}
        return PUT[source](world.sandbox, number, at, texts, **kind)

    return before


def delete_at_vendor(world: World, lost: Put) -> None:
    """Delete a document at its vendor, and let a prune delete it from the index."""
    remove_at_vendor(world.sandbox, lost)
    world.drop(lost.document_id)


def remove_at_vendor(sandbox: Sandbox, lost: Put) -> None:
    workspace, native_id = sandbox.workspace, lost.document_id.partition(":")[2]
    workspace.issues[:] = [raw for raw in workspace.issues if raw["id"] != native_id]
    workspace.pages[:] = [raw for raw in workspace.pages if raw["id"] != native_id]
    workspace.transcripts[:] = [raw for raw in workspace.transcripts if raw["id"] != native_id]
    thread_ts = native_id.partition(":")[2]
    for channel, messages in workspace.messages.items():
        kept = [m for m in messages if thread_ts not in (m["ts"], m.get("thread_ts"))]
        workspace.messages[channel] = kept


def cut_a_chunk(world: World, lost: Put) -> None:
    chunk_ids = world.store.chunk_ids(lost.source, lost.document_id)
    world.store.delete(lost.source, [sorted(chunk_ids)[-1]])


def cut_the_first_chunk(world: World, lost: Put) -> None:
    world.store.delete(lost.source, [head_id(lost.document_id)])


def leave_unfinished(world: World, lost: Put) -> None:
    world.store.update_metadata(
        lost.source, {head_id(lost.document_id): {"document_fingerprint": ""}}
    )


def move_to_another_generation(world: World, lost: Put) -> None:
    spec = IndexSpec.of(world.embedder)
    building = Generation("next", replace(spec, model="another"))
    if world.index.records.building() is None:
        world.index.records.set_building(building)
    other = world.index.store_of(building)
    records = world.store.fetch(lost.source, world.store.chunk_ids(lost.source, lost.document_id))
    other.open(lost.source, world.embedder.dimensions)
    other.upsert(lost.source, records)
    world.drop(lost.document_id)


def _off(world: World, lost: Put) -> dict[str, Any]:
    left = tuple(name for name in SOURCES if name != lost.source)
    return {"settings": world.settings.model_copy(update={"vector_assets_sources": left})}


def _other_source(world: World, lost: Put) -> dict[str, Any]:
    other = next(name for name in SOURCES if name != lost.source)
    return {"question": lost.words, "sources": (other,)}


def _too_late(world: World, lost: Put) -> dict[str, Any]:
    return {"question": lost.words, "where": Filter(until=(READ - timedelta(days=5)).timestamp())}


def _says_another_source(world: World, lost: Put) -> dict[str, Any]:
    other = "slack" if lost.source == "jira" else "jira"
    return {"question": f"{lost.words} in {other}"}


def _below(world: World, lost: Put) -> dict[str, Any]:
    best = "d9001w0x1 d9001w0x2 d9001w0x3 d9001w1x4"
    return {"question": f"{best} {lost.words.split()[0]}", "limit": 1}


WAYS: dict[str, Way] = {
    "source off": Way(Cause.SOURCE_OFF, asked=_off),
    "deleted at its vendor": Way(Cause.NOT_AT_VENDOR, after=delete_at_vendor),
    "not ours to read": Way(
        Cause.LEFT_OUT,
        before=put(READ, kind="foreign"),
        only=("jira", "slack", "notion"),
        by_source={"notion": Cause.NOT_AT_VENDOR},
    ),
    "newer than the last night": Way(Cause.NOT_YET_READ, before=lambda *_: None),
    "older than the first day": Way(Cause.TOO_OLD, before=put(OLD)),
    "day missing": Way(Cause.DAY_MISSING, before=put(MISSED)),
    "in quarantine": Way(Cause.QUARANTINED, before=put(READ, more=("It holds POISON words.",))),
    "redacted to nothing": Way(
        Cause.EMPTY, before=put(READ, texts=[TOKEN, TOKEN]), only=("slack", "notion")
    ),
    "empty": Way(Cause.EMPTY, before=put(READ, texts=[""]), only=("notion",)),
    "not ready": Way(
        Cause.LEFT_OUT,
        before=put(NOON - timedelta(days=1), kind="unready"),
        only=("fireflies",),
    ),
    "a part missing": Way(Cause.NOT_WHOLE, after=cut_a_chunk),
    "its first part missing": Way(Cause.NOT_WHOLE, after=cut_the_first_chunk),
    "a write unfinished": Way(Cause.NOT_WHOLE, after=leave_unfinished),
    "restricted": Way(
        Cause.RESTRICTED,
        before=put(READ, kind="restricted"),
        only=("jira", "slack", "fireflies"),
    ),
    "in another generation": Way(Cause.OTHER_GENERATION, after=move_to_another_generation),
    "lost without a trace": Way(
        Cause.MISSING, after=lambda world, lost: world.drop(lost.document_id)
    ),
    "another source asked": Way(Cause.FILTERED, asked=_other_source),
    "other days asked": Way(Cause.FILTERED, asked=_too_late),
    "another source said": Way(Cause.FILTERED, asked=_says_another_source),
    "below the limit": Way(Cause.BELOW_LIMIT, asked=_below),
    "can be found": Way(Cause.FOUND),
    "in the answer": Way(Cause.IN_ANSWER, asked=lambda world, lost: {"question": lost.words}),
    "found by a reader": Way(
        Cause.FOUND,
        before=put(READ, kind="restricted"),
        asked=lambda world, lost: {"is_operator": False, "where": Filter(viewer=READER)},
        only=("jira", "slack", "fireflies"),
    ),
}  # fmt: skip
"""By name; the last three are lost nowhere."""

FINDABLE = {Cause.FOUND, Cause.IN_ANSWER}


@dataclass
class Case:
    """A document, the way that it was sent, and how it is asked for."""

    source: str
    way: str
    number: int
    lost: Put | None = None

    def __str__(self) -> str:
        return f"{self.source}, {self.way}, {self.number}"


def cases(count: int, random: Random) -> list[Case]:
    """Return every way of every source in turn, until there are so many."""
    kinds = [(source, name) for name, way in WAYS.items() for source in way.only]
    random.shuffle(kinds)
    return [Case(*kinds[at % len(kinds)], 1000 + at) for at in range(count)]


def lose(world: World, all_cases: list[Case]) -> None:
    """Put all documents at their vendors, sync, and lose them."""
    for source in SOURCES:
        PUT[source](world.sandbox, 9001, READ, texts_of(9001))
        PUT[source](world.sandbox, 9002, EARLIER, texts_of(9002))
    for case in all_cases:
        before = WAYS[case.way].before or put(READ)
        case.lost = before(world, case.source, case.number)
    world.sync()
    for case in all_cases:
        if case.lost is None:
            at = datetime.now(UTC) + timedelta(seconds=1)
            case.lost = PUT[case.source](world.sandbox, case.number, at, texts_of(case.number))
        elif after := WAYS[case.way].after:
            after(world, case.lost)


def asked_of(world: World, case: Case, random: Random) -> Why:
    """Ask for the document of a case, under one of its names."""
    assert case.lost is not None
    asked = WAYS[case.way].asked(world, case.lost)
    return world.why(random.choice(case.lost.names), **asked)
