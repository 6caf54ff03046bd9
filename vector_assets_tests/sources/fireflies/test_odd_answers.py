"""Any JSON in any field of Fireflies' answers costs at most that field; no odd answer is a fact."""

from typing import Any

import pytest

from vector_assets.core.documents import Document
from vector_assets.core.errors import VectorAssetsError
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import Missing, RemoteState
from vector_assets.sources.fireflies.document import document_of
from vector_assets.sources.items import (
    Checkpoint,
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
    Json,
    meeting,
    sentence,
    source,
)

ODD: list[Any] = [
    *(None, True, False, 0, -1, 2.5, 10**30, float("nan"), float("inf"), "", "odd", "💥 §"),
    *([], [None], [[]], [0], ["odd"], [{}], [{"odd": 1}], [["odd", {"a": None}]]),
    *({}, {"odd": {}}, {"title": ["odd"]}, {"email": {"a": 1}}, {"text": 7}),
]

WHOLE = meeting(
    1,
    privacy="participants",
    is_live=False,
    host_email="host@example.com",
    fireflies_users=["fay@example.com"],
    workspace_users=["wes@example.com"],
    shared_with=[{"email": "cy@example.com", "expires_at": None}],
    meeting_attendees=[{"displayName": "Dee", "name": "Dee", "email": "dee@example.com"}],
    meeting_info={"summary_status": "processed", "silent_meeting": False, "fred_joined": True},
    channels=[{"title": "Customers"}],
)
SUMMARY = WHOLE["summary"] | {"extended_sections": [{"title": "More", "content": "The quay."}]}
WHOLE["summary"] = SUMMARY
NEEDED = {"id", "date", "sentences"}


def answers(sandbox: Sandbox, *meetings: Any) -> None:
    """Let Fireflies list these meetings."""
    sandbox.faults.rules.clear()
    sandbox.faults.fail(PATH, status=200, body={"data": {"transcripts": list(meetings)}})


def listed(sandbox: Sandbox) -> list[SourceItem]:
    yielded = source(sandbox).documents(EVER)
    return [item for item in yielded if not isinstance(item, Checkpoint)]


def words(document: Document) -> str:
    return "\n".join(f"{section.heading} {section.text}" for section in document.sections)


def variants() -> list[tuple[str, Json]]:
    """Return the whole meeting with one odd value each, by the path of its field."""
    made = [(name, {**WHOLE, name: odd}) for name in WHOLE.keys() - NEEDED for odd in ODD]
    for name in ("meeting_info", "summary"):
        for inner in WHOLE[name]:
            made += [
                (f"{name}.{inner}", {**WHOLE, name: WHOLE[name] | {inner: odd}}) for odd in ODD
            ]
    for name in ("meeting_attendees", "shared_with", "channels"):
        for inner in WHOLE[name][0]:
            made += [
                (f"{name}.{inner}", {**WHOLE, name: [WHOLE[name][0] | {inner: odd}]}) for odd in ODD
            ]
    for inner in sentence(0, ""):
        first, last = WHOLE["sentences"]
        made += [
            (f"sentences.{inner}", {**WHOLE, "sentences": [first | {inner: odd}, last]})
            for odd in ODD
        ]
    return made


@pytest.mark.parametrize("path", sorted({path for path, _ in variants()}))
def test_an_odd_value_costs_at_most_its_field(path: str) -> None:
    whole = document_of("fireflies", WHOLE, FIRST)
    field = path.partition(".")[0]
    parts = {
        "Harbour sync 1": {"title"},
        "https://fireflies.example.com/view/meeting-1": {"transcript_url"},
        "Customers": {"channels"},
        "The crane is late.": {"summary"},
        "Bo orders a crane.": {"summary"},
        "crane, harbour": {"summary"},
        "The quay.": {"summary"},
        "Yes.": set(),
        "Shall we begin?": {"sentences"},
        "Bo Ek, 00:00:03": set(),
        "Invited: Dee": {"meeting_attendees"},
        "ann@example.com": {"participants", "organizer_email"},
        "host@example.com": {"host_email"},
        "fay@example.com": {"fireflies_users"},
        "dee@example.com": {"meeting_attendees"},
        "cy@example.com": {"shared_with"},
    }

    def said(document: Document) -> str:
        return "\n".join(
            (document.title, document.url, document.container, words(document), *document.access)
        )

    assert [part for part in parts if part not in said(whole)] == []
    for transcript in (transcript for name, transcript in variants() if name == path):
        document = document_of("fireflies", transcript, FIRST)
        lost = [part for part, fields in parts.items() if part not in said(document)]
        assert [part for part in lost if field not in parts[part]] == [], transcript[field]


@pytest.mark.parametrize("odd", ["wordodd", ["wordodd"], [["wordodd"]]], ids=repr)
def test_words_in_the_place_of_an_object_are_read(odd: Any) -> None:
    first, last = WHOLE["sentences"]
    transcript = {**WHOLE, "sentences": [first, odd, None, last]}
    transcript["summary"] = WHOLE["summary"] | {"extended_sections": odd}
    document = document_of("fireflies", transcript, FIRST)
    told = [section.heading for section in document.sections if "wordodd" in section.text]
    assert told == ["More", "Speaker"]
    assert "wordodd" in document_of("fireflies", {**WHOLE, "title": odd}, FIRST).title


