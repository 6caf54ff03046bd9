"""What a run did, by day and in total: the numbers that are plotted and printed."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields, replace
from datetime import date
from random import Random

from vector_assets.core.documents import PUBLIC, Document
from vector_assets.sources.items import DocumentFailure, Gap, Quarantined

# What a report names; it counts everything.
MAX_SAMPLES = 10
MAX_WRITTEN_IDS = 100
MAX_FAILURES = 5_000
MAX_FAILURES_A_DAY = 100
MAX_GAPS = 1_000

MANY_OTHERS = "others"
"""Subject of the gap that counts the rest."""


@dataclass(slots=True)
class DayStats:
    """Counts of one UTC day of last activity.

    Attributes:
        documents: Seen at the source, failed ones not among them.
        unchanged_documents: Of these, already in the index as they are, or newer there.
        failed_documents: Could not be read, embedded or written; their old version stays.
        deferred_documents: Not ready at the vendor; left for a later run.
        stored_documents: Of these, in the index after the run, whether or not it wrote them.
        stored_chunks: Of the stored documents; `chunks` are those of documents that had changed.
        redacted_secrets: Tokens, keys and passwords that were replaced in documents that were
            read, whether or not these had to be written.
    """

    documents: int = 0
    unchanged_documents: int = 0
    failed_documents: int = 0
    deferred_documents: int = 0
    chunks: int = 0
    embedded_chunks: int = 0
    reused_chunks: int = 0
    deleted_chunks: int = 0
    tokens: int = 0
    dollars: float = 0.0
    redacted_secrets: int = 0
    stored_documents: int = 0
    stored_chunks: int = 0

    def add(self, other: "DayStats") -> None:
        """Add another's counts to these."""
        for count in fields(self):
            setattr(self, count.name, getattr(self, count.name) + getattr(other, count.name))

    def add_cost(self, other: "DayStats") -> None:
        """Add the cost of another plan for the same documents."""
        self.embedded_chunks += other.embedded_chunks
        self.tokens += other.tokens
        self.dollars += other.dollars


@dataclass(frozen=True, slots=True)
class Sample:
    """A document that was written, for a preview."""

    title: str
    url: str
    container: str
    day: date
    chunk_count: int


@dataclass(slots=True)
class SyncReport:
    """What a run of one source did; grows with the run's days, and not with its documents.

    Attributes:
        days: By UTC day of last activity; days outside the asked range are there too, because
            windows overlap backwards and reach into the present.
        failures: The first documents that failed, with their causes; the counts are of all. Those
            that were tried again and failed again are not among them, nor among the counts.
        quarantine: All documents in quarantine at the end of the run, these included.
        failed_again_documents: Of the quarantine, tried again in this run and failed again.
        released_documents: That left the quarantine: they succeeded, or are gone.
        documents_with_other_readers: Of any day, whose readers were changed without reading them.
        brought_by_events: Documents that events brought since the last night; None where nothing
            counts them.
        missed_by_events: Changed documents that events should have brought and did not.
        written_ids: Ids of documents that were written: all, or a fair sample of them.
    """

    source: str
    days: dict[date, DayStats] = field(default_factory=lambda: defaultdict(DayStats))
    total: DayStats = field(default_factory=DayStats)
    failures: list[DocumentFailure] = field(default_factory=list)
    quarantine: list[Quarantined] = field(default_factory=list)
    failed_again_documents: int = 0
    released_documents: int = 0
    documents_with_other_readers: int = 0
    brought_by_events: int | None = None
    missed_by_events: int = 0
    samples: list[Sample] = field(default_factory=list)
    written_ids: list[str] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    throttled_seconds: float = 0.0
    seconds: float = 0.0
    asked_days: int = 0
    finished_days: int = 0
    _gaps: dict[tuple[str, str], Gap] = field(default_factory=dict)
    _failures_by_day: Counter[date | None] = field(default_factory=Counter)
    _written_count: int = 0
    _random: Random = field(default_factory=lambda: Random(0), repr=False)  # noqa: S311 - a sample

    @property
    def request_count(self) -> int:
        """All requests together."""
        return sum(self.requests.values())

    @property
    def gaps(self) -> list[Gap]:
        """What the source did not read, and why; equal gaps are merged, their counts added."""
        return list(self._gaps.values())

    def absorb(self, earlier: "SyncReport") -> None:
        """Add what the same run did before, for other days; requests come from the meter."""
        for day, stats in earlier.days.items():
            self.days[day].add(stats)
        self.total.add(earlier.total)
        self.asked_days += earlier.asked_days
        self.failures += earlier.failures
        self.failed_again_documents += earlier.failed_again_documents
        self.released_documents += earlier.released_documents
        self.documents_with_other_readers += earlier.documents_with_other_readers
        self.samples += earlier.samples
        self.written_ids += earlier.written_ids
        for gap in earlier.gaps:
            self.add_gap(gap)
        self._failures_by_day += earlier._failures_by_day
        self._written_count += earlier._written_count

    def add(self, day: date, stats: DayStats, *, stored_day: date | None = None) -> None:
        """Count under a day and in the total; what is stored under `stored_day` if given."""
        self.total.add(stats)
        if stored_day is None or stored_day == day:
            self.days[day].add(stats)
            return
        self.days[day].add(replace(stats, stored_documents=0, stored_chunks=0))
        self.days[stored_day].add(
            DayStats(stored_documents=stats.stored_documents, stored_chunks=stats.stored_chunks)
        )

    def add_failure(self, failure: DocumentFailure) -> None:
        """Count a document that failed; under its day when that is known."""
        self._failures_by_day[failure.day] += 1
        is_named = self._failures_by_day[failure.day] <= MAX_FAILURES_A_DAY
        if is_named and len(self.failures) < MAX_FAILURES:
            self.failures.append(failure)
        if failure.day is None:
            self.total.failed_documents += 1
        else:
            self.add(failure.day, DayStats(failed_documents=1))

    def add_gap(self, gap: Gap) -> None:
        """Count what was not read, together with gaps of the same subject and reason."""
        key = (gap.subject, gap.reason)
        if key not in self._gaps and len(self._gaps) >= MAX_GAPS:
            gap = Gap(MANY_OTHERS, "they are too many to name", count=gap.count)
            key = (gap.subject, gap.reason)
        held = self._gaps.get(key)
        self._gaps[key] = replace(gap, count=held.count + gap.count) if held else gap

    def add_sample(self, document: Document, chunk_count: int) -> None:
        """Keep a written document, for the preview and for a check that looks for it."""
        self._written_count += 1
        if len(self.written_ids) < MAX_WRITTEN_IDS:
            self.written_ids.append(document.id)
        elif (place := self._random.randrange(self._written_count)) < MAX_WRITTEN_IDS:
            self.written_ids[place] = document.id
        # Whoever sees Dagster sees the samples, so they show what everyone may read.
        if len(self.samples) < MAX_SAMPLES and PUBLIC in document.access:
            self.samples.append(
                Sample(document.title, document.url, document.container, document.day, chunk_count)
            )
