"""How the ranking cuts texts into words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.index.terms import NO_TERM, Terms, stems_of, words_of


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
