"""Asset checks, evaluated in each run: what a successful run may still have missed."""

from collections.abc import Iterator, Mapping
from datetime import date
from operator import not_

import dagster as dg

from vector_assets.core.concurrency import run_both
from vector_assets.core.waiting import wait_until
from vector_assets.maintenance.verify.completeness import broken_among, read_back
from vector_assets.monitoring.dagster_state.instance import (
    asset_history,
    materialized_days,
    metadata_of,
    newest_events,
)
from vector_assets.monitoring.dagster_state.names import (
    BROUGHT_BY_EVENTS,
    EVENTS_CHECK,
    FAILED_DOCUMENTS,
    FAILURES,
    MISSED_BY_EVENTS,
    WRITTEN,
)
from vector_assets.monitoring.dagster_state.naming import APPLICATION, Naming
from vector_assets.monitoring.volume import UNUSUAL_SHARE, USUAL_AT_LEAST, usual_documents
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.metadata import quarantine_table
from vector_assets.orchestration.partitions import days_of_run
from vector_assets.pipeline.quarantine import quarantined

VISIBILITY_TIMEOUT_SECONDS = 60.0
"""How long a write may take to become visible: Pinecone is eventually consistent."""

MAX_NAMED_DAYS = 10

LOST_SHARE = 0.01
"""Share of a night's changes that events may have lost."""

_PAUSE_SECONDS = 2.0
_NAMED = 10


def build_checks(
    key: dg.AssetKey, source: str, naming: Naming = APPLICATION, *, receives_events: bool = False
) -> Iterator[dg.AssetChecksDefinition]:
    """Yield the checks of an asset, except the freshness of its partitions."""
    yield _build_failed_documents_check(key, source, naming.vector_index)
    yield _build_written_check(key, source, naming.vector_index)
    yield _build_volume_check(key)
    if receives_events:
        yield _build_events_check(key, source)


