"""Questions that say something about themselves, over a real LanceDB: what is found, and said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from vector_assets.core.documents import RESTRICTED, Document, Section
from vector_assets.index.answers import Answers
from vector_assets.index.question.parsed import Kind, ParseOptions
from vector_assets.index.search import find_in
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.index.test_search import index
from vector_assets_tests.support.tiny import TinyEmbedder

NOW = datetime(2026, 3, 25, 12, tzinfo=UTC)
SOURCES = ("jira", "slack", "fireflies")


def written(
    native_id: str,
    text: str,
    *,
    source: str = "slack",
    title: str = "Printer",
    authors: tuple[str, ...] = ("Ann Lee",),
    container: str = "ops",
    day: str = "2026-03-02",
    status: str = "",
    access: tuple[str, ...] = ("public",),
) -> Document:
    """Return a document with one section, headed as a message of its first author."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Document(
        source=source,
        native_id=native_id,
        title=title,
        sections=(Section(text, f"{authors[0]}, {day} 10:00"),),
        url=f"https://example.com/{native_id}",
        container=container,
        authors=authors,
        created_at=at,
        updated_at=at,
        access=access,
        extra={"status": status, "issue_key": ""} if source == "jira" else {},
    )


DOCUMENTS = (
    written("old", "The label printer jams on humid days."),
    written("new", "The label printer jams again.", day="2026-03-18", authors=("Bob Ray",)),
    written("plans", "Buy another label printer.", container="plans", day="2026-03-10"),
    written("open", "The label printer jams.", source="jira", container="HAR", status="In Review"),
    written("done", "The label printer jams.", source="jira", container="OPS", status="Closed"),
    written("call1", "Printer jams were shown.", source="fireflies", title="Ops call #1"),
    written("call2", "Lunch was discussed.", source="fireflies", title="Ops call #2",
            day="2026-03-20", authors=("Zoë Łukasik", "Ann Lee")),
    written("secret", "The label printer of the board jams.", container="board",
            authors=("Carol Dean",), day="2026-03-19", access=(RESTRICTED, "carol@example.com")),
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LanceDBStore:
    store = LanceDBStore(str(tmp_path_factory.mktemp("index")))
    index(store, TinyEmbedder(), DOCUMENTS)
    return store


def ask(
    store: LanceDBStore,
    question: str,
    viewer: str = "",
    sources: tuple[str, ...] = SOURCES,
    **options: object,
) -> Answers:
    """Ask all sources on a Wednesday."""
    parse_options = ParseOptions(now=NOW, **options)  # type: ignore[arg-type]
    return find_in(
        question,
        sources,
        store=store,
        embedder=TinyEmbedder(),
        where=Filter(viewer=viewer),
        parse_options=parse_options,
    )


def ids(answers: Answers) -> set[str]:
    return {answer.document_id.partition(":")[2] for answer in answers.answers}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("why does the label printer jam, since last week", {"new", "call2"}),
        ("printer jams between 9 March and 18 March 2026", {"new", "plans"}),
        ("label printer in #plans", {"plans"}),
        ("label printer in project HAR", {"open"}),
        ("jira tickets about the label printer", {"open", "done"}),
        ("open issues about the printer", {"open"}),
        ("which closed bugs has the printer", {"done"}),
        ("what did Bob say about the printer", {"new"}),
        ("what did zoe lukasik say about lunch", {"call2"}),
        ('"on humid days"', {"old"}),
        ("printer -jams", {"plans", "call2"}),
    ],
)
def test_what_a_question_says_narrows_its_answers(
    store: LanceDBStore, question: str, expected: set[str]
) -> None:
    answers = ask(store, question)
    assert ids(answers) == expected
    assert answers.understood
    assert not answers.warnings


def test_the_newest_of_what_fits_well_comes_first(store: LanceDBStore) -> None:
    answers = ask(store, "last ops call")
    assert [answer.title for answer in answers.answers] == ["Ops call #2", "Ops call #1"]
    assert [each.kind for each in answers.understood] == [Kind.ORDER, Kind.SOURCE]


@pytest.mark.parametrize("taken_back", [{"literal": True}, {"ignored": frozenset({Kind.TIME})}])
def test_what_is_taken_back_narrows_nothing(
    store: LanceDBStore, taken_back: dict[str, object]
) -> None:
    answers = ask(store, "label printer last week", **taken_back)
    assert {"old", "new", "plans", "open"} <= ids(answers)
    assert answers.understood == ()


