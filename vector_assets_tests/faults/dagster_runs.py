"""Dagster runs as a run launcher starts them: a process each, with its own `DAGSTER_HOME`."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from vector_assets.core.days import Days
from vector_assets.definitions import build_defs
from vector_assets.monitoring.dagster_state.asset_keys import asset_key
from vector_assets.monitoring.dagster_state.names import NIGHTLY_INGESTION
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.orchestration.partitions import range_tags
from vector_assets_tests.faults.processes import Runs, Team
from vector_assets_tests.support.dagster_private import ExecuteRunArgs, ReconstructableRepository

KEY = asset_key("jira")

ROOT = str(Path(__file__).parents[2])


class DagsterRuns:
    """Nights of one team's Jira, recorded in one folder.

    Args:
        runs: Their environment and index.
        location: A file with the code location; the product's own when None.

    Attributes:
        instance: Dagster's records, as any other process sees them.
    """

    def __init__(self, runs: Runs, location: Path | None = None) -> None:
        self._runs = runs
        home = runs.folder / "home"
        home.mkdir()
        self._logs = home / "history" / "runs"
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        self.instance = dg.DagsterInstance.from_config(str(home))
        self._repository = (
            ReconstructableRepository.for_file(str(location), "defs", ROOT)
            if location
            else ReconstructableRepository.for_module("vector_assets.definitions", "defs", ROOT)
        )

    def start(self, team: Team, **environment: str) -> tuple[str, "subprocess.Popen[str]"]:
        """Start the nightly job over all days; return the run's id and its process."""
        job = self._repository.get_reconstructable_job(NIGHTLY_INGESTION)
        run = self.instance.create_run_for_job(
            build_defs().resolve_job_def(NIGHTLY_INGESTION).get_subset(asset_selection={KEY}),
            tags=dict(range_tags(Days(team.first, team.last))),
            asset_selection={KEY},
            job_code_origin=job.get_python_origin(),
        )
        command = ExecuteRunArgs(
            job.get_python_origin(), run.run_id, self.instance.get_ref()
        ).get_command_args()
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**self._runs.environment, **environment}, cwd=self._runs.folder,
            start_new_session=True, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return run.run_id, process

    def complete(self, team: Team) -> str:
        """Run the nightly job over all days to its end, in this process; return the run's id."""
        result = materialize_in_process(
            build_defs(self._runs.settings), "jira", Days(team.first, team.last),
            instance=self.instance, log_level="WARNING",
        )  # fmt: skip
        assert result.success
        checked = {
            evaluation.check_name: evaluation.passed
            for evaluation in result.get_asset_check_evaluations()
        }
        assert checked["everything_written_is_found"]
        assert checked["no_failed_documents"]
        return result.run_id

    def days_of(self, run_id: str) -> list[str]:
        """Return the days that a run has had recorded as materialized."""
        events = self.instance.fetch_materializations(KEY, limit=1000, ascending=True).records
        return [str(event.partition_key) for event in events if event.run_id == run_id]

    def has_logged_materialization(self, run_id: str) -> bool:
        """Tell whether the run's own log has one, which is written before the asset's."""
        asked = "select count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
        with closing(sqlite3.connect(self._logs / f"{run_id}.db", timeout=60)) as connection:
            return bool(connection.execute(asked).fetchone()[0])

    @contextmanager
    def assets_locked(self) -> Iterator[None]:
        """Keep everybody from writing what Dagster knows of assets; they wait."""
        connection = sqlite3.connect(self._logs / "index.db", timeout=60, isolation_level=None)
        with closing(connection):
            connection.execute("begin immediate")
            yield
            connection.execute("rollback")


def ended(process: "subprocess.Popen[Any]") -> None:
    """Kill a process as the kernel does when memory runs out."""
    process.kill()
    process.communicate()
