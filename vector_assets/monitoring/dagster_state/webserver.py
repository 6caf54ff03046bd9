"""Reads state and launches backfills through the GraphQL API of Dagster's webserver.

This works from another host and while the daemon is dead, and does not import Dagster.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import requests
from urllib3.util.retry import Retry

from vector_assets.core.days import Days
from vector_assets.core.errors import ContractError, UnavailableError
from vector_assets.core.http_deadline import BoundedAdapter
from vector_assets.monitoring.dagster_state import queries
from vector_assets.monitoring.dagster_state.names import (
    CODE_SERVER_AWAY,
    DOCUMENTS,
    FAILED_DOCUMENTS,
    GAPS,
    ONE_DAY_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    SCHEDULE,
    WATCHED_CHECKS,
    documents_asset,
    source_of_asset,
)
from vector_assets.monitoring.dagster_state.state import (
    ACTIVE_STATUSES,
    FINISHED_TICKS,
    ActiveRun,
    AssetHistory,
    DagsterState,
    Instigator,
    PartitionRecord,
    days_of_tags,
    gap_of,
    last_line,
    tick_error,
)
from vector_assets.sources.items import Gap

TIMEOUT_SECONDS = 15.0

_DEAD_CONNECTIONS = 3
"""How many queries can fail after a restart of Postgres: the storages of runs, events and schedules
each keep one connection open and notice only on a failure that it is dead (dagster-postgres'
`optimize_for_webserver`, 2026-11-26)."""

_RUN_STATES = {
    "SUCCESS": "materialized",
    "FAILURE": "failed",
    "CANCELED": "failed",
    "CANCELING": "failed",
    "QUEUED": "waiting",
    "NOT_STARTED": "waiting",
}


@dataclass(frozen=True, slots=True)
class Backfill:
    """The state of a backfill.

    Attributes:
        status: Dagster's status: `REQUESTED`, `COMPLETED_SUCCESS`, `COMPLETED_FAILED`, ...
        days: By day: `waiting`, `running`, `materialized` or `failed`.
        error: Why Dagster abandoned it; empty when it did not.
    """

    id: str
    source: str
    status: str
    days: Mapping[date, str]
    error: str


class DagsterGraphql:
    """A client of one webserver."""

    def __init__(self, url: str) -> None:
        self.url = url

    def observe(self, sources: Sequence[str], recent_days: Sequence[date]) -> DagsterState:
        """Return Dagster's state, with the history of some sources.

        Raises:
            UnavailableError: The webserver does not answer.
            ContractError: What answers is not a webserver of Dagster.
        """
        state = self._query(queries.STATE, {"finished": list(FINISHED_TICKS)})
        heartbeats = {
            daemon["daemonType"]: _instant(daemon["lastHeartbeatTime"])
            for daemon in state["instance"]["daemonHealth"]["allDaemonStatuses"]
            if daemon["required"]
        }
        instigators, location_error = _location(state["workspaceOrError"])
        assets: dict[str, AssetHistory] = {}
        if not location_error:
            keys = [{"path": [documents_asset(source)]} for source in sources]
            days = [day.isoformat() for day in recent_days]
            active = self._query(queries.ACTIVE_RUNS, {"statuses": list(ACTIVE_STATUSES)})
            runs = [_active_run(run) for run in active["runsOrError"]["results"]]
            for node in self._query(queries.ASSETS, {"keys": keys, "days": days})["assetNodes"]:
                source = source_of_asset(node["assetKey"]["path"][-1])
                assets[source] = replace(
                    _history(node),
                    active_runs=tuple(run for run in runs if run.materializes(source)),
                )
        return DagsterState(
            assets=assets,
            instigators=None if location_error else instigators,
            heartbeats=heartbeats,
            location_error=location_error,
        )

    def launch_backfill(self, source: str, days: Sequence[date], *, title: str) -> str:
        """Launch a backfill of some days of a source and return its id.

        Raises:
            UnavailableError: The webserver does not answer, or has no such days.
        """
        params = {
            "assetSelection": [{"path": [documents_asset(source)]}],
            "partitionNames": [day.isoformat() for day in days],
            "title": title,
            "tags": [{"key": "source", "value": source}],
        }
        launched = self._query(queries.LAUNCH, {"params": params})["launchPartitionBackfill"]
        if launched["__typename"] != "LaunchBackfillSuccess":
            raise UnavailableError(
                "dagster", str(launched.get("message") or launched["__typename"]).split("\n")[0]
            )
        return str(launched["backfillId"])

    def backfill(self, backfill_id: str) -> Backfill | None:
        """Return a backfill, or None when there is none with this id."""
        backfill = self._query(queries.BACKFILL, {"id": backfill_id})["partitionBackfillOrError"]
        if backfill["__typename"] != "PartitionBackfill" or not backfill["assetSelection"]:
            return None
        key = backfill["assetSelection"][0]
        names = list(backfill["partitionNames"] or [])
        [node] = self._query(queries.RECORDED, {"key": {"path": key["path"]}, "days": names})[
            "assetNodes"
        ]
        began_at = float(backfill["creationTime"])
        recorded = {
            event["partition"]
            for event in node["latestMaterializationByPartition"]
            if event is not None and float(event["timestamp"]) / 1000 >= began_at
        }
        return Backfill(
            id=str(backfill["id"]),
            source=source_of_asset(key["path"][-1]),
            status=str(backfill["status"]),
            days={
                date.fromisoformat(name): (
                    "materialized" if name in recorded else _state_of(name, backfill)
                )
                for name in names
            },
            error=str((backfill["error"] or {}).get("message", "")).split("\n")[0],
        )

    def _query(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        name = f"the Dagster webserver at {self.url}"
        body = {"query": query, "variables": variables}
        # A query may be repeated; a mutation may not.
        retries = 0 if query.lstrip().startswith("mutation") else _DEAD_CONNECTIONS
        try:
            response = _post(self.url, body, retries=retries)
        except requests.RequestException as error:
            advice = "Start it (`vector-assets up`), or set DAGSTER_GRAPHQL_URL."
            raise UnavailableError(name, type(error).__name__, advice) from error
        data, seen = _data(response)
        if data:
            return data
        if response.status_code >= requests.codes.server_error:
            advice = "Look at its log: it, its database, or a proxy in front of it has failed."
            raise UnavailableError(name, seen, advice)
        raise ContractError(self.url, seen, "data of a Dagster webserver (DAGSTER_GRAPHQL_URL)")


def _post(url: str, body: Mapping[str, Any], *, retries: int) -> requests.Response:
    """Post, and retry at once on a status of 500, 502, 503 or 504."""
    policy = Retry(
        total=None,
        connect=0,
        read=0,
        status=retries,
        status_forcelist=(500, 502, 503, 504),
        allowed_methods=None,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, BoundedAdapter(max_retries=policy))
        return session.post(url, json=body, timeout=TIMEOUT_SECONDS)


def _data(response: requests.Response) -> tuple[dict[str, Any], str]:
    """Return the data of a response; or, when it has errors, no data and what was seen."""
    status = f"HTTP {response.status_code}"
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return {}, f"{status} and no JSON"
    if not isinstance(body, dict):
        return {}, f"{status} and JSON that is no object"
    errors, data = body.get("errors"), body.get("data")
    if not errors and isinstance(data, dict) and data:
        return data, ""
    first = errors[0] if isinstance(errors, list) and errors else errors
    message = str((first.get("message") if isinstance(first, dict) else first) or "no data")
    return {}, f"{status}: {message.splitlines()[0][:200]}"


def _location(workspace: Mapping[str, Any]) -> tuple[dict[str, Instigator], str]:
    """Return schedules and sensors by name, and why our code location does not load."""
    if "locationEntries" not in workspace:
        return {}, str(workspace.get("message", "no workspace")).split("\n")[0]
    instigators: dict[str, Instigator] = {}
    errors: list[str] = []
    for entry in workspace["locationEntries"]:
        loaded = entry["locationOrLoadError"] or {"message": "it is still loading"}
        if "repositories" not in loaded:
            # The last cause is what the code raised. When the code server does not answer, the last
            # cause is gRPC's, and Dagster's own message is clearer.
            causes = loaded.get("causes") or ()
            messages = [str(loaded["message"]), *(str(cause["message"]) for cause in causes)]
            message = messages[0 if CODE_SERVER_AWAY in messages[0] else -1]
            errors.append(f"{entry['name']}: {last_line(message)}")
            continue
        for repository in loaded["repositories"]:
            for schedule in repository["schedules"]:
                instigators[schedule["name"]] = _instigator(schedule["scheduleState"])
            for sensor in repository["sensors"]:
                instigators[sensor["name"]] = _instigator(sensor["sensorState"])
    if SCHEDULE in instigators:
        return instigators, ""
    return instigators, "; ".join(errors) or "it is not in the workspace"


def _instigator(state: Mapping[str, Any]) -> Instigator:
    is_running = state["status"] == "RUNNING"
    if not state["ticks"]:
        return Instigator(is_running)
    tick = state["ticks"][0]
    error = tick["error"] if tick["status"] == "FAILURE" else None
    errors = [error, *error["causes"]] if error else []
    words = tick_error([str(error["message"]) for error in errors])
    return Instigator(is_running, _instant(tick["timestamp"]), words)


def _history(node: Mapping[str, Any]) -> AssetHistory:
    ranges = (node["assetPartitionStatuses"] or {}).get("ranges") or []
    days: set[date] = set()
    for span in ranges:
        if span["status"] == "MATERIALIZED":
            first, last = date.fromisoformat(span["startKey"]), date.fromisoformat(span["endKey"])
            days |= set(Days(first, last))
    records = [_record(event) for event in node["latestMaterializationByPartition"] if event]
    # Dagster shows a day as failed, or as being materialized, also where an earlier run brought it.
    days |= {record.day for record in records}
    return AssetHistory(
        days=frozenset(days),
        recent=tuple(sorted(records, key=lambda record: record.day)),
        failed_checks=dict(_failed_checks(node)),
    )


def _active_run(run: Mapping[str, Any]) -> ActiveRun:
    selected = run["assetSelection"]
    created_at = _instant(run["creationTime"])
    assert created_at is not None
    return ActiveRun(
        assets=None if selected is None else frozenset("/".join(key["path"]) for key in selected),
        job=str(run["jobName"]),
        days=days_of_tags({tag["key"]: tag["value"] for tag in run["tags"]}),
        created_at=created_at,
        started_at=_instant(run["startTime"]),
    )


def _record(event: Mapping[str, Any]) -> PartitionRecord:
    numbers = {entry["label"]: entry.get("intValue") for entry in event["metadataEntries"]}
    return PartitionRecord(
        day=date.fromisoformat(event["partition"]),
        recorded_at=datetime.fromtimestamp(float(event["timestamp"]) / 1000, UTC),
        documents=int(numbers.get(DOCUMENTS) or 0),
        failed_documents=int(numbers.get(FAILED_DOCUMENTS) or 0),
        gaps=_gaps(event),
    )


def _gaps(event: Mapping[str, Any]) -> tuple[Gap, ...] | None:
    for entry in event["metadataEntries"]:
        if entry["label"] == GAPS:
            return tuple(gap_of(json.loads(row)) for row in entry["table"]["records"])
    return None


def _failed_checks(node: Mapping[str, Any]) -> list[tuple[str, str]]:
    checks = (node["assetChecksOrError"] or {}).get("checks") or []
    failed = []
    for check in checks:
        newest = check["executionForLatestMaterialization"]
        if check["name"] not in WATCHED_CHECKS or newest is None:
            continue
        if newest["status"] in {"FAILED", "EXECUTION_FAILED"}:
            description = (newest["evaluation"] or {}).get("description")
            failed.append((str(check["name"]), str(description or newest["status"].lower())))
    return failed


def _state_of(day: str, backfill: Mapping[str, Any]) -> str:
    """Return the state of a day without a materialization, by the newest run that covers it."""
    for run in sorted(backfill["runs"], key=lambda run: -float(run["creationTime"])):
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        first = tags.get(RANGE_START_TAG, tags.get(ONE_DAY_TAG, ""))
        last = tags.get(RANGE_END_TAG, tags.get(ONE_DAY_TAG, ""))
        if first <= day <= last:
            state = _RUN_STATES.get(run["status"], "running")
            # A run that succeeded without a materialization of the day has not synced it.
            return "failed" if state == "materialized" else state
    is_over = backfill["status"] in {"COMPLETED", "FAILED", "CANCELED", "COMPLETED_FAILED"}
    return "failed" if is_over else "waiting"


def _instant(epoch_seconds: float | None) -> datetime | None:
    return None if epoch_seconds is None else datetime.fromtimestamp(epoch_seconds, UTC)
