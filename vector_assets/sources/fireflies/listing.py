"""List all meetings of a window in the fewest requests; an incomplete list raises."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import ContractError, UnavailableError
from vector_assets.sources.fireflies.client import FirefliesApi
from vector_assets.sources.fireflies.sections import Transcript

PAGE_TRANSCRIPTS = 50
"""Largest page (docs.fireflies.ai, "transcripts" query, 2026-11)."""

SLICE = timedelta(days=30)
"""First slice of a long window; a nightly run's window is one slice."""

WITHOUT_ID = "without-id-"

_EDGE = timedelta(days=1)
_WIDER = 4
_FEW_MEETINGS = PAGE_TRANSCRIPTS // 2


@dataclass(frozen=True, slots=True)
class Listed:
    """A meeting of a page.

    Attributes:
        transcript: The requested fields.
        error: The fields that the vendor could not return, in words; empty when it is complete.
    """

    transcript: Transcript
    error: str = ""


class Slices:
    """Splits a window into slices, newest first; after a slice with few meetings the next is wider.

    They meet at midnights, so that a checkpoint between them leaves no day half done. The first
    slice has no end when the window has none.
    """

    def __init__(self, window: Window, now: datetime) -> None:
        self._window = window
        self._now = now
        self._width = SLICE

    def __iter__(self) -> Iterator[Window]:
        end, last = self._window.end, self._window.end or self._now
        while (start := start_of_day((last - self._width).date())) > self._window.start:
            yield Window(start, end)
            end = last = start
        yield Window(self._window.start, end)

    def note(self, meeting_count: int) -> None:
        """Tell how many meetings the last slice held."""
        self._width *= _WIDER if meeting_count < _FEW_MEETINGS else 1


def meetings(api: FirefliesApi, query: str, window: Window) -> Iterator[Listed]:
    """Yield each meeting of a window once, newest first; there is no cursor and no total.

    Each page begins with the last meeting of the previous page. If it does not, a meeting was
    deleted meanwhile, and another one skipped. Both bounds of the vendor are inclusive, so a
    meeting that starts at the window's end is yielded too.

    Args:
        api: The GraphQL client.
        query: Takes `from`, `to`, `limit` and `skip`, and returns at least `id`.
        window: Bounds for the start of a meeting.

    Raises:
        ContractError: A page holds nothing new, so the listing would never end.
        UnavailableError: A meeting was deleted while the list was read.
    """
    asked: dict[str, Any] = {"from": text_of_instant(window.start), "limit": PAGE_TRANSCRIPTS}
    if window.end is not None:
        asked["to"] = text_of_instant(window.end)
    seen: set[str] = set()
    skip = 0
    while True:
        page, broken = api.ask_list("transcripts", query, {**asked, "skip": skip})
        fresh = [
            (place, transcript)
            for place, transcript in enumerate(page)
            if id_of(transcript) not in seen
        ]
        if seen and len(fresh) == len(page):
            raise UnavailableError(
                "fireflies transcripts", "a meeting was deleted while the list was read"
            )
        is_last = len(page) < PAGE_TRANSCRIPTS
        if not fresh and not is_last:
            raise ContractError(
                "fireflies transcripts", f"with {skip} skipped what it had", "other meetings"
            )
        seen.update(id_of(transcript) for _, transcript in fresh)
        skip += len(page) - 1
        # Free each transcript once it is yielded: a page of long meetings is tens of megabytes.
        page.clear()
        fresh.reverse()
        while fresh:
            place, transcript = fresh.pop()
            yield Listed(transcript, broken.get(place, ""))
        if is_last:
            return


def is_beyond(began: datetime, part: Window) -> bool:
    """Tell whether a meeting belongs to the part beside this one, as the vendor counts both ends.

    What is further away was not asked for: then its date is odd, and its part unknown.
    """
    if began in part:
        return False
    return began >= part.start - _EDGE and (part.end is None or began <= part.end + _EDGE)


def id_of(transcript: Transcript) -> str:
    """Return the id of a meeting; one that its date gives when it has none, so that it is named."""
    identity = transcript.get("id")
    if identity and isinstance(identity, str | int) and not isinstance(identity, bool):
        return str(identity)
    began = began_at(transcript)
    return f"{WITHOUT_ID}{began:%Y-%m-%dT%H:%M}" if began else WITHOUT_ID


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

    `date` is in epoch milliseconds, or ISO text in some answers.
    """
    date = transcript.get("date")
    if isinstance(date, bool):
        return None
    try:
        if isinstance(date, str) and not date.replace(".", "", 1).isdigit():
            instant = datetime.fromisoformat(date)
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        return datetime.fromtimestamp(float(date or "") / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def text_of_instant(instant: datetime) -> str:
    """Return an instant in the format of the vendor's `DateTime`: `2026-03-01T00:00:00.000Z`."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"
