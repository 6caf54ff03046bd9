"""The commands `sandbox`, `serve`, `webserver` and `up`, which run until stopped, and `demo`."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from vector_assets.core.errors import UsageError
from vector_assets.core.settings import load_settings

_DEFAULT_SANDBOX_PORT = 8099
_DEFAULT_SERVE_PORT = 8090
_DEFAULT_DAGSTER_PORT = 3000


def _port_option(
    name: str, default: int, what: str, *, lowest: int
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        name, type=click.IntRange(lowest, 65535), default=default, show_default=True, help=what
    )


@click.command()
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Folder to serve.  [default: the small one that ships with the package]",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@_port_option("--port", _DEFAULT_SANDBOX_PORT, "0 chooses a free port.", lowest=0)
@click.option("--latency-ms", type=click.IntRange(0), default=0, help="Added to every request.")
@click.option(
    "--yesterday/--as-written",
    "to_yesterday",
    default=None,
    help="Shift the workspace in time so that it ends yesterday.  "
    "[default: only the one that ships with the package]",
)
def sandbox(
    workspace: Path | None, host: str, port: int, latency_ms: int, to_yesterday: bool | None
) -> None:
    """Simulate the four vendors, OpenAI and Pinecone on this machine; no account needed.

    Prints the environment that points everything at it, one KEY=VALUE per line, and runs until it
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
        served.faults.latency_seconds = latency_ms / 1000
        for name, value in served.environment.items():
            click.echo(f"{name}={value}")
        sys.stdout.flush()
        click.echo(f"the sandbox answers on {served.url}; Ctrl-C stops it", err=True)

    try:
        serve_until_stopped(loaded, host=host, port=port, started=started)
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@_port_option("--port", _DEFAULT_SERVE_PORT, "0 chooses a free port.", lowest=0)
def serve(host: str, port: int) -> None:
    """Serve search, freshness, backfills and metrics over HTTP, a page for people, and send alerts.

    Run it as a process separate from Dagster's daemon, because it alerts when the daemon is dead.
    Every route but /healthz requires a key: see `vector-assets keys`, and set ADMIN_API_KEY.

    \b
    Examples:
      vector-assets serve
      curl -H "Authorization: Bearer $READ_API_KEY" "http://127.0.0.1:8090/api/sync-status"
    """
    from vector_assets.api.read_keys import ReadKeys
    from vector_assets.api.server import serve as serve_http

    settings = load_settings()
    if not (settings.read_api_key.get_secret_value() or ReadKeys(settings).now()):
        click.echo(
            "READ_API_KEY is not set, and there is no other reading key: the routes that require "
            "one are closed",
            err=True,
        )
    if not settings.admin_api_key.get_secret_value():
        click.echo("ADMIN_API_KEY is not set: the routes that require it are closed", err=True)
    try:
        serve_http(
            settings,
            host=host,
            port=port,
            started=lambda url: click.echo(f"listening on {url}", err=True),
        )
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@_port_option("--port", _DEFAULT_DAGSTER_PORT, "0 chooses a free port.", lowest=0)
@click.option(
    "-w",
    "--workspace",
    "workspaces",
    multiple=True,
    metavar="FILE",
    help="Workspace file.  [default: workspace.yaml in the working folder, else our own code]",
)
@click.option("-m", "--module", "modules", multiple=True, help="Python module with the code.")
@click.option(
    "-f",
    "--python-file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Python file with the code.",
)
@click.option("--path-prefix", default="", help="Path before all others, such as /dagster.")
@click.option("--read-only", "is_read_only", is_flag=True, help="Refuse every mutation.")
def webserver(
    host: str,
    port: int,
    workspaces: tuple[str, ...],
    modules: tuple[str, ...],
    files: tuple[str, ...],
    path_prefix: str,
    is_read_only: bool,
) -> None:
    """Serve Dagster's UI, guarded against other web pages.

    It is Dagster's own webserver, and refuses what a page of another origin makes a browser send.
    It has no login. Behind a proxy, set DAGSTER_ALLOWED_HOSTS to the proxy's host.

    \b
    Examples:
      vector-assets webserver -w workspace.yaml
      DAGSTER_ALLOWED_HOSTS=dagster.example.com vector-assets webserver
    """
    from vector_assets.orchestration.webserver.server import Code, serve

    try:
        serve(
            load_settings(),
            Code(workspaces, modules, files),
            host=host,
            port=port,
            path_prefix=path_prefix,
            is_read_only=is_read_only,
            started=lambda url: click.echo(f"listening on {url}", err=True),
        )
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address that all of them listen on."
)
@_port_option("--port", _DEFAULT_SERVE_PORT, "Port of `serve`.", lowest=1)
@_port_option("--dagster-port", _DEFAULT_DAGSTER_PORT, "Port of Dagster's UI.", lowest=1)
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    default=Path("data/dagster"),
    show_default=True,
    envvar="DAGSTER_HOME",
    show_envvar=True,
    help="Folder of Dagster's records.",
)
def up(host: str, port: int, dagster_port: int, home: Path) -> None:
    """Run Dagster's UI, Dagster's daemon and `serve` in one command.

    Each is a process of its own and is restarted when it dies. Ctrl-C stops all.
    """
    from vector_assets.cli.up import run_up

    run_up(home=home, host=host, port=port, dagster_port=dagster_port)


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("data/demo"),
    show_default=True,
    help="Folder of the demo's index and Dagster's records.",
)
def demo(folder: Path) -> None:
    """Sync a sample week on this machine, then ask three questions; no account needed."""
    from vector_assets.cli.demo import run_demo

    run_demo(folder)


def _cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}. "
        f"Choose another --port, or 0 for a free one"
    )