@pytest.mark.parametrize(
    "question",
    [
        "label printer yesterday",
        "label printer in #nowhere",
        "what did Nobody Special say about the label printer",
        'label printer "in these very words"',
        "label printer in #nowhere yesterday",
    ],
)
def test_a_limit_that_leaves_nothing_is_given_up_and_that_is_said(
    store: LanceDBStore, question: str
) -> None:
    answers = ask(store, question)
    assert {"old", "new", "plans"} <= ids(answers)
    assert not any(each.is_applied for each in answers.understood)
    assert len(answers.warnings) == len(answers.understood)
    assert "Nothing that you may read was left with" in answers.warnings[0]


@pytest.mark.parametrize(
    ("hidden", "unknown"),
    [
        ("what did Carol Dean say about the label printer", "Carol Dean"),
        ("label printer in #board", "board"),
        ("label printer on 19 March 2026", "19 March 2026"),
        ('label printer "of the board"', "of the board"),
    ],
)
def test_what_only_others_may_read_looks_like_what_does_not_exist(
    store: LanceDBStore, hidden: str, unknown: str
) -> None:
    stranger = ask(store, hidden)
    assert "secret" not in ids(stranger)
    assert not stranger.understood[0].is_applied
    other = {"Carol Dean": "Dora Keen", "board": "bored", "19 March 2026": "21 March 2026",
             "of the board": "of the bored"}[unknown]  # fmt: skip
    nothing = ask(store, hidden.replace(unknown, other))
    assert [warning.replace(other, unknown) for warning in nothing.warnings] == [
        warning.replace("2026-03-19", "2026-03-21") for warning in stranger.warnings
    ]
    assert ids(ask(store, hidden, viewer="carol@example.com")) == {"secret"}


@pytest.mark.parametrize("name", ["plans", "#plans"])
def test_a_channel_may_be_given_as_people_write_it(store: LanceDBStore, name: str) -> None:
    where = Filter(containers=(name,))
    answers = find_in("printer", SOURCES, store=store, embedder=TinyEmbedder(), where=where)
    assert ids(answers) == {"plans"}


def test_an_empty_name_of_a_container_limits_nothing() -> None:
    assert Filter(containers=("", "#plans", "#")).containers == ("#plans", "#", "plans")


@pytest.mark.parametrize("has_page", [True, False])
def test_a_database_that_is_none_of_notion_keeps_no_other_source_out(
    has_page: bool, tmp_path: Path
) -> None:
    page = written("page", "The label printer prints.", source="notion", container="Runbooks")
    office = LanceDBStore(str(tmp_path))
    index(office, TinyEmbedder(), [*DOCUMENTS, *([page] if has_page else [])])
    question = "why does the label printer jam in the production database?"
    answers = ask(office, question, sources=(*SOURCES, "notion"))
    assert {"old", "new", "plans", "open"} <= ids(answers)
    assert ("page" in ids(answers)) is has_page
    [understood] = answers.understood
    assert not understood.is_applied
    assert any("searched without that limit" in warning for warning in answers.warnings)
    named = ask(office, "label printer in the runbooks database", sources=(*SOURCES, "notion"))
    assert (ids(named) == {"page"}) is has_page


def test_a_weak_name_that_is_nobodys_is_words(store: LanceDBStore) -> None:
    answers = ask(store, "printer problems by default")
    assert answers.understood == ()
    assert answers.warnings == ()


def test_the_passage_by_a_person_is_shown(store: LanceDBStore) -> None:
    [answer] = ask(store, "comments by Bob Ray").answers
    assert answer.passage.startswith("### Bob Ray") or "Bob Ray, " in answer.passage
    assert answer.authors == ("Bob Ray",)


def test_a_name_is_found_beyond_the_candidates_of_the_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = [written(f"c{at}", "The label printer jams. " * 3) for at in range(9)]
    rare = written("rare", "Lunch is at noon.", authors=("Zita Quill",))
    crowded = LanceDBStore(str(tmp_path))
    index(crowded, TinyEmbedder(), [*crowd, rare])
    monkeypatch.setattr(crowded, "max_hits", 3)
    question = "what did Zita Quill say about why the label printer jams, the label printer"
    assert ids(ask(crowded, question)) == {"rare"}
