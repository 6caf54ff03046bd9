"""A dead daemon, a schedule that is off, a broken deploy: noticed from outside, and healed."""

from datetime import date, timedelta
from typing import Any

import pytest
import requests

from vector_assets.sources import SOURCE_NAMES
from vector_assets_tests.receiver import Receiver
from vector_assets_tests.watching.installation import Installation

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("team")]

SCHEDULE = "nightly_ingestion_schedule"

_SWITCH = """
query { scheduleOrError(scheduleSelector: {
  repositoryLocationName: "location.py", repositoryName: "__repository__", scheduleName: "%s"
}) { ... on Schedule { scheduleState { id } } } }
"""
_STOP = 'mutation { stopRunningSchedule(id: "%s") { __typename } }'
_START = """
mutation { startSchedule(scheduleSelector: {
  repositoryLocationName: "location.py", repositoryName: "__repository__", scheduleName: "%s"
}) { __typename } }
"""


def events_about(receiver: Receiver, key: str) -> list[str]:
    return [kind for kind, about in receiver.events() if about == key]


def materialized(team: Installation, source: str) -> set[date]:
    """Return the days of a source that Dagster has recorded."""
    query = """query ($key: [AssetKeyInput!]!) { assetNodes(assetKeys: $key) {
      assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey } } } } }"""
    [node] = team.dagster.query(query, key=[{"path": [f"{source}_documents"]}])["assetNodes"]
    days: set[date] = set()
    for one in node["assetPartitionStatuses"]["ranges"]:
        first, last = date.fromisoformat(one["startKey"]), date.fromisoformat(one["endKey"])
        days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return days


def test_the_first_days_come_by_themselves_and_all_is_well(
    team: Installation, receiver: Receiver
) -> None:
    pings = receiver.pings
    team.wait_until(lambda: receiver.pings > pings + 2, "pings while all is well")
    assert requests.get(f"{team.url}/healthz", timeout=60).status_code == 200
    assert receiver.events() == []
    for source in SOURCE_NAMES:
        assert len(materialized(team, source)) == 3


def test_a_schedule_that_somebody_switches_off_is_told_and_so_is_its_return(
    team: Installation, receiver: Receiver
) -> None:
    state: Any = team.dagster.query(_SWITCH % SCHEDULE)["scheduleOrError"]["scheduleState"]
    team.dagster.query(_STOP % state["id"])
    alert = receiver.wait_for("opened", f"off:{SCHEDULE}")
    assert alert["headline"] == f"{SCHEDULE} is switched off"
    team.dagster.query(_START % SCHEDULE)
    receiver.wait_for("over", f"off:{SCHEDULE}")
    assert events_about(receiver, f"off:{SCHEDULE}") == ["opened", "over"]


def test_a_deploy_that_does_not_load_is_told_with_its_cause(
    team: Installation, receiver: Receiver
) -> None:
    team.break_the_location(is_broken=True)
    alert = receiver.wait_for("opened", "code-location")
    assert "somebody has deployed a mistake" in alert["detail"]
    assert team.post_backfill("jira", 1).status_code == 503
    team.break_the_location(is_broken=False)
    receiver.wait_for("over", "code-location")
    assert events_about(receiver, "code-location") == ["opened", "over"]


def test_a_daemon_that_is_killed_is_told_and_makes_up_for_the_days_when_it_is_back(
    team: Installation, receiver: Receiver
) -> None:
    team.kill("daemon")
    alert = receiver.wait_for("opened", "daemon", patience_seconds=180)
    assert "no heartbeat for more than 75 s" in alert["detail"]
    assert requests.get(f"{team.url}/healthz", timeout=60).status_code == 503
    pings = receiver.pings
    refused = team.post_backfill("jira", 1)
    assert refused.status_code == 503
    assert "daemon is dead" in refused.text

    # As after an outage of three days: six days were to be there, three are.
    team.environment["CATCH_UP_DAYS"] = "6"
    assert receiver.pings == pings
    team.start("daemon")
    receiver.wait_for("over", "daemon", patience_seconds=180)
    team.wait_until(
        lambda: all(len(materialized(team, source)) == 6 for source in SOURCE_NAMES),
        "the days of the outage",
    )
    assert events_about(receiver, "daemon") == ["opened", "over"]
    team.wait_until(lambda: receiver.pings > pings, "pings after the outage")


def test_a_webserver_that_is_killed_is_told(team: Installation, receiver: Receiver) -> None:
    team.kill("webserver")
    receiver.wait_for("opened", "webserver")
    team.start("webserver")
    receiver.wait_for("over", "webserver")
    assert events_about(receiver, "webserver") == ["opened", "over"]
