"""Search over a real LanceDB: what is found, in which order, by whom, and how fresh it is."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from vector_assets.core.documents import RESTRICTED, Document
from vector_assets.core.errors import CredentialsError, UnavailableError, UsageError
from vector_assets.core.settings import Settings
from vector_assets.core.vectors import Vectors
from vector_assets.embedding.base import Embedder
from vector_assets.embedding.chunking import chunk_document
from vector_assets.index.answers import Answers
from vector_assets.index.ranking import FITS_FROM
from vector_assets.index.search import find
from vector_assets.stores.base import Filter, Hit, Record
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import chunk_metadata, record_id
from vector_assets_tests.support.tiny import TinyEmbedder, document, utc

Find = Callable[..., Answers]

KEY = document(
    "41",
    "The carrier rotates its api key in March.",
    "Who owns the renewal? Nobody answered. " * 4,
    title="HAR-41 Carrier key expires",
)
PRINTER = document(
    "410", "The label printer jams on humid days.", title="HAR-410 Printer jams", container="OPS"
)
THREAD = document(
    "C1:1.0",
    "The label printer jams again, see HAR-41 for the reason.",
    source="slack",
    title="Printer again",
    container="#ops",
    updated_at="2026-03-05T09:00",
    extra={"channel": "ops"},
)
SECRET = document("9", "The printer budget is a secret.", access=(RESTRICTED, "ann@example.com"))


class DenseOnlyStore(LanceDBStore):
    """A real LanceDB as a store without full text, as an old Pinecone index is one."""

    has_lexical_search = False

    def search_lexical(self, namespace: str, text: str, *, where: Filter, limit: int) -> list[Hit]:
        raise AssertionError("a store without lexical search was asked for words")


class HalfDeadStore(LanceDBStore):
    """A real LanceDB whose tables of some sources cannot be read."""

    dead: tuple[str, ...] = ()

    def search_dense(
        self, namespace: str, vector: Vectors, *, where: Filter, limit: int
    ) -> list[Hit]:
        if namespace in self.dead:
            raise UnavailableError("lancedb", f"the table {namespace} is being moved")
        return super().search_dense(namespace, vector, where=where, limit=limit)


class FailingEmbedder(TinyEmbedder):
    """An embedder whose service gives one answer to every question."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def embed_query(self, text: str) -> Vectors:
        raise self._error


def index(store: LanceDBStore, embedder: Embedder, documents: Sequence[Document]) -> None:
    for searched in documents:
        store.open(searched.source, embedder.dimensions)
        chunks = chunk_document(searched, embedder.tokenizer, embedder.chunk_tokens)
        store.upsert(
            searched.source,
            [
                Record(
                    record_id(searched.id, chunk.ordinal),
                    embedder.embed_query(chunk.text),
                    chunk_metadata(searched, chunk, chunk_count=len(chunks), vector_spec="tiny"),
                )
                for chunk in chunks
            ],
        )


def finder(store: LanceDBStore, **fixed: object) -> Find:
    index(store, TinyEmbedder(), [KEY, PRINTER, THREAD, SECRET])
    settings = Settings(vector_assets_sources="jira,slack")

    def ask(question: str, **options: object) -> Answers:
        return find(
            question,
            **{"settings": settings, "store": store, "embedder": TinyEmbedder()} | fixed | options,
        )

    return ask


@pytest.fixture
def ask(tmp_path: Path) -> Find:
    return finder(LanceDBStore(str(tmp_path)))


def ids(answers: Answers) -> list[str]:
    return [answer.document_id for answer in answers.answers]


def test_an_answer_says_where_it_stands_and_shows_its_passage_without_the_head(ask: Find) -> None:
    best = ask("when does the carrier rotate its api key?").answers[0]
    assert best.document_id == "jira:41"
    assert best.source == "jira"
    assert best.title == "HAR-41 Carrier key expires"
    assert best.passage.startswith("The carrier rotates its api key in March.")
    assert best.url == "https://example.com/41"
    assert best.authors == ("Ann",)
    assert best.container == "HAR"
    assert (best.created_at, best.updated_at) == (utc("2026-01-01"), utc("2026-03-02T10:00"))
    assert best.chunk == 0
    assert 0.7 < best.score <= 1


