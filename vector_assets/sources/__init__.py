"""API to Document: one module a vendor, none knows another; the registry names them all.

Keep out: embedding, stores, Dagster. A new source is one module, one line below, and its settings.
"""

import logging
from dataclasses import dataclass
from importlib import import_module

from vector_assets.core.errors import UsageError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.base import Source


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A line of the registry.

    Attributes:
        path: Of the class, as text, so that a run loads its own vendor's SDK and no other.
        description: What a document is and which day it belongs to; shown with the asset.
        is_optional: Whether it stays out of sight until somebody sets it up; the assets of the
            others are always there, on or off.
    """

    path: str
    description: str
    is_optional: bool = False


SOURCES = {
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
"""Every source there is; its settings are in `core/settings.py`."""

SOURCE_NAMES = tuple(name for name, entry in SOURCES.items() if not entry.is_optional)
"""Those whose assets are always there; `shown_sources` for those of an installation."""


def shown_sources(settings: Settings) -> tuple[str, ...]:
    """Return the sources that an installation shows: all but the optional ones nobody set up."""
    return tuple(
        name
        for name, entry in SOURCES.items()
        if not entry.is_optional
        or name in settings.vector_assets_sources
        or not settings.missing_credentials(name)
    )


def require_known(name: str) -> None:
    """Check that there is a source of that name.

    Raises:
        UsageError: There is none.
    """
    if name not in SOURCES:
        raise UsageError(f"unknown source {name!r}: choose from {', '.join(SOURCES)}")


TALKATIVE_LOGGERS = ("slack_sdk",)
"""Those that write whole answers at DEBUG: private words, and secrets that are not redacted yet."""


def source_class(name: str) -> type[Source]:
    """Return the class of a source.

    Raises:
        UsageError: No source has that name.
    """
    require_known(name)
    module, _, attribute = SOURCES[name].path.partition(":")
    source: type[Source] = getattr(import_module(module), attribute)
    return source


def build_source(name: str, settings: Settings, meter: Meter) -> Source:
    """Return a source by name, ready to be asked.

    Raises:
        UsageError: No source has that name.
        SettingsError: A setting that it needs is missing.
    """
    for logger_name in TALKATIVE_LOGGERS:
        logging.getLogger(logger_name).setLevel(logging.INFO)
    return source_class(name).from_settings(settings, meter)
