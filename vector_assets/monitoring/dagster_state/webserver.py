"""Dagster's webserver, asked over GraphQL as its UI asks it: state, backfills.

From outside, so that it works on another host and while the daemon is dead. Dagster itself is not
imported.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from vector_assets.core.errors import ContractError, UnavailableError
from vector_assets.monitoring.dagster_state.names import (
    CODE_SERVER_AWAY,
    DOCUMENTS,
    FAILED_DOCUMENTS,
    GAPS,
    SCHEDULE,
    WATCHED_CHECKS,
    documents_asset,
    source_of_asset,
)
from vector_assets.monitoring.dagster_state.state import (
    AssetHistory,
    DayRecord,
    Instigator,
    Observation,
    gap_of,
)
from vector_assets.sources.items import Gap

TIMEOUT_SECONDS = 15.0

_DEAD_CONNECTIONS = 3
"""How many answers a webserver's Postgres spoils when it comes back from a restart.

Runs, events and schedules each keep one connection open, and each learns by a failure that it is
dead (`pool_size` of dagster-postgres' `optimize_for_webserver`, 2026-11-26).
"""

_STATE = """
query {
  instance { daemonHealth { allDaemonStatuses { daemonType required lastHeartbeatTime } } }
  workspaceOrError {
    ... on PythonError { message }
    ... on Workspace { locationEntries { name locationOrLoadError {
      ... on PythonError { message causes { message } }
      ... on RepositoryLocation { repositories {
        schedules { name scheduleState { status ticks(limit: 1) {
          timestamp status error { message } } } }
        sensors { name sensorState { status ticks(limit: 1) {
          timestamp status error { message } } } }
      } }
    } } }
  }
}
"""

_ASSETS = """
query ($keys: [AssetKeyInput!]!, $days: [String!]!) {
  assetNodes(assetKeys: $keys) {
    assetKey { path }
    assetPartitionStatuses {
      ... on TimePartitionStatuses { ranges { startKey endKey status } }
    }
    latestMaterializationByPartition(partitions: $days) {
      partition timestamp
      metadataEntries { label
        ... on IntMetadataEntry { intValue }
        ... on TableMetadataEntry { table { records } }
      }
    }
    assetChecksOrError { ... on AssetChecks { checks {
      name
      executionForLatestMaterialization { status evaluation { success description } }
    } } }
  }
}
"""

_LAUNCH = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PartitionKeysNotFoundError { message }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""

_BACKFILL = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PythonError { message }
    ... on PartitionBackfill {
      id status creationTime title partitionNames
      error { message }
      assetSelection { path }
      runs(limit: 1000) { status creationTime tags { key value } }
    }
  }
}
"""

_RECORDED = """
query ($key: AssetKeyInput!, $days: [String!]!) {
  assetNodes(assetKeys: [$key]) {
    latestMaterializationByPartition(partitions: $days) { partition timestamp }
  }
}
"""

_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
_ONE_DAY = "dagster/partition"
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
    """What became of a backfill.

    Attributes:
        id: Its id.
        source: Whose days.
        status: Dagster's word: `REQUESTED`, `COMPLETED_SUCCESS`, `COMPLETED_FAILED`, ...
        days: By day: `waiting`, `running`, `materialized` or `failed`.
        error: Why Dagster gave it up; empty when it did not.
    """

    id: str
    source: str
    status: str
    days: Mapping[date, str]
    error: str


class DagsterGraphql:
    """The webserver at one address.

    Args:
        url: `DAGSTER_GRAPHQL_URL`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._name = f"the Dagster webserver at {url}"

    def observe(self, sources: Sequence[str], recent_days: Sequence[date]) -> Observation:
        """Return what Dagster says of itself and of some sources.

        Args:
            sources: Names.
            recent_days: Whose records are wanted.

        Raises:
            UnavailableError: The webserver does not answer.
            ContractError: It answers something else than a webserver of Dagster.
        """
        state = self._asked(_STATE, {})
        heartbeats = {
            one["daemonType"]: _instant(one["lastHeartbeatTime"])
            for one in state["instance"]["daemonHealth"]["allDaemonStatuses"]
            if one["required"]
        }
        instigators, location_error = _location(state["workspaceOrError"])
        assets: dict[str, AssetHistory] = {}
        if not location_error:
            keys = [{"path": [documents_asset(source)]} for source in sources]
            days = [day.isoformat() for day in recent_days]
            for node in self._asked(_ASSETS, {"keys": keys, "days": days})["assetNodes"]:
                source = source_of_asset(node["assetKey"]["path"][-1])
                assets[source] = _history(node)
        return Observation(
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
        launched = self._asked(_LAUNCH, {"params": params})["launchPartitionBackfill"]
        if launched["__typename"] != "LaunchBackfillSuccess":
            raise UnavailableError(
                "dagster", str(launched.get("message") or launched["__typename"]).split("\n")[0]
            )
        return str(launched["backfillId"])

    def backfill(self, backfill_id: str) -> Backfill | None:
        """Return the state of a backfill, or None when there is none of this id.

        Raises:
            UnavailableError: The webserver does not answer.
        """
        found = self._asked(_BACKFILL, {"id": backfill_id})["partitionBackfillOrError"]
        if found["__typename"] != "PartitionBackfill" or not found["assetSelection"]:
            return None
        key = found["assetSelection"][0]
        names = list(found["partitionNames"] or [])
        [node] = self._asked(_RECORDED, {"key": {"path": key["path"]}, "days": names})["assetNodes"]
        began_at = float(found["creationTime"])
        recorded = {
            one["partition"]
            for one in node["latestMaterializationByPartition"]
            if one is not None and float(one["timestamp"]) / 1000 >= began_at
        }
        return Backfill(
            id=str(found["id"]),
            source=source_of_asset(key["path"][-1]),
            status=str(found["status"]),
            days={
                date.fromisoformat(name): (
                    "materialized" if name in recorded else _state_of(name, found)
                )
                for name in names
            },
            error=str((found["error"] or {}).get("message", "")).split("\n")[0],
        )

    def _asked(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        # What is only asked for may be asked for twice; what is launched, may not.
        retries = 0 if query.lstrip().startswith("mutation") else _DEAD_CONNECTIONS
        try:
            answer = _posted(self.url, body, retries=retries)
        except requests.RequestException as error:
            raise UnavailableError(
                self._name,
                type(error).__name__,
                "Start it (`vector-assets up`), or set DAGSTER_GRAPHQL_URL.",
            ) from error
        data, words = _data(answer)
        if data:
            return data
        if answer.status_code >= requests.codes.server_error:
            raise self._failed(words)
        raise ContractError(self.url, words, "data of a Dagster webserver (DAGSTER_GRAPHQL_URL)")

    def _failed(self, seen: str) -> UnavailableError:
        return UnavailableError(
            self._name, seen, "Look at its log: it, its database, or a proxy before it, has failed."
        )


def _posted(url: str, body: Mapping[str, Any], *, retries: int) -> requests.Response:
    """Post, and again at once where the webserver says that it failed itself."""
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
            session.mount(scheme, HTTPAdapter(max_retries=policy))
        return session.post(url, json=body, timeout=TIMEOUT_SECONDS)


def _data(answer: requests.Response) -> tuple[dict[str, Any], str]:
    """Return the data of an answer without errors, or none and what was seen; nothing is raised."""
    status = f"HTTP {answer.status_code}"
    try:
        found = answer.json()
    except requests.JSONDecodeError:
        return {}, f"{status} and no JSON"
    if not isinstance(found, dict):
        return {}, f"{status} and JSON that is no object"
    errors, data = found.get("errors"), found.get("data")
    if not errors and isinstance(data, dict) and data:
        return data, ""
    first = errors[0] if isinstance(errors, list) and errors else errors
    message = str((first.get("message") if isinstance(first, dict) else first) or "no data")
    return {}, f"{status}: {message.splitlines()[0][:200]}"


def _location(workspace: Mapping[str, Any]) -> tuple[dict[str, Instigator], str]:
    """Return schedules and sensors by name, and why the location that has ours does not load."""
    if "locationEntries" not in workspace:
        return {}, str(workspace.get("message", "no workspace")).split("\n")[0]
    found: dict[str, Instigator] = {}
    errors: list[str] = []
    for entry in workspace["locationEntries"]:
        loaded = entry["locationOrLoadError"] or {"message": "it is still loading"}
        if "repositories" not in loaded:
            # Dagster's own error says where it loaded from; the last cause, what the code raised.
            # When no code answered at all, the last cause is gRPC's, and Dagster's the clearer one.
            messages = [loaded["message"], *(one["message"] for one in loaded.get("causes") or ())]
            is_away = CODE_SERVER_AWAY in str(messages[0])
            words = _last_line(str(messages[0 if is_away else -1]))
            errors.append(f"{entry['name']}: {words}")
            continue
        for repository in loaded["repositories"]:
            for one in repository["schedules"]:
                found[one["name"]] = _instigator(one["scheduleState"])
            for one in repository["sensors"]:
                found[one["name"]] = _instigator(one["sensorState"])
    is_ours = SCHEDULE in found
    return found, "" if is_ours else "; ".join(errors) or "it is not in the workspace"


def _instigator(state: Mapping[str, Any]) -> Instigator:
    tick = state["ticks"][0] if state["ticks"] else None
    if tick is None:
        return Instigator(state["status"] == "RUNNING")
    error = tick["error"]["message"] if tick["status"] == "FAILURE" and tick["error"] else ""
    return Instigator(state["status"] == "RUNNING", _instant(tick["timestamp"]), _last_line(error))


def _history(node: Mapping[str, Any]) -> AssetHistory:
    ranges = (node["assetPartitionStatuses"] or {}).get("ranges") or []
    days: set[date] = set()
    for one in ranges:
        if one["status"] == "MATERIALIZED":
            first, last = date.fromisoformat(one["startKey"]), date.fromisoformat(one["endKey"])
            days |= {date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)}
    records = [_record(one) for one in node["latestMaterializationByPartition"] if one is not None]
    return AssetHistory(
        days=frozenset(days),
        recent=tuple(sorted(records, key=lambda record: record.day)),
        failed_checks=dict(_failed_checks(node)),
    )


def _record(event: Mapping[str, Any]) -> DayRecord:
    numbers = {entry["label"]: entry.get("intValue") for entry in event["metadataEntries"]}
    return DayRecord(
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
    found = []
    for check in checks:
        newest = check["executionForLatestMaterialization"]
        if check["name"] not in WATCHED_CHECKS or newest is None:
            continue
        if newest["status"] in {"FAILED", "EXECUTION_FAILED"}:
            words = (newest["evaluation"] or {}).get("description") or newest["status"].lower()
            found.append((str(check["name"]), str(words)))
    return found


def _state_of(day: str, backfill: Mapping[str, Any]) -> str:
    """Return how far a day is that was not recorded: by the newest run that covers it."""
    for run in sorted(backfill["runs"], key=lambda one: -float(one["creationTime"])):
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        first = tags.get(_RANGE_START, tags.get(_ONE_DAY, ""))
        last = tags.get(_RANGE_END, tags.get(_ONE_DAY, ""))
        if first <= day <= last:
            state = _RUN_STATES.get(run["status"], "running")
            # A run that succeeded without recording the day has not materialized it.
            return "failed" if state == "materialized" else state
    is_over = backfill["status"] in {"COMPLETED", "FAILED", "CANCELED", "COMPLETED_FAILED"}
    return "failed" if is_over else "waiting"


def _instant(epoch_seconds: float | None) -> datetime | None:
    return None if epoch_seconds is None else datetime.fromtimestamp(epoch_seconds, UTC)


def _last_line(text: str) -> str:
    """Return the line of a traceback that says what happened."""
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    return lines[-1][:300] if lines else ""
