"""The Fireflies source over real HTTP, against a sandbox that runs the vendor's own schema."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vector_assets.documents import (
    Checkpoint,
    Deferred,
    Document,
    DocumentFailure,
    SourceItem,
    Window,
)
from vector_assets.errors import ContractError, SettingsError, UnavailableError
from vector_assets.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.settings import Settings
from vector_assets.sources.fireflies import PAGE_TRANSCRIPTS, FirefliesSource
from vector_assets_tests.fireflies_meetings import EVER, FIRST, PATH, meeting, sentence
from vector_assets_tests.tiny import utc


def source(sandbox: Sandbox, meter: Meter | None = None) -> FirefliesSource:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return FirefliesSource.from_settings(Settings.model_validate(values), meter or Meter())


def items(sandbox: Sandbox, window: Window = EVER) -> list[SourceItem]:
    return list(source(sandbox).documents(window))


def ids(found: list[SourceItem]) -> list[str]:
    return [item.native_id for item in found if isinstance(item, Document)]


def only(sandbox: Sandbox, **fields: Any) -> Document:
    sandbox.workspace.transcripts = [meeting(1, **fields)]
    [found] = [item for item in items(sandbox) if isinstance(item, Document)]
    return found


# Real data


def test_every_real_transcript_comes_once_and_no_word_of_it_is_lost(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    assert len(workspace.transcripts) > PAGE_TRANSCRIPTS
    found = {d.native_id: d for d in items(serve(workspace)) if isinstance(d, Document)}
    assert sorted(found) == sorted(one["id"] for one in workspace.transcripts)
    for transcript in workspace.transcripts:
        spoken = " ".join(one["text"] for one in transcript["sentences"]).split()
        document = found[transcript["id"]]
        turns = [section.text for section in document.sections if "?t=" in section.url]
        assert " ".join(turns).split() == spoken
        assert document.updated_at.timestamp() * 1000 == transcript["date"]


def test_the_packaged_workspace_is_read_whole(serve: Callable[[Workspace], Sandbox]) -> None:
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    found = items(serve(workspace))
    assert sorted(ids(found)) == sorted(one["id"] for one in workspace.transcripts)


# The window


def test_a_window_holds_its_start_and_not_its_end(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n) for n in range(5)]
    window = Window(FIRST + timedelta(hours=1), FIRST + timedelta(hours=3))
    found = items(sandbox, window)
    assert ids(found) == ["meeting-2", "meeting-1"]
    assert found[-1] == Checkpoint(FIRST + timedelta(hours=3))


def test_a_window_to_the_present_is_done_up_to_when_it_was_listed(sandbox: Sandbox) -> None:
    before = datetime.now(UTC)
    [done] = items(sandbox)
    assert isinstance(done, Checkpoint)
    assert before <= done.through <= datetime.now(UTC)


# Pages


def test_a_page_is_one_request_with_everything_in_it(sandbox: Sandbox) -> None:
    meter = Meter()
    sandbox.workspace.transcripts = [meeting(n) for n in range(PAGE_TRANSCRIPTS - 1)]
    assert len(ids(list(source(sandbox, meter).documents(EVER)))) == PAGE_TRANSCRIPTS - 1
    assert meter.requests == {"fireflies transcripts": 1}


@pytest.mark.parametrize("count", [0, 49, 50, 51, 99, 100, 149])
def test_every_meeting_of_several_pages_comes_once(sandbox: Sandbox, count: int) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(count)]
    assert ids(items(sandbox)) == [f"meeting-{n}" for n in reversed(range(count))]


def test_meetings_that_are_added_while_we_page_cost_no_other(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(70)]
    listing = source(sandbox).documents(EVER)
    first = next(listing)
    sandbox.workspace.transcripts += [meeting(n, sentences=[]) for n in (70, 71, 72)]
    found = ids([first, *listing])
    assert sorted(found) == sorted(f"meeting-{n}" for n in range(70))


def test_a_meeting_that_is_deleted_while_we_page_does_not_hide_another(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(70)]
    listing = source(sandbox).documents(EVER)
    next(listing)
    del sandbox.workspace.transcripts[-1]
    with pytest.raises(UnavailableError, match="a meeting was deleted while the list was read"):
        list(listing)


def test_a_vendor_that_does_not_skip_is_not_read_for_ever(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(50)]
    page = [_listed(one) for one in sandbox.workspace.transcripts]
    sandbox.conditions.fail(PATH, status=200, body={"data": {"transcripts": page}})
    with pytest.raises(ContractError, match="with 49 skipped what it had, where other meetings"):
        items(sandbox)


def _listed(transcript: dict[str, Any]) -> dict[str, Any]:
    return {"privacy": "teammates", "is_live": False, "meeting_info": None, **transcript}


def test_no_list_at_all_does_not_pass_for_an_empty_one(sandbox: Sandbox) -> None:
    sandbox.conditions.fail(PATH, status=200, body={"data": {"transcripts": None}})
    with pytest.raises(ContractError, match="null without an error, where a list was wanted"):
        items(sandbox)


def test_a_page_that_fails_ends_the_listing_instead_of_cutting_it(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(60)]
    broken = {"data": {"transcripts": []}, "errors": [{"code": "internal", "message": "no"}]}
    sandbox.conditions.fail(PATH, status=200, body=broken, skip=1)
    found: list[SourceItem] = []
    with pytest.raises(UnavailableError, match="fireflies did not answer: internal"):
        found.extend(source(sandbox).documents(EVER))
    assert [item for item in found if isinstance(item, Checkpoint)] == []


# Not ready


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sentences": None}, "it has no transcript yet"),
        ({"sentences": None, "meeting_info": {"summary_status": "failed"}}, "it has no transcript"),
        ({"is_live": True}, "it is still going on"),
    ],
)
def test_a_meeting_that_is_not_ready_waits_and_is_never_stored_empty(
    sandbox: Sandbox, fields: dict[str, Any], reason: str
) -> None:
    sandbox.workspace.transcripts = [meeting(1, **fields), meeting(2)]
    found = items(sandbox)
    assert ids(found) == ["meeting-2"]
    [waiting] = [item for item in found if isinstance(item, Deferred)]
    assert (waiting.document_id, waiting.day) == ("fireflies:meeting-1", FIRST.date())
    assert waiting.reason.startswith(reason)


def test_a_summary_is_waited_for_but_not_for_ever(sandbox: Sandbox) -> None:
    status = {"meeting_info": {"summary_status": "processing"}}
    now = int(datetime.now(UTC).timestamp() * 1000)
    sandbox.workspace.transcripts = [meeting(1, **status, date=now), meeting(2, **status)]
    found = items(sandbox)
    assert ids(found) == ["meeting-2"]
    [waiting] = [item for item in found if isinstance(item, Deferred)]
    assert waiting.reason == "its summary is not ready"


def test_the_overlap_brings_back_a_meeting_whose_transcript_came_late(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(1, sentences=None)]
    day, overlap = FIRST.date(), FirefliesSource.overlap
    first = Window.of_days(day, day, overlap=overlap, now=FIRST + timedelta(days=1))
    assert ids(items(sandbox, first)) == []
    sandbox.workspace.transcripts = [meeting(1)]
    day += timedelta(days=1)
    second = Window.of_days(day, day, overlap=overlap, now=FIRST + timedelta(days=2))
    assert ids(items(sandbox, second)) == ["meeting-1"]


# The document


def test_a_meeting_reads_as_facts_summary_and_turns(sandbox: Sandbox) -> None:
    found = only(sandbox)
    assert found.id == "fireflies:meeting-1"
    assert found.title == "Harbour sync 1"
    assert found.container == "Meetings"
    assert found.authors == ("Ann Lee", "Bo Ek")
    assert found.created_at == found.updated_at == FIRST + timedelta(hours=1)
    assert [section.heading for section in found.sections] == [
        "Meeting",
        "Overview",
        "Action items",
        "Keywords",
        "Ann Lee, 00:00:01",
        "Bo Ek, 00:00:03",
    ]
    assert found.sections[-1].url == f"{found.url}?t=3"
    assert found.extra == {
        "meeting_date": "2026-03-02",
        "duration_minutes": 30.5,
        "organizer_email": "ann@example.com",
        "participants": ["ann@example.com", "bo@example.com"],
    }


def test_a_channel_is_the_container(sandbox: Sandbox) -> None:
    channel = {"id": "c1", "title": "Customers", "members": []}
    assert only(sandbox, channels=[channel]).container == "Customers"


def test_a_meeting_of_which_little_is_known_is_read_all_the_same(sandbox: Sandbox) -> None:
    bare = dict.fromkeys(
        ("title", "duration", "organizer_email", "participants", "transcript_url", "summary")
    )
    found = only(sandbox, **bare, sentences=[])
    assert found.title == "Meeting of 2026-03-02 11:00"
    assert [section.text for section in found.sections] == [
        "- Date: 2026-03-02 11:00 UTC\n- Duration: 0 minutes"
    ]
    assert found.extra["participants"] == []
    assert found.url == ""


def test_one_bad_meeting_is_named_and_costs_no_other(sandbox: Sandbox) -> None:
    page = [_listed(meeting(1)), _listed(meeting(2, date=None)), _listed(meeting(3))]
    page[0]["sentences"] = [sentence(0, "hello"), {**sentence(1, "x"), "start_time": "noon"}]
    sandbox.conditions.fail(PATH, status=200, body={"data": {"transcripts": page}})
    found = items(sandbox)
    assert ids(found) == ["meeting-3"]
    failures = [item for item in found if isinstance(item, DocumentFailure)]
    assert failures == [
        DocumentFailure(
            "fireflies:meeting-1",
            "it cannot be read: ValueError could not convert string to float: 'noon'",
            FIRST.date(),
        ),
        DocumentFailure("fireflies:meeting-2", "its date cannot be read: None"),
    ]


@pytest.mark.parametrize("date", ["2026-03-02T10:00:00.000Z", "1772445600000", 1772445600000.0])
def test_dates_are_understood_as_epoch_or_as_iso(sandbox: Sandbox, date: object) -> None:
    page = [_listed(meeting(1, date=date))]
    sandbox.conditions.fail(PATH, status=200, body={"data": {"transcripts": page}})
    found = items(sandbox)[0]
    assert isinstance(found, Document)
    assert found.created_at == utc("2026-03-02T10:00")


# Who may read


@pytest.mark.parametrize("privacy", ["link", "teammates", "teammatesandparticipants"])
def test_what_the_team_may_read_is_public(sandbox: Sandbox, privacy: str) -> None:
    assert only(sandbox, privacy=privacy).access == ("public",)


@pytest.mark.parametrize(
    ("privacy", "readers"),
    [
        ("participants", ["ann@example.com", "host@example.com", "bo@example.com"]),
        ("participatingteammates", ["bo@example.com"]),
        ("owner", ["ann@example.com", "host@example.com"]),
        ("a word of tomorrow", ["ann@example.com", "host@example.com", "bo@example.com"]),
        (None, ["ann@example.com", "host@example.com", "bo@example.com"]),
    ],
)
def test_anything_else_is_for_those_it_names(
    sandbox: Sandbox, privacy: str | None, readers: list[str]
) -> None:
    found = only(
        sandbox,
        privacy=privacy,
        host_email="HOST@example.com",
        workspace_users=["Bo@example.com"],
        participants=["Ann@example.com, bo@example.com"],
    )
    assert found.access == ("restricted", *readers)


# The other verbs


def test_the_newest_meeting_is_asked_for_with_one_request(sandbox: Sandbox) -> None:
    meter = Meter()
    assert source(sandbox).newest() is None
    sandbox.workspace.transcripts = [meeting(n) for n in (2, 7, 5)]
    assert source(sandbox, meter).newest() == FIRST + timedelta(hours=7)
    assert meter.request_count == 1


def test_the_check_says_who_we_are(sandbox: Sandbox) -> None:
    assert source(sandbox).check().identity == f"{sandbox.url}{PATH} as Sandbox"


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SettingsError, match="fireflies needs FIREFLIES_API_KEY: not set"):
        FirefliesSource.from_settings(Settings(), Meter())
