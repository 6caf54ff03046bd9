"""The sandbox's Slack answers Slack's own SDK as Slack does."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.slack.team import ENGINEERING, RANDOM, populate, say, ts_of


@pytest.fixture
def slack(sandbox: Sandbox) -> WebClient:
    populate(sandbox)
    return WebClient("xoxb-sandbox", base_url=sandbox.environment["SLACK_BASE_URL"])


def texts(answer: object) -> list[str]:
    return [message["text"] for message in answer["messages"]]  # type: ignore[index]


def test_history_shows_the_top_level_newest_first_and_what_was_broadcast(
    sandbox: Sandbox, slack: WebClient
) -> None:
    parent = say(sandbox, "2026-03-02T10:00", "parent")
    say(sandbox, "2026-03-02T11:00", "reply", thread=parent)
    say(sandbox, "2026-03-02T12:00", "loud reply", thread=parent, subtype="thread_broadcast")
    say(sandbox, "2026-03-02T13:00", "other")
    answer = slack.conversations_history(channel=ENGINEERING)
    assert texts(answer) == ["other", "loud reply", "parent"]
    shown = answer["messages"][2]
    assert (shown["reply_count"], shown["latest_reply"]) == (2, ts_of("2026-03-02T12:00"))


def test_replies_begin_with_the_parent_and_come_in_pages(
    sandbox: Sandbox, slack: WebClient
) -> None:
    parent = say(sandbox, "2026-03-02T10:00", "parent")
    for number in range(3):
        say(sandbox, f"2026-03-02T11:0{number}", f"reply {number}", thread=parent)
    first = slack.conversations_replies(channel=ENGINEERING, ts=parent, limit=2)
    cursor = first["response_metadata"]["next_cursor"]
    second = slack.conversations_replies(channel=ENGINEERING, ts=parent, limit=2, cursor=cursor)
    assert texts(first) + texts(second) == ["parent", "reply 0", "reply 1", "reply 2"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert second["response_metadata"]["next_cursor"] == ""


@pytest.mark.parametrize(("inclusive", "shown"), [(False, ["b"]), (True, ["c", "b", "a"])])
def test_bounds_are_exclusive_unless_asked(
    sandbox: Sandbox, slack: WebClient, inclusive: bool, shown: list[str]
) -> None:
    for hour, text in ((10, "a"), (11, "b"), (12, "c")):
        say(sandbox, f"2026-03-02T{hour}:00", text)
    answer = slack.conversations_history(
        channel=ENGINEERING,
        oldest=ts_of("2026-03-02T10:00"),
        latest=ts_of("2026-03-02T12:00"),
        inclusive=inclusive,
    )
    assert texts(answer) == shown


def test_channels_are_listed_by_type_and_in_pages(sandbox: Sandbox, slack: WebClient) -> None:
    sandbox.workspace.site.private_channel_ids.append(RANDOM)
    everything = slack.conversations_list(types="public_channel,private_channel", limit=1)
    assert [c["id"] for page in everything for c in page["channels"]] == [ENGINEERING, RANDOM]
    assert [c["id"] for c in slack.conversations_list()["channels"]] == [ENGINEERING]


def test_archived_channels_are_left_out_when_asked(sandbox: Sandbox, slack: WebClient) -> None:
    sandbox.workspace.channels[0]["is_archived"] = True
    assert [c["id"] for c in slack.conversations_list(exclude_archived=True)["channels"]] == [
        RANDOM
    ]


def test_a_bot_reads_a_channel_once_it_has_joined(sandbox: Sandbox, slack: WebClient) -> None:
    sandbox.workspace.channels[0]["is_member"] = False
    with pytest.raises(SlackApiError, match="not_in_channel"):
        slack.conversations_history(channel=ENGINEERING)
    assert slack.conversations_join(channel=ENGINEERING)["channel"]["is_member"]
    assert texts(slack.conversations_history(channel=ENGINEERING)) == []


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("conversations.history", {"channel": "C0NOWHERE1"}, "channel_not_found"),
        ("conversations.replies", {"channel": ENGINEERING, "ts": "1.000001"}, "thread_not_found"),
        ("conversations.history", {"channel": ENGINEERING, "cursor": "x"}, "invalid_cursor"),
        ("chat.postMessage", {"channel": ENGINEERING}, "no_text"),
        ("chat.postMessage", {"channel": "#nowhere", "text": "x"}, "channel_not_found"),
    ],
)
def test_refusals_have_slacks_own_words(
    slack: WebClient, method: str, arguments: dict[str, str], code: str
) -> None:
    with pytest.raises(SlackApiError, match=code):
        slack.api_call(method, params=arguments)


def test_a_scope_that_was_not_granted_is_named(sandbox: Sandbox, slack: WebClient) -> None:
    sandbox.workspace.site.slack_scopes.remove("groups:read")
    with pytest.raises(SlackApiError, match="'needed': 'groups:read'"):
        slack.conversations_list(types="private_channel")


def test_posted_messages_are_kept_for_tests_to_read(sandbox: Sandbox, slack: WebClient) -> None:
    assert slack.chat_postMessage(channel="#engineering", text="It is stale")["ok"]
    assert [message["text"] for message in sandbox.workspace.posted_messages] == ["It is stale"]


def test_channels_tell_what_they_are_and_who_is_in_them(sandbox: Sandbox, slack: WebClient) -> None:
    assert slack.conversations_info(channel=ENGINEERING)["channel"]["num_members"] == 2
    members = slack.conversations_members(channel=ENGINEERING)["members"]
    assert members == sandbox.workspace.channels[0]["members"]
