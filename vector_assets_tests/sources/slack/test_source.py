"""What a document of Slack looks like, who may read it, and what one failure costs."""

from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import SettingsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.chunking import chunk_document, passage_of
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import Checkpoint, DocumentFailure, Gap
from vector_assets.sources.slack.reader import MAX_UNANSWERED_THREADS
from vector_assets.sources.slack.source import SlackSource
from vector_assets_tests.sources.slack.team import (
    BEN,
    ENGINEERING,
    RANDOM,
    documents,
    gaps,
    impatient_source,
    populate,
    say,
    source,
    ts_of,
)
from vector_assets_tests.support.tiny import WordTokenizer, utc

REPLIES = "/slack/api/conversations.replies"
HISTORY = "/slack/api/conversations.history"
DAY = f"{ENGINEERING}:2026-03-02"
WINDOW = Window(utc("2026-03-01"), None)


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    return sandbox


def add_threads(team: Sandbox, count: int, channel: str = ENGINEERING) -> list[str]:
    """Begin threads a minute apart, each with a reply; return their parents' `ts`."""
    parents = []
    for number in range(count):
        parents.append(say(team, f"2026-03-02T10:{number:02}", f"Q{number}", channel=channel))
        say(team, f"2026-03-02T11:{number:02}", f"A{number}", thread=parents[-1], channel=channel)
    return parents


def test_a_thread_becomes_one_document_with_a_section_and_a_link_for_each_message(
    team: Sandbox,
) -> None:
    parent = say(team, "2026-03-02T10:15", "*Billing* is down\nsince noon")
    reply = say(team, "2026-03-03T09:00", "Looking, <@U0ANN0001>", thread=parent, user=BEN)
    document = documents(team, "2026-03-03")[f"{ENGINEERING}:{parent}"]
    url = f"https://sandbox.slack.com/archives/{ENGINEERING}/p"
    first, second = document.sections
    assert (document.id, document.title) == (f"slack:{ENGINEERING}:{parent}", "Billing is down")
    assert (document.container, document.authors) == ("engineering", ("Ann Lee", "Ben Oz"))
    assert (document.created_at, document.updated_at) == (
        utc("2026-03-02T10:15"),
        utc("2026-03-03T09:00"),
    )
    assert document.access == ("public",)
    assert document.extra == {
        "channel": "engineering",
        "channel_id": ENGINEERING,
        "thread_ts": parent,
        "reply_count": 1,
    }
    assert (first.heading, first.text) == (
        "Ann Lee, 2026-03-02 10:15",
        "**Billing** is down\nsince noon",
    )
    assert second.text == "Looking, @Ann Lee"
    assert document.url == first.url == url + parent.replace(".", "")
    assert second.url == f"{url}{reply.replace('.', '')}?thread_ts={parent}&cid={ENGINEERING}"


def test_a_channels_other_messages_of_a_day_become_one_document(team: Sandbox) -> None:
    say(team, "2026-03-02T10:00", "Good morning")
    say(team, "2026-03-02T18:30", "Good night", user=BEN)
    say(team, "2026-03-02T19:00", "elsewhere", channel=RANDOM)
    by_native_id = documents(team, "2026-03-02")
    day = by_native_id[f"{ENGINEERING}:2026-03-02"]
    assert set(by_native_id) == {f"{ENGINEERING}:2026-03-02", f"{RANDOM}:2026-03-02"}
    assert day.title == "#engineering, 2026-03-02"
    assert [section.text for section in day.sections] == ["Good morning", "Good night"]
    assert (day.created_at, day.updated_at) == (utc("2026-03-02T10:00"), utc("2026-03-02T18:30"))
    assert (day.extra["thread_ts"], day.extra["reply_count"]) == ("", 0)


BOT_PROFILE = {"id": "B0DEPLOYS", "team_id": "T0SANDBOX", "name": "Deploys"}


