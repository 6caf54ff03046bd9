"""Names of one index in Dagster, so that several fit into one project."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Naming:
    """Names of one index's assets, jobs, schedules, sensors, resources, pools and runs.

    Attributes:
        key_prefix: Of every asset key.
        prefix: Of the name of everything that is not an asset.
        group: Of the documents assets and the canary.
        prune_group: Of the prune assets.
        upstream_group: Of the external assets that the documents come from.
        owners: Of every asset.
        tags: Of every asset.
    """

    key_prefix: tuple[str, ...] = ()
    prefix: str = ""
    group: str = "vector_index"
    prune_group: str = "prune"
    upstream_group: str = "upstream"
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> str:
        """Return the name of a job, schedule, sensor, resource, pool or run key."""
        return f"{self.prefix}{name}"

    def path(self, asset: str) -> tuple[str, ...]:
        """Return the path of an asset's key."""
        return (*self.key_prefix, asset)

    @property
    def sources(self) -> str:
        """The key of the resource that connects to sources."""
        return self.named("sources")

    @property
    def embedder(self) -> str:
        """The key of the resource that embeds."""
        return self.named("embedder")

    @property
    def vector_index(self) -> str:
        """The key of the IO manager."""
        return self.named("vector_index")


APPLICATION = Naming()
"""The names of the application's own code location."""
