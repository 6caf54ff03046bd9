"""Windows of Slack: nothing is lost and nothing comes twice, whatever the replies do."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources.slack.messages import NOISE_SUBTYPES
from vector_assets_tests.sources.slack.team import (
    ENGINEERING,
    by_id,
    documents,
    populate,
    say,
    source,
)
from vector_assets_tests.support.tiny import utc

Serve = Callable[[Workspace], Sandbox]


def thread(ts: str) -> str:
    return f"{ENGINEERING}:{ts}"


def day(text: str) -> str:
    return f"{ENGINEERING}:{text}"


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    return sandbox


def test_a_late_reply_to_a_thread_of_last_week_is_found_by_the_run_of_its_day(
    team: Sandbox,
) -> None:
    parent = say(team, "2026-03-02T10:00", "Who owns the billing job?")
    say(team, "2026-03-02T11:00", "Me.", thread=parent)
    assert documents(team, "2026-03-09") == {}
    say(team, "2026-03-09T09:00", "It broke again.", thread=parent)
    document = documents(team, "2026-03-09", "2026-03-10")[thread(parent)]
    assert [section.text for section in document.sections][-1] == "It broke again."
    assert (document.created_at, document.updated_at) == (
        utc("2026-03-02T10:00"),
        utc("2026-03-09T09:00"),
    )


@pytest.mark.parametrize(("age_days", "is_found"), [(29, True), (30, True), (32, False)])
def test_a_reply_brings_a_thread_back_for_thirty_days(
    team: Sandbox, age_days: int, is_found: bool
) -> None:
    began_at = utc("2026-03-20T10:00") - timedelta(days=age_days)
    parent = say(team, began_at.isoformat(), "An old question")
    say(team, "2026-03-20T10:00", "A late answer", thread=parent)
    assert (thread(parent) in documents(team, "2026-03-20")) == is_found


def test_a_reply_that_was_sent_to_the_channel_too_brings_its_thread_back_from_any_age(
    team: Sandbox,
) -> None:
    parent = say(team, "2025-01-02T10:00", "An ancient question")
    say(team, "2026-03-09T09:00", "Solved!", thread=parent, subtype="thread_broadcast")
    by_native_id = documents(team, "2026-03-09")
    assert [section.text for section in by_native_id[thread(parent)].sections] == [
        "An ancient question",
        "Solved!",
    ]


def test_a_reply_that_was_sent_to_the_channel_too_stands_once_and_not_among_the_days_messages(
    team: Sandbox,
) -> None:
    parent = say(team, "2026-03-09T08:00", "A question")
    say(team, "2026-03-09T09:00", "An answer", thread=parent, subtype="thread_broadcast")
    say(team, "2026-03-09T10:00", "Lunch?")
    by_native_id = documents(team, "2026-03-09")
    assert [
        len(by_native_id[thread(parent)].sections),
        len(by_native_id[day("2026-03-09")].sections),
    ] == [2, 1]
    assert len(by_native_id) == 2


def test_a_days_document_is_whole_though_the_window_begins_and_ends_within_the_day(
    team: Sandbox,
) -> None:
    for hour in (0, 9, 13, 23):
        say(team, f"2026-03-02T{hour:02}:00", f"at {hour}")
    whole = documents(team, "2026-03-02")[day("2026-03-02")]
    assert len(whole.sections) == 4
    assert documents(team, "2026-03-02T12:00", "2026-03-03") == {whole.native_id: whole}
    assert documents(team, "2026-03-01", "2026-03-02T12:00") == {}  # its last word came later
    assert documents(team, "2026-03-02T12:00", "2026-03-02T23:30") == {whole.native_id: whole}


def test_a_message_at_midnight_belongs_to_the_day_that_begins(team: Sandbox) -> None:
    say(team, "2026-03-02T00:00", "the first word")
    assert list(documents(team, "2026-03-02", "2026-03-03")) == [day("2026-03-02")]
    assert documents(team, "2026-03-01", "2026-03-02") == {}


def test_a_message_that_became_a_thread_leaves_its_day_which_does_not_look_older_for_it(
    team: Sandbox,
) -> None:
    say(team, "2026-03-02T09:00", "Good morning")
    parent = say(team, "2026-03-02T15:00", "Does anybody know Flink?")
    before = documents(team, "2026-03-02", "2026-03-03")[day("2026-03-02")]
    say(team, "2026-03-05T09:00", "I do", thread=parent)
    after = documents(team, "2026-03-05", "2026-03-06")
    assert list(after) == [thread(parent), day("2026-03-02")]
    assert [section.text for section in after[day("2026-03-02")].sections] == ["Good morning"]
    assert after[day("2026-03-02")].updated_at == before.updated_at


def test_a_backfill_takes_the_threads_that_began_in_it_though_they_went_on_later(
    team: Sandbox,
) -> None:
    parent = say(team, "2026-01-05T10:00", "A long story")
    say(team, "2026-03-20T10:00", "The end", thread=parent)
    by_native_id = documents(team, "2026-01-05", "2026-01-06")
    assert by_native_id[thread(parent)].updated_at == utc("2026-03-20T10:00")


def test_replies_are_asked_for_only_where_a_thread_is_to_be_fetched(team: Sandbox) -> None:
    for number in range(5):
        parent = say(team, f"2026-03-0{number + 1}T10:00", f"Question {number}")
        say(team, f"2026-03-0{number + 1}T11:00", "Answer", thread=parent)
    documents(team, "2026-03-05", "2026-03-06")
    assert team.faults.requests("/slack")["POST /slack/api/conversations.replies"] == 1


def test_a_thread_whose_parent_was_deleted_keeps_its_replies(team: Sandbox) -> None:
    say(team, "2026-03-02T11:00", "An answer to nothing", thread="1772445600.000001")
    document = documents(team, "2026-03-02")[f"{ENGINEERING}:1772445600.000001"]
    assert document.title == "#engineering thread of 2026-03-02"
    assert [section.text for section in document.sections] == ["An answer to nothing"]


def expected_ids(workspace: Workspace) -> Counter[str]:
    """Count the words said by the document that they belong to, from the export itself."""
    expected: Counter[str] = Counter()
    for channel_id, messages in workspace.messages.items():
        parents = {m["thread_ts"] for m in messages if m.get("thread_ts", m["ts"]) != m["ts"]}
        for message in messages:
            if message.get("subtype") in NOISE_SUBTYPES:
                continue
            at = datetime.fromtimestamp(int(message["ts"].split(".")[0]), UTC)
            root = message.get("thread_ts", message["ts"])
            expected[f"{channel_id}:{root if root in parents else at.date()}"] += 1
    return expected


def test_one_window_over_the_whole_time_line_gives_every_thread_and_message_exactly_once(
    serve: Serve, workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    by_native_id = by_id(source(serve(workspace)), Window(utc("2015-01-01"), None))
    assert {key: len(document.sections) for key, document in by_native_id.items()} == expected_ids(
        workspace
    )


def test_consecutive_weeks_give_every_thread_and_message_exactly_once(
    serve: Serve, workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    # One channel, for its threads go on the longest; and its first parent lies before its export.
    workspace.channels = [c for c in workspace.channels if c["name"] == "openlineage-general"]
    workspace.messages = {c["id"]: workspace.messages[c["id"]] for c in workspace.channels}
    slack = source(serve(workspace))
    by_native_id: dict[str, Document] = {}
    start = utc("2023-08-01")
    while start < utc("2023-11-21"):
        end = start + timedelta(days=7)
        week = by_id(slack, Window(start, end))
        assert all(document == week[key] for key, document in by_native_id.items() if key in week)
        by_native_id.update(week)
        start = end
    assert {key: len(document.sections) for key, document in by_native_id.items()} == expected_ids(
        workspace
    )
    assert by_native_id == by_id(slack, Window(utc("2023-08-01"), None))
