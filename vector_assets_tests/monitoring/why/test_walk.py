"""Where the walk stops: by Dagster's records, silent vendors, odd texts and older versions."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import UsageError
from vector_assets.index.hosts import HostNamespace, record_host
from vector_assets.index.targets import LiveIndex, ReadTarget
from vector_assets.monitoring.dagster_state.state import (
    ActiveRun,
    AssetHistory,
    DagsterState,
    PartitionRecord,
)
from vector_assets.monitoring.why.answer import Asked, Cause, Why
from vector_assets.monitoring.why.walk import explain
from vector_assets.sandbox.server import running_sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.stores.base import Filter
from vector_assets_tests.monitoring.why.vendors import PUT, Put, texts_of
from vector_assets_tests.monitoring.why.ways import MISSED, NOON, READ, World
from vector_assets_tests.sources.slack.team import RANDOM, say

RECORDED_AT = datetime.now(UTC) - timedelta(minutes=5)
SHELVED: dict[str, Put] = {}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A document of each source in the index, and one of a day that was missed."""
    with running_sandbox(Workspace()) as sandbox:
        world = World.build(sandbox, tmp_path_factory.mktemp("walk"))
        for number, source in enumerate(PUT, 10):
            SHELVED[source] = PUT[source](sandbox, number, READ, texts_of(number))
            missed = PUT[source](sandbox, number + 20, MISSED, texts_of(number + 20))
            SHELVED[f"missed {source}"] = missed
        at = f"{READ:%Y-%m-%dT11:00}"
        say(sandbox, at, "A build has failed.", channel=RANDOM, bot_id="B01", user="")
        say(sandbox, f"{READ:%Y-%m-%dT11:05}", "Who looks at it?", channel=RANDOM)
        world.sync()
        yield world


@pytest.fixture(autouse=True)
def _no_faults_left(world: World) -> Iterator[None]:
    yield
    world.sandbox.faults.rules.clear()


def ask_with(world: World, history: AssetHistory, put: Put) -> Why:
    """Ask with Dagster's records of a source."""
    return explain(
        Asked(put.document_id, is_operator=True),
        world.settings,
        LiveIndex(world.settings, world.index),
        target=ReadTarget(world.store, world.embedder),
        observe=lambda: DagsterState({put.source: history}),
    )


def history(days: Days, recorded_at: datetime = RECORDED_AT, **more: Any) -> AssetHistory:
    record = PartitionRecord(days.last, recorded_at, 3, 0)
    return AssetHistory(frozenset(days), (record,), **more)


def days_ago(first: int, last: int) -> Days:
    today = NOON.date()
    return Days(today - timedelta(days=first), today - timedelta(days=last))


def run_for(day: date) -> ActiveRun:
    return ActiveRun(None, "nightly", frozenset({day}), RECORDED_AT)


@pytest.mark.parametrize("source", ["jira", "slack"])
@pytest.mark.parametrize(
    ("records", "cause", "words"),
    [
        (history(days_ago(30, 1)), Cause.MISSING, "its day was read"),
        (history(days_ago(10, 1)), Cause.TOO_OLD, "the first day ever read"),
        (
            AssetHistory(history(days_ago(30, 16)).days | history(days_ago(10, 1)).days),
            Cause.DAY_MISSING,
            "its run failed, or was never started",
        ),
        (
            history(days_ago(30, 16), MISSED - timedelta(days=1)),
            Cause.NOT_YET_READ,
            "the last run ended",
        ),
        (
            history(days_ago(10, 1), active_runs=(run_for(MISSED.date()),)),
            Cause.NOT_YET_READ,
            "under way",
        ),
    ],
)
def test_dagsters_records_tell_whether_a_day_was_read(
    world: World, source: str, records: AssetHistory, cause: Cause, words: str
) -> None:
    answer = ask_with(world, records, SHELVED[f"missed {source}"])
    assert (answer.cause, words in answer.sentence) == (cause, True), answer


def test_a_day_before_the_first_partition_is_too_old(world: World) -> None:
    start = str((NOON - timedelta(days=7)).date())
    settings = world.settings.model_copy(update={"partitions_start": start})
    answer = world.why(SHELVED["missed jira"].document_id, settings=settings)
    assert answer.cause is Cause.TOO_OLD
    assert "PARTITIONS_START" in answer.sentence


@pytest.mark.parametrize("status", [401, 400])
def test_a_vendor_that_is_silent_hides_nothing_that_the_index_holds(
    world: World, status: int
) -> None:
    world.sandbox.faults.fail("/jira", status=status)
    here = world.why(SHELVED["jira"].document_id)
    assert here.cause is Cause.FOUND
    assert "could not be asked" in here.notes[0]
    lost = world.why(SHELVED["missed jira"].document_id)
    assert lost.cause is Cause.VENDOR_SILENT
    assert ("doctor" in lost.advice) == (status == 401)


