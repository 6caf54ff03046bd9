"""`vector-assets find`: searches the index."""

from datetime import date
from typing import TYPE_CHECKING

import click

from vector_assets.cli.options import KIND, DayType, json_option, start_and_end
from vector_assets.core.settings import load_settings

if TYPE_CHECKING:
    from vector_assets.index.answers import Answers


@click.command()
@click.argument("question")
@click.option("--source", "sources", multiple=True, help="Only this source; may be repeated.")
@click.option("--container", "containers", multiple=True, help="Only this project or channel.")
@click.option("--since", type=DayType(), help="Only documents active on this day or later.")
@click.option("--until", type=DayType(), help="Only documents last active before this day.")
@click.option(
    "--viewer", default="", help="E-mail of the person who asks; without it, public documents only."
)
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--literal", is_flag=True, help="Take the question word for word.")
@click.option(
    "--ignore", multiple=True, type=KIND, help="Take such parts as plain words; may be repeated."
)
@click.option("--confirm", is_flag=True, help="Ask each document's source if it still stands.")
@json_option
def find(
    question: str,
    sources: tuple[str, ...],
    containers: tuple[str, ...],
    since: date | None,
    until: date | None,
    viewer: str,
    limit: int,
    literal: bool,
    ignore: tuple[str, ...],
    confirm: bool,
    as_json: bool,
) -> None:
    """Answer a question with passages from the index, each with its link.

    \b
    Examples:
      vector-assets find "how do we rotate the carrier keys?"
      vector-assets find HAR-41
      vector-assets find "retry queue" --source slack --since 2026-03-01
      vector-assets find "on-call rota" --confirm
      vector-assets find "what did Ann say about labels last week"
    """
    from vector_assets.embedding import load_ahead

    start, end = start_and_end(since, until)
    settings = load_settings()
    load_ahead(settings)

    from vector_assets.index.confirm import Confirmer
    from vector_assets.index.question.parsed import ParseOptions
    from vector_assets.index.search import find as search
    from vector_assets.index.targets import LiveIndex
    from vector_assets.stores.base import Filter

    where = Filter(containers=containers, since=start, until=end, viewer=viewer.lower())
    index = LiveIndex(settings)
    answers = search(
        question,
        settings=settings,
        sources=sources,
        where=where,
        limit=limit,
        index=index,
        parse_options=ParseOptions.of(literal=literal, ignore=ignore),
    )
    if confirm:
        answers = Confirmer(settings).confirm(answers, index)
    _print(question, answers, as_json=as_json)


def _print(question: str, answers: "Answers", *, as_json: bool) -> None:
    from vector_assets.cli.output.answers import print_answers
    from vector_assets.cli.output.console import print_json

    if as_json:
        print_json(answers.as_json())
    else:
        print_answers(question, answers)
