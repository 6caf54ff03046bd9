"""What the index holds decides what a run asks of Slack; through the pipeline, over LanceDB."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import UnavailableError
from vector_assets.core.waiting import wait_until
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Json
from vector_assets.sources.base import Unlisted
from vector_assets.sources.items import NothingKnown, Unchanged
from vector_assets.sources.slack import client
from vector_assets.sources.slack.reader import MAX_UNANSWERED_THREADS, THREADS_IN_FLIGHT
from vector_assets_tests.sources.slack.runs import Runs
from vector_assets_tests.sources.slack.team import (
    ANN,
    BEN,
    ENGINEERING,
    RANDOM,
    populate,
    say,
    source,
    ts_of,
)
from vector_assets_tests.support.tiny import TinyEmbedder, utc

BOT = "U0SANDBOX"
HISTORY = "/slack/api/conversations.history"
REPLIES = "/slack/api/conversations.replies"


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    return sandbox


@pytest.fixture
def runs(team: Sandbox, tmp_path: Path) -> Runs:
    return Runs(team, tmp_path)


def begin_thread(team: Sandbox, day: str, number: int = 0, **fields: Any) -> str:
    """Begin a thread with one reply on a day; return its parent's `ts`."""
    parent = say(team, f"{day}T10:{number:02}", f"Question {number}", **fields)
    say(team, f"{day}T11:{number:02}", f"Answer {number}", thread=parent, **fields)
    return parent


def message(team: Sandbox, ts: str, channel: str = ENGINEERING) -> Json:
    return next(message for message in team.workspace.messages[channel] if message["ts"] == ts)


def edit(team: Sandbox, ts: str, text: str) -> None:
    edited = {"user": ANN, "ts": ts_of("2026-03-20T10:00")}
    message(team, ts).update(text=text, edited=edited)


def delete(team: Sandbox, ts: str) -> None:
    team.workspace.messages[ENGINEERING].remove(message(team, ts))


def hide(team: Sandbox, channel: str = RANDOM) -> Json:
    """Keep the bot out of a channel, and return that channel."""
    hidden = next(candidate for candidate in team.workspace.channels if candidate["id"] == channel)
    hidden["is_member"] = False
    return hidden


# What is unchanged is not asked for again.


