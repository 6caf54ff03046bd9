"""Every face that reads the index, asked the same: what it answers, as its caller gets it."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from vector_assets import find as library_find
from vector_assets.cli.main import app
from vector_assets.core.errors import VectorAssetsError
from vector_assets.index.answers import Answers
from vector_assets_tests.access.documents import Caller
from vector_assets_tests.api.agents.desk import Desk, Said, Stdio, over_http
from vector_assets_tests.api.page.visitor import Visitor

FIND, OPEN, WHY, STATUS, METRICS = "find", "open", "why", "status", "metrics"
MOST = 50
STRANGER = "stranger@example.com"
"""Without a viewer the command `why` is for operators, who are told everything."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        verb: `FIND`, `OPEN`, `WHY`, `STATUS` or `METRICS`.
        text: A question; for `OPEN` an id, for `WHY` the name of a document.
        more: Filters; for `OPEN` a cursor, for `WHY` a question.
    """

    verb: str
    text: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Face:
    """A way to ask.

    Attributes:
        verbs: That it has.
        ask: Returns the text of each answer.
        takes: Tells whether a caller can come this way.
        is_served: Whether `serve` answers.
    """

    verbs: frozenset[str]
    ask: Callable[[Desk, Path, Caller, Sequence[Request]], list[str]]
    takes: Callable[[Caller], bool] = lambda caller: True
    is_served: bool = True


def over_routes(desk: Desk, folder: Path, caller: Caller, asked: Sequence[Request]) -> list[str]:
    """Ask the routes for programs; the answer is their status and body."""
    paths = {FIND: "/api/find-context", WHY: "/api/why", STATUS: "/api/sync-status",
             METRICS: "/metrics"}  # fmt: skip
    answers = []
    for each in asked:
        more = dict(each.more)
        query: dict[str, Any] = {}
        if each.verb == FIND:
            query = {"q": each.text, "limit": MOST, "viewer": caller.viewer, **_plain(more)}
        elif each.verb == WHY:
            question = more.pop("question", "")
            query = {"document": each.text, "q": question, "viewer": caller.viewer, **_plain(more)}
        answer = requests.get(
            desk.url + paths[each.verb],
            params=query,
            headers={"Authorization": f"Bearer {desk.keys[caller.key]}"},
            timeout=60,
        )
        answers.append(f"{answer.status_code} {answer.text}")
    return answers


def over_page(desk: Desk, folder: Path, caller: Caller, asked: Sequence[Request]) -> list[str]:
    """Ask by the page, signed in; the answer is its HTML without what signs forms."""
    paths = {FIND: "/", WHY: "/why", STATUS: "/status"}
    visitor = Visitor(desk.url)
    visitor.sign_in(desk.keys[caller.key], caller.viewer)
    answers = []
    for each in asked:
        more = {name: value for name, value in each.more.items() if name != "confirm"}
        query: dict[str, Any] = {}
        if each.verb == FIND:
            query = {"q": each.text, "limit": MOST, **_plain(more)}
        elif each.verb == WHY:
            query = {"document": each.text, "q": more.pop("question", ""), **_plain(more)}
        page = visitor.get(paths[each.verb], **query)
        answers.append(f"{page.status} {page.html.replace(page.token(), '')}")
    return answers


def over_mcp_http(desk: Desk, folder: Path, caller: Caller, asked: Sequence[Request]) -> list[str]:
    """Call the tools at `/mcp`."""
    viewer = {"viewer": caller.viewer} if caller.viewer else {}
    return [_text(said) for said in over_http(desk, caller.key, _calls(asked, viewer))]


def over_mcp_stdio(desk: Desk, folder: Path, caller: Caller, asked: Sequence[Request]) -> list[str]:
    """Call the tools of the person's process."""
    words = ("--viewer", caller.person) if caller.person else ()
    return [_text(said) for said in STDIO.ask(desk, folder, _calls(asked, {}), *words)]


