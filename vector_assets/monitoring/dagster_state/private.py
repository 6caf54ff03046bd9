"""Every import of Dagster's private modules: a release that moves one breaks this file only.

Each comment names what is public and would replace it. The tests' core runs on the oldest and the
newest release that pyproject.toml allows.
"""

from typing import TYPE_CHECKING

import dagster as dg

# What `define_asset_job` returns. Public instead: nothing; `Definitions(jobs=)` takes it untyped.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# What `DagsterInstance.get_backfills` filters by. Public instead: `partitionBackfillsOrError` in
# GraphQL, but that needs a webserver, and the daemon and each run read these from the storage.
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

# What `DagsterInstance.all_instigator_state` and `get_ticks` return. Public instead:
# `scheduleState` and `sensorState` in GraphQL, with a webserver.
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickStatus

# A newest evaluation of a check, with its status. Public instead: `assetChecksOrError` in GraphQL,
# with a webserver.
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

if TYPE_CHECKING:
    from dagster._core.workspace.context import WorkspaceProcessContext

__all__ = [
    "AssetCheckExecutionRecord",
    "AssetCheckExecutionRecordStatus",
    "BulkActionStatus",
    "BulkActionsFilter",
    "InstigatorState",
    "InstigatorStatus",
    "TickStatus",
    "UnresolvedAssetJobDefinition",
    "build_workspace",
]


def build_workspace(
    instance: dg.DagsterInstance,
    workspaces: tuple[str, ...],
    modules: tuple[str, ...],
    files: tuple[str, ...],
    *,
    version: str,
    is_read_only: bool,
) -> "WorkspaceProcessContext":
    """Return what a webserver serves; Dagster finds the code as its own commands do.

    That is by these options, then workspace.yaml, then pyproject.toml. Public instead: nothing, as
    `dagster_webserver.cli` makes it inside its command.
    """
    # Only the webserver needs these, and they take as long as a tenth of `import dagster`.
    from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster_shared.cli import WorkspaceOpts

    options = WorkspaceOpts(
        workspace=workspaces or None, module_name=modules or None, python_file=files or None
    )
    target = workspace_opts_to_load_target(options)
    return WorkspaceProcessContext(instance, target, version=version, read_only=is_read_only)