def test_threads_stay_as_held_while_the_next_page_of_history_is_fetched(
    team: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AllHeld(NothingKnown):
        def compared(
            self, stamps: Mapping[str, str]
        ) -> tuple[Mapping[str, datetime], frozenset[str]]:
            return dict.fromkeys(stamps, utc("2026-03-10")), frozenset(stamps)

    page = 3 * THREADS_IN_FLIGHT
    monkeypatch.setattr(client, "MAX_PAGE_ITEMS", page)
    for number in range(2 * page):
        begin_thread(team, f"2026-03-{number % 9 + 1:02}", number // 9)
    slack = source(team, SLACK_CHANNELS="engineering")
    slack.known = AllHeld()
    items = slack.documents(Window(utc("2026-03-01"), utc("2026-03-10")))
    team.faults.log.clear()
    first = next(items)
    # Most of the first page waits for its reader.
    assert wait_until(lambda: team.faults.requests(HISTORY).total() == 2, seconds=30)
    unchanged = [item for item in (first, *items) if isinstance(item, Unchanged)]
    assert len(unchanged) == 2 * page
    assert not team.faults.requests(REPLIES)


def test_the_requests_of_a_run_follow_what_changed_and_not_what_exists(
    team: Sandbox, runs: Runs
) -> None:
    parents = [begin_thread(team, "2026-03-02", number) for number in range(40)]
    say(team, "2026-03-02T12:00", "Lunch?")
    first = runs.run("2026-03-02")
    assert (first.replies, first.report.total.unchanged_documents) == (40, 0)

    again = runs.run("2026-03-02")
    assert (again.replies, again.history) == (0, 2)
    assert again.report.total.unchanged_documents == again.report.total.documents == 43
    assert (again.report.total.chunks, again.report.total.deleted_chunks) == (0, 0)

    say(team, "2026-03-02T13:00", "One more thing", thread=parents[7])
    changed = runs.run("2026-03-02")
    assert (changed.replies, changed.report.total.unchanged_documents) == (1, 42)
    assert "One more thing" in runs.texts()[f"{ENGINEERING}:{parents[7]}"]


def test_the_index_is_asked_by_the_page_and_not_by_the_thread(team: Sandbox, runs: Runs) -> None:
    for number in range(50):
        begin_thread(team, "2026-03-02", number)
    runs.run("2026-03-02")
    # Two for the channels, three for each channel of a page, one or two a batch of the plan.
    assert runs.run("2026-03-02").questions <= 2 + 2 * 3 + 2


@pytest.mark.parametrize("what", ["parent edited", "parent deleted", "name"])
def test_a_thread_is_fetched_again_when_its_stamp_changes_by_its(
    team: Sandbox, runs: Runs, what: str
) -> None:
    parent = begin_thread(team, "2026-03-02")
    runs.run("2026-03-02")
    match what:
        case "parent edited":
            edit(team, parent, "A better question")
        case "parent deleted":
            delete(team, parent)
        case "name":
            team.workspace.channels[0]["name"] = "builders"
    assert runs.run("2026-03-02").replies == 1
    assert runs.run("2026-03-02").replies == 0


def test_other_readers_reach_a_thread_and_a_year_without_reading_them(
    team: Sandbox, runs: Runs
) -> None:
    team.workspace.site.private_channel_ids.append(ENGINEERING)
    begin_thread(team, "2025-01-05")
    begin_thread(team, "2026-03-02")
    runs.run("2025-01-01", last="2026-03-02")
    assert len(runs.hits("ben.oz@example.com")) > len(runs.hits(""))
    team.workspace.channels[0]["members"].remove(BEN)
    night = runs.run("2026-03-02")
    assert (night.replies, night.report.total.embedded_chunks) == (0, 0)
    assert night.report.documents_with_other_readers == 3
    assert len(runs.hits("ben.oz@example.com")) == len(runs.hits(""))
    assert runs.run("2026-03-02").report.documents_with_other_readers == 0


def test_a_thread_that_only_a_broadcast_brought_has_the_stamp_of_its_own_first_page(
    team: Sandbox, runs: Runs
) -> None:
    parent = say(team, "2025-01-02T10:00", "An ancient question")
    say(team, "2026-03-09T09:00", "Solved!", thread=parent, subtype="thread_broadcast")
    runs.run("2026-03-09")
    (document,) = [
        item
        for item in runs.source().documents(Window(utc("2026-03-09"), None))
        if isinstance(item, Document) and item.native_id.endswith(parent)
    ]
    assert "2025" in document.sections[0].heading
    assert document.stamp.split()[1:3] == ["1", ts_of("2026-03-09T09:00")]


# Edits and deletions.


def test_an_edited_reply_is_seen_by_the_rescan_which_then_writes_nothing(
    team: Sandbox, runs: Runs
) -> None:
    parent = say(team, "2026-03-02T10:00", "Which port?")
    reply = say(team, "2026-03-02T11:00", "8080", thread=parent)
    runs.run("2026-03-02")
    edit(team, reply, "9090")
    assert runs.run("2026-03-02").replies == 0
    assert "8080" in runs.texts()[f"{ENGINEERING}:{parent}"]

    rescan = runs.run("2026-02-20", last="2026-03-20", is_rescan=True)
    assert (rescan.replies, rescan.report.total.embedded_chunks) == (1, 1)
    assert "9090" in runs.texts()[f"{ENGINEERING}:{parent}"]
    assert "8080" not in runs.texts()[f"{ENGINEERING}:{parent}"]
    again = runs.run("2026-02-20", last="2026-03-20", is_rescan=True)
    assert (again.replies, again.report.total.chunks) == (1, 0)


@pytest.mark.parametrize(("is_rescan", "days"), [(True, 30), (False, 1)])
@pytest.mark.parametrize("is_thread", [True, False], ids=["of a thread", "of a day"])
def test_a_last_message_that_is_deleted_leaves_the_index_and_the_activity_stays(
    team: Sandbox, runs: Runs, is_thread: bool, is_rescan: bool, days: int
) -> None:
    parent = say(team, "2026-03-02T10:00", "The password is on the board")
    say(team, "2026-03-02T11:00", "Thanks", thread=parent if is_thread else "")
    last = say(team, "2026-03-02T12:00", "It is hunter2", thread=parent if is_thread else "")
    native_id = f"{ENGINEERING}:{parent if is_thread else '2026-03-02'}"
    runs.run("2026-03-02")
    assert "hunter2" in runs.texts()[native_id]

    delete(team, last)
    first_day = "2026-02-01" if days == 30 else "2026-03-02"
    seen = runs.run(first_day, last="2026-03-02", is_rescan=is_rescan)
    assert seen.report.total.failed_documents == 0
    assert "hunter2" not in runs.texts()[native_id]
    assert "Thanks" in runs.texts()[native_id]
    assert runs.updated_at(native_id) == utc("2026-03-02T12:00")

    again = runs.run(first_day, last="2026-03-02", is_rescan=is_rescan)
    assert (again.report.total.chunks, again.report.total.deleted_chunks) == (0, 0)


def test_a_thread_whose_late_reply_was_deleted_is_found_by_the_activity_that_the_index_holds(
    team: Sandbox, runs: Runs
) -> None:
    parent = begin_thread(team, "2026-02-20")
    late = say(team, "2026-03-10T12:00", "It is hunter2", thread=parent)
    native_id = f"{ENGINEERING}:{parent}"
    runs.run("2026-03-10")
    delete(team, late)
    # Parent and latest reply lie before this window; only the index still says otherwise.
    assert runs.run("2026-03-10").replies == 1
    assert "hunter2" not in runs.texts()[native_id]
    assert runs.updated_at(native_id) == utc("2026-03-10T12:00")
    assert f"slack:{native_id}" in set(runs.source().ids(Window(utc("2026-03-10"), None)))


def test_the_index_is_asked_what_it_holds_before_the_messages_are_read(team: Sandbox) -> None:
    """Else what another run wrote in between would pass for something that was deleted."""
    say(team, "2026-03-02T10:00", "Good morning")
    parent = begin_thread(team, "2026-03-02", 30)
    asked: dict[str, tuple[int, int]] = {}

    class Watcher(NothingKnown):
        def updated_at(self, document_ids: Iterable[str]) -> Mapping[str, datetime]:
            seen = team.faults.requests()
            counts = seen[f"POST {HISTORY}"], seen[f"POST {REPLIES}"]
            asked.update(dict.fromkeys(document_ids, counts))
            return {}

        def compared(
            self, stamps: Mapping[str, str]
        ) -> tuple[Mapping[str, datetime], frozenset[str]]:
            return self.updated_at(stamps), frozenset()

    slack = source(team, SLACK_CHANNELS="engineering")
    slack.known = Watcher()
    assert list(slack.documents(Window(utc("2026-03-02"), utc("2026-03-03"))))
    assert asked[f"slack:{ENGINEERING}:2026-03-02"] == (0, 0)
    assert asked[f"slack:{ENGINEERING}:{parent}"] == (1, 0)


def test_what_is_wholly_deleted_is_left_for_the_prune_and_not_listed(
    team: Sandbox, runs: Runs
) -> None:
    lonely = say(team, "2026-03-01T10:00", "Alone")
    parent = begin_thread(team, "2026-03-02")
    kept = begin_thread(team, "2026-03-03")
    runs.run("2026-03-01", last="2026-03-03")
    delete(team, lonely)
    delete(team, parent)
    team.workspace.messages[ENGINEERING] = [
        message
        for message in team.workspace.messages[ENGINEERING]
        if message.get("thread_ts") != parent
    ]
    runs.run("2026-03-01", last="2026-03-03", is_rescan=True)
    gone = {f"{ENGINEERING}:2026-03-01", f"{ENGINEERING}:{parent}"}
    assert gone < set(runs.texts())
    listed = set(runs.source().ids(Window(utc("2026-03-01"), None)))
    assert listed == {
        f"slack:{ENGINEERING}:{kept}", f"slack:{ENGINEERING}", f"slack:{RANDOM}",
    }  # fmt: skip


# Channels that are new to the index.


def test_a_first_run_reads_its_days_and_no_history(team: Sandbox, runs: Runs) -> None:
    say(team, "2025-06-01T10:00", "long ago")
    say(team, "2026-03-02T10:00", "now")
    runs.run("2026-03-02")
    assert set(runs.texts()) == {f"{ENGINEERING}:2026-03-02"}
    assert runs.channels() == {ENGINEERING, RANDOM}
    runs.run("2026-03-02")
    assert set(runs.texts()) == {f"{ENGINEERING}:2026-03-02"}


@pytest.fixture
def old_channel(team: Sandbox, runs: Runs) -> Json:
    """A channel with a past, into which the bot is invited after the index was begun."""
    channel = hide(team)
    say(team, "2026-03-01T10:00", "here")
    runs.run("2026-03-01")
    begin_thread(team, "2025-01-05", channel=RANDOM)
    say(team, "2025-06-01T10:00", "long ago", channel=RANDOM)
    say(team, "2023-12-31T10:00", "before the first partition", channel=RANDOM)
    say(team, "2026-03-02T09:00", "now", channel=RANDOM)
    channel["is_member"] = True
    return channel


def of_random(runs: Runs) -> set[str]:
    parts = [native_id.partition(":") for native_id in runs.texts() if native_id.startswith(RANDOM)]
    return {day_or_ts for _, _, day_or_ts in parts}


HISTORY_OF_RANDOM = {ts_of("2025-01-05T10:00"), "2025-06-01", "2026-03-02"}


def test_a_bot_added_to_an_old_channel_brings_its_whole_history_once(
    runs: Runs, old_channel: Json
) -> None:
    runs.run("2026-03-02")
    assert of_random(runs) == HISTORY_OF_RANDOM
    after = runs.run("2026-03-02")
    assert (after.replies, after.history) == (0, 2)


def test_a_channel_that_settings_add_brings_its_whole_history(
    team: Sandbox, tmp_path: Path
) -> None:
    say(team, "2025-06-01T10:00", "long ago", channel=RANDOM)
    Runs(team, tmp_path, SLACK_CHANNELS="engineering").run("2026-03-02")
    both = Runs(team, tmp_path)
    both.run("2026-03-03")
    assert of_random(both) == {"2025-06-01"}


def test_a_run_that_dies_half_way_through_a_history_leaves_it_to_the_next(
    team: Sandbox, runs: Runs, old_channel: Json
) -> None:
    # What is newer than the page that fails has been written by then.
    for number in range(1_100):
        say(team, f"2026-02-01T{number // 60:02}:{number % 60:02}", "a word", channel=RANDOM)
    outage = team.faults.fail(HISTORY, contains="cursor=", status=500)
    with pytest.raises(UnavailableError, match=r"slack conversations\.history did not answer"):
        runs.run("2026-03-02")
    assert (of_random(runs), runs.channels()) == ({"2026-03-02"}, {ENGINEERING})
    team.faults.rules.remove(outage)
    runs.run("2026-03-02")
    assert of_random(runs) == {*HISTORY_OF_RANDOM, "2026-02-01"}
    assert runs.channels() == {ENGINEERING, RANDOM}


def test_a_history_of_which_a_thread_failed_is_read_again_by_the_next_run(
    team: Sandbox, runs: Runs, old_channel: Json
) -> None:
    body = {"ok": False, "error": "thread_not_found"}
    fault = team.faults.fail(REPLIES, contains=RANDOM, status=200, body=body)
    run = runs.run("2026-03-02")
    assert [failure.cause for failure in run.report.failures] != []
    assert (of_random(runs), runs.channels()) == (
        {"2025-06-01", "2026-03-02"},
        {ENGINEERING},
    )
    team.faults.rules.remove(fault)
    runs.run("2026-03-03")
    assert of_random(runs) == HISTORY_OF_RANDOM


def test_two_runs_at_once_bring_a_history_as_one_does(runs: Runs, old_channel: Json) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(runs.run, ["2026-03-01", "2026-03-02"]))
    assert of_random(runs) == HISTORY_OF_RANDOM
    third = runs.run("2026-03-02")
    assert (third.replies, third.report.total.chunks) == (0, 0)


@pytest.mark.parametrize("who", [BOT, BEN])
def test_a_bot_that_comes_back_catches_up_once_and_others_who_come_change_nothing(
    team: Sandbox, runs: Runs, who: str
) -> None:
    begin_thread(team, "2026-03-01", channel=RANDOM)
    runs.run("2026-03-01")
    # From now on the bot is out, and a private channel is not even listed.
    begin_thread(team, "2026-03-05", channel=RANDOM)
    joined = {"subtype": "channel_join", "user": who}
    say(team, "2026-03-20T10:00", f"<@{who}> has joined the channel", channel=RANDOM, **joined)
    runs.run("2026-03-20")
    assert (ts_of("2026-03-05T10:00") in of_random(runs)) == (who == BOT)
    assert runs.run("2026-03-20").history == 2


def test_a_bot_that_is_greeted_when_it_comes_back_catches_up_as_well(
    team: Sandbox, runs: Runs
) -> None:
    begin_thread(team, "2026-03-01", channel=RANDOM)
    runs.run("2026-03-01")
    begin_thread(team, "2026-03-05", channel=RANDOM)
    joined = {"subtype": "channel_join", "user": BOT}
    at = say(team, "2026-03-20T10:00", f"<@{BOT}> has joined", channel=RANDOM, **joined)
    say(team, "2026-03-20T10:05", "Welcome back!", thread=at, channel=RANDOM)
    runs.run("2026-03-20")
    assert ts_of("2026-03-05T10:00") in of_random(runs)


@pytest.mark.parametrize("is_removed", [False, True], ids=["stays", "is removed"])
def test_a_channel_that_becomes_private_takes_its_past_out_of_the_public_and_says_what_is_closed(
    team: Sandbox, runs: Runs, is_removed: bool
) -> None:
    # Before the first day that any schedule asks for, and within the days of the rescan.
    old = [begin_thread(team, day, channel=RANDOM) for day in ("2023-08-15", "2026-02-20")]
    runs.run("2023-08-15", last="2026-03-01")
    assert {f"{RANDOM}:{ts}" for ts in old} <= runs.texts().keys()
    team.workspace.site.private_channel_ids.append(RANDOM)
    [channel] = [each for each in team.workspace.channels if each["id"] == RANDOM]
    channel["is_member"] = not is_removed
    gaps = runs.run("2026-03-02").gaps
    for viewer in ("", *(["ann.lee@example.com"] if is_removed else [])):
        read = {hit.metadata["channel_id"] for hit in runs.hits(viewer=viewer)}
        assert RANDOM not in read, viewer
    told = [gap.count for gap in gaps if gap.subject == "documents of random"]
    # Two threads, and what the channel is for.
    assert told == [3] * is_removed, gaps
    if not is_removed:
        assert {f"{RANDOM}:{ts}" for ts in old} <= runs.texts().keys()


# The rescan looks further than a nightly run.


def test_who_leaves_a_private_channel_loses_its_past_at_the_next_run_though_nothing_was_said(
    team: Sandbox, runs: Runs
) -> None:
    team.workspace.site.private_channel_ids.append(ENGINEERING)
    begin_thread(team, "2026-01-05")
    say(team, "2026-01-06T10:00", "word " * 30)
    runs.embedder = TinyEmbedder(chunk_tokens=10)
    runs.run("2026-01-05", last="2026-03-20")
    before = {hit.id for hit in runs.hits("ben.oz@example.com")}
    assert len(before) > 5
    embedded = len(runs.embedder.embedded_texts)

    team.workspace.channels[0]["members"].remove(BEN)
    runs.run("2026-03-21")
    left = {hit.id for hit in runs.hits("ben.oz@example.com")}
    assert left == {hit.id for hit in runs.hits("")} < before
    assert before <= {hit.id for hit in runs.hits("ann.lee@example.com")}
    assert len(runs.embedder.embedded_texts) == embedded
    # Nothing more is asked once it is done.
    assert runs.run("2026-03-21").replies == 0


def test_a_late_reply_under_a_parent_of_last_year_is_found_by_the_rescan(
    team: Sandbox, runs: Runs
) -> None:
    runs.run("2026-03-01")
    parent = begin_thread(team, "2025-01-05")
    say(team, "2026-03-09T10:00", "Solved at last", thread=parent)
    native_id = f"{ENGINEERING}:{parent}"
    runs.run("2026-03-09")
    assert native_id not in runs.texts()
    rescan = runs.run("2026-02-10", last="2026-03-11", is_rescan=True)
    assert "Solved at last" in runs.texts()[native_id]
    assert rescan.replies == 1


def test_a_rescan_leaves_it_to_the_nightly_run_to_bring_the_history_of_a_new_channel(
    runs: Runs, old_channel: Json
) -> None:
    runs.run("2026-02-01", last="2026-03-02", is_rescan=True)
    assert (of_random(runs), runs.channels()) == ({"2026-03-02"}, {ENGINEERING})
    runs.run("2026-03-03")
    assert of_random(runs) == HISTORY_OF_RANDOM


# What a prune asks.


def ids_of(items: Iterable[Any]) -> Iterator[str]:
    for item in items:
        identity = getattr(item, "id", None) or getattr(item, "document_id", None)
        if identity:
            yield identity


@pytest.mark.parametrize("end", [None, "2026-03-10"])
def test_a_window_lists_the_ids_that_it_yields_without_asking_for_a_reply(
    team: Sandbox, runs: Runs, end: str | None
) -> None:
    for day in (1, 5, 9, 11):
        parent = begin_thread(team, f"2026-03-{day:02}")
        say(team, f"2026-03-{day:02}T12:00", "Lunch?")
        say(team, "2026-03-12T09:00", "Late", thread=parent)
    say(team, "2026-03-06T09:00", "Deployed", bot_id="B0DEPLOYS")
    say(team, "2026-03-07T09:00", "", files=[])
    window = Window(utc("2026-03-04"), utc(end) if end else None)
    yielded = sorted(ids_of(source(team).documents(window)))
    asked = team.faults.requests()[f"POST {REPLIES}"]
    assert sorted(source(team).ids(window)) == yielded
    assert team.faults.requests()[f"POST {REPLIES}"] == asked


def test_a_thread_of_any_age_that_the_index_holds_is_listed_by_the_day_of_its_last_reply(
    team: Sandbox, runs: Runs
) -> None:
    parent = begin_thread(team, "2025-01-05")
    say(team, "2026-03-09T10:00", "Solved at last", thread=parent)
    runs.run("2025-01-05")
    assert runs.updated_at(f"{ENGINEERING}:{parent}") == utc("2026-03-09T10:00")
    window = Window(utc("2026-03-09"), utc("2026-03-10"))
    assert f"slack:{ENGINEERING}:{parent}" in set(runs.source().ids(window))


@pytest.mark.parametrize("how", ["left", "deleted", "archived and refused", "removed meanwhile"])
def test_a_channel_that_cannot_be_read_any_more_does_not_look_deleted(
    team: Sandbox, runs: Runs, how: str
) -> None:
    say(team, "2026-03-02T10:00", "there", channel=RANDOM)
    runs.run("2026-03-02")
    match how:
        case "left":
            hide(team)
        case "deleted":
            team.workspace.channels.pop(1)
        case "archived and refused":
            hide(team)["is_archived"] = True
        case "removed meanwhile":
            body = {"ok": False, "error": "not_in_channel"}
            team.faults.fail(HISTORY, contains=RANDOM, status=200, body=body)
    name = RANDOM if how == "deleted" else "#random"
    listed = list(runs.source().ids(Window(utc("2026-03-01"), None)))
    (part,) = [item for item in listed if isinstance(item, Unlisted)]
    assert (part.subject, part.prefix) == (name, f"slack:{RANDOM}:")
    assert "Invite the bot again" in part.advice


def test_a_channel_that_settings_leave_out_is_not_listed_on_purpose(
    team: Sandbox, runs: Runs
) -> None:
    say(team, "2026-03-02T10:00", "there", channel=RANDOM)
    runs.run("2026-03-02")
    hide(team)
    runs.environment["SLACK_CHANNELS"] = "engineering"
    listed = set(runs.source().ids(Window(utc("2026-03-01"), None)))
    assert listed == {f"slack:{ENGINEERING}"}


def test_a_channel_that_was_never_read_stands_in_no_way(team: Sandbox, runs: Runs) -> None:
    hide(team)["is_archived"] = True
    say(team, "2026-03-02T10:00", "here")
    runs.run("2026-03-02")
    listed = set(runs.source().ids(Window(utc("2026-03-01"), None)))
    assert listed == {f"slack:{ENGINEERING}", f"slack:{ENGINEERING}:2026-03-02"}


def test_an_outage_while_listing_is_no_complete_listing(team: Sandbox, runs: Runs) -> None:
    for number in range(MAX_UNANSWERED_THREADS):
        begin_thread(team, "2026-03-02", number)
    runs.run("2026-03-02")
    team.faults.fail(HISTORY, status=500)
    with pytest.raises(UnavailableError, match=r"slack conversations\.history did not answer"):
        list(runs.source().ids(Window(utc("2026-03-01"), None)))
