"""One thread, day or channel asked for by id, and the links that people paste."""

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import ContractError
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.slack.source import SlackSource
from vector_assets_tests.sources.slack.team import (
    ENGINEERING,
    RANDOM,
    populate,
    say,
    source,
    ts_of,
)
from vector_assets_tests.support.tiny import utc

DAY = f"slack:{ENGINEERING}:2026-03-02"
REPLIES, HISTORY = "/slack/api/conversations.replies", "/slack/api/conversations.history"


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    return sandbox


def probe(slack: SlackSource, document_id: str, container: str = "engineering") -> Probed:
    return slack.probe(Missing(document_id, container, utc("2026-03-02")))


def thread(team: Sandbox) -> str:
    parent = say(team, "2026-03-02T10:00", "Which port?")
    say(team, "2026-03-02T11:00", "8080", thread=parent)
    return parent


def edit(team: Sandbox, ts: str, text: str, at: str) -> None:
    for message in team.workspace.messages[ENGINEERING]:
        if message["ts"] == ts:
            message |= {"text": text, "edited": {"user": "U1", "ts": ts_of(at)}}


def delete(team: Sandbox, *deleted: str) -> None:
    messages = team.workspace.messages[ENGINEERING]
    messages[:] = [message for message in messages if message["ts"] not in deleted]


def read(team: Sandbox) -> dict[str, Document]:
    items = source(team).documents(Window(utc("2026-03-01"), None))
    return {item.id: item for item in items if isinstance(item, Document)}


def test_what_was_just_read_is_as_the_probe_says_by_a_request_each(team: Sandbox) -> None:
    parent = thread(team)
    say(team, "2026-03-02T12:00", "Lunch?")
    edit(team, parent, "Which port now?", "2026-03-05T09:00")
    edit(team, say(team, "2026-03-02T13:00", "No"), "Yes", "2026-03-06T09:00")
    documents = read(team)
    slack = source(team)
    team.faults.log.clear()
    assert len(documents) == 4
    for document in documents.values():
        probed = probe(slack, document.id)
        assert probed.state is RemoteState.THERE
        assert probed.updated_at == document.updated_at or document.native_id == ENGINEERING
        assert probed.stamp == document.stamp
    assert team.faults.requests("/slack/api/conversations.list").total() == 1
    assert team.faults.requests("/slack").total() == 2 + 4


def test_an_edit_of_a_reply_is_an_activity_of_its_thread(team: Sandbox) -> None:
    parent = thread(team)
    edit(team, ts_of("2026-03-02T11:00"), "9090", "2026-03-07T08:00")
    probed = probe(source(team), f"slack:{ENGINEERING}:{parent}")
    assert probed.updated_at == utc("2026-03-07T08:00")
    assert read(team)[f"slack:{ENGINEERING}:{parent}"].updated_at == probed.updated_at


@pytest.mark.parametrize("what", ["reply", "message of a day"])
def test_a_deleted_message_among_others_changes_the_stamp(team: Sandbox, what: str) -> None:
    parent = thread(team)
    gone = say(team, "2026-03-02T10:30", "9090", thread=parent if what == "reply" else "")
    say(team, "2026-03-02T11:30", "Right", thread=parent if what == "reply" else "")
    document_id = f"slack:{ENGINEERING}:{parent}" if what == "reply" else DAY
    slack = source(team)
    before = probe(slack, document_id)
    delete(team, gone)
    after = probe(slack, document_id)
    assert after.updated_at == before.updated_at
    assert after.stamp != before.stamp


def test_a_thread_is_deleted_with_its_last_reply_and_the_message_belongs_to_the_day(
    team: Sandbox,
) -> None:
    parent = thread(team)
    delete(team, ts_of("2026-03-02T11:00"))
    probed = probe(source(team), f"slack:{ENGINEERING}:{parent}")
    assert (probed.state, probed.document_id) == (RemoteState.DELETED, DAY)
    delete(team, parent)
    assert probe(source(team), f"slack:{ENGINEERING}:{parent}").state is RemoteState.DELETED


def test_a_day_without_words_of_its_own_is_deleted(team: Sandbox) -> None:
    lunch = say(team, "2026-03-02T12:00", "Lunch?")
    say(team, "2026-03-02T13:00", "", subtype="channel_join")
    slack = source(team)
    assert probe(slack, DAY).state is RemoteState.THERE
    delete(team, lunch)
    assert probe(slack, DAY).state is RemoteState.DELETED
    say(team, "2026-03-02T14:00", "Beep", bot_id="B1", subtype="bot_message")
    assert probe(slack, DAY).state is RemoteState.DELETED


