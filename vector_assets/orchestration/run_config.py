"""What a person may ask of a run in the launchpad; nothing, by default."""

import dagster as dg
from pydantic import Field

from vector_assets.core.errors import UsageError
from vector_assets.stores.base import VectorStore

MAX_NAMED_CONTAINERS = 20


class DocumentsConfig(dg.Config):
    """How the days of a run are read."""

    rescan: bool = Field(
        default=False,
        description=(
            "Read unchanged documents of these days again, for edits and deletions that no listing "
            "of the vendor shows. What is the same is not embedded again."
        ),
    )


class PruneConfig(dg.Config):
    """What a prune may delete; the options of `vector-assets prune`."""

    dry_run: bool = Field(
        default=False,
        description="Only list what would be deleted, as an observation of the asset.",
    )
    container: list[str] = Field(
        default=[],
        description="Only these projects, channels, databases or folders; all when empty.",
    )
    max_share: float = Field(
        default=0.2,
        description=(
            "Largest share of the documents that may be deleted, from 0 to 1; 1 believes whatever "
            "the source shows. PRUNE_MAX_SHARE by default."
        ),
    )

    @property
    def is_partial(self) -> bool:
        """Whether the run leaves some documents as they are, whatever it finds."""
        return self.dry_run or bool(self.container)

    def require_share(self) -> None:
        """Raise `UsageError` for a share that is none."""
        if not 0 <= self.max_share <= 1:
            raise UsageError(
                f"max_share is {self.max_share:g}: write a share from 0 to 1, such as 0.5 for half "
                f"of the documents, or 1 to allow all"
            )

    def require_containers(self, store: VectorStore, namespace: str) -> None:
        """Raise `UsageError` for a container of which the index holds no document."""
        if not self.container:
            return
        held = {head.container for _, head in store.documents(namespace)}
        unknown = sorted(set(self.container) - held)
        if unknown:
            names = sorted(name for name in held if name)
            known = ", ".join(names[:MAX_NAMED_CONTAINERS]) or "none"
            more = ", ..." if len(names) > MAX_NAMED_CONTAINERS else ""
            raise UsageError(
                f"container names {unknown[0]!r}, of which the index holds no document of "
                f"{namespace}: choose from {known}{more}"
            )


def prune_config(default_share: float) -> type[PruneConfig]:
    """Return the configuration of a prune, with the share of the settings for the launchpad."""
    field = PruneConfig.model_fields["max_share"]

    class PruneOptions(PruneConfig):
        max_share: float = Field(default=default_share, description=field.description)

    return PruneOptions
