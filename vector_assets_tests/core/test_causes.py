"""What a cause may say of a document."""

import pytest

from vector_assets.core.causes import origin_of, without_quotations


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("the metadata has 43,210 bytes", "the metadata has 43,210 bytes"),
        ("got 'Secret plan' for field 'title'", "got […]"),
        ("field 'title' is 'Anna's secret plan'", "field 'title' is […]"),
        ('field "title": got {"text": "secret"}', 'field "title": got […]'),
        ("value \u201csecret\u201d is bad", "value […]"),
        ("title' secret", "title […]"),
        ("'title", "[…]"),
        ("", ""),
    ],
)
def test_nothing_from_the_first_quotation_on_is_told(words: str, told: str) -> None:
    assert without_quotations(words, {"title"}).strip() == told


def test_an_error_is_told_by_its_kind_and_place() -> None:
    with pytest.raises(ValueError, match="secret") as raised:
        float("secret")
    told = origin_of(raised.value)
    assert told.startswith("ValueError at test_causes.py:")
    assert "secret" not in told
