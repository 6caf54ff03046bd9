"""Deletes from the index what is gone at its source: the one place that deletes whole documents.

What the index holds is read first. Then the source is listed without an upper bound, so that a
document written meanwhile is never judged and one edited meanwhile is in the listing. What the
listing does not show is looked at again, one by one where the vendor allows it. Where anything is
in doubt it refuses, and says by name what it saw.
"""

import shlex
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime

from vector_assets.core.days import Window
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.generations import build_index
from vector_assets.maintenance.prune.report import PruneReport, Refusal
from vector_assets.pipeline.known import HeldVersions
from vector_assets.pipeline.redaction.redact import words_without_secrets
from vector_assets.sources import build_source
from vector_assets.sources.base import Fate, Missing, Source, Unlisted
from vector_assets.stores.base import Head, Metadata, VectorStore
from vector_assets.stores.records import head_id, record_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EVERYTHING = Window(EPOCH, None)
"""The window that holds every document of an index."""

ALWAYS_ALLOWED_DOCUMENTS = 3
"""So many may go whatever their share is: one of three documents is a person's work."""

MAX_LOOKED_AT = 1_000
"""Beyond a refused share so many are still asked for by id, for what only moved is not gone."""

BATCH_DOCUMENTS = 100
"""Heads are read again before each batch, so that little time passes until it is deleted."""

PROGRESS_DOCUMENTS = 500

_NAMED = 5


OnProgress = Callable[[PruneReport], None]


