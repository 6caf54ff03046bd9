"""The command line: `vector-assets`. Words in, exit codes out; the work is done elsewhere.

Exit codes: 0 all is well, 1 it is not (and stderr says what), 2 the command was not understood, 3
a sync has spent its budget and is not finished.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import chain

import click

from vector_assets.cli_estimate import estimate
from vector_assets.cli_import import import_index
from vector_assets.cli_prune import prune
from vector_assets.cli_reindex import reindex
from vector_assets.cli_serving import demo, sandbox, serve, up
from vector_assets.cli_sync import run_sync
from vector_assets.cli_verify import verify
from vector_assets.cli_words import DayType, asked_days, json_option, named_or_enabled
from vector_assets.credentials import printed_uncaught
from vector_assets.errors import BudgetSpentError, UsageError, VectorAssetsError
from vector_assets.landing import Budget
from vector_assets.memory import keep_little_freed_memory
from vector_assets.settings import load_settings
from vector_assets.sources import SOURCES


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="vector-assets")
def app() -> None:
    """Keep a vector index of Jira, Slack, Notion and Fireflies fresh, and ask it questions.

    Settings come from the environment and from a .env file in the working folder; `doctor` says
    what is set and what is missing. No account yet? `vector-assets demo` needs none.
    """


@app.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--days", type=int, help="So many complete days up to yesterday.  [default: 1]")
@click.option("--from", "first", type=DayType(), help="First day, UTC.")
@click.option("--to", "last", type=DayType(), help="Last day, UTC.  [default: yesterday]")
@click.option("--dry-run", is_flag=True, help="Only say what it would cost.")
@click.option("--max-calls", type=click.IntRange(1), help="Stop when so many requests were made.")
@click.option("--max-dollars", type=click.FloatRange(0), help="Stop when so much was spent.")
@click.option("--again", is_flag=True, help="Read again what an unfinished run has brought.")
@json_option
def sync(
    sources: tuple[str, ...],
    days: int | None,
    first: date | None,
    last: date | None,
    dry_run: bool,
    max_calls: int | None,
    max_dollars: float | None,
    again: bool,
    as_json: bool,
) -> None:
    """Bring some days of some sources into the index; all sources that are on if none is named.

    Running a day again costs little: what has not changed is neither embedded nor written. The
    newest days come first; a run of many days that was stopped, killed, or has spent its budget
    (exit code 3) is gone on with by the same command.

    \b
    Examples:
      vector-assets sync                       yesterday, every source
      vector-assets sync jira --days 30        the last thirty days of Jira
      vector-assets sync --from 2026-01-01     this year
      vector-assets sync --from 2026-01-01 --dry-run          what that costs
      vector-assets sync --from 2026-01-01 --max-dollars 5    so much of it
    """
    settings = load_settings()
    asked = asked_days(days, first, last, datetime.now(UTC))
    names = named_or_enabled(sources, settings)
    if dry_run:
        estimate(names, asked, settings, as_json=as_json)
    else:
        allowed = Budget(max_calls=max_calls, max_dollars=max_dollars)
        run_sync(names, asked, settings, budget=allowed, is_again=again, as_json=as_json)


@app.command()
@click.argument("question")
@click.option("--source", "sources", multiple=True, help="Only this source; may be repeated.")
@click.option("--container", "containers", multiple=True, help="Only this project or channel.")
@click.option("--since", type=DayType(), help="Only what was active on this day or later.")
@click.option("--until", type=DayType(), help="Only what was last active before this day.")
@click.option("--viewer", default="", help="E-mail of who asks; public documents only if not set.")
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True)
@json_option
def find(
    question: str,
    sources: tuple[str, ...],
    containers: tuple[str, ...],
    since: date | None,
    until: date | None,
    viewer: str,
    limit: int,
    as_json: bool,
) -> None:
    """Answer a question with passages from the index, each with its link.

    \b
    Examples:
      vector-assets find "how do we rotate the carrier keys?"
      vector-assets find HAR-41
      vector-assets find "retry queue" --source slack --since 2026-03-01
    """
    from vector_assets import terminal
    from vector_assets.documents import start_of_day
    from vector_assets.search import find as search
    from vector_assets.stores.base import Filter

    settings = load_settings()
    where = Filter(
        containers=containers,
        since=start_of_day(since).timestamp() if since else None,
        until=start_of_day(until).timestamp() if until else None,
        viewer=viewer.lower(),
    )
    answers = search(question, settings=settings, sources=sources, where=where, limit=limit)
    if as_json:
        terminal.print_json(answers.as_json())
    else:
        terminal.print_answers(answers)


@app.command()
@json_option
def status(as_json: bool) -> None:
    """Say how fresh each source is; exit 0 when all is well, 1 when not.

    Asks the index, each source, and Dagster: its webserver at DAGSTER_GRAPHQL_URL, or the records
    in DAGSTER_HOME when that does not answer. Without either, freshness is seen from the index.
    """
    from vector_assets import terminal
    from vector_assets.dagster_state import incident_store, observe_if_any
    from vector_assets.health import Verdict, measure
    from vector_assets.probes import Probes

    settings = load_settings()
    health = measure(settings, Probes(settings), observe_if_any(settings))
    with incident_store() as store:
        incidents = store.all()
    if as_json:
        open_incidents = [incident.as_json() for incident in incidents]
        terminal.print_json({**health.as_json(), "incidents": open_incidents})
    else:
        terminal.print_health(health)
        terminal.print_incidents(incidents)
    sys.exit(0 if health.verdict is Verdict.FRESH else 1)


@app.command()
@click.option("--canary", is_flag=True, help="Also write a document and find it by search.")
@json_option
def doctor(canary: bool, as_json: bool) -> None:
    """Ask each configured service whether its credentials work, and say what to fix."""
    from dataclasses import asdict

    from vector_assets import terminal
    from vector_assets.canary_trial import examine_canary
    from vector_assets.doctor import examine

    settings = load_settings()
    findings = []
    for finding in chain(examine(settings), examine_canary(settings) if canary else ()):
        findings.append(finding)
        if not as_json:
            terminal.print_finding(finding)
    if as_json:
        terminal.print_json([asdict(finding) for finding in findings])
    works = any(finding.state == "ok" for finding in findings if finding.service in SOURCES)
    if not works or any(finding.state == "broken" for finding in findings):
        sys.exit(1)


for _command in (prune, verify, reindex, import_index, sandbox, serve, up, demo):
    app.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    keep_little_freed_memory()
    sys.excepthook = lambda *uncaught: click.echo(printed_uncaught(*uncaught), err=True, nl=False)
    try:
        app.main(args=arguments, prog_name="vector-assets", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(2)
    except UsageError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except BudgetSpentError as error:
        click.echo(f"not finished: {error}", err=True)
        sys.exit(3)
    except VectorAssetsError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; what was written stays, and the next run goes on from there", err=True)
        sys.exit(130)
