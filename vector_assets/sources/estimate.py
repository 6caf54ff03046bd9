"""What a source holds of a window, told by few requests, and what reading all of it would ask."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import sqrt
from random import Random
from statistics import fmean, stdev

from vector_assets.core.days import Window
from vector_assets.sources.items import Quarantined, SourceItem

UNKNOWN_SPREAD = 1.0
"""Of what was seen in one place alone: it may be twice as much, or nothing."""

FEWEST_PICKED = 8
"""Documents that are read whatever their number: fewer tell nothing of the others."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a source holds of a window.

    Attributes:
        documents: How many it would yield; unchanged ones are among them.
        basis: How that is known, in words: `counted`, or of which part it was estimated.
        sample: Documents of the window, picked at random; reading it is part of the survey, and
            what has become nothing is left out or yielded as anything but a document.
        sample_count: How many documents were picked.
        spread: Two standard errors of `documents` as a share of it; 0 where it was counted.
        requests: That reading the window makes, by endpoint as the meter counts them, without
            those that each document costs.
        scaled: Endpoints whose requests for the sample stand for as many of each document.
        ignored: Endpoints whose requests for the sample no sync makes, or `requests` has.
    """

    documents: float
    basis: str
    sample: Iterator[SourceItem]
    sample_count: int
    spread: float = 0.0
    requests: Mapping[str, float] = field(default_factory=dict)
    scaled: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


def picked(identities: Iterable[str], most: int) -> list[str]:
    """Return some ids at random, the same each time, so that two estimates agree.

    Args:
        identities: Of all documents.
        most: How many at the most; of few documents it is a quarter, so that a survey stays
            cheaper than what it tells of.
    """
    everything = sorted(set(identities))
    count = min(len(everything), most, max(FEWEST_PICKED, len(everything) // 4))
    return Random(0).sample(everything, count)  # noqa: S311 - a sample


def as_if_failed(document_ids: Iterable[str], window: Window) -> list[Quarantined]:
    """Return documents as `Source.retry` takes them: it reads by id what it is given."""
    now = datetime.now(UTC)
    return [Quarantined(one, "", None, window, now, now) for one in document_ids]


def spread_of_mean(values: Sequence[float], *, out_of: float) -> float:
    """Return two standard errors of a mean, as a share of it.

    Args:
        values: Of those that were picked.
        out_of: How many there are; nothing is left open when all were picked.
    """
    if not values or len(values) >= out_of:
        return 0.0
    mean = fmean(values)
    if len(values) < 2 or not mean:
        return UNKNOWN_SPREAD
    unseen = sqrt(max(0.0, 1 - len(values) / out_of))
    return 2 * stdev(values) / sqrt(len(values)) / abs(mean) * unseen
