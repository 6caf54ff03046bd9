"""`vector-assets mcp`: the tools of an agent over stdin and stdout."""

from typing import TYPE_CHECKING

import click

from vector_assets.core.errors import UsageError
from vector_assets.core.settings import load_settings

if TYPE_CHECKING:
    from vector_assets.core.read_keys import ReadKey


@click.command()
@click.option(
    "--viewer",
    default="",
    help="E-mail of the person who asks.  [default: MCP_VIEWER; without it, public documents only]",
)
def mcp(viewer: str) -> None:
    """Serve search to an editor or a desktop agent over stdin and stdout (MCP).

    The client starts this command itself; docs/agents.md has the configuration of the usual ones.
    `serve` offers the same tools over HTTP at /mcp.

    \b
    Example:
      claude mcp add vector-assets -- vector-assets mcp --viewer ada@example.com
    """
    import logging
    import sys

    # Stdout carries the protocol.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")

    settings = load_settings()
    key = _key(viewer.strip() or settings.mcp_viewer.strip())

    # Last: what they import takes more than a second.
    from vector_assets.api.mcp import build_server
    from vector_assets.cli.mcp_backend import StdioBackend

    build_server(StdioBackend(settings, key)).run("stdio")


def _key(viewer: str) -> "ReadKey":
    """Return what this process may read, as a key that nobody sends."""
    from datetime import UTC, datetime

    from vector_assets.core.read_keys import PUBLIC_ONLY, VIEWER, new_key

    today = datetime.now(UTC).date()
    try:
        _, key = new_key("mcp", VIEWER if viewer else PUBLIC_ONLY, today, viewer=viewer)
    except UsageError as error:
        raise UsageError(f"--viewer or MCP_VIEWER: {error}") from None
    return key