def test_the_link_to_a_reply_or_a_single_message_leads_to_its_document(team: Sandbox) -> None:
    parent = thread(team)
    lunch = say(team, "2026-03-02T12:00", "Lunch?")
    slack = source(team)
    reply = ts_of("2026-03-02T11:00")
    of_reply = probe(slack, f"slack:{ENGINEERING}:{reply}", "")
    assert (of_reply.state, of_reply.document_id) == (
        RemoteState.THERE,
        f"slack:{ENGINEERING}:{parent}",
    )
    assert of_reply.updated_at == utc("2026-03-02T11:00")
    of_lunch = probe(slack, f"slack:{ENGINEERING}:{lunch}", "")
    assert (of_lunch.state, of_lunch.document_id) == (RemoteState.THERE, DAY)


def test_a_channel_that_the_bot_is_not_in_tells_nothing_and_says_why(team: Sandbox) -> None:
    parent = thread(team)
    document_id = f"slack:{ENGINEERING}:{parent}"
    engineering = team.workspace.channels[0]
    slack = source(team)
    assert probe(slack, document_id).state is RemoteState.THERE
    engineering["is_member"] = False  # the source still has its list of channels
    for seen in (probe(slack, document_id), probe(source(team), document_id)):
        assert seen.state is RemoteState.UNSURE
        assert seen.left_out == "#engineering: the bot is not in there"
        assert "/invite" in seen.advice
    team.workspace.site.private_channel_ids.append(ENGINEERING)
    hidden = probe(source(team), document_id)
    assert hidden.state is RemoteState.UNSURE
    assert "does not see" in hidden.left_out
    joins = probe(source(team, SLACK_JOIN_PUBLIC="true"), f"slack:{RANDOM}")
    assert joins.state is RemoteState.THERE


def test_a_channel_that_the_settings_leave_out_is_named(team: Sandbox) -> None:
    parent = thread(team)
    probed = probe(source(team, SLACK_CHANNELS="random"), f"slack:{ENGINEERING}:{parent}")
    assert probed.state is RemoteState.THERE
    assert probed.left_out == "SLACK_CHANNELS leaves out #engineering"
    assert "Add engineering" in probed.advice


def test_a_direct_message_is_not_asked_for(team: Sandbox) -> None:
    assert "direct message" in probe(source(team), "slack:D012AB3CD:1.000000", "").left_out
    assert not team.faults.log


@pytest.mark.parametrize("code", ["no_such_code", "method_deprecated"])
def test_a_code_that_is_no_documented_refusal_decides_nothing(team: Sandbox, code: str) -> None:
    parent = thread(team)
    for path in (REPLIES, HISTORY):
        team.faults.fail(path, status=200, body={"ok": False, "error": code})
    slack = source(team)
    for document_id in (f"slack:{ENGINEERING}:{parent}", DAY, f"slack:{ENGINEERING}"):
        with pytest.raises(ContractError, match=code):
            probe(slack, document_id)


HOST = "https://acme.slack.com"
TS, REPLY = "1772445600.000100", "1772449200.000200"


@pytest.mark.parametrize(
    ("text", "document_id"),
    [
        (f"slack:C012AB3CD:{TS}", f"slack:C012AB3CD:{TS}"),
        ("slack:C012AB3CD:2026-03-02", "slack:C012AB3CD:2026-03-02"),
        ("C012AB3CD", "slack:C012AB3CD"),
        (f"C012AB3CD:{TS}", f"slack:C012AB3CD:{TS}"),
        (f"{HOST}/archives/C012AB3CD", "slack:C012AB3CD"),
        (f"{HOST}/archives/C012AB3CD/", "slack:C012AB3CD"),
        (f"{HOST}/archives/C012AB3CD/p1772445600000100", f"slack:C012AB3CD:{TS}"),
        (
            f"{HOST}/archives/C012AB3CD/p1772449200000200?thread_ts={TS}&cid=C012AB3CD",
            f"slack:C012AB3CD:{TS}",
        ),
        ("https://app.slack.com/client/T0123/C012AB3CD", "slack:C012AB3CD"),
        (
            f"https://app.slack.com/client/T0123/C012AB3CD/thread/C012AB3CD-{TS}",
            f"slack:C012AB3CD:{TS}",
        ),
        ("slack://channel?team=T0123&id=C012AB3CD", "slack:C012AB3CD"),
        (f"slack://channel?id=C012AB3CD&message={REPLY}", f"slack:C012AB3CD:{REPLY}"),
        (f"{HOST}/archives/D012AB3CD/p1772445600000100", f"slack:D012AB3CD:{TS}"),
        (f"{HOST}/files/U1/F1/plan.pdf", None),
        ("https://slack.com/intl/en-gb/help", None),
        ("https://example.com/archives/C012AB3CD", None),
        ("slack:", None),
        ("slack://open", None),
        ("CONFIRMED", None),
        ("jira:10001", None),
        ("", None),
    ],
)
def test_a_permalink_or_an_id_names_a_document(text: str, document_id: str | None) -> None:
    assert SlackSource.document_id_of(text) == document_id
