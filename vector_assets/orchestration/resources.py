"""Sources and embedder as Dagster resources: they make connections when a run asks, not before.

`Settings` travels as a nested resource and not as configuration, so that no secret can be read in
the UI.
"""

import dagster as dg

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import embedder_of
from vector_assets.sources import build_source
from vector_assets.sources.base import Source


class SourcesResource(dg.ConfigurableResource[None]):
    """The places where documents come from."""

    settings: dg.ResourceDependency[Settings]

    def connect(self, name: str, meter: Meter) -> Source:
        """Return a source by name.

        Raises:
            SettingsError: Its credentials are missing; names the variables.
        """
        self.settings.require_credentials(name)
        return build_source(name, self.settings, meter)


class EmbedderResource(dg.ConfigurableResource[None]):
    """The model that makes vectors of text."""

    settings: dg.ResourceDependency[Settings]

    def connect(self, meter: Meter) -> Embedder:
        """Return the embedder that the settings name.

        Raises:
            SettingsError: The provider cannot be used; says what is missing.
        """
        return build_embedder(self.settings, meter)

    def connect_spec(self, spec: IndexSpec, meter: Meter) -> Embedder:
        """Return the embedder that an index was filled with.

        Raises:
            SettingsError: Its provider is no longer set up.
        """
        return embedder_of(spec, self.settings, meter)
