"""Runs of the assets from a program: in this process, without a daemon."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg

from vector_assets.core.days import Days
from vector_assets.core.errors import VectorAssetsError
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.names import NIGHTLY_INGESTION
from vector_assets.orchestration.partitions import range_tags


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


CONFIGURATION = "dagster.yaml"


def prepare_home(folder: Path) -> Path:
    """Make a folder fit to be `DAGSTER_HOME`; a configuration that stands there stays.

    Its databases are made here and now: webserver and daemon that start together on an empty folder
    both make them, and one of the two dies of it.

    Args:
        folder: Made when it does not exist.

    Returns:
        Its absolute path.
    """
    home = folder.absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / CONFIGURATION).exists():
        with as_file(files("vector_assets.orchestration") / CONFIGURATION) as ours:
            shutil.copyfile(ours, home / CONFIGURATION)
    with dg.DagsterInstance.from_config(str(home)):
        pass
    return home
