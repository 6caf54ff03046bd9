"""Keeps a vector index of a team's Jira, Slack, Notion and Fireflies fresh, and proves it.

What is exported here is stable. It is imported when it is first used, so that neither Dagster nor
an SDK is loaded before.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vector_assets.core.documents import Document, Section
    from vector_assets.library import find
    from vector_assets.orchestration.component import VectorIndexComponent
    from vector_assets.orchestration.io_managers import LanceDBIOManager, PineconeIOManager
    from vector_assets.sources.base import Source

__version__ = "0.1.0"

_MODULES = {
    "Document": "vector_assets.core.documents",
    "LanceDBIOManager": "vector_assets.orchestration.io_managers",
    "PineconeIOManager": "vector_assets.orchestration.io_managers",
    "Section": "vector_assets.core.documents",
    "Source": "vector_assets.sources.base",
    "VectorIndexComponent": "vector_assets.orchestration.component",
    "find": "vector_assets.library",
}

__all__ = [
    "Document",
    "LanceDBIOManager",
    "PineconeIOManager",
    "Section",
    "Source",
    "VectorIndexComponent",
    "find",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    # Dagster finds the components of a package among these.
    return sorted({*globals(), *__all__})
