"""Keeps a vector index of a team's Jira, Slack, Notion and Fireflies fresh, and proves it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vector_assets.orchestration.component import VectorIndexComponent as VectorIndexComponent

__version__ = "0.1.0"

_EXPORTS = {"VectorIndexComponent": "vector_assets.orchestration.component"}
"""Public names by their modules, which are imported when a name is first used."""


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    # Dagster finds the components of a package among these.
    return [*globals(), *_EXPORTS]