def test_a_document_of_many_chunks_is_one_answer_with_its_best_passage(ask: Find) -> None:
    answers = ask("who owns the renewal, nobody answered")
    assert ids(answers).count("jira:41") == 1
    assert answers.answers[0].document_id == "jira:41"
    assert "Nobody answered" in answers.answers[0].passage


def test_all_sources_are_ranked_together(ask: Find) -> None:
    assert set(ids(ask("label printer jams"))[:2]) == {"jira:410", "slack:C1:1.0"}


def test_scores_fall_from_first_to_last(ask: Find) -> None:
    scores = [answer.score for answer in ask("label printer jams in march").answers]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("question", ["HAR-41", "what became of har-41?", "HAR-41 and HAR-41"])
def test_an_issue_named_by_its_key_comes_first(ask: Find, question: str) -> None:
    answers = ask(question)
    assert answers.answers[0].document_id == "jira:41"
    assert answers.answers[0].score == 1
    assert ids(answers).count("jira:41") == 1


def test_issues_come_in_the_order_in_which_they_are_named(ask: Find) -> None:
    assert ids(ask("is HAR-410 a duplicate of HAR-41?"))[:2] == ["jira:410", "jira:41"]


def test_a_key_that_is_nobodys_finds_what_its_words_find(ask: Find) -> None:
    assert "jira:410" in ids(ask("printer UTF-8"))


def test_the_limit_is_a_number_of_documents(ask: Find) -> None:
    assert len(ask("printer key", limit=1).answers) == 1


def test_only_the_sources_asked_for_are_searched(ask: Find) -> None:
    answers = ask("label printer jams HAR-41", sources=("slack",))
    assert ids(answers) == ["slack:C1:1.0"]
    assert set(answers.as_of) == {"slack"}


@pytest.mark.parametrize(
    ("where", "expected_ids"),
    [
        (Filter(containers=("OPS",)), ["jira:410"]),
        (Filter(containers=("OPS", "#ops")), ["jira:410", "slack:C1:1.0"]),
        (Filter(since=utc("2026-03-05").timestamp()), ["slack:C1:1.0"]),
        (Filter(until=utc("2026-03-05").timestamp()), ["jira:41", "jira:410"]),
        (Filter(viewer="ann@example.com"), ["jira:41", "jira:410", "jira:9", "slack:C1:1.0"]),
        (Filter(viewer="bo@example.com"), ["jira:41", "jira:410", "slack:C1:1.0"]),
        (Filter(), ["jira:41", "jira:410", "slack:C1:1.0"]),
    ],
    ids=["container", "containers", "since", "until", "reader", "other", "nobody"],
)
def test_what_is_searched_can_be_limited(ask: Find, where: Filter, expected_ids: list[str]) -> None:
    assert sorted(ids(ask("the printer or the key", where=where))) == expected_ids


def test_a_key_opens_nothing_that_its_asker_may_not_read(ask: Find) -> None:
    assert "jira:9" not in ids(ask("HAR-9"))
    assert ids(ask("HAR-9", where=Filter(viewer="ann@example.com")))[0] == "jira:9"


def test_each_source_says_how_old_it_is(ask: Find) -> None:
    answers = ask("printer")
    assert answers.as_of == {"jira": utc("2026-03-02T10:00"), "slack": utc("2026-03-05T09:00")}
    assert answers.warnings == ()


def test_a_caller_who_knows_the_age_better_is_believed(ask: Find) -> None:
    answers = ask("printer", as_of={"jira": utc("2026-03-04")})
    assert answers.as_of == {"jira": utc("2026-03-04"), "slack": utc("2026-03-05T09:00")}


def test_a_source_that_was_never_synced_is_named(ask: Find) -> None:
    answers = ask("printer", sources=("jira", "notion"))
    assert answers.as_of["notion"] is None
    assert answers.warnings == (
        "The index holds nothing of notion: run `vector-assets sync notion`.",
    )


