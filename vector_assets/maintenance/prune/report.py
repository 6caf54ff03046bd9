"""The report of a prune, for the command line, Dagster and alerts."""

from dataclasses import dataclass, field

from vector_assets.sources.base import Missing


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why documents that the source does not show were left in the index.

    The subject is a source, project, channel or database; the reason says what was seen and
    expected.
    """

    subject: str
    reason: str
    advice: str
    documents: int


@dataclass(slots=True)
class PruneReport:
    """What a prune of one source saw and did; updated while it runs.

    Attributes:
        judged_documents: Documents of the window in the index that are old enough to be judged.
        too_new_documents: Documents of the window that the listing may not show yet.
        moved_documents: Documents that are not listed and exist when asked for by id.
        kept_documents: Missing documents that another run wrote before they could be deleted.
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
        """All refusals in one text; empty when nothing was refused."""
        return "; ".join(
            f"{refusal.subject} ({refusal.documents:,} documents): {refusal.reason}. "
            f"{refusal.advice}"
            for refusal in self.refusals
        )
