"""Parts of queries in JQL."""

from collections.abc import Iterable
from datetime import UTC, datetime

from vector_assets.core.days import Window

EVER = Window(datetime(1970, 1, 1, tzinfo=UTC), None)
"""JQL has to be bounded, if only by this."""

LIMITED = "level is not EMPTY"
"""Matches the issues with a security level."""


def query(window: Window, order: str, *clauses: str) -> str:
    """Return a query with epoch milliseconds: JQL reads dates in the account's zone."""
    bounds = [f"updated >= {_epoch_milliseconds(window.start)}"]
    if window.end is not None:
        bounds.append(f"updated < {_epoch_milliseconds(window.end)}")
    return f"{' AND '.join((*bounds, *clauses))} ORDER BY {order}"


def of_projects(projects: Iterable[str]) -> str:
    """Return the clause that matches the issues of projects, by their keys, ids or names."""
    return f"project in ({', '.join(map(quoted, projects))})"


def quoted(text: str) -> str:
    """Return a text as JQL writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _epoch_milliseconds(moment: datetime) -> int:
    """Return an instant in the form that JQL reads independently of time zones."""
    return int(moment.timestamp() * 1000)
