"""Chunking with the local tokenizer: sizes, whole sections, no lost text."""

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.core.documents import Chunk, Document, Section
from vector_assets.embedding.base import Tokenizer
from vector_assets.embedding.chunking import MAX_CHUNK_BYTES, chunk_document, passage_of
from vector_assets.embedding.local.embedder import LocalTokenizer, model_folder
from vector_assets_tests.support.tiny import WordTokenizer, document

BUDGET_TOKENS = 254
HEAD = "Carrier keys expire\njira, HAR\n\n"

LOREM = (
    "The label printer stopped when the carrier changed its key. We rotated the key, and the queue "
    "drained within an hour. Nobody was told, because the alert went to a channel of last year. "
)


@cache
def wordpiece() -> Tokenizer:
    return LocalTokenizer(model_folder() / "tokenizer.json")


def chunks_of(*sections: Section, title: str = "Carrier keys expire") -> list[Chunk]:
    return chunk_document(of_sections(sections, title), wordpiece(), BUDGET_TOKENS)


def of_sections(sections: tuple[Section, ...], title: str) -> Document:
    return replace(document("1", title=title), sections=sections)


def words(text: str) -> list[str]:
    return text.split()


def assert_fits(
    chunks: list[Chunk], tokenizer: Tokenizer, budget_tokens: int = BUDGET_TOKENS
) -> None:
    for chunk in chunks:
        assert tokenizer.count(chunk.text) <= budget_tokens
        assert len(json.dumps(chunk.text, ensure_ascii=False).encode()) <= MAX_CHUNK_BYTES


def test_a_section_that_stands_apart_begins_a_chunk_and_its_neighbours_follow_it() -> None:
    chunks = chunks_of(
        Section("Lunch?"), Section("Yes."), Section("It stopped.", is_apart=True), Section("Oh."),
        Section(LOREM * 10, is_apart=True),
    )  # fmt: skip
    first, second, *rest = [passage_of(chunk.text) for chunk in chunks]
    assert (first, second) == ("Lunch?\n\nYes.", "It stopped.\n\nOh.")
    assert words(" ".join(rest)) == words(LOREM * 10)


def test_a_short_document_is_one_chunk_with_its_headings() -> None:
    assert chunks_of(Section("It stopped."), Section("Rotated it.", "Ann Lee, 2026-02-03")) == [
        Chunk(
            0,
            HEAD + "It stopped.\n\nAnn Lee, 2026-02-03\nRotated it.",
            "https://example.com/1",
        )
    ]


@pytest.mark.parametrize("sections", [(), (Section(""),), (Section(" \n "), Section(""))])
def test_a_document_without_text_is_found_by_its_title(sections: tuple[Section, ...]) -> None:
    (chunk,) = chunks_of(*sections)
    assert chunk == Chunk(0, HEAD.strip(), "https://example.com/1")
    assert passage_of(chunk.text) == ""


def test_a_section_that_fits_is_never_cut() -> None:
    sections = [Section(LOREM * 3, f"Speaker {n}") for n in range(9)]
    passages = [passage_of(chunk.text) for chunk in chunks_of(*sections)]
    assert len(passages) > 1
    for section in sections:
        whole = f"{section.heading}\n{section.text.strip()}"
        assert sum(whole in passage for passage in passages) == 1


def test_neighbouring_sections_share_a_chunk_while_they_fit() -> None:
    chunks = chunks_of(*(Section("ok", f"Speaker {n}") for n in range(100)))
    assert len(chunks) <= 4
    assert_fits(chunks, wordpiece())


def test_a_heading_stands_above_each_piece_of_a_long_section() -> None:
    chunks = chunks_of(Section(LOREM * 30, "Background"))
    assert len(chunks) > 3
    assert all(chunk.text.startswith(HEAD + "Background\n") for chunk in chunks)


def test_neighbours_under_one_heading_show_it_once() -> None:
    (chunk,) = chunks_of(Section("One.", "Ann"), Section("Two.", "Ann"), Section("Three.", "Bo"))
    assert passage_of(chunk.text) == "Ann\nOne.\n\nTwo.\n\nBo\nThree."