class Prune:
    """One prune of one source.

    Args:
        source: Is listed.
        store: One generation: is compared with the listing, and deleted from.
        meter: The one that the two count on.
        max_share: Of the judged documents, how many may go; 1 believes the listing in all but that
            it was cut.
        now: The present; for tests.
        on_progress: Called with the report as it grows.
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
        """Delete the documents whose last activity lies in a window and that are gone; say which.

        A document is judged by its last activity as the index has it: it can only have moved on
        since, and so the listing of everything after the window's start has to show it. What the
        listing does not show for another reason, the second look finds.

        Args:
            window: Last activity, as the index has it, of what is judged.
            containers: Only documents of these projects, channels or databases; all when empty.
            is_dry_run: Whether only to look.

        Raises:
            RetryableError: The index does not answer; what was deleted stays deleted, and the
                next prune finishes the rest.
        """
        started = time.monotonic()
        report = PruneReport(self._source.name, is_dry_run)
        held = self._held(window, containers, report)
        gone = self._gone(held, report) if held else {}
        report.missing = [_missing(one, head) for one, head in sorted(gone.items())]
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

    def _held(
        self, window: Window, containers: Collection[str], report: PruneReport
    ) -> dict[str, Head]:
        """Return what the index holds in the window.

        What is newer than the source's overlap is left out: its search may not show it yet.
        """
        trusted_until = (self._now - self._source.overlap).timestamp()
        held: dict[str, Head] = {}
        for one, head in self._store.documents(self._source.name):
            if containers and head.container not in containers:
                continue
            if datetime.fromtimestamp(head.updated_at, UTC) not in window:
                continue
            if head.updated_at >= trusted_until:
                report.too_new_documents += 1
            else:
                held[one] = head
        report.judged_documents = len(held)
        return held

    def _gone(self, held: Mapping[str, Head], report: PruneReport) -> dict[str, Head]:
        """Return what may be deleted, and note what may not."""
        try:
            missing = self._missing(held, report)
            fates = self._fates(held, missing, report)
        except VectorAssetsError as error:
            seen = f"its listing broke off after {report.listed_documents:,} documents: {error}"
            self._refuse(
                report, report.source, seen, "Run it again once that is mended.", len(held)
            )
            return {}
        there = {one for one, fate in fates.items() if fate is Fate.THERE}
        report.moved_documents = len(there)
        gone = {one: head for one, head in missing.items() if one not in there}
        if not gone or self._max_share >= 1:
            return gone
        if seen := self._beyond_share(held, gone, report):
            self._refuse(report, report.source, seen, self._advice(), len(gone))
            return {}
        return self._without_doubtful(held, gone, fates, report)

    def _missing(self, held: Mapping[str, Head], report: PruneReport) -> dict[str, Head]:
        """Return what is held and not listed, but for what could not be listed.

        Listed from the oldest document that is judged: a listing of Slack costs by the day.
        """
        oldest = datetime.fromtimestamp(min(head.updated_at for head in held.values()), UTC)
        start = max(EPOCH, oldest - self._source.overlap)
        # No stamps are asked for: an id costs nothing to list whether its document has changed.
        self._source.known = HeldVersions(self._store, self._source.name, "", is_rescan=True)
        missing = dict(held)
        listed: set[str] = set()
        unlisted: list[Unlisted] = []
        for one in self._source.ids(Window(start, None)):
            if isinstance(one, Unlisted):
                unlisted.append(one)
                continue
            listed.add(one)
            missing.pop(one, None)
            report.listed_documents = len(listed)
            if len(listed) % PROGRESS_DOCUMENTS == 0:
                self._on_progress(report)
        if self._max_share < 1:
            for part in unlisted:
                self._leave_out(part, missing, report)
        return missing

    def _leave_out(self, part: Unlisted, missing: dict[str, Head], report: PruneReport) -> None:
        inside = [one for one in missing if one in part]
        if not inside:
            return
        containers = {missing.pop(one).container for one in inside}
        advice = f"{part.advice} {self._advice(containers)}".strip()
        self._refuse(report, part.subject, part.reason, advice, len(inside))

    def _fates(
        self, held: Mapping[str, Head], missing: Mapping[str, Head], report: PruneReport
    ) -> dict[str, Fate]:
        """Return what the vendor says of each; of far too many nothing, for they are refused."""
        is_refused = self._max_share < 1 and self._beyond_share(held, missing, report)
        if not missing or (is_refused and len(missing) > MAX_LOOKED_AT):
            return {}
        return dict(self._source.fates([_missing(*one) for one in missing.items()]))

    def _beyond_share(
        self, held: Mapping[str, Head], gone: Mapping[str, Head], report: PruneReport
    ) -> str:
        """Return what was seen when the source as a whole is not to be believed."""
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
        fates: Mapping[str, Fate],
        report: PruneReport,
    ) -> dict[str, Head]:
        """Return what is gone without what may only be hidden, container by container.

        A container of which nothing is left looks like one that we may no longer read.
        """
        held_count = Counter(head.container for head in held.values())
        gone_count = Counter(head.container for head in gone.values())
        found = dict(gone)
        for container, count in sorted(gone_count.items()):
            of_it = [one for one, head in gone.items() if head.container == container]
            unsure = [one for one in of_it if fates.get(one, Fate.UNSURE) is Fate.UNSURE]
            hidden = [one for one in of_it if fates.get(one) is Fate.NOT_SHOWN]
            if unsure:
                seen = f"the account sees too little to tell that {_named(unsure)} were deleted"
            elif hidden and count == held_count[container]:
                seen = f"none of it is shown any more, and nobody says why: {_named(hidden)}"
            else:
                continue
            doubtful = unsure or hidden
            self._refuse(report, container, seen, self._advice([container]), len(doubtful))
            for one in doubtful:
                del found[one]
        return found

    def _refuse(
        self, report: PruneReport, subject: str, seen: str, advice: str, documents: int
    ) -> None:
        # A vendor's words may quote what was sent to it.
        report.refusals.append(Refusal(subject, words_without_secrets(seen), advice, documents))

    def _advice(self, containers: Collection[str] = ()) -> str:
        only = "".join(f" --container {shlex.quote(one)}" for one in sorted(containers))
        return (
            f"Look whether the account still reads what it should (`vector-assets doctor`). If "
            f"people did delete this, run `vector-assets prune {self._source.name}{only} "
            f"--max-share 1`."
        )

    def _delete(self, batch: Mapping[str, Head], report: PruneReport) -> None:
        """Delete documents in an order that is right after a crash at any moment.

        The head names no version from the first moment on, so that a document which comes back is
        written anew; and it goes last, so that the next prune finds what is left.
        """
        namespace = self._source.name
        present = self._store.heads(namespace, list(batch))
        same = {one: head for one, head in batch.items() if present.get(one) == head}
        self._unname(same)
        rest = {
            chunk_id: head.updated_at
            for one, head in same.items()
            for chunk_id in {
                *self._store.chunk_ids(namespace, one),
                *(record_id(one, ordinal) for ordinal in range(head.chunk_count)),
            }
            if chunk_id != head_id(one)
        }
        if rest:
            self._store.delete_older(namespace, rest)
        # Who has written one meanwhile may have lost chunks to us: without a name it is mended.
        after = self._store.heads(namespace, list(same))
        written = {one: head for one, head in after.items() if self._is_of_another(head, same[one])}
        self._unname(written)
        deleted = [one for one in same if one not in written]
        self._store.delete_older(namespace, {head_id(one): same[one].updated_at for one in deleted})
        report.deleted += deleted
        report.kept_documents += len(batch) - len(deleted)

    def _is_of_another(self, head: Head, before: Head) -> bool:
        """Tell whether another run has named a head that we had taken the name from."""
        # An index that lags may still show the head as it was before we did.
        is_as_before = head == before and self._store.seen_within_seconds > 0
        return bool(head.document_fingerprint) and not is_as_before

    def _unname(self, documents: Mapping[str, Head]) -> None:
        """Take back the word that these are whole."""
        undone: dict[str, Metadata] = {
            head_id(one): {"document_fingerprint": "", "updated_at": head.updated_at}
            for one, head in documents.items()
        }
        if undone:
            self._store.update_metadata(self._source.name, undone)


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
    """Prune one source as the settings say.

    Args:
        name: Of the source.
        settings: Say where it is, and the share that may go.
        window: Last activity, as the index has it, of what is judged.
        containers: Only documents of these; all when empty.
        max_share: In place of the settings' share.
        is_dry_run: Whether only to look.
        on_progress: Called with the report as it grows.

    Raises:
        SettingsError: A setting that it needs is missing.
        VectorAssetsError: What the index raises; see `Prune.run`.
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
    items = list(documents.items())
    for at in range(0, len(items), BATCH_DOCUMENTS):
        yield dict(items[at : at + BATCH_DOCUMENTS])
