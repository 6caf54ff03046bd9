"""Many channels side by side, so that what is newest comes first whichever channel it is in.

Each channel comes newest first; merged, a page of each waits, and so it is packed. Costs no request
more than one channel after the other.
"""

import heapq
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Any, TypeVar

Json = dict[str, Any]
Item = TypeVar("Item")

_PACKED_TOGETHER = 50
"""Messages that are unpacked at a time: some 50 KB."""


def packed(messages: list[Json]) -> Iterator[Json]:
    """Return an iterator that holds messages packed, a tenth of their size or less, until asked."""
    packs = [
        zlib.compress(json.dumps(messages[at : at + _PACKED_TOGETHER]).encode(), level=1)
        for at in range(0, len(messages), _PACKED_TOGETHER)
    ]
    return chain.from_iterable(json.loads(zlib.decompress(pack)) for pack in packs)


def newest_first(
    streams: Iterable[Iterator[Item]], place_of: Callable[[Item], date]
) -> Iterator[Item]:
    """Merge streams by day, the newest first; of a day, one stream after the other.

    Args:
        streams: Each newest first but for what comes late, which counts as old as what is before.
        place_of: Returns the day of an item.
    """
    begun = []
    for stream in streams:
        placed = _placed(stream, place_of)
        # The first is drawn at once, so that a page that was fetched ahead gets packed.
        if (first := next(placed, None)) is not None:
            begun.append(chain([first], placed))
    merged = heapq.merge(*begun, key=lambda one: one[0], reverse=True)
    return (item for _, item in merged)


def _placed(
    stream: Iterator[Item], place_of: Callable[[Item], date]
) -> Iterator[tuple[date, Item]]:
    place = date.max
    for item in stream:
        place = min(place, place_of(item))
        yield place, item
