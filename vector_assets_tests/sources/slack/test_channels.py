"""Which channels are read, joined or told of as gaps, and who may read what they say."""

from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import CredentialsError, SettingsError
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import Checkpoint, DocumentFailure, Gap
from vector_assets_tests.sources.slack.team import (
    ANN,
    ENGINEERING,
    RANDOM,
    documents,
    gaps,
    populate,
    say,
    source,
)
from vector_assets_tests.support.tiny import utc

HISTORY = "/slack/api/conversations.history"
JOIN = "POST /slack/api/conversations.join"
WINDOW = Window(utc("2026-03-01"), None)
HERE, THERE = f"{ENGINEERING}:2026-03-02", f"{RANDOM}:2026-03-02"

INVITE = "Invite the bot with /invite, or set SLACK_JOIN_PUBLIC=true for public channels."
NOT_JOINED = Gap("#random", "the bot is not in there", INVITE)


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    """Two channels in each of which something was said on the same day."""
    populate(sandbox)
    say(sandbox, "2026-03-02T10:00", "here")
    say(sandbox, "2026-03-02T10:00", "there", channel=RANDOM)
    return sandbox


def change(team: Sandbox, **fields: Any) -> None:
    """Change fields of the channel `random`."""
    team.workspace.channels[1].update(fields)


def make_private(team: Sandbox) -> None:
    team.workspace.site.private_channel_ids.append(RANDOM)


def refuse(team: Sandbox, path: str, code: str, channel: str = RANDOM) -> None:
    """Have a method refuse a channel."""
    team.faults.fail(path, contains=channel, status=200, body={"ok": False, "error": code})


def scope_gap(scope: str, reason: str) -> Gap:
    advice = f"Add {scope} under OAuth & Permissions and install the app again."
    return Gap(f"scope {scope}", reason, advice)


def test_public_and_private_channels_that_the_bot_is_in_are_read(team: Sandbox) -> None:
    make_private(team)
    assert set(documents(team, "2026-03-01")) == {HERE, THERE}
    assert gaps(team) == []


def test_a_private_channel_is_readable_by_its_members_alone(team: Sandbox) -> None:
    make_private(team)
    access = {d.container: d.access for d in documents(team, "2026-03-01").values()}
    assert access == {"random": ("restricted", "ann.lee@example.com"), "engineering": ("public",)}


def test_private_channels_whose_e_mails_are_hidden_are_found_by_nobody_and_are_a_gap(
    team: Sandbox,
) -> None:
    make_private(team)
    team.workspace.site.slack_scopes.remove("users:read.email")
    assert documents(team, "2026-03-01")[THERE].access == ("restricted",)
    of_scope = scope_gap(
        "users:read.email",
        "members have no e-mail here, so nobody may find what private channels say",
    )
    of_channel = Gap(
        "#random",
        "Slack tells the e-mail of none of its members, so nobody may find what is said",
        "Add the scope users:read.email and install the app again.",
    )
    assert gaps(team) == [of_scope, of_channel]
    assert source(team).check().gaps == (of_scope,)


@pytest.mark.parametrize(
    ("scope", "reason", "environment"),
    [
        ("groups:read", "private channels are not seen", {}),
        ("groups:history", "private channels are not read", {}),
        ("usergroups:read", "user groups are shown by their ids", {}),
        (
            "channels:join",
            "public channels are not joined, though SLACK_JOIN_PUBLIC is set",
            {"SLACK_JOIN_PUBLIC": "true"},
        ),
    ],
)
def test_a_scope_that_is_missing_is_a_gap_of_a_run_and_of_a_check(
    team: Sandbox, scope: str, reason: str, environment: dict[str, str]
) -> None:
    assert gaps(team, **environment) == []
    team.workspace.site.slack_scopes.remove(scope)
    assert gaps(team, **environment) == [scope_gap(scope, reason)]
    assert source(team, **environment).check().gaps == (scope_gap(scope, reason),)


def test_the_scope_for_joining_is_not_missed_when_nothing_is_to_be_joined(team: Sandbox) -> None:
    team.workspace.site.slack_scopes.remove("channels:join")
    assert gaps(team) == []


def test_a_bot_without_scopes_for_private_channels_reads_the_public_ones(team: Sandbox) -> None:
    make_private(team)
    team.workspace.site.slack_scopes.remove("groups:read")
    assert list(documents(team, "2026-03-01")) == [HERE]


def test_public_channels_that_the_bot_has_not_joined_are_one_gap_with_names_and_a_count(
    team: Sandbox,
) -> None:
    change(team, is_member=False)
    assert list(documents(team, "2026-03-01")) == [HERE]
    assert gaps(team) == [NOT_JOINED]
    team.workspace.channels += [
        {"id": f"C0MORE{number:03}", "name": f"more-{number:03}", "is_member": False}
        for number in range(60)
    ]
    (gap,) = source(team).check().gaps
    assert gap.subject.startswith("#more-000, #more-001, #more-002, ")
    assert gap.subject.endswith("#more-049 and 11 more")
    assert gap.count == 61


def test_public_channels_are_joined_only_when_it_is_asked_for(team: Sandbox) -> None:
    change(team, is_member=False)
    assert gaps(team) == [NOT_JOINED]
    assert JOIN not in team.faults.requests()
    joining = {"SLACK_JOIN_PUBLIC": "true"}
    assert source(team, **joining).check().gaps == ()
    assert list(source(team, **joining).documents(WINDOW))
    assert set(documents(team, "2026-03-01")) == {HERE, THERE}
    assert team.faults.requests()[JOIN] == 1


