"""A run's report as metadata of the days that it materialized.

Numbers are plain integers and floats, which the UI plots over the partitions. A name that begins
with `run_` says what the run did, so that it is zero when nothing has changed; the others say how
the day stands, and are the same whoever runs it again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date

import dagster as dg

from vector_assets.monitoring.dagster_state.names import (
    BROUGHT_BY_EVENTS,
    DOCUMENTS,
    FAILED_DOCUMENTS,
    FAILURES,
    GAPS,
    MISSED_BY_EVENTS,
    QUARANTINE,
    REDACTED,
    ROWS,
    WRITTEN,
)
from vector_assets.pipeline.report import DayStats, Sample, SyncReport
from vector_assets.sources.items import DocumentFailure, Gap, Quarantined

MAX_FAILURE_ROWS = 100
"""Most rows of a metadata table; a hundred examples are enough to find a cause."""


def metadata_by_day(
    report: SyncReport, days: Sequence[date]
) -> dict[date, dict[str, dg.MetadataValue]]:
    """Return the metadata of each day: its own numbers, or zeros for a day without documents.

    Numbers of the whole run are recorded on the newest day only, under names that begin with
    `run_` as well, so that no plot repeats a total on each day. So are failures of other days,
    because windows overlap backwards and reach into the present.
    """
    if not days:
        return {}
    failures: defaultdict[date, list[DocumentFailure]] = defaultdict(list)
    for failure in report.failures:
        day = failure.day
        failures[day if day and day in days else days[-1]].append(failure)
    stats = {day: report.days.get(day, DayStats()) for day in days}
    counts = {day: day_stats.failed_documents for day, day_stats in stats.items()}
    counts[days[-1]] += report.total.failed_documents - sum(counts.values())
    metadata = {day: _day_metadata(stats[day], failures[day], counts[day]) for day in days}
    metadata[days[-1]] |= _run_metadata(report)
    return metadata


def metadata_of_run(report: SyncReport) -> dict[str, dg.MetadataValue]:
    """Return the metadata of a run that is one materialization: its totals."""
    failed_count = report.total.failed_documents
    of_all_days = _day_metadata(report.total, report.failures, failed_count)
    # Of a run without partitions it is `dagster/row_count`.
    del of_all_days[ROWS]
    return of_all_days | _run_metadata(report)


def _day_metadata(
    stats: DayStats, failures: Sequence[DocumentFailure], failed_count: int
) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {
        ROWS: dg.MetadataValue.int(stats.stored_documents),
        DOCUMENTS: dg.MetadataValue.int(stats.documents),
        "chunks": dg.MetadataValue.int(stats.stored_chunks),
        "deferred_documents": dg.MetadataValue.int(stats.deferred_documents),
        FAILED_DOCUMENTS: dg.MetadataValue.int(failed_count),
        REDACTED: dg.MetadataValue.int(stats.redacted_secrets),
        "run_unchanged_documents": dg.MetadataValue.int(stats.unchanged_documents),
        "run_embedded_chunks": dg.MetadataValue.int(stats.embedded_chunks),
        "run_reused_chunks": dg.MetadataValue.int(stats.reused_chunks),
        "run_deleted_chunks": dg.MetadataValue.int(stats.deleted_chunks),
        "run_tokens": dg.MetadataValue.int(stats.tokens),
        "run_estimated_dollars": dg.MetadataValue.float(stats.dollars),
    }
    if failures:
        metadata[FAILURES] = _table(
            {
                "document": failure.document_id,
                "day": failure.day.isoformat() if failure.day else "",
                "cause": failure.cause,
            }
            for failure in failures[:MAX_FAILURE_ROWS]
        )
    return metadata


def _run_metadata(report: SyncReport) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {
        "run_documents": dg.MetadataValue.int(report.total.documents),
        "run_requests": dg.MetadataValue.int(report.request_count),
        "run_throttled_seconds": dg.MetadataValue.float(report.throttled_seconds),
        "run_quarantined_documents": dg.MetadataValue.int(len(report.quarantine)),
        "run_failed_again_documents": dg.MetadataValue.int(report.failed_again_documents),
        "run_released_documents": dg.MetadataValue.int(report.released_documents),
        "run_documents_with_other_readers": dg.MetadataValue.int(
            report.documents_with_other_readers
        ),
        "run_seconds": dg.MetadataValue.float(report.seconds),
        "run_requests_by_endpoint": dg.MetadataValue.json(report.requests),
    }
    if report.brought_by_events is not None:
        metadata[BROUGHT_BY_EVENTS] = dg.MetadataValue.int(report.brought_by_events)
        metadata[MISSED_BY_EVENTS] = dg.MetadataValue.int(report.missed_by_events)
    metadata[GAPS] = dg.MetadataValue.table(
        [dg.TableRecord(asdict(gap)) for gap in report.gaps[:MAX_FAILURE_ROWS]],
        schema=dg.TableSchema([dg.TableColumn(field.name) for field in fields(Gap)]),
    )
    if report.quarantine:
        metadata[QUARANTINE] = quarantine_table(report.quarantine)
    if report.written_ids:
        metadata[WRITTEN] = dg.MetadataValue.json(report.written_ids)
    if report.samples:
        metadata["run_preview"] = _preview(report.samples)
    return metadata


def quarantine_table(quarantine: Sequence[Quarantined]) -> dg.TableMetadataValue:
    """Return the first `MAX_FAILURE_ROWS` quarantined documents with their causes."""
    return _table(
        {
            "document": document.document_id,
            "day": document.day.isoformat() if document.day else "",
            "cause": document.cause,
            "since": document.first_seen_at.isoformat(timespec="seconds"),
            "last_tried": document.last_seen_at.isoformat(timespec="seconds"),
            "attempts": document.attempts,
        }
        for document in quarantine[:MAX_FAILURE_ROWS]
    )


def _preview(samples: Sequence[Sample]) -> dg.TableMetadataValue:
    return _table(
        {
            "title": sample.title,
            "container": sample.container,
            "day": sample.day.isoformat(),
            "chunks": sample.chunk_count,
            "url": sample.url,
        }
        for sample in samples
    )


def _table(rows: Iterable[Mapping[str, str | int]]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])
