"""The command line: `vector-assets`. Words in, exit codes out; the work is done elsewhere.

Exit codes: 0 all is well, 1 it is not (and stderr says what), 2 the command was not understood.
Keep out: how results look (`terminal.py`), and anything that HTTP or Dagster would need as well.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from vector_assets.errors import FatalError, UsageError, VectorAssetsError
from vector_assets.settings import Settings, load_settings
from vector_assets.sources import SOURCES, require_known

_DEFAULT_SANDBOX_PORT = 8099
_DEFAULT_SERVE_PORT = 8090


class DayType(click.ParamType[date]):
    """A UTC day, `YYYY-MM-DD`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or fail with what was wanted."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day: write it as 2026-03-31", param, ctx)


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


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
@_json_option
def sync(
    sources: tuple[str, ...], days: int | None, first: date | None, last: date | None, as_json: bool
) -> None:
    """Bring some days of some sources into the index; all sources that are on if none is named.

    Running a day again costs little: what has not changed is neither embedded nor written.

    \b
    Examples:
      vector-assets sync                       yesterday, every source
      vector-assets sync jira --days 30        the last thirty days of Jira
      vector-assets sync --from 2026-01-01     this year
    """
    from vector_assets.sync import Days

    settings = load_settings()
    now = datetime.now(UTC)
    if days is not None and (first or last):
        raise UsageError("--days was given with --from or --to: use one or the other")
    yesterday = Days.newest(1, now).last
    if first is not None and first > yesterday:
        raise UsageError(f"{first} is not over yet in UTC: the newest day to sync is {yesterday}")
    if first or last:
        end = min(last or yesterday, yesterday)
        asked = Days(first or end, end)
    else:
        asked = Days.newest(1 if days is None else days, now)
    _sync(
        _named_or_enabled(sources, settings),
        asked,
        settings,
        as_json,
    )


def _sync(names: Sequence[str], days: Any, settings: Settings, as_json: bool) -> None:
    """Sync sources side by side; what one of them cannot do never stops another."""
    from vector_assets import terminal
    from vector_assets.sync import sync_source

    failed: list[str] = []
    with terminal.sync_progress(names) as progress, ThreadPoolExecutor(len(names)) as pool:
        runs = {
            name: pool.submit(sync_source, name, days, settings, on_progress=progress)
            for name in names
        }
        reports = []
        for name, run in runs.items():
            try:
                reports.append(run.result())
            except VectorAssetsError as error:
                failed.append(f"{name}: {error}")
    if as_json:
        terminal.print_json([terminal.report_json(report) for report in reports])
    else:
        terminal.print_reports(reports)
    if failed:
        raise FatalError("; ".join(failed))
    if any(report.failures for report in reports):
        sys.exit(1)


@app.command()
@click.argument("question")
@click.option("--source", "sources", multiple=True, help="Only this source; may be repeated.")
@click.option("--container", "containers", multiple=True, help="Only this project or channel.")
@click.option("--since", type=DayType(), help="Only what was active on this day or later.")
@click.option("--until", type=DayType(), help="Only what was last active before this day.")
@click.option("--viewer", default="", help="E-mail of who asks; public documents only if not set.")
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True)
@_json_option
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
@_json_option
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
@_json_option
def doctor(as_json: bool) -> None:
    """Ask each configured service whether its credentials work, and say what to fix."""
    from dataclasses import asdict

    from vector_assets import terminal
    from vector_assets.doctor import examine

    findings = []
    for finding in examine(load_settings()):
        findings.append(finding)
        if not as_json:
            terminal.print_finding(finding)
    if as_json:
        terminal.print_json([asdict(finding) for finding in findings])
    works = any(finding.state == "ok" for finding in findings if finding.service in SOURCES)
    if not works or any(finding.state == "broken" for finding in findings):
        sys.exit(1)


