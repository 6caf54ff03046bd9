"""How many meetings a window holds, told by looking at places of their list; there is no total.

Each look brings a few whole meetings, which are the sample. Listing all would cost as many of a
day's requests as reading all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from vector_assets.core.days import Window
from vector_assets.core.errors import ContractError
from vector_assets.sources.estimate import picked
from vector_assets.sources.fireflies.client import FirefliesApi
from vector_assets.sources.fireflies.listing import (
    PAGE_TRANSCRIPTS,
    Listed,
    Slices,
    began_at,
    text_of_instant,
)

LOOKED_AT = 5
"""Meetings that a look brings."""

NARROW_ENOUGH = 0.1
"""How far apart the bounds of the count may stay, as a share of it."""

FEWEST_LOOKS = 2

_A_LOOK_FOR = 2 * (PAGE_TRANSCRIPTS - 1)
"""Meetings: a look more for each of two pages that a sync would list."""

MAX_LOOKS = 30
"""Twenty of which double the place, to fifty million meetings."""

_WHOLE_PAGES = 3


@dataclass(slots=True)
class MeetingCount:
    """What was found; grows as `looked` goes on.

    Attributes:
        least: Meetings that there are at least.
        most: At the most; None while nobody knows.
        began: When the meetings at some places began, by place from the newest.
        sample: Meetings of all places.
    """

    least: int = 0
    most: int | None = None
    began: dict[int, datetime] = field(default_factory=dict)
    sample: list[Listed] = field(default_factory=list)

    @property
    def is_narrow(self) -> bool:
        """Whether another look would tell little."""
        return self.most is not None and self.most - self.least <= NARROW_ENOUGH * self.least

    @property
    def middle(self) -> float:
        """The number that is meant when one is wanted."""
        return (self.least + (self.most or self.least)) / 2

    @property
    def spread(self) -> float:
        """How far the bounds are from the middle, as a share of it."""
        return (self.middle - self.least) / self.middle if self.middle else 0.0

    @property
    def next_place(self) -> int:
        """Where to look next."""
        if self.most is None:
            return 2 * self.least
        return max(self.least, (self.least + self.most) // 2)

    def note(self, place: int, wanted: int, found: list[Listed]) -> None:
        """Take in what was found from a place on."""
        if found:
            self.least = max(self.least, place + len(found))
        if len(found) < wanted:
            self.most = place + len(found)
        for offset, one in enumerate(found):
            if (began := began_at(one.transcript)) is not None:
                self.began[place + offset] = began

    def pages(self, window: Window, now: datetime) -> int:
        """Return how many pages a sync lists, slice by slice."""
        listing, pages = Slices(window, now), 0
        for part in listing:
            count = sum(self._share_of(place, part) for place in sorted(self.began))
            pages += max(1, ceil((count - 1) / (PAGE_TRANSCRIPTS - 1)))
            listing.note(round(count))
        return pages

    def _share_of(self, place: int, part: Window) -> float:
        """Return for how many meetings one stands that was seen, if it began in a part."""
        if self.began[place] not in part:
            return 0.0
        later = min((one for one in self.began if one > place), default=self.middle)
        return max(1.0, later - place)


def counted(api: FirefliesApi, query: str, window: Window) -> MeetingCount:
    """Return how many meetings a window holds: a request for up to 49, and some ten for a thousand.

    Args:
        api: Asked.
        query: Takes `from`, `to`, `limit` and `skip`, and asks for whole meetings.
        window: By start of meeting.

    Raises:
        ContractError: The list seems to have no end: `skip` is not what it says.
    """
    asked = {"from": text_of_instant(window.start)}
    if window.end is not None:
        asked["to"] = text_of_instant(window.end)

    def look(place: int, wanted: int) -> Iterator[Listed]:
        about = {**asked, "limit": wanted, "skip": place}
        page, broken = api.ask_list("transcripts", query, about)
        return (Listed(one, broken.get(at, "")) for at, one in enumerate(page))

    count = MeetingCount()
    first = list(look(0, PAGE_TRANSCRIPTS))
    count.note(0, PAGE_TRANSCRIPTS, first)
    looks = 0
    while count.least and not count.is_narrow:
        if count.most is not None and looks >= max(FEWEST_LOOKS, count.least // _A_LOOK_FOR):
            break
        looks += 1
        if looks > MAX_LOOKS:
            raise ContractError(
                "fireflies transcripts", "more at every place", "an end of the list"
            )
        place = count.next_place
        found = list(look(place, LOOKED_AT))
        count.note(place, LOOKED_AT, found)
        count.sample += found
    if count.middle > _WHOLE_PAGES * PAGE_TRANSCRIPTS:
        kept = set(picked((str(one.transcript["id"]) for one in first), LOOKED_AT))
        first = [one for one in first if str(one.transcript["id"]) in kept]
    count.sample = [*first, *count.sample]
    return count