@pytest.mark.parametrize(
    ("fields", "author"),
    [
        ({"user": "", "bot_id": "B0DEPLOYS", "username": "Pager"}, "Pager"),
        ({"user": "U0BOT0001", "bot_id": "B0DEPLOYS", "bot_profile": BOT_PROFILE}, "Deploys"),
        ({"user": "U0GUEST01", "user_profile": {"real_name": "Guest"}}, "Guest"),
        ({"user": "U0NOBODY1"}, "U0NOBODY1"),
    ],
)  # fmt: skip
def test_bots_and_guests_keep_their_names(
    team: Sandbox, fields: dict[str, str], author: str
) -> None:
    at = ts_of("2026-03-02T10:00")
    message = {"type": "message", "ts": at, "text": "Deployed", **fields}
    team.workspace.messages[ENGINEERING] = [{k: v for k, v in message.items() if v}]
    by_native_id = documents(team, "2026-03-02", SLACK_INCLUDE_BOTS="true")
    assert by_native_id[f"{ENGINEERING}:2026-03-02"].authors == (author,)


def test_what_a_person_reads_stands_in_the_document_and_no_mark_up(team: Sandbox) -> None:
    team.workspace.usergroups.append({"id": "S0WEB0001", "handle": "web"})
    raw = (
        f"<@{BEN}> of <!subteam^S0WEB0001>: see <#{RANDOM}|random> &amp; "
        "<https://x.io/a?b=1&amp;c=2|the page> by <!date^1772446500^{date_num}|2026-03-02> "
        ":tada: `a &lt; b`"
    )
    files = [{"id": "F1", "name": "plan.pdf", "title": "The plan"}]
    say(team, "2026-03-02T10:00", raw, files=files)
    (section,) = documents(team, "2026-03-02")[DAY].sections
    assert section.text == (
        "@Ben Oz of @web: see #random & [the page](https://x.io/a?b=1&c=2) by 2026-03-02 "
        "🎉 `a < b`\n\nFile: The plan (plan.pdf)"
    )


BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Build* failed"}}]
ATTACHMENTS = [{"title": "main", "text": "3 tests failed", "fallback": "no"}]


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"blocks": BLOCKS}, "**Build** failed"),
        ({"attachments": ATTACHMENTS}, "main\n3 tests failed"),
        (
            {"blocks": BLOCKS, "attachments": ATTACHMENTS},
            "**Build** failed\n\nmain\n3 tests failed",
        ),
    ],
    ids=["blocks", "attachments", "both"],
)
def test_a_bot_that_leaves_its_text_empty_is_read_from_its(
    team: Sandbox, fields: dict[str, Any], read: str
) -> None:
    parent = say(team, "2026-03-02T10:00", "", bot_id="B0DEPLOYS", **fields)
    say(team, "2026-03-02T10:05", "On it", thread=parent)
    thread = documents(team, "2026-03-02")[f"{ENGINEERING}:{parent}"]
    assert [section.text for section in thread.sections] == [read, "On it"]


def test_what_bots_say_is_read_in_threads_alone_and_the_rest_is_a_gap_with_its_count(
    team: Sandbox,
) -> None:
    parent = say(team, "2026-03-02T09:00", "Build failed", bot_id="B0DEPLOYS")
    say(team, "2026-03-02T09:05", "Looking", thread=parent)
    say(team, "2026-03-02T09:10", "Retried", thread=parent, bot_id="B0DEPLOYS")
    say(team, "2026-03-02T10:00", "Lunch?")
    say(team, "2026-03-02T11:00", "Deployed", subtype="bot_message", username="Deploys")
    say(team, "2026-03-03T11:00", "Deployed", bot_id="B0DEPLOYS")
    say(team, "2026-03-03T12:00", "Reminder: stand-up", user="USLACKBOT")
    say(team, "2026-01-03T12:00", "before the window", bot_id="B0DEPLOYS")
    by_native_id = documents(team, "2026-03-01")
    texts = {
        key: [section.text for section in document.sections]
        for key, document in by_native_id.items()
    }
    assert texts == {
        f"{ENGINEERING}:{parent}": ["Build failed", "Looking", "Retried"],
        DAY: ["Lunch?"],
    }
    assert by_native_id[DAY].updated_at == utc("2026-03-02T10:00")
    advice = "Set SLACK_INCLUDE_BOTS=true to read them."
    assert gaps(team) == [Gap("messages of bots", "nobody replied to them", advice, 3)]

    including = {"SLACK_INCLUDE_BOTS": "true"}
    by_native_id = documents(team, "2026-03-01", **including)
    assert [section.text for section in by_native_id[DAY].sections] == ["Lunch?", "Deployed"]
    assert len(by_native_id[f"{ENGINEERING}:2026-03-03"].sections) == 2
    assert gaps(team, **including) == []


