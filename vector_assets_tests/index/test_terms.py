"""How the ranking cuts texts into words, and where it sees those of a question in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.index.terms import NO_TERM, Occurrences, Terms, stems_of, words_of

# Few words, so that they often meet; some mean nothing, some are forms of one word.
_TEXTS = st.one_of(
    st.lists(
        st.sampled_from(["key", "keys", "carrier", "label", "the", "of", "鍵", "交換", "ключ", "x"])
    ).map(" ".join),
    st.text(max_size=40),
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The carrier's API-key", ["the", "carrier", "s", "api", "key"]),
        ("retry_queue.max_size", ["retry", "queue", "max", "size"]),
        ("HAR-41 v1.2.3", ["har", "41", "v1", "2", "3"]),
        ("鍵の交換", ["鍵", "の", "交", "換"]),
        ("Schlüssel STRASSE straße", ["schlüssel", "strasse", "strasse"]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_its_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_word_is_known_in_each_of_its_forms_and_others_are_not() -> None:
    terms = Terms("rotating the keys")
    rotate, this, key, now = terms.numbers(stems_of("Rotate this key now")).tolist()
    assert (this, now) == (NO_TERM, NO_TERM)
    assert {rotate, key} == {0, 1}


def test_words_without_meaning_are_left_out_unless_there_are_no_others() -> None:
    assert Terms("what is the carrier").count == 1
    assert Terms("to be or not to be").count == 4


def test_terms_that_follow_one_another_in_the_question_are_a_pair() -> None:
    terms = Terms("the carrier key of a printer")
    carrier, key = terms.numbers(stems_of("carrier keys")).tolist()
    assert terms.pairs.tolist() == [[carrier, key]]


@pytest.mark.parametrize(
    ("question", "pairs", "neighbours"),
    [
        ("key of the carrier", [], ["key carrier"]),
        ("the carrier key of a printer", ["carrier key"], ["carrier key", "key printer"]),
        ("key carrier key carrier", ["key carrier", "carrier key"], ["key carrier", "carrier key"]),
        ("key keys", ["key key"], ["key key"]),
        ("key of the key", [], ["key key"]),
        ("鍵の交換", ["鍵の", "の交", "交換"], ["鍵の", "の交", "交換"]),
        ("Ключ перевозчика", ["ключ перевозчика"], ["ключ перевозчика"]),
        ("key", [], []),
        ("...", [], []),
        ("", [], []),
    ],
)
def test_words_that_follow_one_another_are_pairs_and_neighbours_also_across_the_others(
    question: str, pairs: list[str], neighbours: list[str]
) -> None:
    terms = Terms(question)
    for got, wanted in ((terms.pairs, pairs), (terms.neighbours, neighbours)):
        numbers = [terms.numbers(stems_of(pair)).tolist() for pair in wanted]
        assert got.tolist() == sorted(numbers)
        assert got.shape == (len(wanted), 2)


@settings(deadline=None)
@given(_TEXTS, st.lists(_TEXTS, max_size=4), st.integers(1, 6))
def test_what_follows_in_a_text_is_what_a_plain_loop_finds(
    question: str, texts: list[str], words: int
) -> None:
    terms = Terms(question)
    following = occurrences(terms, texts).following(terms.neighbours, words)
    assert following.shape == (len(texts), len(terms.neighbours))
    for row, text in enumerate(texts):
        numbers = terms.numbers(stems_of(text)).tolist()
        for column, (first, second) in enumerate(terms.neighbours.tolist()):
            assert following[row, column] == any(
                numbers[place] == first and second in numbers[place + 1 : place + 1 + words]
                for place in range(len(numbers))
            )


@settings(deadline=None)
@given(_TEXTS, st.lists(_TEXTS, max_size=4), st.integers(1, 6), st.data())
def test_the_most_within_some_words_is_what_a_plain_loop_finds(
    question: str, texts: list[str], words: int, data: st.DataObject
) -> None:
    terms = Terms(question)
    worth = np.array([data.draw(st.floats(0, 9)) for _ in range(terms.count)])
    most = occurrences(terms, texts).most_within(words, worth)
    assert most.shape == (len(texts),)
    for row, text in enumerate(texts):
        numbers = terms.numbers(stems_of(text)).tolist()
        assert most[row] == pytest.approx(
            max(
                (
                    worth[sorted(set(numbers[place : place + words]) - {NO_TERM})].sum()
                    for place in range(len(numbers))
                ),
                default=0.0,
            )
        )


@settings(deadline=None)
@given(_TEXTS, st.lists(_TEXTS, max_size=4))
def test_each_occurrence_is_counted(question: str, texts: list[str]) -> None:
    terms = Terms(question)
    frequencies = occurrences(terms, texts).frequencies()
    assert frequencies.tolist() == [
        [terms.numbers(stems_of(text)).tolist().count(term) for term in range(terms.count)]
        for text in texts
    ]


def test_words_of_two_texts_are_not_near_one_another() -> None:
    terms = Terms("carrier key")
    both = occurrences(terms, ["the carrier", "", "key"])
    assert both.following(terms.neighbours, 8).tolist() == [[0], [0], [0]]
    assert both.most_within(16, np.ones(2)).tolist() == [1, 0, 1]


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_can_be_compared(question: str, text: str) -> None:
    terms = Terms(question)
    numbers = terms.numbers(stems_of(text)).tolist()
    assert len(numbers) == len(words_of(text))
    assert all(NO_TERM <= number < terms.count for number in numbers)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_question_has_all_terms_of_itself(question: str) -> None:
    terms = Terms(question)
    assert set(terms.numbers(stems_of(question)).tolist()) - {NO_TERM} == set(range(terms.count))


def occurrences(terms: Terms, texts: list[str]) -> Occurrences:
    """Return where terms stand in texts."""
    return Occurrences(terms, [stems_of(text) for text in texts])
