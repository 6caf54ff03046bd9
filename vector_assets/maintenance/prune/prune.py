"""Delete from the index what was deleted at its source; nothing else deletes whole documents.

The index is read first. Then the source is listed without an upper bound, so that a document that
is written meanwhile is not a candidate and one that is edited meanwhile is listed. Candidates that
the listing does not show are checked again, by id where the vendor allows it. When unsure, the
prune refuses to delete and reports what it saw.
"""

import shlex
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice

from vector_assets.core.days import Window
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import build_index
from vector_assets.maintenance.prune.report import PruneReport, Refusal
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.redaction.redact import words_without_secrets
from vector_assets.sources import build_source
from vector_assets.sources.base import Missing, RemoteState, Source, Unlisted
from vector_assets.stores.base import Head, Metadata, VectorStore
from vector_assets.stores.records import head_id, record_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVERYTHING = Window(EPOCH, None)

ALWAYS_ALLOWED_DOCUMENTS = 3
"""So many may be deleted whatever their share: a person may delete one of three documents."""

MAX_LOOKED_AT = 1_000
"""When too large a share is missing, still ask for so many by id: some may only have moved."""

BATCH_DOCUMENTS = 100
"""Heads are read again before each batch, shortly before its documents are deleted."""

PROGRESS_DOCUMENTS = 500
_NAMED = 5

OnProgress = Callable[[PruneReport], None]


