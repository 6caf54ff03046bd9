"""Sources and embedder as Dagster resources, and what several steps share.

Connections are made when a run asks for them. `Settings` is a nested resource and not
configuration, so that the UI shows no secrets.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import dagster as dg

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index.generations import Index
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import WriteTarget, embedder_of, write_target
from vector_assets.sources import build_source
from vector_assets.sources.base import Source

PROGRESS_SECONDS = 10.0
"""Between two progress lines in a run's log; each is a row in Dagster's database."""

_Report = TypeVar("_Report")


class SourcesResource(dg.ConfigurableResource[None]):
    """The sources of documents."""

    settings: dg.ResourceDependency[Settings]

    def connect(self, name: str, meter: Meter) -> Source:
        """Return a source by name."""
        self.settings.require_credentials(name)
        return build_source(name, self.settings, meter)


class EmbedderResource(dg.ConfigurableResource[None]):
    """The model that turns text into vectors."""

    settings: dg.ResourceDependency[Settings]

    def connect(self, meter: Meter) -> Embedder:
        """Return the embedder of the settings."""
        return build_embedder(self.settings, meter)

    def connect_spec(self, spec: IndexSpec, meter: Meter) -> Embedder:
        """Return the embedder that filled an index."""
        return embedder_of(spec, self.settings, meter)


def open_index(index: Index, embedder: EmbedderResource, meter: Meter) -> WriteTarget:
    """Open the live index for a step; the index decides which embedder is used."""
    return write_target(
        index, embedder.connect(meter), lambda spec: embedder.connect_spec(spec, meter)
    )


def progress_log(
    log: dg.DagsterLogManager, line_of: Callable[[_Report], str]
) -> Callable[[_Report], None]:
    """Return a callback that logs a growing report, at most every `PROGRESS_SECONDS`."""
    logged_at = time.monotonic()

    def on_progress(report: _Report) -> None:
        nonlocal logged_at
        if time.monotonic() - logged_at >= PROGRESS_SECONDS:
            logged_at = time.monotonic()
            log.info(line_of(report))

    return on_progress
