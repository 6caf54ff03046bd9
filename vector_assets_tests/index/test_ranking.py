"""The order of documents, over random lists of hits and in cases that went wrong before."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.index.features import Candidates
from vector_assets.index.ranking import FITS_FROM, WEIGHTS, Ranked, rank
from vector_assets.stores.base import Hit
from vector_assets.stores.records import document_id_of

_WORDS = st.lists(
    st.sampled_from(["carrier", "key", "rotates", "label", "printer", "jams", "the", "of"])
)
_TEXTS = st.one_of(_WORDS.map(" ".join), st.text(max_size=40))


@st.composite
def hits(draw: st.DrawFn, highest: float) -> list[Hit]:
    """Draw hits of several documents, best first, as a store returns them."""
    ids = draw(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), unique=True))
    scores = sorted((draw(st.floats(0, highest)) for _ in ids), reverse=True)
    return [
        hit(f"jira:{document}", chunk, score, draw(_TEXTS))
        for (document, chunk), score in zip(ids, scores, strict=True)
    ]


def hit(document_id: str, chunk: int, score: float, text: str, title: str = "") -> Hit:
    """Return a hit of a chunk."""
    return Hit(f"{document_id}#{chunk}", score, {"text": text, "title": title, "chunk": chunk})


@settings(deadline=None)
@given(_TEXTS, hits(1.0), hits(30.0))
def test_every_document_comes_once_with_its_chunks_and_a_score(
    question: str, dense: list[Hit], lexical: list[Hit]
) -> None:
    ranked = rank(Candidates(question, dense, lexical))
    ids = {hit.id for hit in (*dense, *lexical)}
    assert sorted(document.document_id for document in ranked) == sorted(
        {document_id_of(chunk_id) for chunk_id in ids}
    )
    assert sorted(hit.id for document in ranked for hit in document.hits) == sorted(ids)
    scores = [document.score for document in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@settings(deadline=None)
@given(_TEXTS, hits(1.0), hits(30.0))
def test_the_order_does_not_depend_on_the_order_of_sources(
    question: str, dense: list[Hit], lexical: list[Hit]
) -> None:
    before = rank(Candidates(question, dense, lexical))
    again = rank(Candidates(question, dense[::-1], lexical[::-1]))
    assert [document.document_id for document in before] == [
        document.document_id for document in again
    ]


@settings(deadline=None)
@given(_TEXTS, hits(1.0), hits(30.0))
def test_each_feature_is_a_share(question: str, dense: list[Hit], lexical: list[Hit]) -> None:
    candidates = Candidates(question, dense, lexical)
    features = candidates.of_documents()
    assert set(features) <= set(WEIGHTS)
    for name, values in features.items():
        assert values.shape == (len(candidates.document_ids),), name
        assert np.isfinite(values).all(), name
        assert ((values >= 0) & (values <= 1 + 1e-9)).all(), name


def test_a_word_that_is_rare_in_one_source_only_does_not_win() -> None:
    meetings = [hit("fireflies:1", 0, 9.0, "the wallet call said crash once")]
    issues = [
        hit(f"jira:{n}", 0, 6.0, f"android crash on start of screen {n}", "Android crash")
        for n in range(5)
    ]
    assert order("android crash", [], [*meetings, *issues])[-1] == "fireflies:1"


def test_words_that_stand_together_count_more_than_the_same_apart() -> None:
    together = hit("jira:1", 0, 0.5, "rotate the carrier key every night in spring")
    apart = hit("jira:2", 0, 0.5, "the carrier was late and every key was lost in spring")
    assert order("carrier key", [together, apart], []) == ["jira:1", "jira:2"]


def test_neighbours_are_nearby_in_the_order_of_the_question_up_to_eight_words() -> None:
    between = "one two three four five six seven"
    texts = {
        "jira:near": f"carrier {between} key",
        "jira:far": f"carrier {between} eight key",
        "jira:turned": f"key {between} carrier",
        "jira:empty": "",
    }
    candidates = Candidates(
        "the carrier of a key", [hit(each, 0, 0.5, text) for each, text in texts.items()], []
    )
    nearby = candidates.of_documents()["neighbours nearby"].tolist()
    assert dict(zip(candidates.document_ids, nearby, strict=True)) == {
        "jira:near": 1,
        "jira:far": 0,
        "jira:turned": 0,
        "jira:empty": 0,
    }


def test_words_are_together_within_sixteen_in_any_order() -> None:
    between = " ".join(str(number) for number in range(14))
    texts = {"jira:near": f"key {between} carrier", "jira:far": f"key {between} 15 carrier"}
    candidates = Candidates(
        "carrier key", [hit(each, 0, 0.5, text) for each, text in texts.items()], []
    )
    together = candidates.of_documents()["share of words together"].tolist()
    assert together == [1, 0.5]


def test_a_question_of_one_word_is_not_judged_by_neighbours() -> None:
    candidates = Candidates("the carrier", [hit("jira:1", 0, 0.5, "carrier")], [])
    assert "neighbours nearby" not in candidates.of_documents()
    of_two = Candidates("carrier key", [hit("jira:1", 0, 0.5, "carrier")], [])
    assert of_two.of_documents()["neighbours nearby"].tolist() == [0]


def test_a_document_that_has_all_words_in_two_chunks_beats_one_that_has_half() -> None:
    whole = [hit("jira:1", 0, 0.4, "label printer"), hit("jira:1", 1, 0.4, "carrier key")]
    half = [hit("jira:2", 0, 0.4, "label printer and"), hit("jira:2", 1, 0.4, "some label")]
    assert order("label printer carrier key", [*half, *whole], [])[0] == "jira:1"


def test_nonsense_scores_below_what_fits_and_a_match_above() -> None:
    dense = [hit("jira:1", 0, 0.1, "The carrier rotates its key in March.", "Carrier key")]
    assert rank(Candidates("xyzzy plugh", dense, []))[0].score < FITS_FROM
    fitting = [hit("jira:1", 0, 0.7, "The carrier rotates its key in March.", "Carrier key")]
    assert rank(Candidates("carrier key", fitting, fitting))[0].score > FITS_FROM


def test_a_search_that_is_missing_does_not_lower_the_scores_of_the_other() -> None:
    words = [hit("jira:1", 0, 12.0, "The carrier rotates its key.", "Carrier key")]
    assert rank(Candidates("carrier key", [], words))[0].score > FITS_FROM


def order(question: str, dense: list[Hit], lexical: list[Hit]) -> list[str]:
    """Return the ids of the documents as they are ranked."""
    ranked: list[Ranked] = rank(Candidates(question, dense, lexical))
    return [document.document_id for document in ranked]
