"""`vector-assets why`: tells why a document is not found."""

from datetime import date

import click

from vector_assets.cli.options import KIND, DayType, json_option, start_and_end
from vector_assets.core.settings import load_settings


@click.command()
@click.argument("document")
@click.option("--question", default="", help="That should have found it.")
@click.option("--source", "sources", multiple=True, help="That it was narrowed to; repeatable.")
@click.option("--container", "containers", multiple=True, help="Project or channel, likewise.")
@click.option("--since", type=DayType(), help="First day that was asked for.")
@click.option("--until", type=DayType(), help="Day before which was asked.")
@click.option("--literal", is_flag=True, help="Whether it was taken word for word.")
@click.option("--ignore", multiple=True, type=KIND, help="Parts taken as plain words; repeatable.")
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option(
    "--viewer",
    default="",
    help="E-mail of who asks: says no more than they may know.  [default: everything is told]",
)
@json_option
def why(
    document: str,
    question: str,
    sources: tuple[str, ...],
    containers: tuple[str, ...],
    since: date | None,
    until: date | None,
    literal: bool,
    ignore: tuple[str, ...],
    limit: int,
    viewer: str,
    as_json: bool,
) -> None:
    """Tell why a document is not found: the first place on its way where it is lost.

    DOCUMENT is a link, an id, a key, or words of it in quotation marks. Asks the index, and without
    --viewer also its source and Dagster. Writes nothing.

    \b
    Examples:
      vector-assets why HAR-41
      vector-assets why https://acme.slack.com/archives/C0AB12CD3/p1767225600000100
      vector-assets why HAR-41 --question "why are labels blank" --source jira
      vector-assets why '"labels print blank"' --viewer ada@example.com
    """
    from vector_assets.cli.output.answers import print_why
    from vector_assets.cli.output.console import print_json
    from vector_assets.index.question.parsed import ParseOptions
    from vector_assets.index.targets import LiveIndex
    from vector_assets.monitoring.dagster_state.observe import observe_if_any
    from vector_assets.monitoring.why.answer import Asked
    from vector_assets.monitoring.why.walk import explain
    from vector_assets.stores.base import Filter

    start, end = start_and_end(since, until)
    settings = load_settings()
    asked = Asked(
        document,
        question=question,
        sources=sources,
        where=Filter(containers, start, end, viewer.strip().lower()),
        limit=limit,
        is_operator=not viewer.strip(),
        parse_options=ParseOptions.of(literal=literal, ignore=ignore),
    )
    answer = explain(asked, settings, LiveIndex(settings), observe=lambda: observe_if_any(settings))
    if as_json:
        print_json(answer.as_json())
    else:
        print_why(answer)