def test_a_long_section_is_cut_between_sentences_not_words() -> None:
    for chunk in chunks_of(Section(LOREM * 30)):
        assert chunk.text.endswith((".", ","))


def test_a_chunk_links_to_its_first_section() -> None:
    links = [
        chunk.url
        for chunk in chunks_of(
            Section(LOREM * 4),
            Section(LOREM * 4, url="https://example.com/1#b"),
            Section("short", url="https://example.com/1#c"),
        )
    ]
    assert links == ["https://example.com/1", "https://example.com/1#b"]


def test_a_huge_title_takes_a_small_part_of_each_chunk_and_is_kept_whole_as_text() -> None:
    title = " ".join(f"title{n}" for n in range(500))
    chunks = chunks_of(Section(LOREM * 4), title=title)
    assert_fits(chunks, wordpiece())
    head = chunks[0].text.partition("\n\n")[0]
    assert wordpiece().count(head) <= BUDGET_TOKENS // 4
    passages = words(" ".join(passage_of(chunk.text) for chunk in chunks))
    assert passages == words(f"{title} {LOREM * 4}")


def test_a_huge_heading_is_kept_whole_as_text() -> None:
    heading = " ".join(f"heading{n}" for n in range(300))
    chunks = chunks_of(Section("The end.", heading))
    assert_fits(chunks, wordpiece())
    passages = words(" ".join(passage_of(chunk.text) for chunk in chunks))
    assert passages == words(f"{heading} The end.")


@pytest.mark.parametrize(
    "text",
    [
        "x" * 40_000,
        '"' * 40_000,
        " ".join(["y" * 101] * 2_000),
        "漢字" * 3_000,
        "🦆" * 9_000,
        "a\n" * 9_000,
        "| a | b |\n" * 2_000,
        "```\n" + "code();\n" * 3_000 + "```",
        "> " * 2_000 + "deep",
    ],
    ids=["word", "quotes", "unknown", "han", "emoji", "lines", "table", "code", "nested"],
)
def test_whatever_the_text_every_chunk_fits_and_every_character_is_kept(text: str) -> None:
    chunks = chunks_of(Section(text, "Heading"))
    assert_fits(chunks, wordpiece())
    passages = (passage_of(chunk.text).removeprefix("Heading\n") for chunk in chunks)
    assert "".join("".join(passages).split()) == "".join(text.split())


@pytest.mark.parametrize("title", ["t" * 40_000, "🦆" * 5_000, ""])
def test_whatever_the_title_every_chunk_fits(title: str) -> None:
    assert_fits(chunks_of(Section(LOREM * 20, "Heading"), title=title), wordpiece())


texts = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="ab \n#-*|`>", max_size=500),
    st.lists(st.sampled_from(["key", "printer", "…", "`id`", "\n\n", "# Top"]), max_size=60).map(
        " ".join
    ),
)
some_sections = st.lists(
    st.builds(Section, texts, st.one_of(st.just(""), st.text(max_size=40))), max_size=12
)


@pytest.mark.parametrize("tokenizer", [wordpiece(), WordTokenizer()], ids=["pieces", "words"])
@given(sections=some_sections, title=st.text(max_size=100), budget_tokens=st.integers(40, 254))
@settings(deadline=None)
def test_every_chunk_fits_and_every_word_of_every_section_is_in_some_chunk(
    tokenizer: Tokenizer, sections: list[Section], title: str, budget_tokens: int
) -> None:
    some = of_sections(tuple(sections), title)
    chunks = chunk_document(some, tokenizer, budget_tokens)
    assert_fits(chunks, tokenizer, budget_tokens)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    given_words = {
        word for section in sections for word in words(f"{section.heading} {section.text}")
    }
    kept_words = {word for chunk in chunks for word in words(chunk.text)}
    # A word that fills a small chunk by itself may be cut, and is still there in pieces.
    lost = {word for word in given_words - kept_words if tokenizer.count(word) <= 10}
    assert lost == set()
    assert chunks == chunk_document(some, tokenizer, budget_tokens)
