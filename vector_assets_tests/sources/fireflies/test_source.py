"""The Fireflies source over real HTTP, against a sandbox that runs the vendor's own schema."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError

from vector_assets.core.days import Window, start_of_day
from vector_assets.core.documents import Document
from vector_assets.core.errors import (
    ContractError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding.chunking import chunk_document, passage_of
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.sources.estimate import as_if_failed
from vector_assets.sources.fireflies.listing import PAGE_TRANSCRIPTS
from vector_assets.sources.fireflies.source import FirefliesSource
from vector_assets.sources.items import (
    Checkpoint,
    Deferred,
    DocumentFailure,
    Gap,
    Quarantined,
    Resolved,
    SourceItem,
)
from vector_assets_tests.sources.fireflies.meetings import (
    EVER,
    FIRST,
    PATH,
    epoch_ms,
    meeting,
    sentence,
    source,
)
from vector_assets_tests.support.tiny import WordTokenizer, utc

TWO_YEARS = Window(utc("2025-01-01"), utc("2027-01-01"))
DAY = timedelta(days=1)


def items(sandbox: Sandbox, window: Window = EVER) -> list[SourceItem]:
    return list(source(sandbox).documents(window))


def ids(yielded: list[SourceItem]) -> list[str]:
    return [item.native_id for item in yielded if isinstance(item, Document)]


def only(sandbox: Sandbox, **fields: Any) -> Document:
    sandbox.workspace.transcripts = [meeting(1, **fields)]
    [document] = [item for item in items(sandbox) if isinstance(item, Document)]
    return document


# Real data


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def test_every_real_transcript_comes_once_and_no_word_of_it_is_lost(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    assert len(workspace.transcripts) > PAGE_TRANSCRIPTS
    ever = Window(utc("2000-01-01"), None)
    documents_by_id = {
        d.native_id: d for d in items(serve(workspace), ever) if isinstance(d, Document)
    }
    assert sorted(documents_by_id) == sorted(
        transcript["id"] for transcript in workspace.transcripts
    )
    for transcript in workspace.transcripts:
        spoken = " ".join(sentence["text"] for sentence in transcript["sentences"]).split()
        document = documents_by_id[transcript["id"]]
        turns = [section.text for section in document.sections if "?t=" in section.url]
        assert " ".join(turns).split() == spoken
        assert document.updated_at.timestamp() * 1000 == transcript["date"]
        summary = transcript["summary"]
        told = words_of(
            " ".join(f"{section.heading} {section.text}" for section in document.sections)
        )
        for text in (summary["overview"], summary["action_items"], *summary["keywords"]):
            assert words_of(text) <= told
        assert set(transcript["participants"]) <= set(
            document.sections[0].text.split("- ")[-1].removeprefix("Participants: ").split(", ")
        )


def test_the_packaged_workspace_is_read_whole(serve: Callable[[Workspace], Sandbox]) -> None:
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    yielded = items(serve(workspace), TWO_YEARS)
    assert sorted(ids(yielded)) == sorted(transcript["id"] for transcript in workspace.transcripts)


# The window


def test_a_window_holds_its_start_and_not_its_end(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n) for n in range(5)]
    window = Window(FIRST + timedelta(hours=1), FIRST + timedelta(hours=3))
    yielded = items(sandbox, window)
    assert ids(yielded) == ["meeting-2", "meeting-1"]
    assert yielded[-1] == Checkpoint(FIRST + timedelta(hours=1))


def test_a_window_to_the_present_is_complete_from_its_start_on(sandbox: Sandbox) -> None:
    window = Window(datetime.now(UTC) - DAY, None)
    assert items(sandbox, window) == [Checkpoint(window.start)]


# Pages


def test_a_page_is_one_request_with_everything_in_it(sandbox: Sandbox) -> None:
    meter = Meter()
    sandbox.workspace.transcripts = [meeting(n) for n in range(PAGE_TRANSCRIPTS - 1)]
    assert len(ids(list(source(sandbox, meter).documents(EVER)))) == PAGE_TRANSCRIPTS - 1
    assert meter.requests == {"fireflies transcripts": 1}


@pytest.mark.parametrize("count", [0, 49, 50, 51, 99, 100, 149])
def test_pages_hold_50_at_most_and_every_meeting_of_several_comes_once(
    sandbox: Sandbox, count: int
) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(count)]
    assert ids(items(sandbox)) == [f"meeting-{n}" for n in reversed(range(count))]


def test_meetings_that_are_added_while_we_page_cost_no_other(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(70)]
    listing = source(sandbox).documents(EVER)
    first = next(listing)
    sandbox.workspace.transcripts += [meeting(n, sentences=[]) for n in (70, 71, 72)]
    listed_ids = ids([first, *listing])
    assert sorted(listed_ids) == sorted(f"meeting-{n}" for n in range(70))


def test_a_meeting_that_is_deleted_while_we_page_does_not_hide_another(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(70)]
    listing = source(sandbox).documents(EVER)
    next(listing)
    del sandbox.workspace.transcripts[-1]
    with pytest.raises(UnavailableError, match="a meeting was deleted while the list was read"):
        list(listing)


def test_a_vendor_that_does_not_skip_is_not_read_for_ever(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(50)]
    page = [_listed(transcript) for transcript in sandbox.workspace.transcripts]
    sandbox.faults.fail(PATH, status=200, body={"data": {"transcripts": page}})
    with pytest.raises(ContractError, match="with 49 skipped what it had, where other meetings"):
        items(sandbox)


def _listed(transcript: dict[str, Any]) -> dict[str, Any]:
    return {"privacy": "teammates", "is_live": False, "meeting_info": None, **transcript}


def test_no_list_at_all_does_not_pass_for_an_empty_one(sandbox: Sandbox) -> None:
    sandbox.faults.fail(PATH, status=200, body={"data": {"transcripts": None}})
    with pytest.raises(ContractError, match="null without an error, where a list was wanted"):
        items(sandbox)


def test_a_page_that_fails_ends_the_listing_instead_of_cutting_it(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(60)]
    broken = {"data": {"transcripts": []}, "errors": [{"code": "internal", "message": "no"}]}
    sandbox.faults.fail(PATH, status=200, body=broken, skip=1)
    yielded: list[SourceItem] = []
    with pytest.raises(UnavailableError, match="fireflies did not answer: internal"):
        yielded.extend(source(sandbox).documents(EVER))
    assert [item for item in yielded if isinstance(item, Checkpoint)] == []


def test_a_long_window_is_read_newest_first_and_in_few_requests_where_meetings_are_few(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.transcripts = [meeting(24 * n) for n in (-400, -350, 0, 1)]
    meter = Meter()
    yielded = list(source(sandbox, meter).documents(TWO_YEARS))
    assert ids(yielded) == ["meeting-24", "meeting-0", "meeting--8400", "meeting--9600"]
    done = [item.since for item in yielded if isinstance(item, Checkpoint)]
    assert done == sorted(done, reverse=True)
    assert done[-1] == TWO_YEARS.start
    assert meter.request_count == len(done) == 4


def test_a_backfill_that_the_days_last_request_ends_has_finished_what_is_newer(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.transcripts = [meeting(24 * n, sentences=[]) for n in range(60)]
    code = {"code": "too_many_requests"}
    error = {"message": "Too many requests", **code, "extensions": code}
    sandbox.faults.fail(PATH, status=200, body={"data": None, "errors": [error]}, skip=1)
    yielded: list[SourceItem] = []
    with pytest.raises(RateLimitedError, match="fireflies is rate limited"):
        yielded.extend(source(sandbox).documents(Window(FIRST, FIRST + 60 * DAY)))
    assert [item for item in yielded if isinstance(item, Checkpoint)] == [
        Checkpoint(start_of_day(FIRST.date()) + 30 * DAY)
    ]
    assert sorted(ids(yielded)) == sorted(f"meeting-{24 * n}" for n in range(30, 60))


# Not ready


def at(hours_ago: float, number: int = 1, **fields: Any) -> dict[str, Any]:
    return meeting(number, date=epoch_ms(datetime.now(UTC) - timedelta(hours=hours_ago)), **fields)


def lately(sandbox: Sandbox, *meetings: dict[str, Any]) -> list[SourceItem]:
    sandbox.workspace.transcripts = list(meetings)
    yielded = items(sandbox, Window(datetime.now(UTC) - 40 * DAY, None))
    return [item for item in yielded if not isinstance(item, Checkpoint)]


STILL_SEEN = 30
"""Hours ago of a meeting that the next night's overlap holds, at whatever hour this runs."""

