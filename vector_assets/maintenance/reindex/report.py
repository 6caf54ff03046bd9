"""The plan and the report of a reindex."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from vector_assets.pipeline.report import DayStats
from vector_assets.sources.items import DocumentFailure

Way = Literal["stored text", "sources"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a reindex of the live index will take; nothing without a difference.

    Tokens come from a sample; dollars are at list price.
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

    Damaged documents lacked chunks; `vector-assets sync` of their days mends them. Documents that
    no source shows any more are gone: they are left behind. `examined` says how both generations
    answered the same questions; empty when they could not be compared.
    """

    difference: str
    way: Way = "stored text"
    wanted: int = 0
    stats: DayStats = field(default_factory=DayStats)
    requests: dict[str, int] = field(default_factory=dict)
    failures: list[DocumentFailure] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    examined: str = ""
    is_switched: bool = False
    seconds: float = 0.0


OnProgress = Callable[[str, ReindexReport], None]
"""Called with the source that is worked on, and the report so far."""
