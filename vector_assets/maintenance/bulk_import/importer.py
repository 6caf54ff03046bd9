"""The first load of an empty index by an import from object storage, in place of its batches.

What a sync has brought into a LanceDB is staged as files, imported, compared record by record, and
only then recorded to be live. What was written to the LanceDB meanwhile is brought over in batches;
what the import has lost is an error. How far it is, is kept in the ledger of the new index: a run
that is killed goes on where it stopped, and no other run writes there meanwhile.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from vector_assets.core.errors import (
    ContractError,
    FatalError,
    IndexMismatchError,
    LostWriteError,
    RetryableError,
    UnavailableError,
    UsageError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.object_store import Folder
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index import pending_import as imports
from vector_assets.index.generations import FACTS, Generation, TiedStore, build_store
from vector_assets.index.ledger import Ledger, copy_entries
from vector_assets.index.pending_import import NOTHING_STAGED, Staged, Unfinished
from vector_assets.index.spec import kind_of
from vector_assets.index.targets import difference as difference_of_kinds
from vector_assets.maintenance.bulk_import.compare import Difference, difference
from vector_assets.maintenance.bulk_import.staging import BATCH_RECORDS, stage, whole
from vector_assets.maintenance.canary import try_canary
from vector_assets.sources import SOURCES
from vector_assets.stores.bulk_import import BulkImports, BulkStore, ImportState

POLL_SECONDS = 10.0
"""How often a running import is asked for; one takes ten minutes at least."""

MAX_MISSED_POLLS = 30
"""So many times in a row a running import may be asked for in vain."""

SEEN_WITHIN_SECONDS = 300.0
"""How long the last records of an import that has ended may stay unseen by a read."""

MAX_PASSES = 20
"""Passes over what was written to the LanceDB meanwhile, before it is said to change too fast."""

_IMPORTED = "imported"

CANCEL = "`vector-assets import --cancel`"

Stage = Literal["staging", "importing", "comparing", "done"]


@dataclass(slots=True)
class ImportReport:
    """What an import did; grows while it runs.

    Attributes:
        stage: What is being done.
        total: Records to stage, to import or to compare.
        done: How many of them are.
        counts: Records by namespace, once they are staged.
        brought_over: Records that were written to the LanceDB meanwhile, and then brought over.
        import_id: The vendor's name for the import.
        status: The vendor's word for how it stands.
        left_files: Where files lie that could not be deleted; empty for none.
        seconds: Wall clock.
    """

    stage: Stage = "staging"
    total: int = 0
    done: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    brought_over: int = 0
    import_id: str = ""
    status: str = ""
    left_files: str = ""
    seconds: float = 0.0


OnProgress = Callable[[ImportReport], None]


class Importing:
    """From a LanceDB to the empty index that the settings name.

    Args:
        settings: Name the index and the model.
        embedder: The one that the settings name if None.
        on_progress: Called whenever the report has grown.

    Raises:
        UsageError: The index is of a store that imports nothing.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        on_progress: OnProgress = lambda report: None,
    ) -> None:
        meter = Meter()
        self._settings = settings
        self._store = build_store(settings, meter)
        if not isinstance(self._store.base, BulkStore):
            raise UsageError(
                f"VECTOR_STORE is {settings.vector_store!r}, which has no import: an import fills "
                f"an index of Pinecone. Set VECTOR_STORE=pinecone and PINECONE_API_KEY"
            )
        self._base: BulkStore = self._store.base
        self._embedder = embedder or build_embedder(settings, meter)
        self._wanted = kind_of(self._embedder)
        self._ledger = Ledger(self._base, self._wanted.dimensions)
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._report = ImportReport()

    def run(self, source: str, staging: str, integration: str = "") -> ImportReport:
        """Stage, import, compare, and make the index live; go on with what was begun.

        Args:
            source: URI of the LanceDB.
            staging: URI that the files are to lie under; the vendor reads there, too.
            integration: Id of what lets the vendor read there; empty for what anyone may read.

        Raises:
            UsageError: `staging` is no folder of an object store.
            FatalError: The index is not empty, or the import failed; names why.
            IndexMismatchError: The LanceDB is of another kind than the settings mean.
            LostWriteError: The index does not hold what was staged.
            VectorAssetsError: What a store raises; run it again to go on.
        """
        Folder.at(staging)  # A word that leads nowhere is told before anything is asked.
        begun = imports.unfinished(self._ledger)
        if begun is not None and (begun.source, begun.staging) != (source, staging):
            raise FatalError(
                f"an import from {begun.source} by way of {begun.staging} was begun "
                f"{begun.begun_at} and is not finished: give the same --from and --staging to go "
                f"on with it, or take it back with {CANCEL}"
            )
        if begun is None or not self._is_live(begun):
            old = self._source(source)
            begun = self._staged(begun, old, source, staging)
            self._report.counts = {
                name: one.count for name, one in begun.staged.items() if one.count
            }
            self._imported(begun, integration)
            self._compare(begun, old)
            self._make_live(begun, old)
        # Killed after it was made live, an earlier run has left the rest.
        imports.forget(self._ledger)
        self._discard(begun.uri)
        self._say("done", total=begun.count, done=begun.count)
        return self._report

    def cancel(self) -> str:
        """Take an unfinished import back; return in words what was taken back, if there was one.

        Raises:
            VectorAssetsError: What a store raises; run it again to go on.
        """
        begun = imports.unfinished(self._ledger)
        if begun is None:
            return ""
        live = self._store.catalogue.live()
        jobs = self._base.bulk_imports()
        for one in jobs.of(begun.uri):
            if one.is_running:
                jobs.cancel(one.id)
                self._ended(jobs, one)
        # What is live is served, and may be more than the import.
        for name in begun.staged if live is None else ():
            self._base.clear(name)
        imports.forget(self._ledger)
        self._discard(begun.uri)
        kept = " (but for its records, for the index is live)" if live else ""
        return f"the import from {begun.source} that was begun {begun.begun_at}{kept}"

    def _is_live(self, begun: Unfinished) -> bool:
        """Tell whether an earlier run has made an import live, and left only the rest to do."""
        live = self._store.catalogue.live()
        if live is None or live.facts.get(_IMPORTED) == begun.uri:
            return live is not None
        raise FatalError(
            f"another run has written to the Pinecone index {self._settings.pinecone_index!r} "
            f"since the import was begun {begun.begun_at}: end the import with {CANCEL}, which "
            f"leaves what stands there, and import into a new PINECONE_INDEX"
        )

    def _source(self, uri: str) -> TiedStore:
        """Return what is live in the LanceDB, of the wanted kind."""
        update = {"vector_store": "lancedb", "lancedb_uri": uri}
        store = build_store(self._settings.model_copy(update=update), Meter())
        live = store.live(self._wanted)
        old = store.tied(live)
        if not any(old.count(name) for name in SOURCES):
            raise FatalError(
                f"the LanceDB at {uri} holds nothing to import: fill it first, with "
                f"`VECTOR_STORE=lancedb LANCEDB_URI={uri} vector-assets sync --from DAY`"
            )
        if live.kind != self._wanted:
            raise IndexMismatchError(
                f"the LanceDB at {uri} is of another kind than the settings mean: "
                f"{difference_of_kinds(live.kind, self._wanted)}. Set EMBEDDING_PROVIDER, "
                f"EMBEDDING_MODEL and EMBEDDING_DIMENSIONS to what it was filled with, or bring it "
                f"to the new kind with `vector-assets reindex` first"
            )
        return old

    def _staged(
        self, begun: Unfinished | None, old: TiedStore, source: str, staging: str
    ) -> Unfinished:
        """Return the import whose files are all written: the one that was begun, or a new one."""
        if begun is not None and begun.staged:
            return begun
        self._require_empty(is_begun=begun is not None)
        if begun is not None:
            self._discard(begun.uri)
        now = datetime.now(UTC)
        # A name that no other import ever had: by it a run that was killed finds its own again.
        name = f"import-{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        made = Unfinished(
            source, staging, f"{staging.rstrip('/')}/{name}", now.isoformat(timespec="seconds")
        )
        folder = Folder.at(made.uri)
        imports.note(self._ledger, made)
        names = [name for name in SOURCES if old.count(name)]
        self._say("staging", total=sum(old.count(name) for name in names))
        jobs = self._base.bulk_imports()
        staged = {name: stage(old, name, folder, jobs, self._add) for name in names}
        made = replace(made, staged=staged)
        imports.note(self._ledger, made)
        return made

    def _require_empty(self, *, is_begun: bool) -> None:
        live = self._store.catalogue.live()
        held = [name for name in SOURCES if next(iter(self._base.record_ids(name)), None)]
        if live is None and not held:
            return
        seen = f"holds records of {', '.join(held)}" if held else f"is in use as {live}"
        step = (
            f"Take back what the import has brought with {CANCEL}, and begin anew"
            if is_begun
            else "Name a new one in PINECONE_INDEX, or bring the rest with `vector-assets sync`"
        )
        raise FatalError(
            f"the Pinecone index {self._settings.pinecone_index!r} is not empty: it {seen}, and an "
            f"import fills an empty one alone. {step}"
        )

    def _imported(self, begun: Unfinished, integration: str) -> None:
        """Have the files imported: by the import that is under way, or was, or by a new one."""
        jobs = self._base.bulk_imports()
        self._say("importing", total=begun.count)
        found = [one for one in jobs.of(begun.uri) if one.is_running or one.is_completed]
        ended = self._ended(jobs, found[0] if found else self._begin(jobs, begun.uri, integration))
        if not ended.is_completed:
            raise FatalError(
                f"Pinecone ended the import {ended.id} of {begun.uri} as {ended.status}: "
                f"{ended.error or 'it says no more'}. Mend that and run the same command again: "
                f"the files that are staged are imported again"
            )
        if ended.imported_records not in (None, begun.count):
            raise LostWriteError(
                f"Pinecone imported {ended.imported_records:,} of {begun.count:,} records that "
                f"were staged at {begun.uri} (import {ended.id}): take it back with {CANCEL}, and "
                f"begin anew"
            )

    def _begin(self, jobs: BulkImports, uri: str, integration: str) -> ImportState:
        self._require_empty(is_begun=True)
        try:
            return jobs.state(jobs.start(uri, integration))
        except ContractError as error:
            raise FatalError(
                f"Pinecone refuses to import {uri}: {error.seen}. It wants a bucket of the index's "
                f"own cloud, a storage integration (--integration) where the bucket is not open to "
                f"anyone, and a plan of Standard or Enterprise; then run the same command again"
            ) from error

    def _ended(self, jobs: BulkImports, state: ImportState) -> ImportState:
        """Wait for the end of an import, however long it takes."""
        while True:
            self._report.import_id, self._report.status = state.id, state.status
            self._report.done = round(self._report.total * state.percent / 100)
            self._say(self._report.stage, total=self._report.total, done=self._report.done)
            if not state.is_running:
                return state
            state = self._state_later(jobs, state.id)

    def _state_later(self, jobs: BulkImports, import_id: str) -> ImportState:
        """Ask again after a while; an import goes on while Pinecone does not answer for it."""
        for missed in count(1):
            time.sleep(POLL_SECONDS)
            try:
                return jobs.state(import_id)
            except RetryableError:
                if missed == MAX_MISSED_POLLS:
                    raise
        raise AssertionError("unreachable")

    def _compare(self, begun: Unfinished, old: TiedStore) -> None:
        """Compare each namespace: with what was staged, and with what the LanceDB is by now."""
        self._say("comparing", total=begun.count)
        for name in SOURCES:
            staged = begun.staged.get(name, NOTHING_STAGED)
            found = self._taken(begun, name, staged, old)
            if not found.is_nothing and not staged.is_taken:
                # From here on the index is more than what was staged.
                begun = begun.with_taken(name)
                imports.note(self._ledger, begun)
            self._bring_over(name, found, old)

    def _taken(self, begun: Unfinished, name: str, staged: Staged, old: TiedStore) -> Difference:
        """Return how a namespace differs from the LanceDB, once it is what was staged."""
        give_up_at = time.monotonic() + SEEN_WITHIN_SECONDS
        while True:
            found = self._difference(name, old)
            is_whole = (found.held, found.held_sum) == (staged.count, staged.sum)
            if (staged.is_taken or is_whole) and not found.spoilt:
                return found
            if time.monotonic() >= give_up_at:
                raise LostWriteError(
                    f"the Pinecone index does not hold the {staged.count:,} records of {name} that "
                    f"were staged {begun.begun_at} from {begun.source}, which holds by now: "
                    f"{found}. Take the import back with {CANCEL}, and begin anew"
                )
            time.sleep(POLL_SECONDS)

    def _bring_over(self, name: str, found: Difference, old: TiedStore) -> None:
        """Write what the LanceDB holds by now and the index does not, until they are the same."""
        for _ in range(MAX_PASSES):
            if found.is_nothing:
                return
            self._base.delete(name, found.surplus)
            lacking = found.missing + found.changed
            for at in range(0, len(lacking), BATCH_RECORDS):
                records = whole(old, name, lacking[at : at + BATCH_RECORDS])
                self._base.upsert(name, records)
                self._report.brought_over += len(records)
            time.sleep(min(POLL_SECONDS, self._base.seen_within_seconds))
            found = self._difference(name, old)
        raise FatalError(
            f"the LanceDB changes faster than it can be compared: after {MAX_PASSES} passes {name} "
            f"still differs. Run the same command again when nothing writes there"
        )

    def _difference(self, name: str, old: TiedStore) -> Difference:
        before = self._report.done
        found = difference(old, self._base, name, self._add)
        self._report.done = before + found.wanted if found.is_nothing else before
        return found

    def _make_live(self, begun: Unfinished, old: TiedStore) -> None:
        """Bring what is known of failed documents and unfinished loads, and say what is live."""
        target = self._store.tied(Generation("", self._wanted), is_filling=True)
        kinds = (FACTS, imports.KIND)
        copy_entries(old, target, dimensions=self._wanted.dimensions, without=kinds)
        try_canary(target, self._embedder)
        self._is_live(begun)  # Nobody else may have called it so.
        facts = {"since": _now(), _IMPORTED: begun.uri}
        self._store.catalogue.set_live(Generation("", self._wanted, facts))

    def _discard(self, uri: str) -> None:
        """Delete the files, which are the team's texts; whoever may not delete them is told."""
        self._report.left_files = uri
        with suppress(UnavailableError):
            Folder.at(uri).remove()
            self._report.left_files = ""

    def _add(self, records: int) -> None:
        self._say(self._report.stage, total=self._report.total, done=self._report.done + records)

    def _say(self, stage: Stage, *, total: int = 0, done: int = 0) -> None:
        self._report.stage, self._report.total, self._report.done = stage, total, done
        self._report.seconds = time.monotonic() - self._started
        self._on_progress(self._report)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
