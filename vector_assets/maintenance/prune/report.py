"""What a prune saw, did, and refused: the words that command line, Dagster and alerts share."""

from dataclasses import dataclass, field

from vector_assets.sources.base import Missing


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why documents that the source does not show were left in the index.

    Attributes:
        subject: What: a source, a project, a channel, a database.
        reason: What was seen, and what was wanted.
        advice: What to do next.
        documents: How many were left.
    """

    subject: str
    reason: str
    advice: str
    documents: int


@dataclass(slots=True)
class PruneReport:
    """What a prune of one source saw and did; grows while it goes on.

    Attributes:
        source: Which.
        is_dry_run: Whether it was only to look.
        listed_documents: What the source shows, from the oldest judged document to the present.
        judged_documents: What the index holds in the window, and old enough to be judged.
        too_new_documents: Held in the window, and newer than the source's listing can be trusted.
        moved_documents: Not in the listing, and there when they were asked for by id.
        missing: Gone at the source, and not refused.
        deleted: Ids of the documents that were deleted.
        kept_documents: Gone, and written by another run before they could be deleted.
        refusals: What was left in the index, and why.
        requests: By endpoint.
        seconds: Wall clock.
    """

    source: str
    is_dry_run: bool = False
    listed_documents: int = 0
    judged_documents: int = 0
    too_new_documents: int = 0
    moved_documents: int = 0
    missing: list[Missing] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    kept_documents: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def refusals_in_words(self) -> str:
        """What was refused, for a person who has not seen it; empty when nothing was."""
        return "; ".join(
            f"{one.subject} ({one.documents:,} documents): {one.reason}. {one.advice}"
            for one in self.refusals
        )
