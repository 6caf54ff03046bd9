"""All meetings of a window, complete or not at all, in the fewest requests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from vector_assets.core.days import Window
from vector_assets.core.errors import ContractError, UnavailableError
from vector_assets.sources.fireflies.client import FirefliesApi

PAGE_TRANSCRIPTS = 50
"""Most transcripts a page (docs.fireflies.ai, "transcripts" query, 2026-11)."""

SLICE = timedelta(days=30)
"""How much of a long window is listed at once to begin with; a night is a slice of its own."""

_WIDER = 4
_FEW_MEETINGS = PAGE_TRANSCRIPTS // 2

Transcript = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A meeting as a page shows it.

    Attributes:
        transcript: The fields that were asked for.
        error: What of it the vendor could not give; empty when it is whole.
    """

    transcript: Transcript
    error: str = ""


class Slices:
    """The parts of a window, newest first; after a part with few meetings the next is wider.

    The first one has no end where the window has none.
    """

    def __init__(self, window: Window, now: datetime) -> None:
        self._window = window
        self._now = now
        self._width = SLICE

    def __iter__(self) -> Iterator[Window]:
        end, last = self._window.end, self._window.end or self._now
        while (start := last - self._width) > self._window.start:
            yield Window(start, end)
            end = last = start
        yield Window(self._window.start, end)

    def note(self, meeting_count: int) -> None:
        """Say how many meetings the newest part held."""
        self._width *= _WIDER if meeting_count < _FEW_MEETINGS else 1


def meetings(api: FirefliesApi, query: str, window: Window) -> Iterator[Listed]:
    """Yield each meeting of a window once, newest first; there is no cursor and no total.

    Each page begins with the last meeting of the page before, as a proof that nothing lies between
    them: meetings that are added while we page move the others down, and come again; one that is
    deleted moves them up, past us. The vendor's bounds are both inclusive, and so what lies on the
    window's end comes too.

    Args:
        api: Asked.
        query: Takes `from`, `to`, `limit` and `skip`, and asks for `id` at least.
        window: By start of meeting.

    Raises:
        ContractError: A page brings nothing new, so that the listing would never end.
        UnavailableError: Meetings have moved past us.
    """
    asked: dict[str, Any] = {"from": text_of_instant(window.start), "limit": PAGE_TRANSCRIPTS}
    if window.end is not None:
        asked["to"] = text_of_instant(window.end)
    seen: set[str] = set()
    skip = 0
    while True:
        page, broken = api.ask_list("transcripts", query, {**asked, "skip": skip})
        fresh = [(place, one) for place, one in enumerate(page) if one["id"] not in seen]
        if seen and len(fresh) == len(page):
            raise UnavailableError(
                "fireflies transcripts", "a meeting was deleted while the list was read"
            )
        is_last = len(page) < PAGE_TRANSCRIPTS
        if not fresh and not is_last:
            raise ContractError(
                "fireflies transcripts", f"with {skip} skipped what it had", "other meetings"
            )
        seen.update(one["id"] for _, one in fresh)
        skip += len(page) - 1
        # Let go of each as it is taken: a page of long meetings is tens of megabytes.
        page.clear()
        fresh.reverse()
        while fresh:
            place, one = fresh.pop()
            yield Listed(one, broken.get(place, ""))
        if is_last:
            return


def page_count(starts: Sequence[datetime], window: Window, now: datetime) -> int:
    """Return how many pages a sync reads for meetings with these starts, slice by slice."""
    slices, pages = Slices(window, now), 0
    for part in slices:
        meeting_count = sum(start in part for start in starts)
        # Each page but the first repeats a meeting, and a full page is followed by another.
        pages += 1 + max(0, meeting_count - 1) // (PAGE_TRANSCRIPTS - 1)
        slices.note(meeting_count)
    return pages


def began_at(transcript: Transcript) -> datetime | None:
    """Return the UTC start of a meeting; None when it cannot be read.

    `date` is epoch milliseconds, or the ISO text that some answers hold.
    """
    date = transcript.get("date")
    try:
        if isinstance(date, str) and not date.replace(".", "", 1).isdigit():
            instant = datetime.fromisoformat(date)
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        return datetime.fromtimestamp(float(date or "") / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def text_of_instant(instant: datetime) -> str:
    """Return an instant as the vendor's `DateTime` reads it, such as `2026-03-01T00:00:00.000Z`."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"