def _build_failed_documents_check(
    key: dg.AssetKey, source: str, index_key: str
) -> dg.AssetChecksDefinition:
    """Return the check that fails while any document of a source is in quarantine."""

    @dg.asset_check(
        asset=key,
        name="no_failed_documents",
        required_resource_keys={index_key},
        description="No document is in quarantine: every document that was read is in the index.",
    )
    def no_failed_documents(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        vector_index: VectorIndexIOManager = getattr(context.resources, index_key)
        documents = quarantined(vector_index.connected().ledger)
        quarantine = [failed for failed in documents if failed.source == source]
        if not quarantine:
            return dg.AssetCheckResult(passed=True, metadata={FAILED_DOCUMENTS: 0})
        days = sorted({str(failed.day or "no day") for failed in quarantine})
        more = ", ..." if len(days) > MAX_NAMED_DAYS else ""
        return dg.AssetCheckResult(
            passed=False,
            description=(
                f"Documents that failed: {len(quarantine)}, of "
                f"{', '.join(days[:MAX_NAMED_DAYS])}{more}. Each nightly run retries them until "
                f"they succeed or are gone at the source."
            ),
            metadata={
                FAILED_DOCUMENTS: len(quarantine),
                FAILURES: quarantine_table(quarantine),
            },
        )

    return no_failed_documents


def _build_written_check(key: dg.AssetKey, source: str, index_key: str) -> dg.AssetChecksDefinition:
    """Return the check that reads back the run's days and writes from the index."""

    @dg.asset_check(
        asset=key,
        name="everything_written_is_found",
        required_resource_keys={index_key},
        description=(
            "Every document of the run's days, and everything else that the newest run wrote, is "
            "complete in the index: a finished head, all of its chunks, and no others."
        ),
    )
    def everything_written_is_found(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        vector_index: VectorIndexIOManager = getattr(context.resources, index_key)
        written = _newest_written(context.instance, key)
        store = vector_index.connected().open()
        days = _days_to_read(context, key)
        completeness, broken_of_written = run_both(
            lambda: read_back(store, source, days),
            lambda: dict(broken_among(store, source, written)),
        )
        broken = {**completeness.broken, **broken_of_written}

        def still_broken() -> dict[str, str]:
            nonlocal broken
            broken = dict(broken_among(store, source, list(broken)))
            return broken

        wait_until(
            still_broken,
            seconds=VISIBILITY_TIMEOUT_SECONDS,
            is_done=not_,
            pause_seconds=_PAUSE_SECONDS,
        )
        return _written_result(broken, completeness.document_count, len(written))

    return everything_written_is_found


def _written_result(
    broken: Mapping[str, str], read_count: int, written_count: int
) -> dg.AssetCheckResult:
    named = [f"{document_id} ({cause})" for document_id, cause in list(broken.items())[:_NAMED]]
    return dg.AssetCheckResult(
        passed=not broken,
        description=(
            f"Written, but not complete in the index: {', '.join(named)}"
            f"{' and more' if len(broken) > _NAMED else ''}. Run the same days again; if it "
            f"happens again, check the status of the index."
            if broken
            else None
        ),
        metadata={"read_back": read_count, "looked_for": written_count, "lost": len(broken)},
    )


def _days_to_read(context: dg.AssetCheckExecutionContext, key: dg.AssetKey) -> list[date]:
    """Return the run's days; the newest materialized day when only the check runs."""
    return list(days_of_run(context.run)) or sorted(materialized_days(context.instance, key))[-1:]


def _build_volume_check(key: dg.AssetKey) -> dg.AssetChecksDefinition:
    """Return the check that warns when the newest day has far fewer documents than usual."""

    @dg.asset_check(
        asset=key,
        name="volume_is_usual",
        description=(
            f"The newest day has more than {UNUSUAL_SHARE:.0%} of the usual number of documents. A "
            f"source whose credentials have lost access succeeds with no documents."
        ),
    )
    def volume_is_usual(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        history = asset_history(context.instance, key)
        usual = usual_documents(history)
        newest = history.recent[-1] if history.recent else None
        if newest is None or usual is None:
            return dg.AssetCheckResult(passed=True, description="Too few days are known yet.")
        passed = usual < USUAL_AT_LEAST or newest.documents > usual * UNUSUAL_SHARE
        return dg.AssetCheckResult(
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                f"{newest.day} has {newest.documents} documents; about {usual:.0f} are usual."
            ),
            metadata={"documents": newest.documents, "usual_documents": usual},
        )

    return volume_is_usual


def _build_events_check(key: dg.AssetKey, source: str) -> dg.AssetChecksDefinition:
    """Return the check that fails when the night had to bring what events should have brought."""

    @dg.asset_check(
        asset=key,
        name=EVENTS_CHECK,
        description=f"Events brought all but {LOST_SHARE:.0%} of the changes before the night did.",
    )
    def events_bring_changes(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        brought, missed = _newest_audit(context.instance, key)
        changes = brought + missed
        passed = missed <= changes * LOST_SHARE
        return dg.AssetCheckResult(
            passed=passed,
            description=(
                f"{brought} of {changes} changes of {source} came by events."
                if passed
                else f"Events are lost: {missed} of {changes} changes of {source} came only by the "
                f"night. Look at the vendor's list of deliveries, and at "
                f"vector_assets_hook_events_total in /metrics."
            ),
            metadata={"brought": brought, "missed": missed},
        )

    return events_bring_changes


def _newest_audit(instance: dg.DagsterInstance, key: dg.AssetKey) -> tuple[int, int]:
    """Return what the newest run that counted says came by events, and only by the night."""
    newest: tuple[float, int, int] = (0.0, 0, 0)
    for record in newest_events(instance, key).values():
        metadata = metadata_of(record)
        brought, missed = metadata.get(BROUGHT_BY_EVENTS), metadata.get(MISSED_BY_EVENTS)
        if (
            isinstance(brought, dg.IntMetadataValue)
            and isinstance(missed, dg.IntMetadataValue)
            and record.timestamp > newest[0]
        ):
            newest = record.timestamp, brought.value or 0, missed.value or 0
    return newest[1:]


def _newest_written(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[str]:
    """Return the ids that the newest run with any recorded as written."""
    newest: tuple[float, list[str]] = (0.0, [])
    for record in newest_events(instance, key).values():
        written = metadata_of(record).get(WRITTEN)
        if isinstance(written, dg.JsonMetadataValue) and record.timestamp > newest[0]:
            newest = record.timestamp, [str(document_id) for document_id in written.value or []]
    return newest[1]
