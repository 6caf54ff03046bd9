"""Answers to a question, and why a document is not among them.

`find` waits for the imports of this module, so the freshness of sources is printed elsewhere.
"""

import re
from textwrap import indent
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from vector_assets.cli.output.console import out
from vector_assets.core.word_forms import forms_pattern
from vector_assets.index.answers import NOTHING_FITS, Answers

if TYPE_CHECKING:
    from vector_assets.monitoring.why.answer import Why


def print_answers(question: str, answers: Answers) -> None:
    """Print how the question was understood, each answer with its passages, and the sources' age.

    On a terminal the words of the question are bold.
    """
    console, asked = out(), forms_pattern(question)
    for understood in answers.understood:
        console.print(f"[dim]Understood: {escape(str(understood))}[/]")
    for rank, answer in enumerate(answers.answers, start=1):
        facts = " · ".join(
            part
            for part in (
                answer.source,
                answer.container,
                ", ".join(answer.authors[:3]),
                f"{answer.updated_at:%Y-%m-%d}",
                f"score {answer.score:.2f}",
            )
            if part
        )
        console.print(f"[bold]{rank}. {escape(answer.title)}[/]")
        console.print(f"   [dim]{escape(facts)}[/]")
        if len(answer.passages) <= 1:
            console.print(f"   [cyan]{escape(answer.url)}[/]")
        if answers.confirmation is not None:
            confirmed = answers.confirmation.by_document[answer.document_id]
            console.print(f"   {escape(str(confirmed))}")
        for passage in answer.passages:
            if len(answer.passages) > 1:
                console.print(f"   [cyan]{escape(passage.url)}[/]")
            _print_passage(console, passage.text, asked)
    if not answers.fits_well:
        console.print(f"[yellow]{NOTHING_FITS}[/]")
    if not answers.answers:
        is_empty = not any(answers.as_of.values())
        console.print("no answers: the index is empty" if is_empty else "no answers")
    fresh = [
        f"{name} {as_of:%Y-%m-%d %H:%M}" if as_of else f"{name} never"
        for name, as_of in answers.as_of.items()
    ]
    console.print(f"[dim]as of (UTC): {' · '.join(fresh)}[/]")
    for warning in answers.warnings:
        console.print(f"[yellow]{escape(warning)}[/]")
    if console.is_terminal:
        if answers.understood:
            console.print("[dim]Not what you meant? --literal takes the question word for word.[/]")
        console.print("[dim]Not what you looked for? `vector-assets why LINK` says why.[/]")


def _print_passage(console: Console, passage: str, asked: re.Pattern[str] | None) -> None:
    """Print a passage indented; wrap it and mark what was asked for only on a terminal."""
    if console.is_terminal:
        text = Text(passage)
        if asked:
            text.highlight_regex(asked, "bold")
        console.print(Padding(text, (0, 0, 1, 3)), soft_wrap=False)
    else:
        console.print(escape(indent(passage, "   ")) + "\n")


def print_why(answer: "Why") -> None:
    """Print the cause in words, what to do, and of which document it is said."""
    console = out()
    if answer.title:
        console.print(f"[bold]{escape(answer.title)}[/]")
    facts = " · ".join(filter(None, (answer.document_id, answer.link)))
    if facts:
        console.print(f"[dim]{escape(facts)}[/]")
    console.print(f"[yellow]{answer.cause}[/]: {escape(answer.sentence)}")
    if answer.advice:
        console.print(escape(answer.advice))
    for note in answer.notes:
        console.print(f"[dim]{escape(note)}[/]")
