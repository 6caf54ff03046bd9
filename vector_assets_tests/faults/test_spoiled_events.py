"""A bad network between vendors and processes: the night brings the rest and tells its share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.days import Days
from vector_assets.definitions import build_defs
from vector_assets.orchestration.local import materialize_in_process
from vector_assets.pipeline import arrivals
from vector_assets.sandbox.changes import CHANGED_SOURCES
from vector_assets.sandbox.events import (
    Event,
    fireflies_event,
    jira_event,
    notion_event,
    slack_event,
    spoiled,
)
from vector_assets.sandbox.workspace import Workspace
from vector_assets_tests.faults.event_processes import (
    SECRET,
    Installation,
    running_installation,
)
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.sources.notion.pages import page, paragraph, text

THINGS = 50
"""Of each source; each changes once, so that an event that is lost is a document that is late."""


def channel_id(number: int) -> str:
    return f"C00SPOIL{number:02d}"


def add_things(workspace: Workspace, now: datetime) -> None:
    """Add issues, channels and pages that nobody else touches."""
    before = now - timedelta(days=1)
    for number in range(THINGS):
        workspace.issues.append(issue(50_000 + number, updated=before))
        workspace.channels.append({"id": channel_id(number), "name": f"spoiled-{number}"})
        workspace.messages[channel_id(number)] = [said(workspace, before, number, "Good morning")]
        edited = before.isoformat().replace("+00:00", "Z")
        workspace.pages.append(page(f"Spoiled {number}", paragraph("Words"), edited=edited))


def said(workspace: Workspace, at: datetime, number: int, words: str) -> dict[str, Any]:
    ts = f"{at.timestamp() + number / 1_000:.6f}"
    return {"type": "message", "user": workspace.users[0]["id"], "text": words, "ts": ts}


def change_things(workspace: Workspace, numbers: range) -> Iterator[Event]:
    """Change each thing once; yield the events that tell of it."""
    for number in numbers:
        now = datetime.now(UTC)
        words = f"Changed at {now.isoformat()}"
        changed = next(each for each in workspace.issues if each["id"] == str(60_000 + number))
        at = now.isoformat(timespec="milliseconds").replace("+00:00", "+0000")
        changed["fields"] |= {"summary": words, "updated": at}
        yield jira_event("jira:issue_updated", {"issue": {"id": changed["id"]}}, SECRET, now)
        message = said(workspace, now, 0, words)
        workspace.messages[channel_id(number)].append(message)
        yield slack_event({**message, "channel": channel_id(number)}, SECRET, now)
        edited = workspace.pages[number - THINGS]
        edited["properties"]["Name"]["title"] = [text(words)]
        edited["last_edited_time"] = now.isoformat().replace("+00:00", "Z")
        yield notion_event("page.content_updated", edited["id"], SECRET, now)
        meeting = dict(workspace.transcripts[0])
        meeting |= {"id": f"spoiled{number}", "title": words, "date": now.timestamp() * 1000}
        workspace.transcripts.append(meeting)
        yield fireflies_event("meeting.transcribed", meeting["id"], SECRET, now)


@contextmanager
def nights(installation: Installation) -> Iterator[Callable[[str], tuple[int, int]]]:
    """Yield what runs a source's night, and returns what events brought and missed."""
    home = installation.environment["DAGSTER_HOME"]
    with dg.DagsterInstance.from_config(home) as instance:

        def night(source: str) -> tuple[int, int]:
            result = materialize_in_process(
                build_defs(installation.settings),
                source,
                Days.newest(3, datetime.now(UTC)),
                instance=instance,
            )
            assert result.success
            events = result.asset_materializations_for_node(f"{source}_documents")
            metadata = max(events, key=lambda event: str(event.partition)).metadata
            brought, missed = (
                int(str(metadata[name].value))
                for name in ("run_brought_by_events", "run_missed_by_events")
            )
            return brought, missed

        yield night


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_after_the_night_nothing_is_missing_and_the_share_that_was_lost_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "SETTLE", timedelta(0))
    with running_installation(tmp_path, add_things) as installation, nights(installation) as night:
        workspace = installation.sandbox.workspace
        for source in CHANGED_SOURCES:
            night(source)
        for name in installation.commands:
            installation.start(name)
        installation.wait_until_served()
        # From the first event of a source on, those that are lost are counted.
        assert [installation.deliver(each) for each in change_things(workspace, range(1))] == (
            [200] * len(CHANGED_SOURCES)
        )
        installation.wait_until_read()
        for source in CHANGED_SOURCES:
            night(source)

        events = list(change_things(workspace, range(1, THINGS)))
        delivered = list(spoiled(events, seed=7, dropped=0.2, doubled=0.1, reordered=0.1))
        for event in delivered:
            assert installation.deliver(event) == 200
        installation.wait_until_read()
        told = {source: night(source) for source in CHANGED_SOURCES}
        assert installation.wrong() == {"missing": [], "doubled": [], "stale": []}
    arrived = {event.body for event in delivered}
    for source in CHANGED_SOURCES:
        of_source = [event for event in events if event.source == source]
        lost_share = sum(event.body not in arrived for event in of_source) / len(of_source)
        brought, missed = told[source]
        assert missed / (brought + missed) == pytest.approx(lost_share, abs=0.01), source
