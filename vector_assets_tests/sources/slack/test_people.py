"""Who wrote what: people through apps, people of other organisations, and bots."""

from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import CredentialsError
from vector_assets.core.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.slack.team import (
    ANN,
    BEN,
    ENGINEERING,
    documents,
    gaps,
    impatient_source,
    person,
    populate,
    say,
    source,
)
from vector_assets_tests.support.tiny import utc

DAY = f"{ENGINEERING}:2026-03-02"
INFO = "/slack/api/users.info"
EVE, SAM = "U0EXT0099", "U0EXT0098"
LINEAR = {"id": "B0LINEAR1", "team_id": "T0SANDBOX", "name": "Linear"}
WINDOW = Window(utc("2026-03-02"), utc("2026-03-03"))


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    for user in sandbox.workspace.users:
        user["is_bot"] = False
    for user_id, name in ((EVE, "Eve Park"), (SAM, "Sam Roe")):
        stranger = {**person(user_id, name), "is_bot": False, "is_stranger": True}
        sandbox.workspace.users.append(stranger)
    return sandbox


@pytest.mark.parametrize(
    ("fields", "is_read"),
    [
        ({}, True),
        ({"bot_id": "B7", "bot_profile": LINEAR}, True),
        ({"bot_id": "B7", "subtype": "me_message"}, True),
        ({"bot_id": "B7", "user": EVE}, True),
        ({"bot_id": "B7", "subtype": "bot_message"}, False),
        ({"bot_id": "B7", "user": "U0BOT0001"}, False),
        ({"bot_id": "B7", "user": "U0UNKNOWN"}, False),
        ({"bot_id": "B7", "user": None}, False),
        ({"user": "USLACKBOT"}, False),
    ],
)
def test_what_a_person_posts_through_an_app_is_the_persons(
    team: Sandbox, fields: dict[str, Any], is_read: bool
) -> None:
    team.workspace.users.append({**person("U0BOT0001", "Linear"), "is_bot": True})
    say(team, "2026-03-02T10:00", "I moved the rehearsal to Thursday", **fields)
    message = team.workspace.messages[ENGINEERING][0]
    if message["user"] is None:
        del message["user"]
    read = documents(team, "2026-03-02", "2026-03-03")
    assert (DAY in read) == is_read
    subjects = [gap.subject for gap in gaps(team, "2026-03-02", "2026-03-03")]
    assert ("messages of bots" in subjects) == (not is_read)
    if is_read:
        assert read[DAY].authors == ("Eve Park" if fields.get("user") == EVE else "Ann Lee",)
        assert source(team).newest() == utc("2026-03-02T10:00")


def test_people_from_elsewhere_are_named_by_one_request_each(team: Sandbox) -> None:
    say(team, "2026-03-02T10:00", f"The certificate ends, says <@{SAM}>", user=EVE)
    say(team, "2026-03-02T10:05", f"<@{SAM}> and <@{EVE}>?", user=SAM)
    parent = say(team, "2026-03-02T11:00", f"<@{EVE}>, <@U0NOWHERE> and <@{BEN}>")
    say(team, "2026-03-02T11:05", "<@U0NOWHERE>", user=EVE, thread=parent)
    meter = Meter()
    items = list(source(team, meter).documents(WINDOW))
    day = next(item for item in items if isinstance(item, Document) and item.native_id == DAY)
    assert day.authors == ("Eve Park", "Sam Roe")
    assert [section.text for section in day.sections] == [
        "The certificate ends, says @Sam Roe",
        "@Sam Roe and @Eve Park?",
    ]
    assert meter.requests["slack users.info"] == 3  # nobody has the third id


