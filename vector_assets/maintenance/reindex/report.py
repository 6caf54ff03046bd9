"""What a reindex will take, and what it has done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from vector_assets.pipeline.report import DayStats
from vector_assets.sources.items import DocumentFailure

Way = Literal["stored text", "sources"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a reindex of the live index will take.

    Attributes:
        difference: What is another, in words; empty when nothing is, and nothing is to be done.
        way: Where the texts come from.
        tokens: To embed, from a sample of the texts.
        dollars: At list price; 0 for a model that costs nothing, or whose price is not known.
    """

    difference: str
    way: Way = "stored text"
    documents: int = 0
    chunks: int = 0
    tokens: int = 0
    dollars: float = 0.0


@dataclass(slots=True)
class ReindexReport:
    """What a reindex did; grows while it runs.

    Attributes:
        wanted: Documents that the live index held at the beginning.
        stats: Of what was written.
        failures: Documents that could not be brought over.
        damaged: Documents that lacked chunks; `vector-assets sync` of their days mends them.
        gone: Documents that no source shows any more, left behind.
        is_switched: Whether the new index is served now.
    """

    difference: str
    way: Way = "stored text"
    wanted: int = 0
    stats: DayStats = field(default_factory=DayStats)
    requests: dict[str, int] = field(default_factory=dict)
    failures: list[DocumentFailure] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    is_switched: bool = False
    seconds: float = 0.0


OnProgress = Callable[[str, ReindexReport], None]
"""Called with the source that is worked on, and the report so far."""
