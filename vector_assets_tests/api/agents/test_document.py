"""The configuration that docs/agents.md shows: it parses, and names commands that exist."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from vector_assets.api.mcp_http import PATH
from vector_assets.cli.main import app

TEXT = (Path(__file__).parents[3] / "docs" / "agents.md").read_text()
SNIPPETS = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)


def require_valid(words: list[str]) -> None:
    """Parse a command line as the program would, without running it."""
    name, *arguments = words
    command = app.commands[name]
    if isinstance(command, click.Group):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    with command.make_context(name, arguments):
        pass


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_configuration_parses_and_names_what_exists(snippet: str) -> None:
    configuration: dict[str, Any] = json.loads(snippet)
    servers = configuration.get("mcpServers") or configuration["servers"]
    server = servers["vector-assets"]
    if "command" in server:
        assert server["command"] == "vector-assets"
        require_valid(server["args"])
        return
    assert server["url"].endswith(PATH)
    assert re.fullmatch(r"Bearer \$\{[A-Za-z:_-]+\}", server["headers"]["Authorization"])


def test_each_client_is_shown() -> None:
    assert len(SNIPPETS) == 4
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE)[1:5] == [
        "Claude Desktop", "Claude Code", "Cursor", "VS Code",
    ]  # fmt: skip


def test_each_command_of_the_text_is_valid() -> None:
    lines = re.findall(r"^\$ vector-assets ([^#\n]+)", TEXT, re.MULTILINE)
    lines += re.findall(r"-- vector-assets ([^`]+)`", TEXT)
    assert len(lines) == 4
    for line in lines:
        require_valid(line.split())
