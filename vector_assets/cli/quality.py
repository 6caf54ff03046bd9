"""`vector-assets quality`: asks questions whose answer is known, and tells how many are found."""

import sys
from typing import TYPE_CHECKING

import click

from vector_assets.cli.options import json_option
from vector_assets.core.settings import load_settings

if TYPE_CHECKING:
    from vector_assets.maintenance.quality.examine import Examination

_MAX_LISTED = 10


@click.command()
@json_option
def quality(as_json: bool) -> None:
    """Examine the answers now, as each night does; exit 1 if they became worse.

    Questions are made out of public documents of the index, half of them of the last thirty days:
    titles, headings, quoted sentences, questions of Slack threads, issue keys. Each is asked of the
    real search. hit@1 is the share whose document came first, MRR the mean of 1/rank. What is seen
    is recorded in the index in place of an earlier examination of the same day, so an alert is over
    when this finds the answers mended. QUALITY_QUESTIONS names a file of your own questions.

    \b
    Examples:
      vector-assets quality                    a table by source and kind
      vector-assets quality --json
    """
    from vector_assets.cli.output.progress import show_progress
    from vector_assets.core.meter import Meter
    from vector_assets.embedding import build_embedder
    from vector_assets.index.generations import build_index
    from vector_assets.index.targets import embedder_of, write_target
    from vector_assets.maintenance.quality.examine import examine
    from vector_assets.maintenance.quality.own import read_own
    from vector_assets.maintenance.quality.record import Outcome
    from vector_assets.sources import SOURCES

    settings = load_settings()
    own = read_own(settings.quality_questions)
    meter = Meter()
    index = build_index(settings, meter)
    target = write_target(
        index, build_embedder(settings, meter), lambda spec: embedder_of(spec, settings, meter)
    )
    with show_progress("quality") as progress:

        def show(done: int, total: int) -> None:
            progress("quality", f"{done} of {total} questions asked", done, total)

        examination = examine(
            target.store,
            target.embedder,
            target.ledger,
            (*SOURCES, *index.hosts()),
            own=own,
            on_progress=show,
        )
    _print(examination, as_json=as_json)
    sys.exit(1 if examination.outcome is Outcome.WORSE else 0)


def _print(examination: "Examination", *, as_json: bool) -> None:
    from vector_assets.cli.output.console import print_json
    from vector_assets.cli.output.health import print_scores

    if as_json:
        print_json(examination.as_json())
    else:
        print_scores({**examination.by_source, **examination.by_kind})
        click.echo(_text_of(examination))


def _text_of(examination: "Examination") -> str:
    lines = [f"{examination.outcome}: {examination.detail}".removesuffix(": ")]
    if examination.lost:
        listed = ", ".join(examination.lost[:_MAX_LISTED])
        lines.append(f"the index has lost words of {len(examination.lost)} documents: {listed}")
    lines += [
        f"no public document of the index has the link {link}" for link in examination.unknown_links
    ]
    return "\n".join(lines)