LEAVING = 80
"""Hours ago of one that no later night will see."""

NO_TRANSCRIPT = {"sentences": None}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param(NO_TRANSCRIPT, "it has no transcript yet", id="sentences are null"),
        pytest.param(
            {**NO_TRANSCRIPT, "meeting_info": {"summary_status": "failed"}},
            "it has no transcript yet",
            id="sentences are null and the summary failed",
        ),
        pytest.param(
            {"sentences": [], "meeting_info": {"summary_status": "processing"}},
            "it has no transcript yet",
            id="sentences are empty while it is processed",
        ),
        pytest.param({"is_live": True}, "it is still going on", id="it is live"),
    ],
)
def test_a_meeting_that_is_not_ready_waits_and_is_never_stored_empty(
    sandbox: Sandbox, fields: dict[str, Any], reason: str
) -> None:
    waiting, other = lately(sandbox, at(STILL_SEEN, **fields), at(STILL_SEEN + 1, 2))
    assert isinstance(other, Document)
    assert isinstance(waiting, Deferred)
    began = datetime.now(UTC) - timedelta(hours=STILL_SEEN)
    assert (waiting.document_id, waiting.day) == ("fireflies:meeting-1", began.date())
    assert waiting.reason == reason


def test_a_summary_is_waited_for_but_not_for_ever(sandbox: Sandbox) -> None:
    status = {"meeting_info": {"summary_status": "processing"}}
    waiting, other = lately(sandbox, at(1, **status), at(STILL_SEEN, 2, **status))
    assert isinstance(waiting, Deferred)
    assert waiting.reason == "its summary is not ready"
    assert isinstance(other, Document)


