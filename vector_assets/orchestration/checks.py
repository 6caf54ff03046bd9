"""Asset checks: what a run that succeeded has nevertheless not done.

Keep out: freshness, which is judged from the index (`health.py`).
"""

import dagster as dg

from vector_assets.orchestration.history import days_with_failures
from vector_assets.orchestration.metadata import FAILED_DOCUMENTS, FAILURES, MAX_FAILURE_ROWS


def build_failed_documents_check(key: dg.AssetKey) -> dg.AssetChecksDefinition:
    """Return the check that fails while any day of an asset has documents that failed.

    It looks at every day and not at the run's own: a good night after a bad one must not hide what
    is still missing.
    """

    @dg.asset_check(
        asset=key,
        name="no_failed_documents",
        description="Every document of every materialized day is in the index.",
    )
    def no_failed_documents(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        days = days_with_failures(context.instance, key)
        count = sum(int(str(metadata[FAILED_DOCUMENTS].value)) for metadata in days.values())
        rows = [
            record
            for metadata in days.values()
            if isinstance(table := metadata.get(FAILURES), dg.TableMetadataValue)
            for record in table.records
        ]
        if not days:
            return dg.AssetCheckResult(passed=True, metadata={FAILED_DOCUMENTS: 0})
        return dg.AssetCheckResult(
            passed=False,
            description=(
                f"Documents that failed: {count}, on {', '.join(map(str, days))}. The next night "
                f"tries the newest days again; materialize older ones once the cause is gone."
            ),
            metadata={
                FAILED_DOCUMENTS: count,
                FAILURES: dg.MetadataValue.table(rows[:MAX_FAILURE_ROWS]),
            },
        )

    return no_failed_documents