def test_the_newest_activity_is_of_what_is_read(team: Sandbox) -> None:
    say(team, "2026-03-02T10:00", "Lunch?")
    say(team, "2026-03-03T10:00", "Deployed", bot_id="B0DEPLOYS")
    assert source(team).newest() == utc("2026-03-02T10:00")
    including = source(team, SLACK_INCLUDE_BOTS="true")
    assert including.newest() == utc("2026-03-03T10:00")


def test_a_days_conversations_stand_apart_after_an_hour_of_silence(team: Sandbox) -> None:
    for time, text in (
        ("09:00", "Good morning"), ("09:59", "Morning!"), ("10:59", "Lunch?"), ("11:00", "Yes"),
    ):  # fmt: skip
        say(team, f"2026-03-02T{time}", text)
    day = documents(team, "2026-03-02")[DAY]
    assert [section.is_apart for section in day.sections] == [False, False, True, False]
    chunks = chunk_document(day, WordTokenizer(), 500)
    assert [passage_of(chunk.text) for chunk in chunks] == [
        "Ann Lee, 2026-03-02 09:00\nGood morning\n\nAnn Lee, 2026-03-02 09:59\nMorning!",
        "Ann Lee, 2026-03-02 10:59\nLunch?\n\nAnn Lee, 2026-03-02 11:00\nYes",
    ]


def test_a_thread_stays_in_one_piece_however_long_its_silences(team: Sandbox) -> None:
    parent = say(team, "2026-03-02T10:00", "A question")
    say(team, "2026-03-05T10:00", "An answer", thread=parent)
    thread = documents(team, "2026-03-05")[f"{ENGINEERING}:{parent}"]
    assert not any(section.is_apart for section in thread.sections)


@pytest.mark.parametrize("subtype", ["channel_join", "channel_leave", "channel_topic", "bot_add"])
def test_what_slack_notes_by_itself_is_dropped(team: Sandbox, subtype: str) -> None:
    say(team, "2026-03-02T10:00", "<@U0ANN0001> has joined the channel", subtype=subtype)
    assert documents(team, "2026-03-01") == {}
    assert source(team).newest() is None


def test_messages_without_words_make_no_document(team: Sandbox) -> None:
    say(team, "2026-03-02T10:00", "")
    assert documents(team, "2026-03-01") == {}


def test_a_thread_whose_replies_fail_never_costs_the_others(team: Sandbox) -> None:
    parents = add_threads(team, 3)
    team.faults.fail(
        REPLIES, contains=parents[1], status=200, body={"ok": False, "error": "thread_not_found"}
    )
    items = list(source(team).documents(WINDOW))
    failures = [item for item in items if isinstance(item, DocumentFailure)]
    assert [item.document_id for item in failures] == [f"slack:{ENGINEERING}:{parents[1]}"]
    assert "thread_not_found" in failures[0].cause
    assert failures[0].day == utc("2026-03-02").date()
    assert len([item for item in items if isinstance(item, Document)]) == 2 + 1  # and a channel


def test_a_message_of_an_unknown_shape_never_costs_the_others(team: Sandbox) -> None:
    say(team, "2026-03-02T10:00", "fine")
    say(team, "2026-03-03T10:00", "odd", attachments=[{"fields": [{"title": "no", "value": 1}]}])
    message = team.workspace.messages[ENGINEERING][1]
    message["files"] = [["not a file"]]
    team.faults.fail(
        HISTORY,
        contains=ENGINEERING,
        status=200,
        body={"ok": True, "messages": team.workspace.messages[ENGINEERING][::-1]},
        times=1,
    )
    items = list(source(team).documents(WINDOW))
    assert [item for item in items if isinstance(item, DocumentFailure)] == []
    texts = {d.native_id: [s.text for s in d.sections] for d in items if isinstance(d, Document)}
    assert texts[f"{ENGINEERING}:2026-03-02"] == ["fine"]
    assert texts[f"{ENGINEERING}:2026-03-03"] == ["odd\n\nno: 1\n\nnot a file"]


