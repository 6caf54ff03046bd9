"""Tests the words by which a text is passed over: they may not hide a secret."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from vector_assets.pipeline.redaction.commands import FORMS, Form, forms_in
from vector_assets.pipeline.redaction.names import NAMES
from vector_assets.pipeline.redaction.normal import as_kept
from vector_assets.pipeline.redaction.words import Words

_NAMES = [name.word for name in NAMES]
_PIECES = st.one_of(
    st.sampled_from(_NAMES),
    st.sampled_from(_NAMES).map(str.upper),
    st.sampled_from(_NAMES).flatmap(
        lambda word: st.integers(1, len(word)).map(lambda end: word[:end])
    ),
    st.text(max_size=3),
    st.sampled_from(["ſ", "ı", "\ud800", "İ", "\n"]),
)


@settings(deadline=None)
@given(pieces=st.lists(_PIECES, max_size=12))
def test_all_words_of_a_text_are_returned(pieces: list[str]) -> None:
    text = "".join(pieces)
    shown = text.lower().replace("ſ", "s").replace("ı", "i")
    assert Words(_NAMES).standing_in(text) == {word for word in _NAMES if word in shown}


@pytest.mark.parametrize("form", FORMS, ids=[form.expression.pattern[:24] for form in FORMS])
@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_a_text_in_which_a_form_stands_has_the_words_of_the_form(
    form: Form, data: st.DataObject
) -> None:
    command = data.draw(st.sampled_from(["", "curl "]))
    text = as_kept(command + data.draw(st.from_regex(form.expression)))
    assume(form.expression.search(text) and form.is_possible(text))
    assert form in forms_in(text)


@pytest.mark.parametrize(
    ("text", "is_possible"),
    [
        ("uſer: ann paſs: Tr0ub4dor&3", True),
        ("the uſer of Ann", False),
        ("net use z: /uſer:ann Tr0ub4dor&3", True),
    ],
)
def test_letters_that_match_without_regard_to_case_count(text: str, *, is_possible: bool) -> None:
    assert bool(forms_in(text)) is is_possible