def over_command(desk: Desk, folder: Path, caller: Caller, asked: Sequence[Request]) -> list[str]:
    """Run the commands, as text and as JSON; nobody in particular is a stranger with a name."""
    answers = []
    viewer = caller.person or STRANGER
    for each in asked:
        more = dict(each.more)
        words = [each.verb, each.text, "--viewer", viewer, "--limit", str(MOST)]
        for name, value in more.items():
            if value is True:
                words.append(f"--{name}")
            else:
                for given in value if isinstance(value, tuple) else (value,):
                    words += [f"--{name}", str(given)]
        with pytest.MonkeyPatch.context() as patch:
            _set(patch, desk.environment, folder)
            runs = [CliRunner().invoke(app, [*words, *form]) for form in ((), ("--json",))]
        answers.append("\n".join(f"{run.exit_code} {run.output}" for run in runs))
    return answers


def over_library(desk: Desk, folder: Path, caller: Caller, asked: Sequence[Request]) -> list[str]:
    """Call `find()`, with what it raises as its answer."""
    answers = []
    for each in asked:
        more = dict(each.more)
        for name in ("source", "container"):
            if name in more:
                more[f"{name}s"] = [more.pop(name)]
        for name in ("since", "until"):
            if name in more:
                more[name] = datetime.combine(more[name], datetime.min.time(), UTC)
        with pytest.MonkeyPatch.context() as patch:
            _set(patch, desk.environment, folder)
            try:
                found = library_find(each.text, viewer=caller.person, limit=MOST, **more)
            except VectorAssetsError as error:
                answers.append(str(error))
                continue
        answers.append(_as_text(found))
    return answers


def _as_text(found: Answers) -> str:
    return json.dumps(found.as_json(), default=str)


def _calls(
    asked: Sequence[Request], viewer: Mapping[str, str]
) -> list[tuple[str, Mapping[str, Any]]]:
    calls: list[tuple[str, Mapping[str, Any]]] = []
    for each in asked:
        more = {name: str(value) if isinstance(value, date) else value
                for name, value in each.more.items()}  # fmt: skip
        if "source" in more:
            more["sources"] = [more.pop("source")]
        if each.verb == FIND:
            calls.append(("find_context", {"question": each.text, "limit": MOST, **more, **viewer}))
        elif each.verb == OPEN:
            calls.append(("open_document", {"document_id": each.text, **more, **viewer}))
        elif each.verb == WHY:
            calls.append(("why", {"document": each.text, **more, **viewer}))
        else:
            calls.append(("index_status", {}))
    return calls


def _text(said: Said) -> str:
    return f"{said.has_failed} {said.text}"


def _plain(more: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in more.items()}  # fmt: skip


def _set(patch: pytest.MonkeyPatch, environment: Mapping[str, str], folder: Path) -> None:
    """Set the environment of a process for as long as a command runs in this one."""
    for name in [name for name in os.environ if name.startswith(("OPENAI", "EMBEDDING"))]:
        patch.delenv(name)
    for name, value in environment.items():
        patch.setenv(name, value)
    patch.chdir(folder)


STDIO = Stdio()
FACES = {
    "routes": Face(frozenset({FIND, WHY, STATUS, METRICS}), over_routes),
    "page": Face(frozenset({FIND, WHY, STATUS}), over_page),
    "MCP over HTTP": Face(frozenset({FIND, OPEN, WHY, STATUS}), over_mcp_http),
    "MCP over stdio": Face(
        frozenset({FIND, OPEN, WHY, STATUS}),
        over_mcp_stdio,
        lambda caller: caller.key in {"public", "ann"},
        is_served=False,
    ),
    "command": Face(
        frozenset({FIND, WHY}),
        over_command,
        lambda caller: caller.key in {"public", "ann"},
        is_served=False,
    ),
    "library": Face(
        frozenset({FIND}),
        over_library,
        lambda caller: caller.key in {"public", "ann"},
        is_served=False,
    ),
}
"""By name. A process, a command and the library read as one person, and know no groups."""
