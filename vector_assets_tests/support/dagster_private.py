"""Every import of Dagster's private modules that the tests need; none has a public name."""

import dagster as dg

# How Dagster's own commands find code.
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target

# What a run records of a check before it evaluates it.
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
)

# A process of a run, as a run launcher starts it.
from dagster._core.definitions.reconstruct import ReconstructableRepository

# What the daemon stores of schedules and backfills.
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.execution.backfill import PartitionBackfill

# The check of a dagster.yaml.
from dagster._core.instance.config import dagster_instance_config
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)

# What a code location tells the webserver.
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._core.scheduler.instigation import (
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
)

# Where Dagster keeps the instance of a test.
from dagster._core.storage.defs_state.base import set_defs_state_storage
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

# What the daemon stores of itself, and of an evaluation that fails.
from dagster._daemon.types import DaemonHeartbeat
from dagster._grpc.types import ExecuteRunArgs
from dagster._utils.error import SerializableErrorInfo
from dagster_shared.cli import WorkspaceOpts

__all__ = [
    "DaemonHeartbeat",
    "ExecuteRunArgs",
    "InProcessCodeLocationOrigin",
    "InstigatorType",
    "LoadableTargetOrigin",
    "PartitionBackfill",
    "ReconstructableRepository",
    "RemoteInstigatorOrigin",
    "RemoteRepositoryOrigin",
    "RepositorySnap",
    "ScheduleInstigatorData",
    "SensorInstigatorData",
    "SerializableErrorInfo",
    "TickData",
    "WorkspaceOpts",
    "check_planned",
    "dagster_instance_config",
    "set_defs_state_storage",
    "workspace_opts_to_load_target",
]


def check_planned(key: dg.AssetCheckKey, job_name: str) -> dg.DagsterEvent:
    """Return the event that a run is going to evaluate a check."""
    return dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
        job_name=job_name,
        event_specific_data=AssetCheckEvaluationPlanned(
            asset_key=key.asset_key, check_name=key.name
        ),
    )
