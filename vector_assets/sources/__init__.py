"""API to Document: one module a vendor, none knows another; the registry names them all.

Keep out: embedding, stores, Dagster. A new source is one module and one line below.
"""

import logging
from importlib import import_module

from vector_assets.errors import UsageError
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Source

# Named by path so that a run loads its own vendor's SDK and no other.
SOURCE_CLASSES = {
    "jira": "vector_assets.sources.jira:JiraSource",
    "slack": "vector_assets.sources.slack:SlackSource",
    "notion": "vector_assets.sources.notion:NotionSource",
    "fireflies": "vector_assets.sources.fireflies:FirefliesSource",
}

SOURCE_NAMES = tuple(SOURCE_CLASSES)

TALKATIVE_LOGGERS = ("slack_sdk",)
"""Those that write whole answers at DEBUG: private words, and secrets that are not redacted yet."""


def source_class(name: str) -> type[Source]:
    """Return the class of a source.

    Raises:
        UsageError: No source has that name.
    """
    if name not in SOURCE_CLASSES:
        raise UsageError(f"unknown source {name!r}: choose from {', '.join(SOURCE_NAMES)}")
    module, _, attribute = SOURCE_CLASSES[name].partition(":")
    found: type[Source] = getattr(import_module(module), attribute)
    return found


def build_source(name: str, settings: Settings, meter: Meter) -> Source:
    """Return a source by name, ready to be asked.

    Raises:
        UsageError: No source has that name.
        SettingsError: A setting that it needs is missing.
    """
    for logger_name in TALKATIVE_LOGGERS:
        logging.getLogger(logger_name).setLevel(logging.INFO)
    return source_class(name).from_settings(settings, meter)