@app.command()
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Folder to serve.  [default: the small one that ships with the package]",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULT_SANDBOX_PORT,
    show_default=True,
    help="0 takes a free one.",
)
@click.option("--latency-ms", type=click.IntRange(0), default=0, help="Added to every request.")
@click.option(
    "--yesterday/--as-written",
    "to_yesterday",
    default=None,
    help="Move the workspace in time so that it ends yesterday.  "
    "[default: only the one that ships with the package]",
)
def sandbox(
    workspace: Path | None, host: str, port: int, latency_ms: int, to_yesterday: bool | None
) -> None:
    """Serve the four vendors, OpenAI and Pinecone on this machine, with no account.

    Prints the environment that points everything at it, one KEY=VALUE a line, and stays until it
    is stopped:

    \b
      vector-assets sandbox > .env &
      vector-assets sync --days 7
    """
    from vector_assets.sandbox.clock import move_to_yesterday
    from vector_assets.sandbox.server import Sandbox, serve_until_stopped
    from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace

    try:
        loaded = Workspace.load(workspace or PACKAGED_WORKSPACE)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from None
    if to_yesterday if to_yesterday is not None else workspace is None:
        move_to_yesterday(loaded, datetime.now(UTC))

    def started(served: Sandbox) -> None:
        served.conditions.latency_seconds = latency_ms / 1000
        for name, value in served.environment.items():
            click.echo(f"{name}={value}")
        sys.stdout.flush()
        click.echo(f"the sandbox answers on {served.url}; Ctrl-C stops it", err=True)

    try:
        serve_until_stopped(loaded, host=host, port=port, started=started)
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


@app.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULT_SERVE_PORT,
    show_default=True,
    help="0 takes a free one.",
)
def serve(host: str, port: int) -> None:
    """Serve HTTP, and watch: search, freshness, backfills, metrics, alerts.

    Run it beside Dagster's daemon and not within it: this is who notices that the daemon is dead.
    Every route but /healthz wants a key: set READ_API_KEY and ADMIN_API_KEY.

    \b
    Examples:
      vector-assets serve
      curl -H "Authorization: Bearer $READ_API_KEY" "http://127.0.0.1:8090/api/sync-status"
    """
    from vector_assets.api import serve as serve_http

    settings = load_settings()
    for name in ("read_api_key", "admin_api_key"):
        if not getattr(settings, name).get_secret_value():
            click.echo(f"{name.upper()} is not set: the routes that want it are closed", err=True)
    try:
        serve_http(
            settings,
            host=host,
            port=port,
            started=lambda url: click.echo(f"listening on {url}", err=True),
        )
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


@app.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where all of them listen.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=_DEFAULT_SERVE_PORT,
    show_default=True,
    help="Of `serve`.",
)
@click.option(
    "--dagster-port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="Of Dagster's UI.",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    default=Path("data/dagster"),
    show_default=True,
    envvar="DAGSTER_HOME",
    show_envvar=True,
    help="Where Dagster keeps its records.",
)
def up(host: str, port: int, dagster_port: int, home: Path) -> None:
    """Run it all: Dagster's UI and daemon, and `serve`, in one command.

    Each is a process of its own, started again when it dies. Ctrl-C stops them together.
    """
    from vector_assets.up import run_up

    run_up(home=home, host=host, port=port, dagster_port=dagster_port)


@app.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("data/demo"),
    show_default=True,
    help="Where the demo keeps its index and Dagster's records.",
)
def demo(folder: Path) -> None:
    """Show it all on this machine, with no account: sync a week, then ask three questions."""
    from vector_assets.demo import run_demo

    run_demo(folder)


def _cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}. "
        f"Choose another --port, or 0 for a free one"
    )


def _named_or_enabled(sources: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """Return the sources to work on, each checked.

    Raises:
        UsageError: A name is unknown, or none is given and none is on.
        SettingsError: A named source has no credentials.
    """
    for name in sources:
        require_known(name)
        settings.require_credentials(name)
    names = tuple(dict.fromkeys(sources)) or settings.enabled_sources
    if not names:
        raise UsageError(
            "no source is on: set the credentials of one (`vector-assets doctor` names them), "
            "or try `vector-assets demo`"
        )
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        app.main(args=arguments, prog_name="vector-assets", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(2)
    except UsageError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except VectorAssetsError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; what was written stays, and the next run goes on from there", err=True)
        sys.exit(130)
