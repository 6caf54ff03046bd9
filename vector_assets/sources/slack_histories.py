"""The histories of channels, several opened at the same time, and handed over in order."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

from vector_assets.concurrency import mapped_in_order
from vector_assets.documents import Known
from vector_assets.sources.slack_listing import Listing

HISTORIES_IN_FLIGHT = 6
"""Channels whose first page is fetched ahead at the same time; each holds 999 messages at most."""

ASKED_IDS = 1_000
"""Most documents of one question to the index."""


def opened(
    listings: Iterable[Listing],
    known: Known,
    *,
    held: Mapping[str, datetime] | None = None,
    asked: AbstractSet[str] = frozenset(),
) -> Iterator[Listing]:
    """Yield listings as they are given, opened, and told what the index holds of their days.

    Args:
        listings: Of several channels.
        known: Asked once for the days of as many channels as fit a question, before these are read.
        held: What it said already, for the days in `asked`.
        asked: Days, by document id, that it need not be asked about.
    """
    told = _with_days(listings, known, held or {}, asked)
    return mapped_in_order(Listing.open, told, in_flight=HISTORIES_IN_FLIGHT)


def _with_days(
    listings: Iterable[Listing],
    known: Known,
    held: Mapping[str, datetime],
    asked: AbstractSet[str],
) -> Iterator[Listing]:
    group: list[Listing] = []
    ids: list[str] = []
    for listing in listings:
        own = [one for one in listing.day_ids() if one not in asked]
        if group and len(ids) + len(own) > ASKED_IDS:
            yield from _told(group, ids, known, held)
            group, ids = [], []
        group.append(listing)
        ids += own
    yield from _told(group, ids, known, held)


def _told(
    group: list[Listing], ids: list[str], known: Known, held: Mapping[str, datetime]
) -> Iterator[Listing]:
    if ids:
        held = {**held, **known.updated_at(ids)}
    for listing in group:
        listing.held_days = held
        yield listing
