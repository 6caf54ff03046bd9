"""Materializes assets in this process, without a daemon, and prepares `DAGSTER_HOME`."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg

from vector_assets.core.days import Days
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.private_folder import make_private
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
    """Materialize and check some days in a recorded run, or raise the error that ended it."""
    if instance is None:
        with dg.DagsterInstance.get() as opened:
            return materialize_in_process(defs, source, days, instance=opened, log_level=log_level)
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
    """Prepare a folder as `DAGSTER_HOME`; an existing configuration is kept.

    The databases are created here, because a webserver and a daemon that start together on an empty
    folder both try to create them, and one of the two crashes.
    """
    home = folder.absolute()
    make_private(home)
    if not (home / CONFIGURATION).exists():
        with as_file(files("vector_assets.orchestration") / CONFIGURATION) as packaged:
            shutil.copyfile(packaged, home / CONFIGURATION)
    with dg.DagsterInstance.from_config(str(home)):
        pass
    return home
