"""How the ranking cuts texts into words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.index.terms import NO_TERM, Terms, words_of


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
    assert terms.numbers(words_of("Rotate this key now")) == [0, NO_TERM, 1, NO_TERM]


def test_words_without_meaning_are_left_out_unless_there_are_no_others() -> None:
    assert Terms("what is the carrier").count == 1
    assert Terms("to be or not to be").count == 4


def test_neighbours_of_the_question_are_seen_as_a_pair_in_a_text() -> None:
    terms = Terms("carrier key rotation")
    assert terms.pairs_in(terms.numbers(words_of("the carrier keys"))) == {(0, 1)}
    assert terms.pairs_in(terms.numbers(words_of("a key of the carrier"))) == frozenset()


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_can_be_compared(question: str, text: str) -> None:
    terms = Terms(question)
    numbers = terms.numbers(words_of(text))
    assert all(NO_TERM <= number < terms.count for number in numbers)
    assert terms.pairs_in(numbers) <= terms.pairs


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_question_has_all_terms_and_pairs_of_itself(question: str) -> None:
    terms = Terms(question)
    numbers = terms.numbers(words_of(question))
    assert set(numbers) - {NO_TERM} == set(range(terms.count))
    assert terms.pairs_in(numbers) == terms.pairs