def test_slack_being_down_is_not_so_many_bad_threads(team: Sandbox) -> None:
    add_threads(team, MAX_UNANSWERED_THREADS + 3)
    team.faults.fail(REPLIES, status=500)
    with pytest.raises(UnavailableError, match=r"slack conversations\.replies did not answer"):
        list(impatient_source(team).documents(WINDOW))


def test_a_history_that_fails_on_its_second_page_is_no_complete_listing(team: Sandbox) -> None:
    for number in range(1_000):
        say(team, f"2026-03-02T10:{number // 60:02}:{number % 60:02}", f"message {number}")
    team.faults.fail(HISTORY, contains="cursor=", status=500)
    with pytest.raises(UnavailableError, match=r"slack conversations\.history did not answer"):
        list(impatient_source(team).documents(WINDOW))


def test_a_day_and_a_thread_of_more_than_a_page_are_whole(team: Sandbox) -> None:
    parent = say(team, "2026-03-02T09:00", "Roll call")
    for number in range(1_100):
        time = f"2026-03-02T10:{number // 60:02}:{number % 60:02}"
        say(team, time, f"message {number}")
        say(team, time, f"reply {number}", thread=parent)
        team.workspace.messages[ENGINEERING][-1]["ts"] = ts_of(time)[:-1] + "1"
    by_native_id = documents(team, "2026-03-02")
    assert len(by_native_id[f"{ENGINEERING}:2026-03-02"].sections) == 1_100
    assert len(by_native_id[f"{ENGINEERING}:{parent}"].sections) == 1_101


def test_order_is_stable_and_the_last_word_is_a_checkpoint(team: Sandbox) -> None:
    parents = add_threads(team, 8) + add_threads(team, 2, channel=RANDOM)
    end = utc("2026-03-05")
    *items, last = source(team).documents(Window(WINDOW.start, end))
    threads = [item.native_id for item in items if isinstance(item, Document)]
    assert threads == [
        *(f"{ENGINEERING}:{ts}" for ts in parents[7::-1]),
        ENGINEERING,
        *(f"{RANDOM}:{ts}" for ts in parents[:7:-1]),
        RANDOM,
    ]
    assert last == Checkpoint(WINDOW.start)


def test_user_groups_are_named_and_their_scope_is_a_courtesy(team: Sandbox) -> None:
    team.workspace.usergroups.append({"id": "S0WEB0001", "handle": "web"})
    say(team, "2026-03-02T10:00", "<!subteam^S0WEB0001> please")
    key = f"{ENGINEERING}:2026-03-02"
    assert documents(team, "2026-03-02")[key].sections[0].text == "@web please"
    team.workspace.site.slack_scopes.remove("usergroups:read")
    assert documents(team, "2026-03-02")[key].sections[0].text == "@S0WEB0001 please"


def test_requests_are_counted_and_lists_are_asked_for_once(team: Sandbox) -> None:
    add_threads(team, 2)
    meter = Meter()
    assert list(source(team, meter).documents(WINDOW))
    assert meter.requests == {
        "slack auth.test": 1,
        "slack conversations.history": 2,
        "slack conversations.list": 1,
        "slack conversations.replies": 2,
        "slack users.list": 1,
    }


def test_the_newest_activity_counts_replies(team: Sandbox) -> None:
    parent = say(team, "2026-03-02T10:00", "A question")
    say(team, "2026-03-04T10:00", "there", channel=RANDOM)
    assert source(team).newest() == utc("2026-03-04T10:00")
    say(team, "2026-03-05T10:00", "An answer", thread=parent)
    assert source(team).newest() == utc("2026-03-05T10:00")


def test_a_missing_token_is_named() -> None:
    with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN"):
        SlackSource.from_settings(Settings(), Meter())