def test_a_transcript_that_comes_hours_later_is_found_by_the_overlap(sandbox: Sandbox) -> None:
    day, overlap = FIRST.date(), FirefliesSource.overlap
    late = meeting(1, sentences=None)
    sandbox.workspace.transcripts = [late]
    nights = [
        Window.of_days(day + n * DAY, day + n * DAY, overlap=overlap, now=FIRST + (n + 1) * DAY)
        for n in range(3)
    ]
    assert ids(items(sandbox, nights[0])) == []
    late["sentences"] = [sentence(0, "Here at last.")]
    assert ids(items(sandbox, nights[1])) == ids(items(sandbox, nights[2])) == ["meeting-1"]


def test_one_that_no_later_night_will_see_is_a_failure_by_name(sandbox: Sandbox) -> None:
    [failure] = lately(sandbox, at(LEAVING, **NO_TRANSCRIPT))
    assert isinstance(failure, DocumentFailure)
    assert failure.document_id == "fireflies:meeting-1"
    began = datetime.now(UTC) - timedelta(hours=LEAVING)
    assert failure.day == began.date()
    assert f"3 days after it began at {began:%Y-%m-%d %H:%M} UTC" in failure.cause
    assert f"ask for it until {began + 14 * DAY:%Y-%m-%d}" in failure.cause


