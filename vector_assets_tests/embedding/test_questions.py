"""Recent questions are not embedded again; texts, errors and old questions are."""

import numpy as np
import pytest

from vector_assets.core.errors import UnavailableError
from vector_assets.core.vectors import Vectors
from vector_assets.embedding import questions
from vector_assets.embedding.questions import RecentQuestions
from vector_assets_tests.support.tiny import TinyEmbedder


class Counting(TinyEmbedder):
    """Records what is asked; fails while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.is_failing = False

    def embed_query(self, text: str) -> Vectors:
        self.asked.append(text)
        if self.is_failing:
            raise UnavailableError("the embedder", "it is down")
        return super().embed_query(text)


def test_a_question_that_is_asked_again_is_not_embedded_again() -> None:
    embedder = Counting()
    recent = RecentQuestions(embedder)
    first, again = recent.embed_query("printer"), recent.embed_query("printer")
    assert embedder.asked == ["printer"]
    assert np.array_equal(first, TinyEmbedder().embed_query("printer"))
    assert first is again
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 2.0
    recent.embed_query("Printer")
    assert embedder.asked == ["printer", "Printer"]


def test_an_error_is_not_remembered() -> None:
    embedder = Counting()
    recent = RecentQuestions(embedder)
    embedder.is_failing = True
    with pytest.raises(UnavailableError, match="it is down"):
        recent.embed_query("printer")
    embedder.is_failing = False
    assert recent.embed_query("printer").any()


def test_only_the_newest_questions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "KEPT_QUESTIONS", 2)
    embedder = Counting()
    recent = RecentQuestions(embedder)
    for text in ("a", "b", "c", "c", "b", "a"):
        recent.embed_query(text)
    assert embedder.asked == ["a", "b", "c", "a"]


def test_it_is_the_embedder_in_all_else() -> None:
    embedder = Counting()
    recent = RecentQuestions(embedder)
    assert (recent.identity, recent.chunk_tokens) == (embedder.identity, embedder.chunk_tokens)
    assert recent.tokenizer.count("two words") == embedder.tokenizer.count("two words")
    assert recent.check() == embedder.check()
    assert np.array_equal(recent.embed(["x"]).vectors, embedder.embed(["x"]).vectors)
