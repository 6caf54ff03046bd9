"""The registry of sources: one package a vendor, none imports another.

Other packages bring sources by an entry point (`core/plugins.py`).

Keep out: embedding, stores, Dagster. A new source is one package, one line below, and its settings.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from vector_assets.core.errors import UsageError
from vector_assets.core.meter import Meter
from vector_assets.core.plugins import broken_plugins, plugins
from vector_assets.core.settings import Settings
from vector_assets.sources.base import Source


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A line of the registry.

    Attributes:
        path: Import path of the class, as text, so that a run loads only its own vendor's SDK.
        description: What a document is and which day it belongs to; shown with the asset.
        is_optional: Whether its assets are hidden until it is configured.
    """

    path: str
    description: str
    is_optional: bool = False


_BUILT_IN = {
    "jira": SourceEntry(
        "vector_assets.sources.jira.source:JiraSource",
        "Jira issues with their comments, by the day of last activity.",
    ),
    "slack": SourceEntry(
        "vector_assets.sources.slack.source:SlackSource",
        "Slack threads, and each channel's other messages of a day, by the day of last reply.",
    ),
    "notion": SourceEntry(
        "vector_assets.sources.notion.source:NotionSource",
        "Notion pages, by the day of last edit.",
    ),
    "fireflies": SourceEntry(
        "vector_assets.sources.fireflies.source:FirefliesSource",
        "Transcripts of meetings in Fireflies, by the day of the meeting.",
    ),
    "files": SourceEntry(
        "vector_assets.sources.files.source:FilesSource",
        "Markdown and text files below a folder, by the day of last change.",
        is_optional=True,
    ),
}

SOURCE_NAMES = tuple(name for name, entry in _BUILT_IN.items() if not entry.is_optional)
"""Sources whose assets are always shown."""


class _Registry(Mapping[str, SourceEntry]):
    """Our own sources, then those of installed packages, which are looked up when asked for."""

    def __getitem__(self, name: str) -> SourceEntry:
        return self._entries()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    @staticmethod
    def _entries() -> Mapping[str, SourceEntry]:
        others = {
            name: SourceEntry(plugin.path, plugin.description, is_optional=True)
            for name, plugin in plugins().items()
        }
        return {**_BUILT_IN, **others}


SOURCES = _Registry()


def shown_sources(settings: Settings) -> tuple[str, ...]:
    """Return the sources that an installation shows: all but optional ones without settings."""
    return tuple(
        name
        for name, entry in SOURCES.items()
        if not entry.is_optional
        or name in settings.vector_assets_sources
        or not settings.missing_credentials(name)
    )


def require_known(name: str, others: Iterable[str] = ()) -> None:
    """Raise `UsageError` when no source, nor any of the other namespaces, has that name."""
    known = (*SOURCES, *others)
    if name not in known:
        for plugin in broken_plugins():
            if plugin.name == name:
                raise UsageError(plugin.error)
        raise UsageError(f"unknown source {name!r}: choose from {', '.join(known)}")


TALKATIVE_LOGGERS = ("slack_sdk",)
"""Loggers that write whole answers at DEBUG, with private text and unredacted secrets."""


def source_class(name: str) -> type[Source]:
    """Return the class of a source; raises `UsageError` for an unknown name."""
    require_known(name)
    module, _, attribute = SOURCES[name].path.partition(":")
    source: type[Source] = getattr(import_module(module), attribute)
    return source


def build_source(name: str, settings: Settings, meter: Meter) -> Source:
    """Build a source by name.

    Raises:
        UsageError: No source has that name.
        SettingsError: A setting that it needs is missing.
    """
    for logger_name in TALKATIVE_LOGGERS:
        logging.getLogger(logger_name).setLevel(logging.INFO)
    return source_class(name).from_settings(settings, meter)