def test_where_no_source_is_on_all_are_searched(ask: Find) -> None:
    answers = ask("printer", settings=Settings())
    assert list(answers.as_of) == ["jira", "slack", "notion", "fireflies"]


def test_a_store_without_lexical_search_is_searched_by_meaning(tmp_path: Path) -> None:
    ask = finder(DenseOnlyStore(str(tmp_path)))
    answers = ask("when does the carrier rotate its api key?")
    assert answers.answers[0].document_id == "jira:41"
    assert 1.5 * FITS_FROM < answers.answers[0].score <= 1
    assert answers.warnings == ()


def test_a_source_that_does_not_answer_costs_its_own_answers_and_is_named(tmp_path: Path) -> None:
    store = HalfDeadStore(str(tmp_path))
    ask = finder(store)
    store.dead = ("slack",)
    answers = ask("label printer jams")
    assert ids(answers)[0] == "jira:410"
    assert answers.as_of["slack"] is None
    assert answers.warnings == (
        (
            "slack was not searched: lancedb did not answer: the table slack is being moved. "
            "Run the same days again later."
        ),
    )


def test_when_no_source_answers_that_is_an_error(tmp_path: Path) -> None:
    store = HalfDeadStore(str(tmp_path))
    ask = finder(store)
    store.dead = ("jira", "slack")
    with pytest.raises(UnavailableError, match="the table jira is being moved"):
        ask("label printer jams")


def test_words_alone_are_searched_while_the_embedder_does_not_answer(ask: Find) -> None:
    embedder = FailingEmbedder(UnavailableError("openai", "HTTP 503"))
    answers = ask("humid days", embedder=embedder)
    assert ids(answers) == ["jira:410"]
    assert answers.warnings == (
        (
            "Found by words alone, for meaning could not be searched: openai did not answer: "
            "HTTP 503. Run the same days again later."
        ),
    )


def test_without_embedder_and_without_words_there_is_no_answer(tmp_path: Path) -> None:
    ask = finder(
        DenseOnlyStore(str(tmp_path)),
        embedder=FailingEmbedder(UnavailableError("openai", "HTTP 503")),
    )
    with pytest.raises(UnavailableError, match="openai did not answer: HTTP 503"):
        ask("humid days")


def test_a_refused_key_is_an_error_even_where_words_could_be_searched(ask: Find) -> None:
    error = CredentialsError("openai", "invalid_api_key", "Set OPENAI_API_KEY.")
    with pytest.raises(CredentialsError, match="invalid_api_key"):
        ask("humid days", embedder=FailingEmbedder(error))


def test_of_a_question_longer_than_the_model_reads_the_beginning_is_searched(ask: Find) -> None:
    answers = ask("label printer jams on humid days " + "blah " * 5_000)
    assert ids(answers)[0] == "jira:410"


@pytest.mark.parametrize(
    "question", ["???", "a:b AND (c", '"', "*", "label^printer~2", "🦆", "the", "x" * 10_000]
)
def test_any_text_is_a_question(ask: Find, question: str) -> None:
    assert ask(question).warnings == ()


@pytest.mark.parametrize("question", ["", " \n\t"])
def test_an_empty_question_is_refused(ask: Find, question: str) -> None:
    with pytest.raises(UsageError, match="the question is empty"):
        ask(question)


def test_an_unknown_source_is_refused_with_those_there_are(ask: Find) -> None:
    with pytest.raises(UsageError, match="unknown source 'teams': choose from jira, slack, notion"):
        ask("printer", sources=("teams",))


def test_a_limit_below_one_is_refused(ask: Find) -> None:
    with pytest.raises(UsageError, match="the limit is 0"):
        ask("printer", limit=0)


def test_answers_as_json_tell_times_in_iso_8601(ask: Find) -> None:
    shown = ask("printer", sources=("slack",), limit=1).as_json()
    assert shown["as_of"] == {"slack": "2026-03-05T09:00:00+00:00"}
    assert shown["warnings"] == []
    (answer,) = shown["answers"]
    assert answer["updated_at"] == "2026-03-05T09:00:00+00:00"
    assert answer["authors"] == ("Ann",)