class Prune:
    """One prune of one source.

    `max_share` is the share of the judged documents that may be deleted; 1 trusts the listing
    unless it broke off.
    """

    def __init__(
        self,
        source: Source,
        store: VectorStore,
        meter: Meter,
        *,
        max_share: float,
        now: datetime | None = None,
        on_progress: OnProgress = lambda report: None,
    ) -> None:
        self._source = source
        self._store = store
        self._meter = meter
        self._max_share = max_share
        self._now = now or datetime.now(UTC)
        self._on_progress = on_progress

    def run(
        self,
        window: Window = EVERYTHING,
        *,
        containers: Collection[str] = (),
        is_dry_run: bool = False,
    ) -> PruneReport:
        """Delete the documents of a window that are gone at the source, and report them.

        The window applies to the last activity that the index holds. Activity only moves forward,
        so a listing of everything after the window's start has to show each document; what it
        leaves out for another reason is found by the second check. Without `containers` all are
        judged.

        Raises:
            RetryableError: The index does not answer; finished deletions stay, and the next prune
                does the rest.
        """
        started = time.monotonic()
        report = PruneReport(self._source.name, is_dry_run)
        held = self._held(window, containers, report)
        gone = self._gone(held, report) if held else {}
        report.missing = [_missing(*candidate) for candidate in sorted(gone.items())]
        if not is_dry_run:
            for batch in _batches(gone):
                self._delete(batch, report)
                self._on_progress(report)
            if report.deleted:
                self._store.maintain(self._source.name)
        report.requests = dict(self._meter.requests)
        report.seconds = time.monotonic() - started
        self._on_progress(report)
        return report

    def delete_confirmed(self, document_ids: Collection[str]) -> PruneReport:
        """Delete documents of which the vendor itself says that they were deleted, and only those.

        For events of deletions: nothing is listed, and what is only not shown stays until a prune.

        Raises:
            VectorAssetsError: As `Source.remote_states` and the index raise.
        """
        started = time.monotonic()
        report = PruneReport(self._source.name, is_dry_run=False)
        held = self._store.heads(self._source.name, list(document_ids)) if document_ids else {}
        report.judged_documents = len(held)
        candidates = [_missing(document_id, head) for document_id, head in held.items()]
        states = dict(self._source.remote_states(candidates)) if candidates else {}
        gone = {
            document_id: head
            for document_id, head in held.items()
            if states.get(document_id) is RemoteState.DELETED
        }
        report.missing = [_missing(*candidate) for candidate in sorted(gone.items())]
        for batch in _batches(gone):
            self._delete(batch, report)
        report.seconds = time.monotonic() - started
        return report

    def _held(
        self, window: Window, containers: Collection[str], report: PruneReport
    ) -> dict[str, Head]:
        """Return the documents of the window in the index.

        Documents newer than the source's overlap are left out: its search may not show them yet.
        """
        trusted_until = (self._now - self._source.overlap).timestamp()
        held: dict[str, Head] = {}
        for document_id, head in self._store.documents(self._source.name):
            if containers and head.container not in containers:
                continue
            if datetime.fromtimestamp(head.updated_at, UTC) not in window:
                continue
            if head.updated_at >= trusted_until:
                report.too_new_documents += 1
            else:
                held[document_id] = head
        report.judged_documents = len(held)
        return held

    def _gone(self, held: Mapping[str, Head], report: PruneReport) -> dict[str, Head]:
        try:
            missing = self._missing(held, report)
            states = self._remote_states(held, missing, report)
        except VectorAssetsError as error:
            seen = f"its listing broke off after {report.listed_documents:,} documents: {error}"
            advice = "Run it again when that is fixed."
            self._refuse(report, report.source, seen, advice, len(held))
            return {}
        gone = {
            document_id: head
            for document_id, head in missing.items()
            if states.get(document_id) is not RemoteState.THERE
        }
        report.moved_documents = len(missing) - len(gone)
        if not gone or self._max_share >= 1:
            return gone
        if seen := self._beyond_share(held, gone, report):
            self._refuse(report, report.source, seen, self._advice(), len(gone))
            return {}
        return self._without_doubtful(held, gone, states, report)

    def _missing(self, held: Mapping[str, Head], report: PruneReport) -> dict[str, Head]:
        """Return documents that are held and not listed, without those that could not be listed.

        The listing begins at the oldest judged document, because Slack's costs requests per day.
        """
        oldest = datetime.fromtimestamp(min(head.updated_at for head in held.values()), UTC)
        start = max(EPOCH, oldest - self._source.overlap)
        # Without a vector kind no stamps are read: ids are listed whether or not they changed.
        self._source.known = HeldVersions(self._store, self._source.name, "", is_rescan=True)
        missing = dict(held)
        listed: set[str] = set()
        unlisted: list[Unlisted] = []
        for item in self._source.ids(Window(start, None)):
            if isinstance(item, Unlisted):
                unlisted.append(item)
                continue
            listed.add(item)
            missing.pop(item, None)
            report.listed_documents = len(listed)
            if len(listed) % PROGRESS_DOCUMENTS == 0:
                self._on_progress(report)
        if self._max_share < 1:
            for part in unlisted:
                self._leave_out(part, missing, report)
        return missing

    def _leave_out(self, part: Unlisted, missing: dict[str, Head], report: PruneReport) -> None:
        inside = [document_id for document_id in missing if document_id in part]
        if not inside:
            return
        containers = {missing.pop(document_id).container for document_id in inside}
        advice = f"{part.advice} {self._advice(containers)}".strip()
        self._refuse(report, part.subject, part.reason, advice, len(inside))

    def _remote_states(
        self, held: Mapping[str, Head], missing: Mapping[str, Head], report: PruneReport
    ) -> dict[str, RemoteState]:
        is_refused = self._max_share < 1 and self._beyond_share(held, missing, report)
        if not missing or (is_refused and len(missing) > MAX_LOOKED_AT):
            return {}
        candidates = [_missing(document_id, head) for document_id, head in missing.items()]
        return dict(self._source.remote_states(candidates))

    def _beyond_share(
        self, held: Mapping[str, Head], gone: Mapping[str, Head], report: PruneReport
    ) -> str:
        """Return why the listing as a whole cannot be trusted; empty when it can."""
        seen = f"{len(gone):,} of {len(held):,} documents are gone there"
        if not report.listed_documents and len(gone) == len(held):
            return f"{seen}: its listing is empty, and the index is not"
        allowed = max(ALWAYS_ALLOWED_DOCUMENTS, int(self._max_share * len(held)))
        if len(gone) > allowed:
            return f"{seen}, and at most {allowed:,} may go (PRUNE_MAX_SHARE is {self._max_share})"
        return ""

    def _without_doubtful(
        self,
        held: Mapping[str, Head],
        gone: Mapping[str, Head],
        states: Mapping[str, RemoteState],
        report: PruneReport,
    ) -> dict[str, Head]:
        """Leave out documents that may only be hidden from the account, container by container.

        A container without any document left looks like one that we may no longer read.
        """
        held_count = Counter(head.container for head in held.values())
        gone_count = Counter(head.container for head in gone.values())
        certain = dict(gone)
        for container, count in sorted(gone_count.items()):
            by_state: dict[RemoteState, list[str]] = {state: [] for state in RemoteState}
            for document_id, head in gone.items():
                if head.container == container:
                    by_state[states.get(document_id, RemoteState.UNSURE)].append(document_id)
            unsure, hidden = by_state[RemoteState.UNSURE], by_state[RemoteState.NOT_SHOWN]
            if unsure:
                seen = f"the account sees too little to tell that {_named(unsure)} were deleted"
            elif hidden and count == held_count[container]:
                seen = f"none of it is shown any more, for an unknown reason: {_named(hidden)}"
            else:
                continue
            doubtful = unsure or hidden
            self._refuse(report, container, seen, self._advice([container]), len(doubtful))
            for document_id in doubtful:
                del certain[document_id]
        return certain

    def _refuse(
        self, report: PruneReport, subject: str, seen: str, advice: str, documents: int
    ) -> None:
        # A vendor's words may quote what was sent to it.
        report.refusals.append(Refusal(subject, words_without_secrets(seen), advice, documents))

    def _advice(self, containers: Collection[str] = ()) -> str:
        only = "".join(f" --container {shlex.quote(name)}" for name in sorted(containers))
        return (
            f"Check whether the account can still read what it should (`vector-assets doctor`). If "
            f"people did delete this, run `vector-assets prune {self._source.name}{only} "
            f"--max-share 1`."
        )

    def _delete(self, batch: Mapping[str, Head], report: PruneReport) -> None:
        """Delete documents in an order that survives a crash at any moment.

        First the heads lose their `document_fingerprint`, so that a document that is restored is
        written again. They are deleted last, so that the next prune finds what is left.
        """
        namespace = self._source.name
        present = self._store.heads(namespace, list(batch))
        same = {
            document_id: head
            for document_id, head in batch.items()
            if present.get(document_id) == head
        }
        self._mark_unfinished(same)
        rest = {
            chunk_id: head.updated_at
            for document_id, head in same.items()
            for chunk_id in {
                *self._store.chunk_ids(namespace, document_id),
                *(record_id(document_id, ordinal) for ordinal in range(head.chunk_count)),
            }
            if chunk_id != head_id(document_id)
        }
        if rest:
            self._store.delete_older(namespace, rest)
        # We may have deleted chunks that another run wrote meanwhile: let the next run repair it.
        written = {
            document_id: head
            for document_id, head in self._store.heads(namespace, list(same)).items()
            if self._is_of_another(head, same[document_id])
        }
        self._mark_unfinished(written)
        deleted = [document_id for document_id in same if document_id not in written]
        self._store.delete_older(
            namespace,
            {head_id(document_id): same[document_id].updated_at for document_id in deleted},
        )
        report.deleted += deleted
        report.kept_documents += len(batch) - len(deleted)

    def _is_of_another(self, head: Head, before: Head) -> bool:
        # An eventually consistent index may still return the head from before.
        is_as_before = head == before and self._store.seen_within_seconds > 0
        return bool(head.document_fingerprint) and not is_as_before

    def _mark_unfinished(self, documents: Mapping[str, Head]) -> None:
        """Clear the heads' `document_fingerprint`, so that any run writes them again."""
        cleared: dict[str, Metadata] = {
            head_id(document_id): {"document_fingerprint": "", "updated_at": head.updated_at}
            for document_id, head in documents.items()
        }
        if cleared:
            self._store.update_metadata(self._source.name, cleared)