def test_a_failure_never_holds_the_title_of_a_meeting(sandbox: Sandbox) -> None:
    title = "Layoffs in May"
    private = {"title": title, "transcript_url": f"https://f.example/view/{title}::1"}
    faulty: list[dict[str, Any]] = [NO_TRANSCRIPT, {"summary": broken()}, {"sentences": "odd"}]
    causes = []
    for fields in faulty:
        [failure] = lately(sandbox, at(LEAVING, **private, **fields))
        assert isinstance(failure, DocumentFailure)
        assert failure.document_id == "fireflies:meeting-1"
        causes.append(failure.cause)
    assert not [cause for cause in causes if "Layoffs" in cause or not cause]


def test_a_meeting_leaves_with_the_first_instant_that_the_next_night_does_not_hold(
    sandbox: Sandbox,
) -> None:
    edge = start_of_day(datetime.now(UTC).date()) - FirefliesSource.overlap
    held = meeting(1, date=epoch_ms(edge), **NO_TRANSCRIPT)
    lost = meeting(2, date=epoch_ms(edge) - 1, **NO_TRANSCRIPT)
    assert [type(item) for item in lately(sandbox, held, lost)] == [Deferred, DocumentFailure]


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        pytest.param({"silent_meeting": True}, "nothing was said in it", id="silence"),
        pytest.param(
            {"fred_joined": False}, "Fireflies' notetaker did not join it", id="nobody took notes"
        ),
        pytest.param(
            {"summary_status": "failed"},
            "Fireflies could not transcribe it (failed)",
            id="processing failed",
        ),
    ],
)
def test_one_that_will_never_have_a_transcript_is_a_gap_by_name_and_no_failure(
    sandbox: Sandbox, info: dict[str, Any], reason: str
) -> None:
    deferred, gap = lately(sandbox, at(LEAVING, **NO_TRANSCRIPT, meeting_info=info))
    assert isinstance(deferred, Deferred)
    assert isinstance(gap, Gap)
    assert gap.subject.startswith("meeting meeting-1 of 20")
    assert gap.reason == deferred.reason == reason


def test_one_that_has_been_waited_for_two_weeks_is_given_up_by_name(sandbox: Sandbox) -> None:
    deferred, gap = lately(sandbox, at(15 * 24, **NO_TRANSCRIPT))
    assert isinstance(deferred, Deferred)
    assert isinstance(gap, Gap)
    assert gap.reason == "it has no transcript yet, and was given up"
    assert "vector-assets sync fireflies --from 20" in gap.advice


def test_a_summary_that_no_night_will_bring_is_a_gap_beside_the_transcript(
    sandbox: Sandbox,
) -> None:
    unfinished = at(LEAVING, meeting_info={"summary_status": "processing"})
    document, gap = lately(sandbox, unfinished)
    assert isinstance(document, Document)
    assert isinstance(gap, Gap)
    assert gap.subject.startswith("summary of meeting meeting-1 of 20")


# Errors beside data


def broken() -> Any:
    """A value that the sandbox cannot give, as the vendor could not: an error beside the data."""
    return GraphQLError("lost", extensions={"code": "internal"})


def test_what_an_error_touches_is_never_stored_and_its_neighbours_are(sandbox: Sandbox) -> None:
    half = meeting(2, sentences=broken(), summary=broken())
    sandbox.workspace.transcripts = [meeting(1), half, meeting(3)]
    yielded = items(sandbox)
    assert ids(yielded) == ["meeting-3", "meeting-1"]
    [failure] = [item for item in yielded if isinstance(item, DocumentFailure)]
    assert failure.document_id == "fireflies:meeting-2"
    assert failure.day == FIRST.date()
    assert failure.cause == (
        "Fireflies could not give all of it: summary: internal; sentences: internal"
    )


