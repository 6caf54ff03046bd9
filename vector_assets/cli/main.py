"""The command line: `vector-assets`.

Exit codes: 0 success, 1 an error or unhealthy (stderr says what), 2 wrong usage, 3 a sync has spent
its budget and is not finished, 130 interrupted.
"""

import sys
from collections.abc import Sequence

import click

from vector_assets.cli.find import find
from vector_assets.cli.keys import keys
from vector_assets.cli.mcp import mcp
from vector_assets.cli.prune import prune
from vector_assets.cli.quality import quality
from vector_assets.cli.reindex import reindex
from vector_assets.cli.serve import demo, sandbox, serve, up, webserver
from vector_assets.cli.status import doctor, status
from vector_assets.cli.sync import sync
from vector_assets.cli.verify import verify
from vector_assets.cli.why import why
from vector_assets.core.credentials import printed_uncaught
from vector_assets.core.errors import BudgetSpentError, UsageError, VectorAssetsError
from vector_assets.core.memory import keep_little_freed_memory
from vector_assets.core.priority import give_way

_BULK_COMMANDS = {"sync", "reindex"}
"""What runs for long, and may share a machine with `serve`."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(package_name="vector-assets")
@click.pass_context
def app(context: click.Context) -> None:
    """Keep a vector index of Jira, Slack, Notion and Fireflies fresh, and search it.

    Settings come from the environment and from a .env file in the working folder; `doctor` says
    what is missing. `vector-assets demo` needs no account.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    sync,
    find,
    why,
    status,
    doctor,
    prune,
    verify,
    reindex,
    quality,
    sandbox,
    serve,
    keys,
    mcp,
    webserver,
    up,
    demo,
):
    app.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its exit code."""
    keep_little_freed_memory()
    if arguments is None and _BULK_COMMANDS.intersection(sys.argv[1:2]):
        give_way()
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
        click.echo(
            "stopped; what was written stays, and the next run continues from there", err=True
        )
        sys.exit(130)
