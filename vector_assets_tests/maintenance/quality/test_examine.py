"""Nights of a small office: what breaks is told in one night, and what changes as ever is not."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.documents import Document
from vector_assets.core.errors import RetryableError, UnavailableError
from vector_assets.core.vectors import Vectors
from vector_assets.embedding import chunking
from vector_assets.maintenance.canary import CANARY
from vector_assets.maintenance.quality.examine import Examination
from vector_assets.maintenance.quality.record import (
    HISTORY_NIGHTS,
    QUALITY,
    QUESTIONS,
    Outcome,
    quality_of,
)
from vector_assets.pipeline import plan
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Hit
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.quality.town import NIGHT, PRIVATE, SOURCES, Town
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.tiny import TinyEmbedder

DIMENSIONS = 256


def embedder() -> TinyEmbedder:
    return TinyEmbedder(DIMENSIONS, 40, is_remembering=False)


class Other(TinyEmbedder):
    """Another model, whose vectors are as long."""

    def embed_query(self, text: str) -> Vectors:
        return super().embed_query(" ".join(word[::-1] for word in text.split()))


class Wordless(LanceDBStore):
    """Its search by words finds nothing any more."""

    def search_lexical(self, *_: Any, **__: Any) -> list[Hit]:
        return []


def lancedb(folder: Path) -> LanceDBStore:
    store = LanceDBStore(str(folder))
    # Small tables are searched in memory, as `serve` does.
    store.keeps_copies = True
    return store


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, Path]:
    """An office in a folder, examined last night; a day has passed since."""
    folder = tmp_path_factory.mktemp("prepared")
    return settled(Town(lancedb(folder), embedder())), folder


@pytest.fixture
def local(prepared: tuple[Town, Path], tmp_path: Path) -> Town:
    """The office of LanceDB, over a copy of its index."""
    town, folder = prepared
    shutil.copytree(folder, tmp_path / "index")
    return town.moved(lancedb(tmp_path / "index"))


@pytest.fixture(
    params=[
        "lancedb",
        pytest.param("documents", marks=pytest.mark.slow),
        pytest.param("vectors", marks=pytest.mark.slow),
    ]
)
def town(request: pytest.FixtureRequest) -> Town:
    """The office over each store."""
    if request.param == "lancedb":
        local: Town = request.getfixturevalue("local")
        return local
    return pinecone(request.getfixturevalue("sandbox"), request.param, 60, SOURCES)


def pinecone(sandbox: Sandbox, api: str, documents: int, sources: Sequence[str]) -> Town:
    if api == "vectors":
        make_vector_index(sandbox, DIMENSIONS)
    store = build(sandbox)
    store.seen_within_seconds = 0.0
    return settled(Town(store, embedder(), sources=sources), documents)


def settled(town: Town, documents: int = 60) -> Town:
    town.settle(documents)
    first = town.examine()
    assert first.outcome is Outcome.FIRST
    assert first.scores.mrr > 0.9
    town.pass_day(added=2, edited=2, deleted=1)
    return town


def test_a_night_of_ordinary_change_is_not_worse(town: Town) -> None:
    night = town.examine()
    assert night.outcome is Outcome.SAME
    assert set(night.by_source) == set(SOURCES)
    assert set(night.by_kind) == {"title", "heading", "sentence", "reply", "key"}
    assert all(scores.hit_at_10 > 0.9 for scores in night.by_source.values())
    assert night.lost == ()


def cut_short(document: Document, *_: object) -> list[chunking.Chunk]:
    """Cut off all but the beginning of a document that is not the canary's."""
    if document.source == CANARY:
        return chunking.chunk_document(document, TinyEmbedder().tokenizer, 50)
    text = f"{document.title}\n{document.source}\n\n{document.sections[0].text[:30]}"
    return [chunking.Chunk(0, text, document.url)]


def test_a_broken_chunker_is_caught_in_one_night(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "chunk_document", cut_short)
    # As a rescan with another version would write them.
    monkeypatch.setattr(chunking, "CHUNKER_VERSION", chunking.CHUNKER_VERSION + 1)
    town.write(town.documents.values())
    night = town.examine()
    assert night.outcome is Outcome.WORSE
    assert len(night.lost) > 10
    assert "the index has lost words of" in night.detail
    # After two weeks it is usual, and what is lost is asked no more.
    town.now += 15 * NIGHT
    later = town.examine()
    assert later.outcome in {Outcome.FIRST, Outcome.TOO_FEW}
    assert later.lost == ()


def test_vectors_of_other_documents_are_caught_in_one_night(town: Town) -> None:
    town.swap_vectors(1 / 3)
    night = town.examine()
    assert night.outcome is Outcome.WORSE
    assert "search by meaning: the mean reciprocal rank of" in night.detail


def test_vectors_of_another_model_are_caught_in_one_night(town: Town) -> None:
    town.embed_with(Other(DIMENSIONS, 40, is_remembering=False))
    night = town.examine()
    assert night.outcome is Outcome.WORSE
    assert "search by meaning" in night.detail


def test_a_search_without_words_is_caught_in_one_night(local: Town, tmp_path: Path) -> None:
    local.store = Wordless(str(tmp_path / "index"))
    night = local.examine()
    assert night.outcome is Outcome.WORSE
    assert "search by words" in night.detail


def test_a_dropped_text_index_is_built_again_by_the_first_question(
    local: Town, tmp_path: Path
) -> None:
    for source in SOURCES:
        table = local.store._connected().open_table(source)  # type: ignore[attr-defined]
        [name] = [index.name for index in table.list_indices() if index.columns == ["text"]]
        table.drop_index(name)
    local.store = lancedb(tmp_path / "index")
    assert local.examine().outcome is Outcome.SAME


