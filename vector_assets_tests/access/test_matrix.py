"""Every face, every caller, every document: what is read is what may be read, and nothing else."""

import html

import pytest

from vector_assets_tests.access.conftest import ServedIndex
from vector_assets_tests.access.documents import CALLERS, DOCUMENTS, Caller, ListedDocument
from vector_assets_tests.access.faces import (
    FACES,
    FIND,
    METRICS,
    OPEN,
    STATUS,
    WHY,
    Request,
)
from vector_assets_tests.access.questions import COMPARED, FEW, QUESTIONS, ROUTES


def routes(verb: str) -> pytest.MarkDecorator:
    ways = [(face, caller) for face, caller in ROUTES if verb in FACES[face].verbs]
    return pytest.mark.parametrize(("face", "caller"), ways)


def leaks(asked: Request, answer: str, caller: Caller) -> list[str]:
    """Return what an answer tells of documents that its caller may not read, and did not name."""
    named = f"{asked.text} {asked.more}".lower()
    said = html.unescape(answer).lower()
    told = []
    for listed in DOCUMENTS:
        if not caller.may_read(listed):
            told += [f"{asked}: {word}" for word in (*listed.marks, *listed.names)
                     if word.lower() in said and word.lower() not in named]  # fmt: skip
    return told


@routes(FIND)
def test_a_search_finds_what_its_caller_may_read(
    served: ServedIndex, face: str, caller: str
) -> None:
    who = CALLERS[caller]
    everywhere, of_slack = served.ask(
        face,
        caller,
        [Request(FIND, "crane report"), Request(FIND, "crane report", {"source": "slack"})],
    )
    for listed in DOCUMENTS:
        assert (listed.marks[0] in everywhere) == who.may_read(listed), listed.id
        is_wanted = listed.source == "slack" and who.may_read(listed)
        assert (listed.marks[0] in of_slack) == is_wanted, listed.id


@routes(FIND)
def test_no_question_brings_out_what_is_hidden(served: ServedIndex, face: str, caller: str) -> None:
    for asked, answer in zip(FEW, served.ask(face, caller, FEW), strict=True):
        assert leaks(asked, answer, CALLERS[caller]) == []


@pytest.mark.parametrize(("face", "caller"), COMPARED)
def test_answers_are_what_they_were_before_there_was_something_hidden(
    served: ServedIndex, face: str, caller: str
) -> None:
    answers = served.ask(face, caller, QUESTIONS)
    before = served.before[face, caller]
    for asked, then, now in zip(QUESTIONS, before, answers, strict=True):
        assert now == then, asked
        assert leaks(asked, now, CALLERS[caller]) == []


@routes(OPEN)
def test_a_document_is_opened_by_who_may_read_it(
    served: ServedIndex, face: str, caller: str
) -> None:
    asked = [Request(OPEN, each.id) for each in DOCUMENTS]
    opened = served.ask(face, caller, asked)
    others = served.ask(face, caller, [Request(OPEN, each.twins[0]) for each in DOCUMENTS])
    for listed, answer, nothing in zip(DOCUMENTS, opened, others, strict=True):
        if CALLERS[caller].may_read(listed):
            assert answer.startswith("False")
            assert listed.marks[1] in answer
        else:
            assert answer.startswith("True")
            assert answer.replace(listed.id, "") == nothing.replace(listed.twins[0], "")


@routes(OPEN)
def test_a_cursor_tells_nothing_of_a_document(served: ServedIndex, face: str, caller: str) -> None:
    hidden = [each for each in DOCUMENTS if not CALLERS[caller].may_read(each)]
    for cursor in ("0.0.0123456789abcdef", "x"):
        more = {"cursor": cursor}
        refused = served.ask(face, caller, [Request(OPEN, each.id, more) for each in hidden])
        others = served.ask(face, caller, [Request(OPEN, each.twins[0], more) for each in hidden])
        for listed, answer, nothing in zip(hidden, refused, others, strict=True):
            assert answer.replace(listed.id, "") == nothing.replace(listed.twins[0], "")


def knows_all(face: str, caller: Caller) -> bool:
    """Tell whether `why` is asked as an operator: by a key for anybody that names nobody."""
    return caller.key in {"backend", "shared"} and not caller.viewer


@routes(WHY)
def test_why_tells_no_more_of_a_hidden_document_than_of_none(
    served: ServedIndex, face: str, caller: str
) -> None:
    who = CALLERS[caller]
    asked: list[tuple[ListedDocument, str, str, dict[str, str]]] = []
    for listed in DOCUMENTS:
        named: list[tuple[str, str, dict[str, str]]] = [
            (name, twin, {}) for name, twin in zip(listed.names, listed.twins, strict=True)
        ]
        # Words and questions are searched for, which takes longer.
        asked += [(listed, *each) for each in (named if listed.kind == "ann" else named[:-1])]
        if listed.kind == "ann":
            more = {"question": "crane report"}
            asked.append((listed, listed.id, listed.twins[0], more))
    answers = served.ask(face, caller, [Request(WHY, name, more) for _, name, _, more in asked])
    others = served.ask(face, caller, [Request(WHY, twin, more) for _, _, twin, more in asked])
    for (listed, name, twin, _), answer, nothing in zip(asked, answers, others, strict=True):
        if who.may_read(listed):
            assert listed.marks[0] in answer, name
        elif not knows_all(face, who):
            assert without(answer, name) == without(nothing, twin), name


def without(answer: str, name: str) -> str:
    """Return an answer without the name that it repeats, as HTML and JSON write it."""
    said = html.unescape(answer)
    for form in (name, name.replace('"', '\\"'), name.strip('"')):
        said = said.replace(form, "")
    return said


@routes(STATUS)
def test_the_status_names_no_document(served: ServedIndex, face: str, caller: str) -> None:
    [answer] = served.ask(face, caller, [Request(STATUS)])
    if CALLERS[caller].key in {"backend", "shared"} and face in {"routes", "page"}:
        # Whoever may name any viewer is told what failed.
        assert "is too long" in answer
    else:
        assert leaks(Request(STATUS), answer, CALLERS[caller]) == []
        assert "is too long" not in answer


@routes(METRICS)
def test_metrics_name_no_document(served: ServedIndex, face: str, caller: str) -> None:
    [answer] = served.ask(face, caller, [Request(METRICS)])
    assert 'vector_assets_failed_documents{source="jira"} 1.0' in answer
    assert leaks(Request(METRICS), answer, Caller("", "", frozenset())) == []


def test_the_twins_of_hidden_names_are_of_nothing() -> None:
    names = {name for listed in DOCUMENTS for name in listed.names}
    twins = {twin for listed in DOCUMENTS for twin in listed.twins}
    assert not names & twins
    assert {len(name) for name in names} == {len(twin) for twin in twins}
