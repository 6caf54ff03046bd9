"""A text as a person reads it: every place in it leads back to the right one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vector_assets.pipeline.redaction.normal import MARK, as_kept, read_text
from vector_assets.pipeline.redaction.redact import redact

PIECES = st.sampled_from(
    ("&nbsp;", "&amp;", "&#58;", "&#x3a;", "&bogus;", "<br>", "<b>", "</b>", "<td>", "<code>",
     '<a href="x">', "<wbr>", "\u200b", "\u00ad", "\ufeff", "n\u0303", "か\u3099", "\u00a0", "：",
     "“", "İ", "👩‍👩‍👧", "ß", "\u0301")
)  # fmt: skip
PLAIN = st.sampled_from(
    ("the", "printer", "stops", "is", "now", "to", ":", "=", "->", "|", "`x`", "HAR-123", "v1.2.3",
     "12:30", "2026-03-01", "ann@example.com", "https://x.example/a?b=1",
     "$HOME", "password", "token", "required", "<password>", "****", "${PASSWORD}", "k8s", "SHA256",
     "証明書", "\n", "the password is wrong.", "password: required\n")
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a&nbsp;b&#58;c", "a b:c"), ("a&amp;nbsp;b", "a b"), ("a<br>b", "a\nb"),
        ("<b>a</b>", f"{MARK}a{MARK}"), ("<td>a</td>", f"|a{MARK}"), ("<code>a</code>", "`a`"),
        ("a\u200b\u00adb", "ab"), ("n\u0303", "ñ"), ("か\u3099", "が"), ("“a”", '"a"'),
        ("a\u00a0–\u3000b：", "a - b:"), ("<password>x</password>", "<password>x</password>"),
    ],
)  # fmt: skip
def test_a_text_is_shown_as_a_person_reads_it(text: str, shown: str) -> None:
    assert read_text(text).text == shown


@given(TEXTS)
def test_every_character_leads_back_to_what_it_was_made_of(text: str) -> None:
    read = read_text(text)
    ends = [0]
    for index in range(len(read.text)):
        start, end = read.span(index, index + 1)
        assert 0 <= start < end <= len(text)
        assert end >= ends[-1]
        ends.append(end)
        if end - start == 1:
            assert as_kept(text[start:end]) == read.text[index]
        else:
            assert read.span(index, index + 1)[0] <= read.span(index, len(read.text))[0]


@given(TEXTS, TEXTS)
def test_a_secret_between_any_signs_gives_way_and_the_rest_stays(before: str, after: str) -> None:
    before, after = (text.encode("utf-8", "ignore").decode() for text in (before, after))
    value = "Tulip4821x"
    text = f"{before}\n\npassword: {value}\n\n{after}"
    assume("[" not in before + after)
    found = redact(text)
    assert found.text.count("[redacted: password]") == 1
    assert found.text == text.replace(value, "[redacted: password]")


@given(st.lists(PIECES | PLAIN, max_size=30).map(" ".join))
def test_a_text_without_a_secret_stays(text: str) -> None:
    assert redact(text).text == text


HOSTILE = (
    "password a b c d e f ", "password:", "password: ****", "pass pass ", "creds: a / ", "<b", "&",
    "&#", "mysql -p", "curl -u a:", "a" * 80 + "://", "://a:", "n\u0303", "\u200b", "login a ",
    "is is is ", "x-", "$a", "[redacted: ", "echo a:b ", "a:1:b:c:", "machine a login b ", "「」",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_text_of_anything_is_read_to_the_end(piece: str) -> None:
    text = (piece * (200_000 // len(piece) + 1))[:200_000]
    assert "Tulip4821" not in redact(f"{text}\n\npassword: Tulip4821x\n").text