@pytest.mark.parametrize("field", sorted(WHOLE))
def test_an_odd_meeting_costs_no_other_and_is_never_passed_over(
    sandbox: Sandbox, field: str
) -> None:
    for odd in ODD:
        answers(sandbox, meeting(2), {**WHOLE, field: odd}, meeting(3))
        yielded = listed(sandbox)
        documents = [item.native_id for item in yielded if isinstance(item, Document)]
        failed = [item for item in yielded if isinstance(item, DocumentFailure)]
        assert {"meeting-2", "meeting-3"} <= set(documents)
        assert len([item for item in yielded if not isinstance(item, Gap)]) == 3, odd
        assert "Harbour sync" not in str(failed)
        assert len(list(source(sandbox).ids(EVER))) == 3
        source(sandbox).newest()
        source(sandbox).check()


@pytest.mark.parametrize("odd", [True, 7, "odd", {}, {"a": 1}], ids=repr)
def test_a_meeting_whose_sentences_cannot_be_read_keeps_what_is_indexed(
    sandbox: Sandbox, odd: Any
) -> None:
    answers(sandbox, {**WHOLE, "sentences": odd})
    [failure] = listed(sandbox)
    assert isinstance(failure, DocumentFailure)
    assert failure.cause == f"its sentences are {type(odd).__name__}, and not a list"
    assert failure.day == FIRST.date()


@pytest.mark.parametrize("odd", [None, True, [], {}, ""], ids=repr)
def test_a_meeting_without_an_id_is_a_failure_by_its_time(sandbox: Sandbox, odd: Any) -> None:
    answers(sandbox, {**WHOLE, "id": odd})
    assert listed(sandbox) == [
        DocumentFailure("fireflies:without-id-2026-03-02T11:00", "it has no id", FIRST.date())
    ]


BODIES: list[Any] = [
    *([], "", "soon", 0, True, {}, {"data": None}, {"data": []}, {"data": "soon"}, {"data": 7}),
    *({"data": {}}, {"data": {"transcripts": None}}, {"data": {"transcripts": {}}}),
    *({"data": {"transcripts": "a"}}, {"data": {"transcripts": [None]}}),
    *({"data": {"transcripts": ["a"]}}, {"data": {"transcripts": [[]]}}),
    *({"data": {"transcripts": []}, "errors": errors} for errors in ("no", ["no"], [7], {"a": 1})),
    {"data": {"transcripts": []}, "errors": [{"code": {"a": 1}, "extensions": "no", "path": 1}]},
    {"data": None, "errors": [{"code": "too_many_requests", "extensions": {"metadata": "no"}}]},
]


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_an_answer_that_is_no_list_never_passes_for_an_empty_one(
    sandbox: Sandbox, body: Any
) -> None:
    sandbox.faults.fail(PATH, status=200, body=body)
    with pytest.raises(VectorAssetsError, match="fireflies"):
        list(source(sandbox).documents(EVER))


@pytest.mark.parametrize("status", [400, 404, 408, 409, 422, 500])
@pytest.mark.parametrize("body", [[], {}, {"data": {"transcripts": []}}], ids=repr)
def test_a_status_of_failure_is_never_an_empty_list(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, status: int, body: Any
) -> None:
    monkeypatch.setattr("vector_assets.sources.http.requests_retries._ATTEMPTS", 1)
    sandbox.faults.fail(PATH, status=status, body=body)
    with pytest.raises(VectorAssetsError, match="fireflies"):
        list(source(sandbox).documents(EVER))


FAILED = Quarantined("fireflies:meeting-1", "It failed.", None, EVER, FIRST, FIRST)


@pytest.mark.parametrize(
    "data", [{}, {"transcript": None}, {"a": 1}, *({"transcript": odd} for odd in (7, "a", [], {}))]
)
def test_only_the_documented_error_says_that_a_meeting_is_gone(sandbox: Sandbox, data: Any) -> None:
    rule = sandbox.faults.fail(PATH, status=200, body={"data": data or {"a": None}})
    [failure] = source(sandbox).retry([FAILED])
    assert isinstance(failure, DocumentFailure)
    sandbox.faults.rules.remove(rule)
    assert list(source(sandbox).retry([FAILED])) == [Resolved(FAILED.document_id)]


@pytest.mark.parametrize("is_admin", ["true", "no", 1, [True], {}, None], ids=repr)
def test_only_a_true_admin_makes_a_missing_meeting_deleted(sandbox: Sandbox, is_admin: Any) -> None:
    missing = [Missing("fireflies:meeting-1", "Meetings", FIRST)]
    for user in ({"is_admin": is_admin}, [], "admin", True):
        sandbox.faults.rules.clear()
        sandbox.faults.fail(PATH, status=200, body={"data": {"user": user}})
        [(_, state)] = source(sandbox).remote_states(missing)
        assert state is RemoteState.UNSURE
