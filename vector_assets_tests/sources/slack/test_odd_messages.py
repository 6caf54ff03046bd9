"""One message that is not as documented costs no other its words, and no document its place."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import DocumentFailure, Gap, SourceItem
from vector_assets_tests.sources.slack.team import ANN, ENGINEERING, populate, source, ts_of
from vector_assets_tests.support.tiny import utc

Json = dict[str, Any]
HISTORY, REPLIES = "/slack/api/conversations.history", "/slack/api/conversations.replies"
WINDOW = Window(utc("2026-03-02"), utc("2026-03-03"))
DAY = f"{ENGINEERING}:2026-03-02"


def full_message() -> Json:
    """Return a message of an app that fills in every field, each with a word of its own."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "wordsection"}}
    runs = [{"type": "text", "text": "wordrich"}, {"type": "user", "user_id": ANN}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": runs}]}
    return {
        "type": "message", "ts": ts_of("2026-03-02T10:01"), "user": ANN, "text": "wordtext",
        "bot_id": "B1", "blocks": [section, rich],
        "attachments": [{"text": "wordattached", "fields": [{"title": "wordfield", "value": "v"}]}],
        "files": [{"id": "F1", "name": "wordfile.log", "preview": "wordpreview"}],
        "edited": {"user": ANN, "ts": ts_of("2026-03-02T10:02")},
        "user_profile": {"real_name": "Ann"}, "bot_profile": {"name": "App"},
    }  # fmt: skip


WORDS_OF = {
    "blocks": ("wordsection", "wordrich"),
    "attachments": ("wordattached", "wordfield"),
    "files": ("wordfile.log", "wordpreview"),
}

KEYS = st.sampled_from(
    [
        "type", "text", "elements", "fields", "title", "value", "url", "style", "indent", "offset",
        "timestamp", "fallback", "rows", "caption", "blocks", "child_blocks", "actions", "files",
        "name", "user_id", "channel_id", "message_blocks", "message", "preview", "transcription",
        "mode", "mimetype", "from", "initial_comment", "real_name", "ts", "accessory", "range",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "section", "rich_text", "rich_text_list", "rich_text_section", "rich_text_preformatted",
        "table", "data_table", "video", "file", "context", "header", "card", "container", "plan",
        "date", "user", "channel", "link", "button", "image", "mrkdwn", "plain_text", "raw_number",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(sorted({*full_message(), "thread_ts", "latest_reply", "subtype"} - {"ts"}))


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    for user in sandbox.workspace.users:
        user["is_bot"] = False
    return sandbox


def read(team: Sandbox, odd: Any) -> list[SourceItem]:
    """Read a day of which Slack sends one message as it is given."""
    team.faults.clear()
    usual = [
        {
            "type": "message",
            "user": ANN,
            "ts": ts_of(f"2026-03-02T10:0{n}"),
            "text": f"wordusual{n}",
        }
        for n in (2, 0)
    ]
    page = {"ok": True, "messages": [usual[0], odd, usual[1]], "has_more": False}
    team.faults.fail(HISTORY, status=200, body=page, contains=ENGINEERING)
    return list(source(team).documents(WINDOW))


def text_of(items: list[SourceItem]) -> str:
    assert [item for item in items if isinstance(item, DocumentFailure)] == []
    documents = [item for item in items if isinstance(item, Document) and item.native_id == DAY]
    return "\n".join(section.text for document in documents for section in document.sections)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.dictionaries(FIELDS, VALUES, min_size=1, max_size=3))
@example({"blocks": [None, "words", {"type": "rich_text", "elements": ["a", None]}]})
@example({"files": [None, {"mode": [], "transcription": "x", "from": "x"}], "attachments": ["a"]})
@example({"blocks": [{"type": ["section"], "text": "a"}, {"type": {}}, {"type": None}]})
@example({"user": ["a"], "subtype": {}, "thread_ts": None, "latest_reply": 7, "edited": "now"})
def test_a_message_of_any_shape_leaves_the_words_of_all_others(team: Sandbox, values: Json) -> None:
    shown = text_of(read(team, full_message() | values))
    assert [word for word in ("wordusual0", "wordusual2") if word not in shown] == []
    if not {"user", "subtype", "thread_ts", "reply_count", "bot_id"} & values.keys():
        kept = [word for name in WORDS_OF if name not in values for word in WORDS_OF[name]]
        assert [word for word in kept if word not in shown] == []


ODD: list[Any] = ["odd words", 7, True, [], {}, ["odd words"], [None], {"odd": "odd words"},
                  [[{"deep": ["odd words"]}]]]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=json.dumps)
def test_words_in_a_value_that_is_not_as_documented_are_read(team: Sandbox, value: Any) -> None:
    # Attachments and files are objects of many fields: those that are not known are not read.
    fields = ("text", "blocks", "attachments", "files")[: 2 if isinstance(value, dict) else 4]
    for field in fields:
        odd = {"type": "message", "user": ANN, "ts": ts_of("2026-03-02T10:01"), field: value}
        shown = text_of(read(team, odd))
        assert ("odd words" in shown) == ("odd words" in json.dumps(value)), field
        assert "wordusual0" in shown


@pytest.mark.parametrize("ts", [None, 7, "", "soon", "1e9", "99999999999999.0", [], {}])
def test_a_message_without_a_time_is_a_gap_and_costs_no_other(team: Sandbox, ts: Any) -> None:
    items = read(team, full_message() | {"ts": ts})
    assert text_of(items) == "wordusual0\nwordusual2"
    gaps = {item.subject: item.count for item in items if isinstance(item, Gap)}
    assert gaps["messages without a time"] == 1


@pytest.mark.parametrize("ts", [None, 7, "soon", "9999999999.000000", ["1"], {}])
def test_an_edit_without_a_time_that_can_be_leaves_the_message_its_own(
    team: Sandbox, ts: Any
) -> None:
    items = read(team, full_message() | {"edited": {"user": ANN, "ts": ts}})
    assert "wordsection" in text_of(items)
    [day] = [item for item in items if isinstance(item, Document) and item.native_id == DAY]
    assert day.updated_at == utc("2026-03-02T10:02")


@pytest.mark.parametrize("message", [None, "words", 7, []])
def test_what_is_no_message_costs_no_message(team: Sandbox, message: Any) -> None:
    assert text_of(read(team, message)) == "wordusual0\nwordusual2"


@pytest.mark.parametrize("value", ODD, ids=json.dumps)
def test_an_odd_reply_leaves_the_others_of_its_thread(team: Sandbox, value: Any) -> None:
    for field in ("text", "blocks", "attachments", "files", "user", "edited", "user_profile"):
        parent = {"type": "message", "user": ANN, "ts": ts_of("2026-03-02T10:01"), "text": "Why?",
                  "reply_count": 2, "latest_reply": ts_of("2026-03-02T10:03")}  # fmt: skip
        replies = [
            {"type": "message", "user": ANN, "ts": ts_of(f"2026-03-02T10:0{n}"),
             "text": f"reply{n}", "thread_ts": parent["ts"]} for n in (2, 3)
        ]  # fmt: skip
        replies[0][field] = value
        team.faults.clear()
        body = {"ok": True, "messages": [parent, *replies, None], "has_more": False}
        team.faults.fail(REPLIES, status=200, body=body)
        team.faults.fail(
            HISTORY, status=200, body={"ok": True, "messages": [parent]}, contains=ENGINEERING
        )
        items = list(source(team).documents(WINDOW))
        assert [item for item in items if isinstance(item, DocumentFailure)] == []
        [thread] = [d for d in items if isinstance(d, Document) and "." in d.native_id]
        shown = "\n".join(section.text for section in thread.sections)
        assert ("Why?" in shown, "reply3" in shown) == (True, True), field


COUNTS: list[Any] = ["2", "", -1, 10**20, True, 1.5, [], {}, None]


@pytest.mark.parametrize("count", COUNTS, ids=json.dumps)
def test_an_odd_number_of_replies_costs_no_word(team: Sandbox, count: Any) -> None:
    alone = text_of(read(team, full_message() | {"reply_count": count}))
    assert [word for word in WORDS_OF["blocks"] if word not in alone] == []
    parent = full_message() | {"reply_count": count, "latest_reply": ts_of("2026-03-02T10:03")}
    reply = {"type": "message", "user": ANN, "ts": parent["latest_reply"], "text": "wordreply",
             "thread_ts": parent["ts"]}  # fmt: skip
    for messages in ([parent, reply], [parent]):
        team.faults.clear()
        team.faults.fail(REPLIES, status=200, body={"ok": True, "messages": messages})
        page = {"ok": True, "messages": [parent]}
        team.faults.fail(HISTORY, status=200, body=page, contains=ENGINEERING)
        items = list(source(team).documents(WINDOW))
        assert [item for item in items if isinstance(item, DocumentFailure)] == []
        shown = [s.text for item in items if isinstance(item, Document) for s in item.sections]
        assert any("wordsection" in text for text in shown)
        assert ("wordreply" in shown) == (reply in messages)


@pytest.mark.parametrize("user_id", [None, 7, "", "here and now", ["U0ANN0001x"], {"id": "x"}])
def test_slack_is_not_asked_for_a_person_whose_id_is_none(team: Sandbox, user_id: Any) -> None:
    mention = {"type": "user", "user_id": user_id}
    rich = {
        "type": "rich_text",
        "elements": [{"elements": [{"type": "text", "text": "w"}, mention]}],
    }
    odd = full_message() | {"blocks": [rich], "text": "<@not an id> <@>"}
    team.faults.clear()
    team.faults.fail("/slack/api/users.info", status=200, body={"ok": False, "error": "odd"})
    page = {"ok": True, "messages": [odd]}
    team.faults.fail(HISTORY, status=200, body=page, contains=ENGINEERING)
    assert "wordfile.log" in text_of(list(source(team).documents(WINDOW)))