def test_a_fall_stays_told_until_it_is_mended(local: Town) -> None:
    right = {source: local.records(source) for source in SOURCES}
    local.swap_vectors(1 / 2)
    for _ in range(2):
        assert local.examine().outcome is Outcome.WORSE
        local.now += NIGHT
    for source, records in right.items():
        local.rewrite(source, records, [record.vector for record in records])
    # The same day again: what was recorded of it is replaced.
    assert local.examine().outcome is Outcome.SAME
    said = quality_of(local.ledger.entries(QUALITY))
    assert said is not None
    assert said.outcome is Outcome.SAME
    assert len(said.history["jira"]) == 4


def test_what_lasts_for_two_weeks_is_usual(local: Town) -> None:
    local.swap_vectors(1 / 2)
    assert local.examine().outcome is Outcome.WORSE
    local.now += 15 * NIGHT
    assert local.examine().outcome is Outcome.FIRST
    local.now += NIGHT
    assert local.examine().outcome is Outcome.SAME


def test_too_few_documents_are_not_enough_and_no_alarm(tmp_path: Path) -> None:
    town = Town(lancedb(tmp_path / "index"), embedder())
    empty = town.examine()
    assert empty.outcome is Outcome.TOO_FEW
    assert "gave 0 questions, and at least 20 are wanted" in empty.detail
    town.settle(9)
    assert town.examine().outcome is Outcome.TOO_FEW


def test_an_index_that_was_emptied_is_not_enough_to_examine(local: Town) -> None:
    for source in SOURCES:
        local.store.clear(source)
    assert local.examine().outcome is Outcome.TOO_FEW


@pytest.mark.parametrize("api", [pytest.param("documents", marks=pytest.mark.slow), "vectors"])
def test_on_pinecone_a_fall_is_told_by_meaning(sandbox: Sandbox, api: str) -> None:
    town = pinecone(sandbox, api, 30, ["jira"])
    town.swap_vectors(1)
    night = town.examine()
    assert night.outcome is Outcome.WORSE
    assert "search by meaning" in night.detail


def test_a_store_that_is_down_is_a_failure_and_records_nothing(
    local: Town, sandbox: Sandbox
) -> None:
    before = local.ledger.entries(QUALITY)
    local.store = build(sandbox, pinecone_controller_host="http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="pinecone did not answer"):
        local.examine()
    assert local.ledger.entries(QUALITY) == before


class Deaf(TinyEmbedder):
    """A model whose server does not answer questions."""

    def embed_query(self, text: str) -> Vectors:
        raise UnavailableError("the embedder", "no answer")


def test_an_embedder_that_is_down_is_a_failure_and_no_fall(local: Town) -> None:
    local.embedder = Deaf(DIMENSIONS, 40)
    with pytest.raises(RetryableError, match=r"meaning could not be searched.*no answer"):
        local.examine()


def test_only_public_documents_are_asked_and_no_word_is_kept(tmp_path: Path) -> None:
    town = Town(lancedb(tmp_path / "index"), embedder())
    town.settle(60)
    secret = [
        town.new(source, town.now - NIGHT, access=PRIVATE) for source in SOURCES for _ in range(9)
    ]
    town.write(secret)
    night = town.examine()
    kept = str(town.ledger.entries_by_kind((QUALITY, QUESTIONS))) + repr(night)
    assert not [document.id for document in secret if f"'{document.id}'" in kept]
    words = {word for each in town.documents.values() for word in each.title.lower().split()}
    assert not [word for word in words if word in kept]
    # One that becomes private is not asked any more.
    asked = {each for each in town.documents if f"'{each}'" in kept}
    hidden = [replace(town.documents[each], access=PRIVATE) for each in sorted(asked)[:5]]
    town.write(hidden)
    town.examine()
    kept = str(town.ledger.entries(QUESTIONS))
    assert not [document.id for document in hidden if f"'{document.id}'" in kept]


def test_the_same_index_gives_the_same_questions(tmp_path: Path) -> None:
    town = Town(lancedb(tmp_path / "index"), embedder())
    town.settle(60)
    town.examine()
    first = town.ledger.entries(QUESTIONS)
    for kind in (QUESTIONS, QUALITY):
        town.ledger.remove(kind, list(town.ledger.entries(kind)))
    town.examine()
    assert town.ledger.entries(QUESTIONS) == first


def outcomes(town: Town, nights: int) -> list[Examination]:
    examined = []
    for _ in range(nights):
        town.pass_day()
        examined.append(town.examine())
    return examined


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_hundred_nights_of_ordinary_change_give_one_false_alarm_at_most(
    seed: int, tmp_path: Path
) -> None:
    town = Town(lancedb(tmp_path / "index"), embedder(), seed, ["slack", "notion"])
    town.settle(150)
    town.examine()
    examined = outcomes(town, 100)
    assert sum(night.outcome is Outcome.WORSE for night in examined) <= 1
    assert not any(night.lost for night in examined)
    said = quality_of(town.ledger.entries(QUALITY))
    assert said is not None
    assert max(map(len, said.history.values())) == HISTORY_NIGHTS
    # And what breaks then is still told.
    town.swap_vectors(1 / 3)
    assert town.examine().outcome is Outcome.WORSE


def sizes(entries: Sequence[Any]) -> int:
    return sum(len(str(entry)) for entry in entries)


def test_what_is_kept_is_small(local: Town) -> None:
    local.examine()
    entries = local.ledger.entries_by_kind((QUALITY, QUESTIONS))
    assert len(entries[QUESTIONS]) <= 2 * len(SOURCES)
    assert sizes(list(entries[QUESTIONS].values())) < 40 * 150 * len(SOURCES)