def test_somebody_from_elsewhere_may_read_the_private_channel_they_are_in(team: Sandbox) -> None:
    team.workspace.site.private_channel_ids.append(ENGINEERING)
    team.workspace.channels[0]["members"].append(EVE)
    say(team, "2026-03-02T10:00", "Hello")
    access = documents(team, "2026-03-02", "2026-03-03")[DAY].access
    assert access == (
        "restricted", "ann.lee@example.com", "ben.oz@example.com", "eve.park@example.com",
    )  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 200, "body": {"ok": False, "error": "user_not_visible"}}],
)
def test_a_name_is_not_worth_failing_for(team: Sandbox, fault: dict[str, Any]) -> None:
    team.faults.fail(INFO, **fault)
    say(team, "2026-03-02T10:00", f"says <@{SAM}>", user=EVE)
    items = impatient_source(team).documents(WINDOW)
    (day,) = [item for item in items if isinstance(item, Document) and item.native_id == DAY]
    assert (day.authors, day.sections[0].text) == ((EVE,), f"says @{SAM}")


# The token of an organisation.

TEAMS = [{"id": "T0MAIN001", "name": "Main"}, {"id": "T0LAB0001", "name": "Lab"}]


def test_an_organisation_of_one_workspace_is_read_without_a_setting(team: Sandbox) -> None:
    team.workspace.site.slack_teams += TEAMS[:1]
    say(team, "2026-03-02T10:00", "Hello <!subteam^S0WEB0001>")
    team.workspace.usergroups.append({"id": "S0WEB0001", "handle": "web"})
    (section,) = documents(team, "2026-03-02", "2026-03-03")[DAY].sections
    assert section.text == "Hello @web"
    assert source(team).check().identity


def test_a_workspace_of_many_is_read_as_the_setting_says(team: Sandbox) -> None:
    team.workspace.site.slack_teams += TEAMS
    say(team, "2026-03-02T10:00", "Hello")
    assert DAY in documents(team, "2026-03-02", "2026-03-03", SLACK_TEAM_ID="T0LAB0001")
    wanted = r"2 workspaces: T0MAIN001 \(Main\), T0LAB0001 \(Lab\)\. .*set SLACK_TEAM_ID"
    with pytest.raises(CredentialsError, match=wanted):
        documents(team, "2026-03-02", "2026-03-03")
    with pytest.raises(CredentialsError, match=wanted):
        source(team).check()
    with pytest.raises(CredentialsError, match=r"invalid_team_id\. .*set SLACK_TEAM_ID"):
        documents(team, "2026-03-02", "2026-03-03", SLACK_TEAM_ID="T0NOWHERE")


@pytest.mark.parametrize("method", ["conversations.list", "users.list"])
def test_an_organisation_that_does_not_say_so_is_told_what_to_set(
    team: Sandbox, method: str
) -> None:
    words = {"messages": ["[ERROR] missing required field: team_id"]}
    body = {"ok": False, "error": "missing_argument", "response_metadata": words}
    team.faults.fail(f"/slack/api/{method}", status=200, body=body)
    with pytest.raises(CredentialsError, match="set SLACK_TEAM_ID"):
        documents(team, "2026-03-02", "2026-03-03")


def file_gaps(team: Sandbox) -> list[tuple[str, int]]:
    return [(gap.subject, gap.count) for gap in gaps(team, "2026-03-02", "2026-03-03")]


def test_files_that_are_not_read_are_counted_by_kind_each_once(team: Sandbox) -> None:
    spoken = {"status": "complete", "preview": {"content": "stuck", "has_more": False}}
    files = [
        {"id": "F1", "name": "Plan", "filetype": "quip", "mode": "quip"},
        {"id": "F2", "name": "a.png", "mimetype": "image/png", "filetype": "png"},
        {"id": "F3", "name": "b.pdf", "mimetype": "application/pdf", "pretty_type": "PDF"},
        {"id": "F4", "name": "c.m4a", "mimetype": "audio/mp4", "transcription": spoken},
        {"id": "F5", "name": "d.log", "preview": "KeyError", "preview_is_truncated": True},
        {"id": "F6", "mode": "tombstone"},
    ]
    say(team, "2026-03-02T10:00", "See", files=files, user=ANN)
    parent = say(team, "2026-03-02T11:00", "And", files=files[:1])
    say(team, "2026-03-02T11:01", "yes", thread=parent)
    assert file_gaps(team) == [
        ("canvases", 1), ("files (PDF)", 1), ("files of which history holds the beginning", 1),
        ("images", 1),
    ]  # fmt: skip