def test_one_sentence_that_is_missing_makes_a_transcript_partial(sandbox: Sandbox) -> None:
    gappy = meeting(1, sentences=[sentence(0, "Hello."), {**sentence(1, ""), "text": broken()}])
    sandbox.workspace.transcripts = [gappy]
    failure, _ = items(sandbox)
    assert isinstance(failure, DocumentFailure)
    assert failure.cause.endswith("sentences.1.text: internal")


def test_an_error_that_costs_a_whole_page_ends_the_listing(sandbox: Sandbox) -> None:
    # `channels` may not be null, so that the whole list is: nobody's meeting is left.
    sandbox.workspace.transcripts = [meeting(1), meeting(2, channels=broken())]
    with pytest.raises(UnavailableError, match="fireflies did not answer: internal"):
        items(sandbox)


# The document


def test_a_meeting_reads_as_facts_summary_and_turns(sandbox: Sandbox) -> None:
    document = only(sandbox)
    assert document.id == "fireflies:meeting-1"
    assert document.title == "Harbour sync 1"
    assert document.container == "Meetings"
    assert document.authors == ("Ann Lee", "Bo Ek")
    assert document.created_at == document.updated_at == FIRST + timedelta(hours=1)
    assert [section.heading for section in document.sections] == [
        "Meeting",
        "Overview",
        "Action items",
        "Keywords",
        "Ann Lee, 00:00:01",
        "Bo Ek, 00:00:03",
    ]
    assert document.sections[-1].url == f"{document.url}?t=3"
    assert document.extra == {
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
    document = only(sandbox, **bare, sentences=[])
    assert document.title == "Meeting of 2026-03-02 11:00"
    assert [section.text for section in document.sections] == [
        "- Date: 2026-03-02 11:00 UTC\n- Duration: 0 minutes"
    ]
    assert document.extra["participants"] == []
    assert document.url == ""


def test_one_bad_meeting_is_named_and_costs_no_other(sandbox: Sandbox) -> None:
    page = [_listed(meeting(1)), _listed(meeting(2, date=None)), _listed(meeting(3))]
    page[0]["sentences"] = {"0": sentence(0, "hello")}
    sandbox.faults.fail(PATH, status=200, body={"data": {"transcripts": page}})
    yielded = items(sandbox)
    assert ids(yielded) == ["meeting-3"]
    failures = [item for item in yielded if isinstance(item, DocumentFailure)]
    assert failures == [
        DocumentFailure(
            "fireflies:meeting-1",
            "its sentences are dict, and not a list",
            FIRST.date(),
        ),
        DocumentFailure("fireflies:meeting-2", "its date cannot be read"),
    ]


@pytest.mark.parametrize(
    "date",
    ["2026-03-02T10:00:00.000Z", "2026-03-02T10:00:00", "1772445600000", 1772445600000.0],
    ids=["ISO", "ISO without a zone", "epoch as text", "epoch"],
)
def test_dates_are_understood_as_epoch_or_as_iso(sandbox: Sandbox, date: object) -> None:
    page = [_listed(meeting(1, date=date))]
    sandbox.faults.fail(PATH, status=200, body={"data": {"transcripts": page}})
    document = items(sandbox)[0]
    assert isinstance(document, Document)
    assert document.created_at == utc("2026-03-02T10:00")


def test_a_speaker_whose_name_is_null_is_told_by_number(sandbox: Sandbox) -> None:
    nameless = [sentence(0, "Hello.", None, 0), sentence(2, "Hello!", None, 1)]
    document = only(sandbox, sentences=nameless)
    assert document.authors == ("Speaker 1", "Speaker 2")
    assert document.sections[-1].heading == "Speaker 2, 00:00:02"


def test_each_chunk_of_speech_begins_with_speaker_and_time_and_links_to_that_second(
    sandbox: Sandbox,
) -> None:
    said = [
        sentence(second, f"Item {second} of the harbour report.", name, number)
        for second in range(0, 3_000, 20)
        for name, number in [("Ann Lee", 0) if second % 200 else ("Bo Ek", 1)]
    ]
    chunks = chunk_document(only(sandbox, sentences=said), WordTokenizer(), 80)
    speech = [chunk for chunk in chunks if "harbour report" in chunk.text]
    assert len(speech) > 10
    for chunk in speech:
        begins = re.match(r"(Ann Lee|Bo Ek), (\d\d):(\d\d):(\d\d)\n", passage_of(chunk.text))
        assert begins, chunk.text
        hours, minutes, seconds = map(int, begins.groups()[1:])
        assert chunk.url.endswith(f"?t={3600 * hours + 60 * minutes + seconds}")


# Who may read


@pytest.mark.parametrize(
    "privacy", ["link", "teammates", "teammatesandparticipants", "teammates_and_participants"]
)
def test_what_the_team_may_read_is_public(sandbox: Sandbox, privacy: str) -> None:
    assert only(sandbox, privacy=privacy).access == ("public",)


@pytest.mark.parametrize(
    ("privacy", "readers"),
    [
        ("participants", ["ann@example.com", "host@example.com", "bo@example.com"]),
        ("participatingteammates", ["bo@example.com"]),
        ("participating_teammates", ["bo@example.com"]),
        ("owner", ["ann@example.com", "host@example.com"]),
        ("a word of tomorrow", ["ann@example.com", "host@example.com", "bo@example.com"]),
        (None, ["ann@example.com", "host@example.com", "bo@example.com"]),
    ],
)
def test_anything_else_is_for_those_it_names(
    sandbox: Sandbox, privacy: str | None, readers: list[str]
) -> None:
    document = only(
        sandbox,
        privacy=privacy,
        host_email="HOST@example.com",
        workspace_users=["Bo@example.com"],
        participants=["Ann@example.com, bo@example.com"],
    )
    assert document.access == ("restricted", *readers)


def test_who_was_invited_or_took_part_may_read_what_is_for_participants(sandbox: Sandbox) -> None:
    people = {
        "organizer_email": "fred@fireflies.ai",
        "host_email": "host@example.com",
        "participants": ["fred@fireflies.ai"],
        "meeting_attendees": [
            {"displayName": "Ann Lee", "email": "Ann@example.com"},
            {"displayName": "Phone", "email": None},
        ],
        "fireflies_users": ["fay@example.com"],
        "workspace_users": ["wes@example.com"],
    }
    document = only(sandbox, privacy="participants", **people)
    assert document.access == (
        *("restricted", "fred@fireflies.ai", "host@example.com"),
        *("ann@example.com", "fay@example.com"),
    )
    assert only(sandbox, privacy="owner", **people).access == (
        *("restricted", "fred@fireflies.ai", "host@example.com"),
    )


@pytest.mark.parametrize(
    "field", ["participants", "fireflies_users", "organizer_email", "host_email"]
)
@pytest.mark.parametrize(
    ("written", "readers"),
    [
        ("Ann Lee <Ann@example.com>", ("ann@example.com",)),
        ('"Lee, Ann" <ann@example.com>, bo@example.com', ("ann@example.com", "bo@example.com")),
        ("ann@example.com; bo@example.com", ("ann@example.com", "bo@example.com")),
        ("ann@example.com bo@example.com\ncy@example.com",
         ("ann@example.com", "bo@example.com", "cy@example.com")),
        ("mailto:ann@example.com", ("ann@example.com",)),
        ("Ann Lee", ()),
        ("Ann Lee, Bo", ()),
    ],
)  # fmt: skip
def test_readers_are_the_addresses_however_they_are_written(
    sandbox: Sandbox, field: str, written: str, readers: tuple[str, ...]
) -> None:
    people = {"organizer_email": None, "participants": [], "privacy": "participants"}
    value = [written] if field in ("participants", "fireflies_users") else written
    sandbox.workspace.transcripts = [meeting(1, **(people | {field: value}))]
    listed = items(sandbox)
    [document] = [item for item in listed if isinstance(item, Document)]
    assert document.access == ("restricted", *readers)
    assert len([item for item in listed if isinstance(item, Gap)]) == (not readers)


def test_a_meeting_of_the_note_taker_alone_is_a_gap(sandbox: Sandbox) -> None:
    fred = {"organizer_email": "fred@fireflies.ai", "participants": ["Fred@fireflies.ai"]}
    sandbox.workspace.transcripts = [meeting(1, privacy="owner", **fred)]
    [gap] = [item for item in items(sandbox) if isinstance(item, Gap)]
    assert "nobody may find it" in gap.reason


@pytest.mark.parametrize("privacy", ["participants", "owner", "participatingteammates", None, "x"])
def test_a_meeting_that_nobody_may_find_is_a_gap(sandbox: Sandbox, privacy: str | None) -> None:
    nobody = {"organizer_email": None, "participants": [], "privacy": privacy}
    sandbox.workspace.transcripts = [meeting(1, **nobody), meeting(2, privacy=privacy)]
    told = [item for item in items(sandbox) if isinstance(item, Gap)]
    ids_told = [gap.subject.split()[1] for gap in told]
    assert ids_told == (["meeting-2"] if privacy == "participatingteammates" else []) + [
        "meeting-1"
    ]
    assert told[-1].subject == "meeting meeting-1 of 2026-03-02 11:00 UTC"
    assert "nobody may find it" in told[-1].reason
    assert told[-1].is_private


def test_whom_a_meeting_is_shared_with_may_read_it_unless_that_ends(sandbox: Sandbox) -> None:
    shared = [
        {"email": "Cy@example.com", "expires_at": None},
        {"email": "guest@example.com", "expires_at": "2026-12-01T00:00:00Z"},
        {"email": None},
    ]
    document = only(sandbox, privacy="owner", shared_with=shared)
    assert document.access == ("restricted", "ann@example.com", "cy@example.com")


# The other verbs


def test_the_ids_are_those_of_the_documents_for_far_less(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [
        *(meeting(n) for n in range(120)),
        meeting(121, sentences=None),
        meeting(122, is_live=True),
        meeting(123, sentences=broken()),
        at(STILL_SEEN, 124, **NO_TRANSCRIPT),
    ]
    for window in (EVER, Window(FIRST + 3 * DAY, FIRST + 5 * DAY), Window(FIRST, None)):
        yielded = items(sandbox, window)
        expected = [
            item.id if isinstance(item, Document) else item.document_id
            for item in yielded
            if isinstance(item, Document | Deferred | DocumentFailure)
        ]
        assert list(source(sandbox).ids(window)) == expected
        assert expected


def test_ids_that_cannot_all_be_listed_raise(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, sentences=[]) for n in range(70)]
    listing = source(sandbox).ids(EVER)
    next(listing)
    del sandbox.workspace.transcripts[-1]
    with pytest.raises(UnavailableError, match="a meeting was deleted while the list was read"):
        list(listing)


def test_the_newest_meeting_is_asked_for_with_one_request(sandbox: Sandbox) -> None:
    meter = Meter()
    assert source(sandbox).newest() is None
    sandbox.workspace.transcripts = [meeting(n) for n in (2, 7, 5)]
    assert source(sandbox, meter).newest() == FIRST + timedelta(hours=7)
    assert meter.request_count == 1


def test_a_meeting_without_a_transcript_makes_no_index_look_stale(sandbox: Sandbox) -> None:
    silent = {"sentences": None, "meeting_info": {"silent_meeting": True}}
    sandbox.workspace.transcripts = [meeting(1), meeting(100, **silent), meeting(99, is_live=True)]
    assert source(sandbox).newest() == FIRST + timedelta(hours=1)


def test_that_no_transcript_comes_any_more_is_not_passed_over(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [meeting(n, **NO_TRANSCRIPT) for n in range(20)]
    assert source(sandbox).newest() == FIRST + timedelta(hours=10)


def test_a_meeting_of_the_future_fails_by_name_and_is_not_the_newest(sandbox: Sandbox) -> None:
    failure, kept = lately(sandbox, at(-72, 1), at(STILL_SEEN, 2))
    assert isinstance(failure, DocumentFailure)
    assert failure.cause.endswith("is to come: it is read when that day has come")
    assert ids([kept]) == ["meeting-2"]
    assert source(sandbox).newest() == kept.updated_at  # type: ignore[union-attr]
    sandbox.workspace.transcripts = [at(-1, 1)]
    window = Window(FIRST, None)
    failed = Quarantined(failure.document_id, failure.cause, None, window, FIRST, FIRST)
    [read] = source(sandbox).retry([failed])
    assert ids([read]) == ["meeting-1"]


def test_the_check_says_who_we_are_with_one_request(sandbox: Sandbox) -> None:
    meter = Meter()
    reach = source(sandbox, meter).check()
    assert reach.identity == f"{sandbox.url}{PATH} as Sandbox"
    assert reach.gaps == ()
    assert meter.request_count == 1


def test_the_check_says_that_who_is_no_admin_does_not_see_the_meetings_of_others(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.transcripts = [meeting(1, privacy="owner")]
    sandbox.workspace.site.fireflies_is_admin = False
    [gap] = source(sandbox).check().gaps
    assert gap.subject == "meetings of others"
    assert gap.reason.startswith("Sandbox is no admin of the team")
    assert ids(items(sandbox)) == []


def test_the_check_names_recent_meetings_without_a_transcript(sandbox: Sandbox) -> None:
    sandbox.workspace.transcripts = [
        at(3, 1, **NO_TRANSCRIPT),
        at(5, 2),
        at(0, 3, is_live=True),
        at(LEAVING, 4, **NO_TRANSCRIPT),
    ]
    [gap] = source(sandbox).check().gaps
    assert (gap.reason, gap.count) == ("meeting-3, meeting-1", 2)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SettingsError, match="fireflies needs FIREFLIES_API_KEY: not set"):
        FirefliesSource.from_settings(Settings(), Meter())


def named(*document_ids: str, day: str | None = None) -> list[Quarantined]:
    """Return meetings that are asked for by name, with the day of the event that named them."""
    said = utc(day).date() if day else None
    return as_if_failed([f"fireflies:{each}" for each in document_ids], Window(FIRST, None), said)


def test_a_meeting_that_an_event_names_on_another_day_is_read_and_not_taken_for_gone(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.transcripts = [meeting(1), meeting(2), meeting(48)]
    # Of two events of March 4, one is about a meeting of March 2.
    asked = named("meeting-1", "meeting-48", "deleted", day="2026-03-04")
    meter = Meter()
    yielded = list(source(sandbox, meter).retry(asked))
    assert sorted(ids(yielded)) == ["meeting-1", "meeting-48"]
    assert [item for item in yielded if isinstance(item, Resolved)] == [
        Resolved("fireflies:deleted")
    ]
    # The day, and those that it does not show.
    assert meter.request_count == 1 + 2


def test_a_part_that_is_not_given_of_a_meeting_asked_for_by_id_costs_no_other(
    sandbox: Sandbox,
) -> None:
    broken = meeting(1, sentences=[{"start_time": "no number"}])
    sandbox.workspace.transcripts = [broken, meeting(2)]
    failure, read = source(sandbox).retry(named("meeting-1", "meeting-2"))
    assert isinstance(failure, DocumentFailure)
    assert (failure.document_id, failure.day) == ("fireflies:meeting-1", FIRST.date())
    assert "could not give all of it: sentences" in failure.cause
    assert ids([read]) == ["meeting-2"]
