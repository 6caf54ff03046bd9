"""Asset checks: what a run that succeeded has nevertheless not done. They run with each run."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from operator import not_

import dagster as dg
from dagster._utils.warnings import SupersessionWarning

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.waiting import wait_until
from vector_assets.maintenance.verify.completeness import broken_among, read_back
from vector_assets.monitoring.dagster_state.instance import (
    asset_history,
    materialized_days,
    newest_events,
)
from vector_assets.monitoring.dagster_state.names import FAILED_DOCUMENTS, FAILURES, WRITTEN
from vector_assets.monitoring.health import UNUSUAL_SHARE, USUAL_AT_LEAST, usual_documents
from vector_assets.orchestration.io_managers import VectorIndexIOManager
from vector_assets.orchestration.metadata import quarantine_table
from vector_assets.orchestration.partitions import (
    ONE_DAY_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    days_of,
)
from vector_assets.pipeline.quarantine import quarantined

PATIENCE_SECONDS = 60.0
"""How long what was written may take to be seen: Pinecone is eventually consistent."""

MAX_NAMED_DAYS = 10

_PAUSE_SECONDS = 2.0
_NAMED = 10
_HOURS_OF_A_RUN = 2


def build_checks(key: dg.AssetKey, source: str) -> Iterator[dg.AssetChecksDefinition]:
    """Yield the checks of one asset, but for that of its partitions' freshness.

    Args:
        key: Of the asset.
        source: Its name, and namespace in the index.
    """
    yield _build_failed_documents_check(key, source)
    yield _build_written_check(key, source)
    yield _build_volume_check(key)


def build_freshness_checks(
    keys: Sequence[dg.AssetKey], settings: Settings
) -> Sequence[dg.AssetChecksDefinition]:
    """Return the checks that yesterday is materialized two hours after its night began.

    Dagster's own, so that the UI shows a day that is missing; alerts come from `health.py`. What
    supersedes it looks at the asset as a whole, which an old day makes fresh (dagster#34023).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SupersessionWarning)
        return _freshness_checks(keys, settings)


def _freshness_checks(
    keys: Sequence[dg.AssetKey], settings: Settings
) -> Sequence[dg.AssetChecksDefinition]:
    return dg.build_time_partition_freshness_checks(
        assets=list(keys), deadline_cron=_deadline(settings.nightly_cron), timezone="UTC"
    )


def _build_failed_documents_check(key: dg.AssetKey, source: str) -> dg.AssetChecksDefinition:
    """Return the check that fails while documents of a source are in quarantine.

    It looks at all of it and not at the run's own: a good night after a bad one must not hide what
    is still missing.
    """

    @dg.asset_check(
        asset=key,
        name="no_failed_documents",
        description="No document is in quarantine: every one that was seen is in the index.",
    )
    def no_failed_documents(
        vector_index: dg.ResourceParam[VectorIndexIOManager],
    ) -> dg.AssetCheckResult:
        everything = quarantined(vector_index.build_index(Meter()).ledger)
        held = [one for one in everything if one.source == source]
        if not held:
            return dg.AssetCheckResult(passed=True, metadata={FAILED_DOCUMENTS: 0})
        days = sorted({one.day.isoformat() if one.day else "no day" for one in held})
        more = ", ..." if len(days) > MAX_NAMED_DAYS else ""
        return dg.AssetCheckResult(
            passed=False,
            description=(
                f"Documents that failed: {len(held)}, of {', '.join(days[:MAX_NAMED_DAYS])}{more}. "
                f"Each night tries them again until they succeed or are gone at the source."
            ),
            metadata={FAILED_DOCUMENTS: len(held), FAILURES: quarantine_table(held)},
        )

    return no_failed_documents


def _build_written_check(key: dg.AssetKey, source: str) -> dg.AssetChecksDefinition:
    """Return the check that reads the run's days, and what the run wrote, back from the index."""

    @dg.asset_check(
        asset=key,
        name="everything_written_is_found",
        description=(
            "Every document of the run's days, and whatever else the newest run wrote, is in the "
            "index whole: a finished head, each of its chunks, and none beyond its end."
        ),
    )
    def everything_written_is_found(
        context: dg.AssetCheckExecutionContext,
        vector_index: dg.ResourceParam[VectorIndexIOManager],
    ) -> dg.AssetCheckResult:
        written = _newest_written(context.instance, key)
        store = vector_index.build_index(Meter()).open()
        days = _days_to_read(context, key)
        found = read_back(store, source, days)
        broken = {**found.broken, **dict(broken_among(store, source, written))}

        def still_broken() -> dict[str, str]:
            nonlocal broken
            broken = dict(broken_among(store, source, list(broken)))
            return broken

        wait_until(
            still_broken, seconds=PATIENCE_SECONDS, is_done=not_, pause_seconds=_PAUSE_SECONDS
        )
        return _written_result(broken, found.document_count, len(written))

    return everything_written_is_found


def _written_result(
    broken: Mapping[str, str], read_count: int, written_count: int
) -> dg.AssetCheckResult:
    named = [f"{document_id} ({cause})" for document_id, cause in list(broken.items())[:_NAMED]]
    return dg.AssetCheckResult(
        passed=not broken,
        description=(
            f"Not whole in the index, though they were written: {', '.join(named)}"
            f"{' and more' if len(broken) > _NAMED else ''}. Run the same days again; if it "
            f"happens again, look at the index's own status."
            if broken
            else None
        ),
        metadata={"read_back": read_count, "looked_for": written_count, "lost": len(broken)},
    )


def _days_to_read(context: dg.AssetCheckExecutionContext, key: dg.AssetKey) -> list[date]:
    """Return the days of this run; of a check that runs alone, the newest that is materialized."""
    tags = context.run.tags
    first = tags.get(RANGE_START_TAG) or tags.get(ONE_DAY_TAG)
    if first:
        return list(days_of([first, tags.get(RANGE_END_TAG) or first]))
    return sorted(materialized_days(context.instance, key))[-1:]


def _build_volume_check(key: dg.AssetKey) -> dg.AssetChecksDefinition:
    """Return the check that warns of a day that brings next to nothing where much is usual."""

    @dg.asset_check(
        asset=key,
        name="volume_is_usual",
        description=(
            f"The newest day brought more than {UNUSUAL_SHARE:.0%} of what such a day usually "
            f"brings. A source that has lost its access succeeds with nothing."
        ),
    )
    def volume_is_usual(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        history = asset_history(context.instance, key)
        usual = usual_documents(history)
        newest = history.recent[-1] if history.recent else None
        if newest is None or usual is None:
            return dg.AssetCheckResult(passed=True, description="Too little is known yet.")
        passed = usual < USUAL_AT_LEAST or newest.documents > usual * UNUSUAL_SHARE
        return dg.AssetCheckResult(
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                f"{newest.day} brought {newest.documents} documents, about {usual:.0f} are usual."
            ),
            metadata={"documents": newest.documents, "usual_documents": usual},
        )

    return volume_is_usual


def _newest_written(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[str]:
    """Return the ids that the newest run with any wrote down."""
    found: tuple[float, list[str]] = (0.0, [])
    for record in newest_events(instance, key).values():
        event = record.asset_materialization
        written = event.metadata.get(WRITTEN) if event is not None else None
        if isinstance(written, dg.JsonMetadataValue) and record.timestamp > found[0]:
            found = record.timestamp, [str(one) for one in written.value or []]
    return found[1]


def _deadline(cron: str) -> str:
    """Return a cron expression two hours later; the same one where its hour is no plain number."""
    minute, hour, *rest = cron.split()
    if not hour.isdigit() or int(hour) + _HOURS_OF_A_RUN > 23:
        return cron
    return " ".join([minute, str(int(hour) + _HOURS_OF_A_RUN), *rest])
