"""What is asked: stretches of a document that it alone has, known again by their fingerprints."""

from typing import Any

import pytest

from vector_assets.maintenance.quality.questions import (
    HeldDocument,
    Kind,
    Rarity,
    made_of,
    with_text,
)
from vector_assets.maintenance.quality.words import stretch_of, words_of

THREAD = (
    "Ann Lee, 2026-02-03 10:15\nMorning. Why does the Norway label printer stop every Friday?\n\n"
    "Bo Ek, 2026-02-03 10:20\nBecause the carrier key expires."
)
PAGE = (
    "## Rotating carrier keys\n\nFirst tell the depot, then revoke the old key at the carrier. "
    "See https://example.com/runbook for the whole list of steps. Done."
)
OTHERS = ["the printer is fine and the key is not", "we tell the depot first"] * 30


def held(document_id: str, passage: str, **fields: Any) -> HeldDocument:
    plain = {"title": "Norway label printer", "key": "", "updated_at": 1.0, "chunk_count": 1}
    return HeldDocument(document_id, **{**plain, **fields, "passages": {0: passage}})


def text_of(document: HeldDocument, kind: Kind, others: list[str] | None = None) -> str | None:
    question = made_of(document, kind, Rarity(OTHERS if others is None else others))
    return question.text if question else None


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (Kind.HEADING, "Norway label printer Rotating carrier keys"),
        (Kind.SENTENCE, "First tell the depot, then revoke the old key at the carrier"),
        (Kind.TITLE, "Norway label printer"),
        (Kind.KEY, "OPS-7"),
        (Kind.REPLY, None),
    ],
)
def test_a_page_gives_a_question_of_each_kind(kind: Kind, asked: str | None) -> None:
    assert text_of(held("notion:1", PAGE, key="OPS-7"), kind) == asked


def test_a_thread_is_asked_what_its_first_message_asks() -> None:
    asked = "Why does the Norway label printer stop every Friday?"
    assert text_of(held("slack:C0AB12:1767225600.000100", THREAD), Kind.REPLY) == asked
    # A day of a channel is no thread, and who has not been answered is not found by a reply.
    assert text_of(held("slack:C0AB12:2026-02-03", THREAD), Kind.REPLY) is None
    unanswered = THREAD.partition("\n\n")[0]
    assert text_of(held("slack:C0AB12:1767225600.000100", unanswered), Kind.REPLY) is None


def test_words_that_every_document_has_are_no_question() -> None:
    assert text_of(held("notion:1", PAGE), Kind.SENTENCE, [PAGE] * 60) is None
    assert text_of(held("notion:1", "", title="Weekly team sync"), Kind.TITLE,
                   ["weekly team sync"] * 60) is None  # fmt: skip
    assert text_of(held("notion:1", PAGE, title="Notes"), Kind.TITLE) is None


def test_a_question_is_known_again_in_another_cut_and_not_in_another_text() -> None:
    question = made_of(held("notion:1", PAGE), Kind.SENTENCE, Rarity(OTHERS))
    assert question is not None
    assert "depot" not in repr(question)
    apart = PAGE.replace("the old key", "the\n\n**old** key")
    again = with_text(question, held("notion:1", apart))
    assert again is not None
    assert words_of(again.text) == words_of(question.text)
    assert with_text(question, held("notion:1", PAGE.replace("revoke", "keep"))) is None


def test_chinese_and_japanese_are_counted_by_character() -> None:
    text = "标签打印机停止了。昨天钥匙被换掉了，没有人知道。"
    assert text_of(held("notion:1", text), Kind.SENTENCE) in {
        "标签打印机停止了", "昨天钥匙被换掉了，没有人知道",
    }  # fmt: skip
    assert stretch_of("", 3, "0") is None
