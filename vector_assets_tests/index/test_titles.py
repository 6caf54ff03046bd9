"""A question that is a document's title also finds what is like that document, in real stores."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from vector_assets.core.documents import RESTRICTED, Document
from vector_assets.core.errors import UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.embedding.chunking import chunk_document
from vector_assets.index.features import USUAL_LIKENESS, Candidates
from vector_assets.index.ranking import Ranked, rank
from vector_assets.index.search import find
from vector_assets.index.titles import is_title_of
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Filter, Hit, Record, VectorStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import chunk_metadata, record_id
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.tiny import TinyEmbedder, document

EMBEDDER = TinyEmbedder(256)
TITLE = "Login page stays blank"
BODY = "Certificate of our proxy has expired, so scripts of nginx arrive cut and halved"

KNOWN = document("1", BODY, title=f"HAR-1 {TITLE}")
LIKE_IT = document("2", f"{BODY} again", title="HAR-2 Nothing loads")
SHARES_A_WORD = document("3", "Print the blank form for guests.", title="HAR-3 Forms")
HIDDEN = document("4", f"{BODY} too", title="HAR-4 Other", access=(RESTRICTED, "ann@example.com"))
THREAD = document("C1:1.0", f"{BODY}?", source="slack", title="Help", container="#ops", extra={})


class UnfetchedStore(LanceDBStore):
    """A real LanceDB that returns no whole rows."""

    def fetch(self, namespace: str, chunk_ids: Sequence[str]) -> list[Record]:
        raise UnavailableError("lancedb", f"the table {namespace} is being moved")


@pytest.fixture(params=["lancedb", "copies", "documents", "vectors"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> VectorStore:
    """LanceDB without and with copies in memory, and Pinecone through both of its APIs."""
    if request.param in {"lancedb", "copies"}:
        lancedb = LanceDBStore(str(tmp_path))
        lancedb.keeps_copies = request.param == "copies"
        return filled(lancedb)
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    if request.param == "vectors":
        make_vector_index(sandbox, EMBEDDER.dimensions)
    return filled(build(sandbox))


def filled(store: VectorStore) -> VectorStore:
    for added in (KNOWN, LIKE_IT, SHARES_A_WORD, HIDDEN, THREAD):
        add(store, added)
    return store


def add(store: VectorStore, added: Document) -> None:
    store.open(added.source, EMBEDDER.dimensions)
    chunks = chunk_document(added, EMBEDDER.tokenizer, EMBEDDER.chunk_tokens)
    records = [
        Record(
            record_id(added.id, chunk.ordinal),
            EMBEDDER.embed_query(chunk.text),
            chunk_metadata(added, chunk, chunk_count=len(chunks), vector_spec="tiny"),
        )
        for chunk in chunks
    ]
    store.upsert(added.source, records)


def ids(store: VectorStore, question: str, where: Filter | None = None) -> list[str]:
    settings = Settings(vector_assets_sources="jira,slack")
    answers = find(question, settings=settings, store=store, embedder=EMBEDDER, where=where)
    return [answer.document_id for answer in answers.answers]


@pytest.mark.parametrize("question", [TITLE, f"HAR-1 {TITLE}", f"{TITLE.lower()}?"])
def test_after_a_document_whose_title_is_asked_comes_what_is_like_it(
    store: VectorStore, question: str
) -> None:
    assert ids(store, question)[:2] == ["jira:1", "jira:2"]


def test_a_question_in_other_words_is_answered_by_its_own(tmp_path: Path) -> None:
    store = filled(LanceDBStore(str(tmp_path)))
    assert ids(store, "blank page")[:2] == ["jira:1", "jira:3"]


def test_what_is_like_it_is_found_for_its_readers_only(store: VectorStore) -> None:
    assert "jira:4" not in ids(store, TITLE)
    assert "jira:4" in ids(store, TITLE, Filter(viewer="ann@example.com"))[1:3]


def test_when_the_document_cannot_be_read_the_question_is_answered_by_its_words(
    tmp_path: Path,
) -> None:
    store = filled(UnfetchedStore(str(tmp_path)))
    assert ids(store, TITLE)[:2] == ["jira:1", "jira:3"]


def ranked(title: str) -> Ranked:
    hit = Hit("jira:1#0", 1.0, {"title": title, "issue_key": "HAR-1"})
    return Ranked("jira:1", 1.0, (hit,))


@pytest.mark.parametrize(
    ("question", "title", "is_title"),
    [
        ("Login page stays blank", "HAR-1 Login page stays blank", True),
        ("HAR-1: the login page stays blank", "HAR-1 Login page stays blank", True),
        ("login pages stay blank", "HAR-1 Login page stays blank", True),
        ("login page", "HAR-1 Login page stays blank", False),
        ("why does the login page stay blank since Monday", "HAR-1 Login page stays blank", False),
        ("Login page", "HAR-1 Login page", False),
        ("HAR-1", "HAR-1", False),
    ],
)
def test_a_title_is_told_from_a_question(question: str, title: str, *, is_title: bool) -> None:
    assert is_title_of(question, ranked(title)) == is_title


def test_what_is_as_like_as_usual_keeps_its_score_and_what_is_less_like_loses() -> None:
    hits = [Hit(f"jira:{n}#0", 0.5, {"text": "printer jams", "title": ""}) for n in range(3)]
    candidates = Candidates("printer jams", hits, [])
    (before, *_) = (document.score for document in rank(candidates))
    candidates.compare(
        [Hit("jira:0#0", USUAL_LIKENESS, {}), Hit("jira:1#0", 1.0, {}), Hit("jira:2#0", 0.3, {})]
    )
    scores = {document.document_id: document.score for document in rank(candidates)}
    assert scores["jira:0"] == pytest.approx(before)
    assert scores["jira:1"] > before > scores["jira:2"]
