"""Both packages of the vocabulary count and split alike, so that chunks are one on every Python."""

import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from semantic_text_splitter import MarkdownSplitter

from vector_assets.core import cl100k

ROOT = Path(__file__).parents[2]

COUNTERS: list[Callable[[], Callable[[str], int]]] = [cl100k._from_rs_bpe, cl100k._from_bpe_openai]

# bpe-openai opens its vocabulary by a function that only Python 3.11 and 3.12 warn of.
pytestmark = pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")

both_installed = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="rs-bpe has no wheel for this Python: nothing to compare"
)

# Where the pattern of cl100k decides: contractions, digits by three, runs of spaces and lines,
# scripts without spaces, joined and combining characters, and what no font shows.
PIECES = st.sampled_from(
    ["'s", "'LL", "'ſ", "1234567", "٣٤٥٦", "½Ⅻ", " ", "   ", "\n", " \n\n ", "\r\n", "\t", "\u00a0",
     "\u2028", "\u0085", "\u200b", "\u200d", "\ufeff", "\x00", "漢字仮名", "ภาษาไทย", "한국어",
     "हिन्दी", "e\u0301", "ǅ", "İ", "ß", "👩\u200d👩\u200d👧", "🇳🇴", "\U000e0041",
     "\U0010ffff", "a" * 300,
     "<|endoftext|>", "```", "|---|", "https://x.example/a?b=c", "snake_case", "CamelCase",
     "$€", "…"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40).map("".join),
)


def real_texts() -> list[str]:
    """Return the documents of this project and the sandbox's workspace."""
    workspace = Path(str(files("vector_assets.sandbox"))) / "sample_workspace"
    paths = [*ROOT.glob("docs/**/*.md"), *workspace.rglob("*.json"), *ROOT.glob("*.md")]
    return [path.read_text() for path in sorted(paths)]


@both_installed
@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example("")
def test_both_packages_count_any_text_alike(text: str) -> None:
    counts = [counter()(text) for counter in COUNTERS]
    assert counts == [counts[0]] * 2


@both_installed
@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(min_value=1, max_value=64))
def test_both_packages_split_any_text_alike(text: str, capacity_tokens: int) -> None:
    splits = [
        MarkdownSplitter.from_callback(counter(), capacity_tokens).chunks(text)
        for counter in COUNTERS
    ]
    assert splits[0] == splits[1]


@both_installed
def test_both_packages_count_and_split_real_texts_alike() -> None:
    texts = real_texts()
    assert len(texts) > 20
    for text in texts:
        counts = [counter()(text) for counter in COUNTERS]
        splits = [
            MarkdownSplitter.from_callback(counter(), 400).chunks(text) for counter in COUNTERS
        ]
        assert (counts[0], splits[0]) == (counts[1], splits[1])


# What tiktoken 0.14 counts.
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("<|endoftext|>", 7),
        ("Zażółć gęślą jaźń, 漢字 👩\u200d👩\u200d👧", 29),
        ("a" * 3_000_000, 375_000),
    ],
    ids=["empty", "words", "special", "unicode", "longer than a million characters"],
)
def test_counts_are_those_that_are_billed(text: str, tokens: int) -> None:
    assert cl100k.token_counter()(text) == tokens