def test_an_edit_that_was_not_read_yet_is_named(world: World) -> None:
    put = PUT["jira"](world.sandbox, 50, READ, texts_of(50))
    world.sync()
    assert world.why(put.document_id).cause is Cause.FOUND
    issue = next(raw for raw in world.sandbox.workspace.issues if raw["id"] == "10050")
    issue["fields"]["updated"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"
    answer = world.why(put.document_id)
    assert answer.cause is Cause.NOT_YET_READ
    assert "not the newest" in answer.sentence
    assert answer.title
    issue["fields"]["description"]["content"][0]["content"][0]["text"] = "POISON"
    world.sync()
    failed = world.why(put.document_id)
    assert failed.cause is Cause.QUARANTINED
    assert "older version" in failed.sentence


def test_what_was_deleted_at_its_vendor_and_is_still_found_is_not_accused(world: World) -> None:
    put = PUT["notion"](world.sandbox, 60, READ, texts_of(60))
    world.sync()
    page = next(raw for raw in world.sandbox.workspace.pages if raw["id"] in put.document_id)
    page["in_trash"] = page["archived"] = True
    answer = world.why(put.document_id)
    assert answer.cause is Cause.FOUND
    assert "still holds it" in answer.notes[0]


def test_a_message_of_a_bot_is_left_out_and_one_without_replies_is_in_its_day(
    world: World,
) -> None:
    messages = world.sandbox.workspace.messages[RANDOM]
    of_bot, of_person = (
        f"https://acme.slack.com/archives/{RANDOM}/p{message['ts'].replace('.', '')}"
        for message in messages
    )
    answer = world.why(of_bot)
    assert (answer.cause, "SLACK_INCLUDE_BOTS" in answer.advice) == (Cause.LEFT_OUT, True)
    day = f"slack:{RANDOM}:{READ:%Y-%m-%d}"
    told = world.why(of_person)
    assert (told.cause, told.document_id) == (Cause.FOUND, day)
    told = world.why(of_person, is_operator=False)
    assert (told.cause, told.document_id) == (Cause.FOUND, day)
    assert day in told.notes[0]


def test_a_namespace_of_another_project_is_walked_without_a_vendor(world: World) -> None:
    record_host(world.index.ledger, HostNamespace("notes", ("team/notes",), RECORDED_AT))
    world.index._hosts_known_until = 0.0
    for asked, cause in (({}, Cause.MISSING), ({"is_operator": False}, Cause.UNKNOWN)):
        assert world.why("notes:1", **asked).cause is cause


def test_a_source_that_is_off_is_named_with_what_to_set_to_operators_alone(world: World) -> None:
    settings = world.settings.model_copy(update={"jira_server": ""})
    answer = world.why("HAR-10", settings=settings)
    assert (answer.cause, "JIRA_SERVER" in answer.advice) == (Cause.SOURCE_OFF, True)
    told = world.why("HAR-10", settings=settings, is_operator=False)
    assert (told.cause, "JIRA" in told.sentence + told.advice) == (Cause.SOURCE_OFF, False)


ODD = (
    " ", '"', '""', "XYZ-", "HAR-0", "jira:' OR 1=1 --", "jira:10010#0", "slack:x:y:z",
    "slack:C0ENGINEER:9999-99-99", "slack:C0ENGINEER:1.x", "slack:C0ENGINEER", "notion:not-an-id",
    "fireflies:..", "files:../../etc/passwd", "https://", "http://[::1", "notes", "ж" * 4000,
    "x" * 4000, "a\x00b", "\ud800", "https://example.com/HAR-10", "[redacted: x]", "%%%", "'; --",
    "slack:C0NOBODY01:1700000000.000000", "fireflies:none", "jira:99999999999999999999",
)  # fmt: skip


@pytest.mark.parametrize("is_operator", [True, False])
def test_any_text_has_an_answer(world: World, is_operator: bool) -> None:
    for text in ODD:
        answer = world.why(text, is_operator=is_operator)
        assert answer.sentence
        assert answer.cause not in {Cause.FOUND, Cause.IN_ANSWER, Cause.MISSING}, text


def test_an_empty_question_and_an_unknown_source_are_refused(world: World) -> None:
    document_id = SHELVED["jira"].document_id
    with pytest.raises(UsageError, match="the question is empty"):
        world.why(document_id, question=" ")
    with pytest.raises(UsageError, match="unknown source 'sap'"):
        world.why(document_id, sources=("sap",))


def test_places_are_told_by_words_by_meaning_and_together(world: World) -> None:
    put = SHELVED["notion"]
    answer = world.why(put.document_id, question=put.words, where=Filter(), limit=3)
    assert answer.cause is Cause.IN_ANSWER
    assert answer.ranks is not None
    assert (answer.ranks.by_words, answer.ranks.fused, answer.ranks.limit) == (1, 1, 3)
