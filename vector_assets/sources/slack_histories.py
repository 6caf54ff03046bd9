"""The histories of channels, several opened at the same time, and handed over in order.

Keep out: what a history holds (`slack_listing.py`), and what becomes of it (`slack_reading.py`).
"""

from collections.abc import Iterable, Iterator

from vector_assets.concurrency import mapped_in_order
from vector_assets.documents import Known
from vector_assets.sources.slack_listing import Listing

HISTORIES_IN_FLIGHT = 6
"""Channels whose first page is fetched ahead at the same time; each holds 999 messages at most."""

_ASKED_IDS = 1_000


def opened(listings: Iterable[Listing], known: Known) -> Iterator[Listing]:
    """Yield listings as they are given, opened, and told what the index holds of their days.

    Args:
        listings: Of several channels.
        known: Asked once for the days of as many channels as fit a question, before these are read.
    """
    return mapped_in_order(Listing.open, _with_days(listings, known), in_flight=HISTORIES_IN_FLIGHT)


def _with_days(listings: Iterable[Listing], known: Known) -> Iterator[Listing]:
    group: list[Listing] = []
    ids: list[str] = []
    for listing in listings:
        own = listing.day_ids()
        if group and len(ids) + len(own) > _ASKED_IDS:
            yield from _told(group, ids, known)
            group, ids = [], []
        group.append(listing)
        ids += own
    yield from _told(group, ids, known)


def _told(group: list[Listing], ids: list[str], known: Known) -> Iterator[Listing]:
    held = known.updated_at(ids) if ids else {}
    for listing in group:
        listing.held_days = held
        yield listing
