"""What `find` prints of an answer: passages with links; words are marked on a terminal alone."""

import io

import pytest
from rich.console import Console

from vector_assets.cli.output import answers as answers_output
from vector_assets.cli.output.answers import print_answers
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.passages import Passage
from vector_assets_tests.support.tiny import utc

BOLD = "\x1b[1m"


def printed(monkeypatch: pytest.MonkeyPatch, question: str, *passages: Passage, tty: bool) -> str:
    """Return what is printed of an answer with these passages, the last of them its best."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=tty, highlight=False, soft_wrap=not tty, width=99)
    monkeypatch.setattr(answers_output, "out", lambda: console)
    best = passages[-1]
    answer = Answer(
        "jira:1", "jira", "Title", best.text, best.url, ("Ann",), "HAR", utc("2026-03-01"),
        utc("2026-03-02"), 1.0, best.chunk, passages,
    )  # fmt: skip
    print_answers(question, Answers((answer,), {"jira": utc("2026-03-02")}))
    return stream.getvalue()


FIRST = Passage("The crane [is] late.", "https://example.com/1#a", 0)
LAST = Passage("Cranes move\nat nine.", "https://example.com/1#b", 3)


def test_piped_text_is_plain_and_each_passage_has_its_link(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, "when do the cranes move?", FIRST, LAST, tty=False)
    assert "\x1b" not in text
    lines = text.splitlines()
    assert lines[2:8] == [
        "   https://example.com/1#a", "   The crane [is] late.", "",
        "   https://example.com/1#b", "   Cranes move", "   at nine.",
    ]  # fmt: skip


def test_on_a_terminal_words_that_were_asked_for_are_bold(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, "when do the cranes move?", FIRST, LAST, tty=True)
    assert f"The {BOLD}crane\x1b[0m [is] late." in text
    assert f"{BOLD}Cranes\x1b[0m {BOLD}move\x1b[0m" in text


def test_the_link_of_a_single_passage_is_printed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, "the", LAST, tty=False)
    assert text.count("https://example.com/1#b") == 1
