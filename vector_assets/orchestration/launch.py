"""Runs of the assets from a program: in this process, without a daemon."""

import dagster as dg

from vector_assets.errors import VectorAssetsError
from vector_assets.orchestration.assets import asset_key
from vector_assets.orchestration.jobs import NIGHTLY_INGESTION
from vector_assets.orchestration.partitions import range_tags
from vector_assets.sync import Days


def materialize_in_process(
    defs: dg.Definitions,
    source: str,
    days: Days,
    *,
    instance: dg.DagsterInstance | None = None,
    log_level: str = "INFO",
) -> dg.ExecuteInProcessResult:
    """Materialize days of one source and check them, as a run that the UI knows.

    Args:
        defs: From `build_defs`.
        source: Which.
        days: Have to be complete, and not before `PARTITIONS_START`.
        instance: Where the run is recorded; None for the one in `DAGSTER_HOME`.
        log_level: Of what is printed on stderr.

    Raises:
        VectorAssetsError: What ended the run, by its own type.
    """
    if instance is None:
        with dg.DagsterInstance.get() as found:
            return materialize_in_process(defs, source, days, instance=found, log_level=log_level)
    try:
        return defs.resolve_job_def(NIGHTLY_INGESTION).execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": log_level}}}},
            asset_selection=[asset_key(source)],
            tags=dict(range_tags(days)),
            instance=instance,
        )
    except dg.Failure as failure:
        if isinstance(failure.__cause__, VectorAssetsError):
            raise failure.__cause__ from None
        raise
