"""Answers that are confirmed at their vendors: real SDKs over HTTP, and a real index."""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.confirm import PROBES_AT_ONCE, Confirmer
from vector_assets.index.queue import ChangeQueue
from vector_assets.index.rereads import KIND
from vector_assets.index.search import find_in
from vector_assets.index.targets import LiveIndex, ReadTarget
from vector_assets.index.verdicts import Verdict
from vector_assets.pipeline.quarantine import quarantined
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources import build_source
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.fireflies.meetings import meeting
from vector_assets_tests.sources.jira.issues import FIRST, issue
from vector_assets_tests.sources.notion.pages import identity, page, paragraph
from vector_assets_tests.sources.slack import team
from vector_assets_tests.support.patience import first_answer
from vector_assets_tests.support.targets import recorded_index, target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

SOURCES = ("jira", "slack", "notion", "fireflies", "files")
LATER = utc("2026-05-05T09:00")
MARCH = Days(date(2026, 3, 1), date(2026, 3, 31))


class _TinyIndex(LiveIndex):
    """An index of which the tiny embedder makes the vectors."""

    def __init__(self, settings: Settings, store: LanceDBStore) -> None:
        self._tiny = TinyEmbedder(chunk_tokens=2_000)
        super().__init__(settings, recorded_index(store, self._tiny))
        self._store = store

    def now(self) -> ReadTarget:
        return ReadTarget(self._store, self._tiny)


