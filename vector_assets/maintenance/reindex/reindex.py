"""Fills an index of another spec beside the live one, and switches when nothing is missing.

Where the same texts are wanted in vectors of another model, they come from the live index
(`copy.py`); where they are cut or laid out anew, from the sources, newest days first. What is
done is kept: a run that is killed goes on where it stopped. See `docs/maintenance.md`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from vector_assets.core.days import Days
from vector_assets.core.errors import FatalError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index.generations import Generation, Index, build_index
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import WriteTarget
from vector_assets.maintenance.canary import CANARY, try_canary
from vector_assets.maintenance.quality.compare import Side
from vector_assets.maintenance.reindex.copy import copy_namespace, outdated_ids
from vector_assets.maintenance.reindex.examination import embedder_of, require_not_worse
from vector_assets.maintenance.reindex.missing import add_failures, read_missing
from vector_assets.maintenance.reindex.report import Estimate, OnProgress, ReindexReport, Way
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources import SOURCES, build_source
from vector_assets.sources.base import Source
from vector_assets.stores.base import Head, IndexStore
from vector_assets.stores.records import head_id

WINDOW_DAYS = 90
"""Days of one run through a source; what is done is noted after each."""

MAX_PASSES = 20
"""Passes over what changed meanwhile, before the index is said to change too fast."""

_SAMPLE_CHUNKS = 200


class Reindexing:
    """From the live generation to one of the kind that the settings mean.

    `accepts_missing` switches though documents could not be brought over, `accepts_worse` though
    the new generation answers worse. `live_embedder` is the model of the live one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        index: Index | None = None,
        embedder: Embedder | None = None,
        source_of: Callable[[str], Source] | None = None,
        accepts_missing: bool = False,
        accepts_worse: bool = False,
        live_embedder: Embedder | None = None,
        on_progress: OnProgress = lambda source, report: None,
    ) -> None:
        self._meter = Meter()
        self._settings = settings
        self._index = index or build_index(settings, self._meter)
        self._embedder = embedder or build_embedder(settings, self._meter)
        self._source_of = source_of or (lambda name: build_source(name, settings, self._meter))
        self._accepts_missing = accepts_missing
        self._accepts_worse = accepts_worse
        self._live_embedder = live_embedder
        self._on_progress = on_progress
        self._wanted = IndexSpec.of(self._embedder)
        self._started = time.monotonic()
        self._live = self._index.live_now() or Generation("", self._wanted)
        self._records = self._index.records

    def estimate(self) -> Estimate:
        """Return what it would take; writes nothing."""
        if not self._is_needed:
            return Estimate("")
        old = self._index.store_of(self._live)
        names = [name for name in self._namespaces if old.count(name)]
        documents = chunks = tokens = 0
        for name in names:
            heads = list(old.documents(name))
            count = sum(head.chunk_count for _, head in heads)
            documents += len(heads)
            chunks += count
            sample_ids = [head_id(document_id) for document_id, _ in heads[:_SAMPLE_CHUNKS]]
            sampled = [
                self._embedder.tokenizer.count(str(metadata["text"]))
                for metadata in old.metadata(name, sample_ids).values()
            ]
            tokens += round(sum(sampled) / max(1, len(sampled)) * count)
        dollars = tokens * self._embedder.dollars_per_million_tokens / 1e6
        return Estimate(self._difference, self._way, documents, chunks, tokens, dollars)

    def run(self) -> ReindexReport:
        """Fill the new generation, switch to it, and bring over what was written meanwhile.

        Raises:
            FatalError: Documents are missing in the new one, it answers worse, or an older one
                of its kind stands in the way; nothing was switched.
            VectorAssetsError: What source, embedder or index raise; run it again to go on.
        """
        report = ReindexReport(self._difference if self._is_needed else "", self._way)
        if self._is_needed:
            target = self._begin()
            self._fill(target, report)
            self._require_whole(report)
            # Found by search, end to end; and its date is in the new index when that is served.
            try_canary(self._index.store_of(target), self._embedder)
            self._require_not_worse(target, report)
            self._switch(target)
            report.is_switched = True
        building = self._records.building()
        if building is not None and building.name == self._live.name:
            # An earlier run ended between its switch and this.
            self._records.end_building()
        for old in self._records.old():
            if old.facts.get("is_caught_up") is False:
                self._catch_up(old, report)
        self._note(report)
        return report

    def drop_old(self) -> list[str]:
        """Delete what a reindex has left beside the live index; return what, in words.

        One whose last writes are not brought over yet is a `FatalError`.
        """
        dropped = []
        for old in self._records.old():
            if old.facts.get("is_caught_up") is False:
                raise FatalError(
                    f"what runs wrote last to the old index ({old}) is not brought over yet: run "
                    f"`vector-assets reindex` to its end first"
                )
            self._drop(old)
            self._records.forget_old(old.name)
            dropped.append(str(old))
        building = self._records.building()
        if building is not None and building.name != self._wanted.name:
            self._drop(building)
            self._records.end_building()
            dropped.append(f"{building}, which was never finished")
        return dropped

    @property
    def _is_needed(self) -> bool:
        return self._live.spec != self._wanted

    @property
    def _difference(self) -> str:
        return self._live.spec.differences(self._wanted)

    @property
    def _way(self) -> Way:
        return "stored text" if self._live.spec.is_cut_like(self._wanted) else "sources"

    @property
    def _namespaces(self) -> tuple[str, ...]:
        """The sources, and the namespaces that other projects fill."""
        return (*SOURCES, *self._index.hosts())

    def _begin(self) -> Generation:
        building = self._records.building()
        if building is not None and building.name == self._wanted.name:
            return building
        if any(old.name == self._wanted.name for old in self._records.old()):
            raise FatalError(
                f"an old index of this kind ({self._wanted}) stands beside the live one, and what "
                f"it holds is of the past: run `vector-assets reindex --drop-old` first"
            )
        if building is not None:
            self._records.set_old(replace(building, facts={"given_up_at": _now()}))
        target = Generation(self._wanted.name, self._wanted, {"begun_at": _now(), "back_to": {}})
        self._records.set_building(target)
        return target

    def _require_not_worse(self, target: Generation, report: ReindexReport) -> None:
        """Ask both generations the same questions."""
        old, new = self._index.store_of(self._live), self._index.store_of(target)
        embedder = self._live_embedder or embedder_of(self._live.spec, self._settings, self._meter)
        if embedder is not None:
            sides = Side(old, embedder), Side(new, self._embedder)
            names = [name for name in self._namespaces if next(iter(old.documents(name)), None)]
            report.examined = require_not_worse(
                *sides, self._index.ledger, names, accepts_worse=self._accepts_worse
            )

    def _fill(self, target: Generation, report: ReindexReport) -> None:
        old = self._index.store_of(self._live)
        held = [name for name in self._namespaces if next(iter(old.documents(name)), None)]
        report.wanted = sum(1 for name in held for _ in old.documents(name))
        if self._way == "stored text":
            self._copy(held, old, self._index.store_of(target), report)
        else:
            self._read(held, old, target, report)

    def _copy(
        self, names: Sequence[str], old: IndexStore, new: IndexStore, report: ReindexReport
    ) -> None:
        """Copy until a pass finds nothing to do: nightly runs still write to the old generation."""
        for _ in range(MAX_PASSES):
            passes = [self._copy_once(name, old, new, report, is_served=False) for name in names]
            if not any(passes):
                return
        raise FatalError(
            f"the live index changes faster than it can be copied: after {MAX_PASSES} passes it "
            f"still differs. Run `vector-assets reindex` again when no other run writes"
        )

    def _copy_once(
        self,
        name: str,
        old: IndexStore,
        new: IndexStore,
        report: ReindexReport,
        *,
        is_served: bool,
    ) -> bool:
        """Make one pass; return whether there was anything to do."""
        without = frozenset(
            [*report.damaged, *(failure.document_id for failure in report.failures)]
        )
        before = replace(report.stats)
        done = None
        for done in copy_namespace(
            old, new, name, self._embedder, is_served=is_served, without=without
        ):
            report.stats = replace(before)
            report.stats.add(done.stats)
            self._note(report, name)
        assert done is not None
        report.failures += done.failures
        report.damaged += done.damaged
        return not done.is_nothing

    def _read(
        self, held: Sequence[str], old: IndexStore, target: Generation, report: ReindexReport
    ) -> None:
        """Read sources anew, newest days first, and then what changed since the beginning."""
        for name in self._readable(held):
            target = self._read_windows(name, old, target, report)
        for name in self._readable(held):
            self._read_changes(name, old, target, report)

    def _readable(self, held: Sequence[str]) -> list[str]:
        hosts = self._index.hosts()
        for name in held:
            if self._accepts_missing:
                continue
            if name in hosts:
                raise FatalError(
                    f"{name} is filled by {', '.join(hosts[name].assets)}, which this command "
                    f"cannot read. Run it with --accept-missing, and materialize that asset again "
                    f"when the new index is served"
                )
            self._settings.require_credentials(name)
        of_sources = [name for name in held if name not in hosts]
        names = dict.fromkeys([*self._settings.enabled_sources, *of_sources])
        return [name for name in names if not self._settings.missing_credentials(name)]

    def _read_windows(
        self, name: str, old: IndexStore, target: Generation, report: ReindexReport
    ) -> Generation:
        first = _oldest_day(self._settings.first_day, old.documents(name))
        done = dict(target.facts.get("back_to") or {})
        last = _yesterday()
        if name in done:
            last = date.fromisoformat(done[name]) - timedelta(days=1)
        while last >= first:
            start = max(first, last - timedelta(days=WINDOW_DAYS - 1))
            self._sync(name, Days(start, last), target, report)
            done[name] = start.isoformat()
            target = replace(target, facts={**target.facts, "back_to": done})
            self._records.set_building(target)
            last = start - timedelta(days=1)
        return target

    def _read_changes(
        self, name: str, old: IndexStore, target: Generation, report: ReindexReport
    ) -> None:
        """Read what changed since the beginning, until the new one is not behind the old."""
        begun = datetime.fromisoformat(str(target.facts["begun_at"])).date()
        new = self._index.store_of(target)
        behind: set[str] | None = None
        for _ in range(MAX_PASSES):
            self._sync(name, Days(min(begun, _yesterday()), _yesterday()), target, report)
            theirs, ours = dict(old.documents(name)), dict(new.documents(name))
            before, behind = behind, outdated_ids(theirs, ours)
            if not behind or behind == before:
                break
        pipeline, is_accepted = self._pipeline(name, target), self._accepts_missing
        read_missing(pipeline, theirs, ours, report, accepts_missing=is_accepted)
        ours = dict(new.documents(name))
        behind = outdated_ids(theirs, ours)
        report.failures = [
            failure
            for failure in report.failures
            if failure.document_id not in ours or failure.document_id in behind
        ]
        failed_ids = {failure.document_id for failure in report.failures}
        report.gone += sorted(theirs.keys() - ours.keys() - failed_ids)

    def _pipeline(self, name: str, target: Generation) -> Pipeline:
        filled = WriteTarget(
            self._index.store_of(target),
            self._index.ledger,
            self._embedder,
            is_served=target.name == self._live.name,
        )
        return Pipeline(source=self._source_of(name), target=filled, meter=self._meter)

    def _sync(self, name: str, days: Days, target: Generation, report: ReindexReport) -> None:
        before = replace(report.stats)
        stream = self._pipeline(name, target).embedded_documents(days)

        def progress(_: Any) -> None:
            report.stats = replace(before)
            report.stats.add(stream.report.total)
            self._note(report, name)

        add_failures(report, write(stream, on_progress=progress).failures)

    def _require_whole(self, report: ReindexReport) -> None:
        if report.failures and not self._accepts_missing:
            named = "; ".join(
                f"{failure.document_id}: {failure.cause}" for failure in report.failures[:5]
            )
            raise FatalError(
                f"{len(report.failures)} documents could not be brought over, so the old index is "
                f"still served: {named}. Run `vector-assets reindex` again to try these alone, or "
                f"with --accept-missing to go on without them"
            )

    def _switch(self, target: Generation) -> None:
        """Make the new generation live; the second of these writes is the switch."""
        facts = {
            "until": _now(),
            "is_caught_up": False,
            "way": self._way,
            "begun_at": target.facts["begun_at"],
        }
        self._records.set_old(replace(self._live, facts=facts))
        self._records.set_live(replace(target, facts={"since": _now()}))
        self._records.end_building()
        self._live = self._index.live_now() or target

    def _catch_up(self, old: Generation, report: ReindexReport) -> None:
        """Bring over what runs wrote to the old one before they could see the switch.

        A run that ends after the switch sees it and fails by name; one that ended before has
        written all before. So one pass is enough, once the index shows everything.
        """
        store = self._index.store_of(old)
        time.sleep(store.seen_within_seconds)
        held = [name for name in self._namespaces if next(iter(store.documents(name)), None)]
        if old.facts.get("way") == "stored text":
            new = self._index.store_of(self._live)
            for name in held:
                self._copy_once(name, store, new, report, is_served=True)
        else:
            target = replace(self._live, facts={"begun_at": old.facts["begun_at"]})
            for name in self._readable(held):
                begun = datetime.fromisoformat(str(old.facts["begun_at"])).date()
                self._sync(name, Days(min(begun, _yesterday()), _yesterday()), target, report)
        self._records.set_old(replace(old, facts={**old.facts, "is_caught_up": True}))

    def _drop(self, generation: Generation) -> None:
        store = self._index.store_of(generation)
        if generation.name:
            store.remove()
            return
        # The base keeps the ledger, which says what is live.
        for name in (*self._namespaces, CANARY):
            store.clear(name)

    def _note(self, report: ReindexReport, source: str = "") -> None:
        report.requests = self._meter.requests
        report.seconds = time.monotonic() - self._started
        if source:
            self._on_progress(source, report)


def _oldest_day(first: date, documents: Iterator[tuple[str, Head]]) -> date:
    oldest = min((head.updated_at for _, head in documents), default=None)
    return first if oldest is None else min(first, datetime.fromtimestamp(oldest, UTC).date())


def _yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
