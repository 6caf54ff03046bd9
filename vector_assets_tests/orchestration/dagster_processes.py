"""Runs `dagster dev` as real processes and queries it over GraphQL."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from vector_assets_tests.support.patience import PATIENCE_SECONDS, first_answer

ROOT = Path(__file__).parents[2]


_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

_STATUS = """
query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }
"""

_FAILURES = """
query ($id: ID!) {
  logsForRun(runId: $id) { ... on EventConnection { events {
    ... on ExecutionStepFailureEvent { stepKey error { message causes { message } } }
  } } }
}
"""

_SCHEDULE = """
query ($selector: ScheduleSelector!) {
  scheduleOrError(scheduleSelector: $selector) { ... on Schedule { id } }
}
"""

_SCHEDULE_OFF = """
mutation ($id: String!) {
  stopRunningSchedule(id: $id) { ... on ScheduleStateResult { scheduleState { status } } }
}
"""

_UNFINISHED = """
query { runsOrError(filter: {statuses: [NOT_STARTED, QUEUED, STARTING, STARTED, CANCELING]}) {
  ... on Runs { results { runId status } }
} }
"""

_EVENTS = """
query ($id: ID!) {
  logsForRun(runId: $id) { ... on EventConnection { events {
    ... on MessageEvent { message }
  } } }
}
"""


class DagsterProcesses:
    """The processes of `dagster dev`."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        url: str,
        log: Path,
        location: str = "vector_assets",
    ) -> None:
        self._selector = {
            "repositoryLocationName": location,
            "repositoryName": "__repository__",
        }
        self._process = process
        self.url = url
        self._log = log

    def query(self, text: str, **variables: Any) -> Any:
        """Send a GraphQL query to the webserver."""
        answer = requests.post(
            f"{self.url}/graphql", json={"query": text, "variables": variables}, timeout=30
        )
        body = answer.json()
        assert "errors" not in body, body["errors"]
        return body["data"]

    def launch(self, job: str, tags: Mapping[str, str], source: str = "") -> str:
        """Launch a run of a job, for one source or for all, and return its id."""
        selection = [{"path": [f"{source}_documents"]}] if source else None
        launched = self.query(
            _LAUNCH,
            params={
                "selector": {**self._selector, "jobName": job, "assetSelection": selection},
                "runConfigData": {},
                "executionMetadata": {
                    "tags": [{"key": key, "value": value} for key, value in tags.items()]
                },
            },
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def wait_for_run(self, run_id: str) -> str:
        """Return the status with which a run ended."""
        ended = {"SUCCESS", "FAILURE", "CANCELED"}
        try:
            return str(self._wait(lambda: self._status_in(run_id, ended), f"the run {run_id}"))
        except TimeoutError as error:
            error.add_note(f"Not ended are:\n{self._unfinished()}")
            raise

    def failures_of(self, run_id: str) -> list[Any]:
        """Return the steps of a run that failed, with their causes."""
        events = self.query(_FAILURES, id=run_id)["logsForRun"]["events"]
        return [event for event in events if event]

    def stop_schedule(self, name: str) -> None:
        """Switch a schedule off, as a person does in the UI."""
        selector = {**self._selector, "scheduleName": name}
        schedule = self.query(_SCHEDULE, selector=selector)["scheduleOrError"]
        stopped = self.query(_SCHEDULE_OFF, id=schedule["id"])["stopRunningSchedule"]
        assert stopped == {"scheduleState": {"status": "STOPPED"}}

    def wait_until_up(self) -> None:
        """Return when the webserver answers and has loaded the code location."""
        self._wait(self._is_up, "dagster dev")

    def _unfinished(self) -> str:
        """Return the runs that have not ended, each with its last events."""
        runs = self.query(_UNFINISHED)["runsOrError"]["results"]
        return "\n".join(
            f"{run['runId']} {run['status']}: "
            + " | ".join(
                event["message"][:200]
                for event in self.query(_EVENTS, id=run["runId"])["logsForRun"]["events"][-5:]
            )
            for run in runs
        )

    def _status_in(self, run_id: str, wanted: set[str]) -> str:
        status = str(self.query(_STATUS, id=run_id)["runOrError"]["status"])
        return status if status in wanted else ""

    def _is_up(self) -> bool:
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/server_info", timeout=5).ok
        return False

    def _wait(self, question: Any, what: str) -> Any:
        if answer := first_answer(
            question, patience_seconds=PATIENCE_SECONDS, process=self._process
        ):
            return answer
        raise TimeoutError(f"{what} did not come to an end:\n{self._log.read_text()[-4000:]}")


@contextmanager
def running_dagster(home: Path, environment: Mapping[str, str]) -> Iterator[DagsterProcesses]:
    """Run `dagster dev` over this project until the block ends.

    Args:
        home: Becomes `DAGSTER_HOME`; gets a plain dagster.yaml when it does not exist.
        environment: Added to a few of our own variables; nothing else is handed on.
    """
    if not home.exists():
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    log = home / "dagster-dev.log"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    arguments = ["dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "dagster"), *arguments],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "DAGSTER_HOME": str(home),
                "DAGSTER_DISABLE_TELEMETRY": "yes",
                **environment,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        dagster = DagsterProcesses(process, f"http://127.0.0.1:{port}", log)
        dagster.wait_until_up()
        yield dagster
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
        # Children that outlive their parent, such as code servers, are in the same session.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
