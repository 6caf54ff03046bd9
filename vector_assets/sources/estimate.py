"""Estimates how much a source holds of a window, and how many requests reading it takes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import sqrt
from random import Random
from statistics import fmean, stdev

from vector_assets.core.days import Window
from vector_assets.sources.items import Quarantined, SourceItem

UNKNOWN_SPREAD = 1.0
"""The spread of a single value: the true one may be twice as much, or zero."""

MIN_SAMPLED = 8
"""Smallest sample, unless there are fewer documents."""


@dataclass(frozen=True, slots=True)
class WindowEstimate:
    """What a source holds of a window.

    Attributes:
        documents: How many documents it would yield, unchanged ones included.
        basis: How that number was found, in words: `counted`, or which part was counted.
        sample: Some documents of the window; iterating it reads them. A document that no longer
            exists is left out, or yielded as an item that is no document.
        sample_count: How many documents were picked.
        spread: Two standard errors of `documents` as a share of it; 0 where it was counted.
        requests: Requests of a sync of the window, by endpoint as the meter counts them, without
            those that are made for each document.
        scaled: Endpoints whose requests grow with the documents: those made for the sample are
            scaled up.
        ignored: Endpoints whose requests for the sample do not count: a sync does not make them,
            or `requests` includes them.
    """

    documents: float
    basis: str
    sample: Iterator[SourceItem]
    sample_count: int
    spread: float = 0.0
    requests: Mapping[str, float] = field(default_factory=dict)
    scaled: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


def in_random_order(ids: Iterable[str], count: int | None = None) -> list[str]:
    """Return ids, all by default, in an order that is the same each time: estimates agree."""
    distinct_ids = sorted(set(ids))
    count = len(distinct_ids) if count is None else count
    return Random(0).sample(distinct_ids, count)  # noqa: S311 - a sample


def picked(document_ids: Iterable[str], most: int) -> list[str]:
    """Return a random sample, the same each time: a quarter of few documents, at most `most`."""
    distinct_ids = set(document_ids)
    count = min(len(distinct_ids), most, max(MIN_SAMPLED, len(distinct_ids) // 4))
    return in_random_order(distinct_ids, count)


def as_if_failed(
    document_ids: Iterable[str], window: Window, day: date | None = None
) -> list[Quarantined]:
    """Return documents in the form that `Source.retry` takes, which reads them by id.

    Args:
        document_ids: Of one source.
        window: That they lie in.
        day: UTC day of their last activity, by which a source without ids to ask for reads them.
    """
    now = datetime.now(UTC)
    return [Quarantined(document_id, "", day, window, now, now) for document_id in document_ids]


def spread_of_mean(values: Sequence[float], *, out_of: float) -> float:
    """Return two standard errors of a mean, as a share of it.

    Args:
        values: The values of the sample.
        out_of: The size of the population; the spread is zero when the sample is all of it.
    """
    if not values or len(values) >= out_of:
        return 0.0
    mean = fmean(values)
    if len(values) < 2 or not mean:
        return UNKNOWN_SPREAD
    unseen = sqrt(max(0.0, 1 - len(values) / out_of))
    return 2 * stdev(values) / sqrt(len(values)) / abs(mean) * unseen