def prune_source(
    name: str,
    settings: Settings,
    window: Window = EVERYTHING,
    *,
    containers: Collection[str] = (),
    max_share: float | None = None,
    is_dry_run: bool = False,
    on_progress: OnProgress = lambda report: None,
) -> PruneReport:
    """Prune one source as the settings say; see `Prune.run`.

    `max_share` replaces the share of the settings.
    """
    meter = Meter()
    prune = Prune(
        build_source(name, settings, meter),
        build_index(settings, meter).open(),
        meter,
        max_share=settings.prune_max_share if max_share is None else max_share,
        on_progress=on_progress,
    )
    return prune.run(window, containers=containers, is_dry_run=is_dry_run)


def _missing(document_id: str, head: Head) -> Missing:
    return Missing(document_id, head.container, datetime.fromtimestamp(head.updated_at, UTC))


def _named(document_ids: Collection[str]) -> str:
    more = f" and {len(document_ids) - _NAMED:,} more" if len(document_ids) > _NAMED else ""
    return ", ".join(sorted(document_ids)[:_NAMED]) + more


def _batches(documents: Mapping[str, Head]) -> Iterator[dict[str, Head]]:
    items = iter(documents.items())
    while batch := dict(islice(items, BATCH_DOCUMENTS)):
        yield batch
