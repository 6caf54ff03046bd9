"""Materializes assets in this process, without a daemon, and prepares `DAGSTER_HOME`."""

import os
import shutil
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg

from vector_assets.core.days import Days
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.private_folder import make_private
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.names import NIGHTLY_INGESTION
from vector_assets.monitoring.dagster_state.observe import require_packages
from vector_assets.orchestration.metadata import metadata_by_day
from vector_assets.orchestration.partitions import range_tags
from vector_assets.pipeline.report import SyncReport


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
WORKSPACE = "workspace.yaml"

MODULE = "vector_assets.definitions"
"""Where the definitions are; Dagster would name the code location after it."""


def packaged_workspace() -> Path:
    """Return the workspace file that comes with the package."""
    return Path(__file__).with_name(WORKSPACE)


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
    require_packages(home)
    with dg.DagsterInstance.from_config(str(home)):
        pass
    return home


class SyncedDays:
    """Records days that a sync outside of Dagster has finished, as a run records its own.

    A day counts only if it was over when the sync began, because something may happen on it until
    then; days before `first_day` are no partitions. Safe to use from several threads.
    """

    def __init__(self, instance: dg.DagsterInstance, first_day: date, started_at: datetime) -> None:
        self._instance = instance
        self._first_day = first_day
        self._started_on = started_at.astimezone(UTC).date()
        self._lock = threading.Lock()

    def record(self, report: SyncReport, finished_days: Sequence[date]) -> None:
        """Report a materialization of each of these days, with its numbers."""
        with self._lock:
            for day, metadata in metadata_by_day(report, finished_days).items():
                if self._first_day <= day < self._started_on:
                    self._instance.report_runless_asset_event(
                        dg.AssetMaterialization(
                            asset_key(report.source), partition=day.isoformat(), metadata=metadata
                        )
                    )


def prepare_named_home() -> None:
    """Prepare the folder that `DAGSTER_HOME` names, unless somebody has configured it."""
    home = Path(os.environ["DAGSTER_HOME"])
    if not (home / CONFIGURATION).exists():
        prepare_home(home)
