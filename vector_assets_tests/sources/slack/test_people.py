"""Who wrote what: people through apps, people of other organisations, and bots."""

from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import CredentialsError
from vector_assets.core.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import DocumentFailure
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


@pytest.mark.parametrize("code", ["user_not_found", "user_not_visible"])
def test_somebody_whom_slack_does_not_show_has_their_id_for_a_name(
    team: Sandbox, code: str
) -> None:
    team.faults.fail(INFO, status=200, body={"ok": False, "error": code})
    say(team, "2026-03-02T10:00", f"says <@{SAM}>", user=EVE)
    day = documents(team, "2026-03-02", "2026-03-03")[DAY]
    assert (day.authors, day.sections[0].text) == ((EVE,), f"says @{SAM}")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"break_connection": "drop"},
        {"status": 200, "body": {"ok": False, "error": "fatal_error"}},
        {"status": 200, "body": {"ok": False, "error": "some_new_error"}},
        {"status": 200, "body": {"ok": True}},
        {"status": 200, "body": {"ok": True, "user": None, "usergroups": None}},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("path", "text"), [(INFO, f"says <@{SAM}>"), ("/slack/api/usergroups.list", "<!subteam^S1>")]
)
def test_an_error_is_no_name(team: Sandbox, path: str, text: str, fault: dict[str, Any]) -> None:
    """The day fails and is read again, rather than that ids take the place of names."""
    team.workspace.usergroups.append({"id": "S1", "handle": "web"})
    rule = team.faults.fail(path, **fault)
    say(team, "2026-03-02T10:00", text)
    items = list(impatient_source(team).documents(WINDOW))
    (failure,) = [item for item in items if isinstance(item, DocumentFailure)]
    assert failure.document_id == f"slack:{DAY}"
    team.faults.rules.remove(rule)
    day = documents(team, "2026-03-02", "2026-03-03")[DAY]
    assert day.sections[0].text in ("says @Sam Roe", "@web")


@pytest.mark.parametrize("code", ["missing_scope", "no_permission", "not_allowed_token_type"])
def test_groups_that_may_not_be_listed_have_their_ids_for_names(team: Sandbox, code: str) -> None:
    body = {"ok": False, "error": code, "needed": "usergroups:read"}
    team.faults.fail("/slack/api/usergroups.list", status=200, body=body)
    say(team, "2026-03-02T10:00", "<!subteam^S1>")
    assert documents(team, "2026-03-02", "2026-03-03")[DAY].sections[0].text == "@S1"


# Names of private channels.

SECRET = "C0SECRET01"
RICH = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
    {"type": "channel", "channel_id": SECRET}]}]}  # fmt: skip
SHARED = {"channel_id": SECRET, "is_share": True, "text": "Sold", "footer": "Posted in #merger"}

NAMING: list[dict[str, Any]] = [
    {"text": f"<#{SECRET}>"},
    {"text": f"<#{SECRET}|merger>"},
    {"text": f"<#{SECRET}|>"},
    {"text": "", "blocks": [RICH]},
    {"text": "", "blocks": [{"type": "section", "text": {"type": "mrkdwn",
     "text": f"<#{SECRET}|merger>"}}]},
    {"text": "", "attachments": [{"text": f"<#{SECRET}|merger>"}]},
    {"text": f"<#{SECRET}>", "attachments": [SHARED]},
    {"text": f"<#{SECRET}>", "files": [{"name": "a", "initial_comment": {
     "comment": f"<#{SECRET}|merger>"}}]},
]  # fmt: skip


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("said", NAMING, ids=str)
def test_a_private_channel_is_named_in_itself_alone(
    team: Sandbox, said: dict[str, Any], is_listed: bool
) -> None:
    secret = {"id": SECRET, "name": "merger", "members": [ANN], "is_member": is_listed}
    team.workspace.channels.append(secret)
    team.workspace.site.private_channel_ids.append(SECRET)
    team.workspace.channels[0]["topic"] = {"value": f"See <#{SECRET}|merger>"}
    say(team, "2026-03-02T10:00", **said)
    parent = say(team, "2026-03-02T11:00", **said)
    say(team, "2026-03-02T11:05", "yes", thread=parent)
    say(team, "2026-03-02T10:00", f"<#{SECRET}> and <#{ENGINEERING}|old-name>", channel=SECRET)
    items = [item for item in source(team).documents(WINDOW) if isinstance(item, Document)]
    public = [item for item in items if item.access == ("public",)]
    shown = "\n".join(text for item in public for text in (item.title, str(item.sections)))
    assert len(public) >= 3
    assert "merger" not in shown
    assert "#private-channel" in shown
    if is_listed:
        (own,) = [item for item in items if item.native_id == f"{SECRET}:2026-03-02"]
        assert own.sections[0].text == "#merger and #engineering"


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