@dataclass
class Office:
    """A small team whose March is in the index.

    Attributes:
        touch: How to change or delete each document at its vendor, by id, in one or more ways.
    """

    sandbox: Sandbox
    folder: Path
    settings: Settings
    touch: dict[str, list[Callable[[], None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = LanceDBStore(str(self.folder / "index"))
        self.index = _TinyIndex(self.settings, self.store)
        self.confirmer = Confirmer(self.settings)

    def sync(self, name: str, days: Days = MARCH) -> SyncReport:
        meter = Meter()
        pipeline = Pipeline(
            source=build_source(name, self.settings, meter),
            target=target_of(self.store, TinyEmbedder(chunk_tokens=2_000)),
            meter=meter,
        )
        return write(pipeline.embedded_documents(days))

    def shown(self, *names: str) -> Answers:
        """Return all that the index holds of sources, as a search would show it."""
        answers = [
            Answer(
                document_id, name, "", "", "", (), head.container,
                FIRST, datetime.fromtimestamp(head.updated_at, UTC), 1.0, 0,
            )
            for name in names or SOURCES
            for document_id, head in self.store.documents(name)
        ]  # fmt: skip
        return Answers(tuple(answers), dict.fromkeys(names or SOURCES))

    def confirm(self, *names: str) -> Answers:
        return self.confirmer.confirm(self.shown(*names), self.index)

    def queued(self) -> set[str]:
        return set(self.index.ledger.entries(KIND))


def verdicts(answers: Answers) -> dict[str, Verdict]:
    assert answers.confirmation is not None
    by_document = answers.confirmation.by_document
    assert by_document.keys() == {answer.document_id for answer in answers.answers}
    return {document_id: each.verdict for document_id, each in by_document.items()}


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path) -> Office:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    values |= {
        "files_path": str(tmp_path / "handbook"),
        "slack_requests_per_minute": "0",
        "notion_requests_per_second": "1000",
        "confirm_seconds": "45",
    }
    return Office(sandbox, tmp_path, Settings.model_validate(values))


def populate(office: Office, each: int) -> None:
    """Make so many documents at each vendor, and the ways in which each may change."""
    (office.folder / "handbook").mkdir()
    team.populate(office.sandbox)
    for add in (_add_issue, _add_page, _add_meeting, _add_file, _add_thread, _add_day):
        for number in range(1, each + 1 if add not in (_add_thread, _add_day) else each // 2 + 1):
            add(office, number)
    # Their containers go on showing something.
    office.sandbox.workspace.issues.append(issue(0))


def _replacing(records: list[Any], record: Any) -> Callable[[], None]:
    """Return what puts a record in the place of the one with its id."""

    def replace() -> None:
        at = next(n for n, each in enumerate(records) if each["id"] == record["id"])
        records[at] = record

    return replace


def _removing(records: list[Any], record: Any, key: str = "id") -> Callable[[], None]:
    def remove() -> None:
        records[:] = [each for each in records if each[key] != record[key]]

    return remove


def _add_issue(office: Office, number: int) -> None:
    issues, made = office.sandbox.workspace.issues, issue(number)
    issues.append(made)
    office.touch[f"jira:{made['id']}"] = [
        _replacing(issues, issue(number, updated=LATER, summary="Edited")),
        _removing(issues, made),
        lambda: office.sandbox.workspace.site.jira_hidden_issue_ids.append(made["id"]),
    ]


def _add_page(office: Office, number: int) -> None:
    pages, made = (
        office.sandbox.workspace.pages,
        page(f"Page {number}", paragraph(f"Words {number}")),
    )
    pages.append(made)
    office.touch[f"notion:{made['id']}"] = [
        _replacing(
            pages, page(f"Page {number}", paragraph("Edited"), edited="2026-05-05T09:00:00.000Z")
        ),
        _removing(pages, made),
        _replacing(pages, {**made, "in_trash": True}),
        lambda: office.sandbox.workspace.site.notion_unshared_ids.append(made["id"]),
    ]


def _add_meeting(office: Office, number: int) -> None:
    transcripts, made = (
        office.sandbox.workspace.transcripts,
        meeting(number, privacy="participants"),
    )
    transcripts.append(made)
    office.touch[f"fireflies:{made['id']}"] = [
        _replacing(transcripts, meeting(number, privacy="teammates")),
        _replacing(transcripts, meeting(number, privacy="participants", participants=["c@x.eu"])),
        _removing(transcripts, made),
    ]


def _add_file(office: Office, number: int) -> None:
    path = office.folder / "handbook" / f"plan-{number}.md"

    def save(text: str, at: datetime) -> None:
        path.write_text(text, encoding="utf-8")
        os.utime(path, (at.timestamp(), at.timestamp()))

    save(f"Plan {number}.", FIRST)
    office.touch[f"files:{path.name}"] = [
        lambda: save("Edited.", LATER),
        lambda: save("Edited.", FIRST - timedelta(days=400)),
        path.unlink,
    ]


def _add_thread(office: Office, number: int) -> None:
    _add_messages(office, number, is_thread=True)


def _add_day(office: Office, number: int) -> None:
    _add_messages(office, number, is_thread=False)


def _add_messages(office: Office, number: int, *, is_thread: bool) -> None:
    """Add a thread, or a day of a channel of its own, of four messages."""
    messages = office.sandbox.workspace.messages.setdefault(team.ENGINEERING, [])
    channel, day = team.ENGINEERING, utc("2026-03-02") + timedelta(minutes=number)
    if not is_thread:
        channel = f"C0DAY{number:05}"
        messages = office.sandbox.workspace.messages.setdefault(channel, [])
        office.sandbox.workspace.channels.append(
            {"id": channel, "name": f"day-{number}", "members": [team.ANN]}
        )
    parent = team.say(office.sandbox, day, f"Question {number}?", channel=channel)
    thread = parent if is_thread else ""
    said = [
        team.say(
            office.sandbox, day + timedelta(hours=hour), f"Answer {number} {hour}.",
            channel=channel, thread=thread,
        )
        for hour in (1, 2, 3)
    ]  # fmt: skip

    def edit(ts: str) -> None:
        edited = {"user": team.ANN, "ts": team.ts_of(LATER)}
        next(each for each in messages if each["ts"] == ts).update(text="Edited.", edited=edited)

    def delete(*deleted: str) -> None:
        messages[:] = [each for each in messages if each["ts"] not in deleted]

    def reply() -> None:
        team.say(office.sandbox, LATER, "One more.", channel=channel, thread=parent)

    office.touch[f"slack:{channel}:{parent if is_thread else '2026-03-02'}"] = [
        lambda: edit(parent),
        lambda: edit(said[1]),
        lambda: delete(said[0]),
        lambda: delete(said[2]),
        lambda: delete(parent, *said),
        reply,
    ]


def check_that_nothing_changed_is_handed_out(office: Office, each: int) -> set[str]:
    """Change a part of the documents at random; return which were changed."""
    seed = int(os.environ.get("VECTOR_ASSETS_TEST_SEED", "20261129"))
    chance = random.Random(seed)
    populate(office, each)
    for name in SOURCES:
        office.sync(name)
    before = office.confirm()
    assert set(verdicts(before).values()) == {Verdict.UNCHANGED}, f"seed {seed}"
    assert office.touch.keys() <= verdicts(before).keys()
    assert office.queued() == set()
    touched = {key for key in sorted(office.touch) if chance.random() < 0.6}
    for document_id in sorted(touched):
        chance.choice(office.touch[document_id])()
    after = office.confirm()
    handed_out = verdicts(after)
    current = {key for key, verdict in handed_out.items() if verdict is Verdict.UNCHANGED}
    assert current == verdicts(before).keys() - touched, f"seed {seed}"
    assert set(handed_out.values()) == {Verdict.UNCHANGED, Verdict.EDITED}
    assert after.confirmation is not None
    assert after.confirmation.left_out_count == len(before.answers) - len(after.answers) > 0
    assert any("Left out" in warning for warning in after.warnings)
    assert first_answer(lambda: office.queued() == touched)
    return touched


def test_of_documents_that_changed_none_is_handed_out_as_current(office: Office) -> None:
    touched = check_that_nothing_changed_is_handed_out(office, each=10)
    nights = [office.sync(name, Days.newest(1, datetime.now(UTC))) for name in SOURCES]
    assert sum(night.total.failed_documents for night in nights) == 0
    # The night has read again what changed, so that nothing shows as edited for ever.
    assert office.queued() == set()
    assert quarantined(office.index.ledger) == []
    office.confirmer = Confirmer(office.settings)
    after = verdicts(office.confirm())
    assert set(after.values()) == {Verdict.UNCHANGED}
    assert touched & after.keys()


@pytest.mark.slow
def test_of_500_documents_that_changed_none_is_handed_out_as_current(office: Office) -> None:
    office.settings = office.settings.model_copy(update={"confirm_seconds": 600.0})
    office.confirmer = Confirmer(office.settings)
    check_that_nothing_changed_is_handed_out(office, each=100)
    assert len(office.touch) == 500


def test_each_document_shown_is_asked_for_once_and_no_other(office: Office) -> None:
    populate(office, 4)
    office.sync("jira")
    office.sandbox.faults.log.clear()
    shown = office.shown("jira")
    few = Answers(shown.answers[:2], shown.as_of)
    confirmed = office.confirmer.confirm(few, office.index)
    assert set(verdicts(confirmed).values()) == {Verdict.UNCHANGED}
    asked = office.sandbox.faults.requests("/jira")
    assert asked == {
        f"GET /jira/rest/api/3/issue/{answer.document_id.removeprefix('jira:')}": 1
        for answer in few.answers
    }


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("throttled", {"status": 429, "retry_after_seconds": 3_000}),
    ("throttled for a while", {"status": 429, "retry_after_seconds": 60}),
    ("down", {"status": 503}),
    ("without a connection", {"break_connection": "drop"}),
    ("refusing", {"status": 401}),
]


@pytest.mark.parametrize(("state", "fault"), FAULTS, ids=[state for state, _ in FAULTS])
@pytest.mark.parametrize("name", ["jira", "slack", "notion", "fireflies"])
def test_a_search_survives_a_vendor_that_is(
    office: Office, name: str, state: str, fault: dict[str, Any]
) -> None:
    populate(office, 2)
    other = "files"
    for each in (name, other):
        office.sync(each)
    office.confirmer = Confirmer(office.settings.model_copy(update={"confirm_seconds": 1.0}))
    office.sandbox.faults.fail(f"/{name}", **fault)
    confirmed = office.confirm(name, other)
    assert len(confirmed.answers) == len(office.shown(name, other).answers)
    for document_id, verdict in verdicts(confirmed).items():
        is_down = document_id.startswith(name)
        assert verdict is (Verdict.UNANSWERED if is_down else Verdict.UNCHANGED), state
    [warning] = confirmed.warnings
    assert warning.startswith(f"Not confirmed: {len(office.shown(name).answers)} of {name}: ")
    assert office.queued() == set()


def test_a_vendor_that_is_slow_costs_the_time_of_the_setting_and_keeps_no_crowd_of_threads(
    office: Office,
) -> None:
    populate(office, 30)
    for name in ("jira", "files"):
        office.sync(name)
    office.confirmer = Confirmer(office.settings.model_copy(update={"confirm_seconds": 0.3}))
    office.sandbox.faults.fail("/jira", drip_seconds=0.05)
    before = set(threading.enumerate())
    for _ in range(3):
        confirmed = verdicts(office.confirm("jira", "files"))
        counts = Counter((key.partition(":")[0], verdict) for key, verdict in confirmed.items())
        assert counts == {
            ("jira", Verdict.UNANSWERED): 31,
            ("files", Verdict.UNCHANGED): 30,
        }
    waiting = [each for each in threading.enumerate() if each.name == "confirm"]
    assert len(set(waiting) - before) <= 2 * PROBES_AT_ONCE


def test_a_source_without_credentials_or_of_others_is_not_confirmed(office: Office) -> None:
    populate(office, 2)
    office.sync("jira")
    given = office.shown("jira")
    of_others = Answer("wiki:1", "wiki", "", "", "", (), "W", FIRST, FIRST, 1.0, 0)
    shown = Answers((*given.answers, of_others), given.as_of)
    confirmer = Confirmer(office.settings.model_copy(update={"jira_server": ""}))
    confirmed = confirmer.confirm(shown, office.index)
    assert set(verdicts(confirmed).values()) == {Verdict.UNANSWERED}
    assert confirmed.warnings == (
        "Not confirmed: 3 of jira: it is not set up here.",
        "Not confirmed: 1 of wiki: another program reads it, which cannot be asked from here.",
    )


def test_an_answer_for_a_viewer_says_nothing_of_what_the_viewer_may_not_read(
    office: Office,
) -> None:
    populate(office, 4)
    office.sync("fireflies")
    office.sandbox.workspace.transcripts.clear()

    def confirmed_for(viewer: str) -> Answers:
        found_answers = find_in(
            "crane",
            ["fireflies"],
            store=office.store,
            embedder=TinyEmbedder(chunk_tokens=2_000),
            where=Filter(viewer=viewer),
        )
        office.sandbox.faults.log.clear()
        return office.confirmer.confirm(found_answers, office.index)

    stranger = confirmed_for("stranger@example.com")
    assert stranger.confirmation is not None
    assert (stranger.confirmation.left_out_count, stranger.warnings) == (0, ())
    assert not office.sandbox.faults.log
    reader = confirmed_for("ann@example.com")
    assert reader.confirmation is not None
    assert reader.confirmation.left_out == {Verdict.DELETED: 4}
    assert reader.answers == ()
    assert reader.as_json()["left_out"] == {"deleted": 4}


def test_what_failed_to_be_read_again_is_in_quarantine_and_not_in_both(office: Office) -> None:
    populate(office, 2)
    office.sync("notion")
    name = f"notion:{identity('Page 1')}"
    office.touch[name][0]()
    assert verdicts(office.confirm("notion"))[name] is Verdict.EDITED
    assert first_answer(lambda: office.queued() == {name})
    office.sandbox.faults.fail(f"/notion/v1/pages/{identity('Page 1')}", status=400)
    office.sync("notion", Days.newest(1, datetime.now(UTC)))
    assert office.queued() == set()
    assert [failed.document_id for failed in quarantined(office.index.ledger)] == [name]


def test_a_run_for_an_old_day_that_does_not_read_a_document_leaves_it_queued(
    office: Office,
) -> None:
    populate(office, 2)
    office.sync("slack")
    [thread] = [key for key in office.touch if key.startswith(f"slack:{team.ENGINEERING}")]
    office.touch[thread][1]()  # an edit of a reply, which no listing shows
    office.confirm("slack")
    assert first_answer(lambda: office.queued() == {thread})
    assert office.sync("slack").total.embedded_chunks == 0
    assert office.queued() == {thread}
    assert office.sync("slack", Days.newest(1, datetime.now(UTC))).total.embedded_chunks == 1
    assert office.queued() == set()


def test_what_changed_is_read_at_once_where_runs_between_nights_do_that(office: Office) -> None:
    populate(office, 2)
    office.sync("notion")
    office.settings = office.settings.model_copy(update={"sync_every_minutes": 5.0})
    office.confirmer = Confirmer(office.settings)
    name = f"notion:{identity('Page 1')}"
    office.touch[name][0]()
    assert verdicts(office.confirm("notion"))[name] is Verdict.EDITED
    queue = ChangeQueue(office.index.ledger)
    assert first_answer(lambda: [each.document_id for each in queue.waiting()] == [name])
    assert office.queued() == set()