def test_a_channel_that_refuses_to_be_joined_is_a_gap_beside_the_others(team: Sandbox) -> None:
    change(team, is_member=False)
    refuse(team, "/slack/api/conversations.join", "restricted_action")
    environment = {"SLACK_JOIN_PUBLIC": "true"}
    assert list(documents(team, "2026-03-01", **environment)) == [HERE]
    assert gaps(team, **environment) == [Gap("#random", "Slack answers restricted_action", INVITE)]


def test_archived_channels_are_read_without_joining_them(team: Sandbox) -> None:
    change(team, is_archived=True)
    by_native_id = documents(team, "2026-03-01", SLACK_JOIN_PUBLIC="true")
    assert set(by_native_id) == {HERE, THERE}
    assert JOIN not in team.faults.requests()


def test_an_archived_channel_that_the_bot_was_never_in_is_a_gap(team: Sandbox) -> None:
    change(team, is_archived=True, is_member=False)
    assert list(documents(team, "2026-03-01", SLACK_JOIN_PUBLIC="true")) == [HERE]
    (gap,) = gaps(team)
    assert (gap.subject, gap.reason) == (
        "#random",
        "the bot was not in there when it was archived",
    )


def test_a_list_of_four_thousand_channels_is_read_in_pages_of_at_most_999(team: Sandbox) -> None:
    team.workspace.channels += [
        {"id": f"C1{number:06}", "name": f"c-{number}", "is_member": False}
        for number in range(4_000)
    ]
    team.faults.fail("/slack/api/conversations.list", contains="limit=1000", status=500)
    assert source(team).check().gaps[0].count == 4_000
    assert team.faults.requests()["POST /slack/api/conversations.list"] == 5


def test_direct_messages_are_never_asked_for(team: Sandbox) -> None:
    direct = {"id": "D0ANN00001", "name": "", "is_im": True, "members": [ANN]}
    group = {"id": "G0GROUP001", "name": "mpdm-ann--ben-1", "is_mpim": True, "members": [ANN]}
    team.workspace.channels += [direct, group]
    for channel in (direct, group):
        say(team, "2026-03-02T10:00", "between us", channel=str(channel["id"]))
    alarms = [
        team.faults.fail("/slack", contains=word, status=500, times=1)
        for word in ("D0ANN00001", "G0GROUP001", "mpim", "%2Cim", "=im")
    ]
    slack = source(team, SLACK_JOIN_PUBLIC="true", SLACK_INCLUDE_BOTS="true")
    items = [*slack.documents(WINDOW), *slack.ids(WINDOW), slack.newest(), slack.check()]
    assert "between us" not in str(items)
    assert [alarm.times for alarm in alarms] == [1] * 5


@pytest.mark.parametrize("wanted", ["random", "#random", RANDOM])
def test_channels_are_restricted_by_name_or_id(team: Sandbox, wanted: str) -> None:
    assert list(documents(team, "2026-03-01", SLACK_CHANNELS=wanted)) == [THERE]


def test_a_channel_that_does_not_exist_is_named(team: Sandbox) -> None:
    with pytest.raises(SettingsError, match="SLACK_CHANNELS names 'rnadom': the bot sees no such"):
        documents(team, "2026-03-01", SLACK_CHANNELS="engineering,rnadom")


def test_a_wanted_channel_that_the_bot_has_not_joined_is_a_failure_beside_the_others(
    team: Sandbox,
) -> None:
    change(team, is_member=False)
    slack = source(team, SLACK_CHANNELS="engineering,random")
    *documents_, failure, last = slack.documents(WINDOW)
    assert [item.native_id for item in documents_ if isinstance(item, Document)] == [
        HERE,
        ENGINEERING,
    ]
    assert failure == DocumentFailure(
        f"slack:{RANDOM}",
        "#random cannot be read (not_in_channel): invite the bot with /invite",
    )
    assert isinstance(last, Checkpoint)


@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found"])
def test_a_bot_that_was_removed_meanwhile_loses_that_channel_alone(
    team: Sandbox, code: str
) -> None:
    refuse(team, HISTORY, code)
    items = list(source(team).documents(WINDOW))
    assert [item.native_id for item in items if isinstance(item, Document)] == [HERE, ENGINEERING]
    assert [item.subject for item in items if isinstance(item, Gap)] == ["#random"]


def test_check_says_who_we_are_and_what_we_read(team: Sandbox) -> None:
    assert source(team).check().identity == (
        "vector-assets in Sandbox (https://sandbox.slack.com/), reads 2 channels"
    )
    team.workspace.channels.clear()
    identity = source(team).check().identity
    assert identity.endswith("reads 0 channels; invite it with /invite in each channel to read")


def test_check_names_a_scope_without_which_nothing_can_be_read(team: Sandbox) -> None:
    team.workspace.site.slack_scopes.remove("channels:history")
    with pytest.raises(CredentialsError, match="lacks the scope channels:history"):
        source(team).check()


def test_a_channel_is_a_document_of_its_own_that_says_what_it_is_for(team: Sandbox) -> None:
    purpose = {"value": "Lunch &amp; <https://x.io|links>", "creator": ANN, "last_set": 1772409600}
    change(team, topic={"value": "", "creator": "", "last_set": 0}, purpose=purpose)
    channels = [item for item in source(team).documents(WINDOW) if isinstance(item, Document)]
    channel = next(item for item in channels if item.native_id == RANDOM)
    assert (channel.title, channel.container, channel.access) == ("#random", "random", ("public",))
    assert [section.text for section in channel.sections] == ["Lunch & [links](https://x.io)"]
    assert channel.url == f"https://sandbox.slack.com/archives/{RANDOM}"
    assert (channel.created_at, channel.updated_at) == (utc("2025-01-01"), utc("2026-03-02"))
