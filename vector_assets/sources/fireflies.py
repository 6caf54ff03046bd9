"""Fireflies: a meeting's transcript is a document.

One GraphQL query brings a page of 50 meetings with everything in them, because free plans allow 50
requests a day (docs.fireflies.ai, "Limits", 2026-11).
Keep out: how a transcript reads as sections (`fireflies_sections.py`), and how the vendor words its
errors (`fireflies_api.py`).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from vector_assets.documents import (
    PUBLIC,
    RESTRICTED,
    Checkpoint,
    Deferred,
    Document,
    DocumentFailure,
    SourceItem,
    Window,
)
from vector_assets.errors import ContractError, UnavailableError
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Reach, Source
from vector_assets.sources.fireflies_api import FirefliesApi
from vector_assets.sources.fireflies_sections import sections_of, speakers_of

PAGE_TRANSCRIPTS = 50
"""Most transcripts a page (docs.fireflies.ai, "transcripts" query, 2026-11)."""

_TEAM_PRIVACY = {"link", "teammates", "teammatesandparticipants"}
_READERS_BY_PRIVACY = {
    "owner": ("organizer_email", "host_email"),
    "participatingteammates": ("workspace_users",),
}
_READERS = ("organizer_email", "host_email", "participants")
"""Who may read: the team; else the people in these fields (docs.fireflies.ai, "MeetingPrivacy",
2026-11). A word that is not known here keeps the team out."""

MAX_PARTICIPANTS = 100
"""How many stand in the metadata, which is stored with each chunk."""

SUMMARY_PATIENCE = timedelta(hours=24)
"""A meeting that is older is read without its summary: half the overlap, so that a night is left
in which it is."""

_TRANSCRIPTS = """
query Transcripts($from: DateTime, $to: DateTime, $limit: Int, $skip: Int) {
  transcripts(fromDate: $from, toDate: $to, limit: $limit, skip: $skip) {
    id title date duration privacy is_live transcript_url
    host_email organizer_email participants workspace_users
    meeting_info { summary_status }
    channels { title }
    summary { overview action_items keywords outline }
    sentences { speaker_id speaker_name text start_time }
  }
}
"""
_NEWEST = "query Newest { transcripts(limit: 1) { date } }"
_USER = "query Me { user { name email } }"

Transcript = Mapping[str, Any]


class FirefliesSource(Source):
    """Meetings, by their start: the vendor knows no time of change.

    Args:
        url: Of the GraphQL endpoint.
        key: API key.
        meter: Of the run.
    """

    name: ClassVar[str] = "fireflies"
    overlap: ClassVar[timedelta] = timedelta(hours=48)

    def __init__(self, url: str, key: str, meter: Meter) -> None:
        self._api = FirefliesApi(url, key, meter)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(settings.fireflies_url, settings.fireflies_api_key.get_secret_value(), meter)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the meetings that began in the window, newest first.

        One that goes on, or whose transcript is not ready, is `Deferred`: the overlap brings it
        back.
        """
        listed_from = datetime.now(UTC)
        for page in self._pages(window):
            for transcript in page:
                item = self._item(transcript, window)
                if item is not None:
                    yield item
        yield Checkpoint(window.end or listed_from)

    def newest(self) -> datetime | None:
        """Return the start of the newest meeting; one request."""
        found = self._api.ask("transcripts", _NEWEST)["transcripts"]
        return _instant(found[0]["date"]) if found else None

    def check(self) -> Reach:
        """Ask who we are."""
        user = self._api.ask("user", _USER)["user"] or {}
        return Reach(f"{self._api.url} as {user.get('name') or user.get('email')}")

    def _pages(self, window: Window) -> Iterator[list[Transcript]]:
        """Yield what is new in each page until a short one; there is no cursor and no total.

        Each page begins with the last meeting of the page before, as a proof that nothing lies
        between them: meetings that are added while we page move the others down, and come again;
        one that is deleted moves them up, past us.

        Raises:
            ContractError: A page brings nothing new, so that the listing would never end.
            UnavailableError: Meetings have moved past us.
        """
        asked: dict[str, Any] = {"from": _text_of(window.start), "limit": PAGE_TRANSCRIPTS}
        if window.end is not None:
            asked["to"] = _text_of(window.end)
        seen: set[str] = set()
        skip = 0
        while True:
            page = self._page({**asked, "skip": skip})
            fresh = [one for one in page if one["id"] not in seen]
            if seen and len(fresh) == len(page):
                raise UnavailableError(
                    "fireflies transcripts", "a meeting was deleted while the list was read"
                )
            is_last = len(page) < PAGE_TRANSCRIPTS
            if not fresh and not is_last:
                raise ContractError(
                    "fireflies transcripts", f"with {skip} skipped what it had", "other meetings"
                )
            yield fresh
            if is_last:
                return
            seen.update(one["id"] for one in fresh)
            skip += len(page) - 1

    def _page(self, variables: Mapping[str, Any]) -> list[Transcript]:
        page: list[Transcript] | None = self._api.ask("transcripts", _TRANSCRIPTS, variables)[
            "transcripts"
        ]
        if page is None:
            raise ContractError("fireflies transcripts", "null without an error", "a list")
        return page

    def _item(
        self, transcript: Transcript, window: Window
    ) -> Document | Deferred | DocumentFailure | None:
        """Return what a meeting is for the run; None when it began outside the window."""
        identity = f"{self.name}:{transcript['id']}"
        try:
            began = _instant(transcript["date"])
        except (TypeError, ValueError):
            return DocumentFailure(identity, f"its date cannot be read: {transcript['date']!r}")
        if began not in window:
            return None
        if (reason := _unready(transcript, began)) is not None:
            return Deferred(identity, reason, began.date())
        try:
            return self._document(transcript, began)
        except (KeyError, TypeError, ValueError) as error:
            return DocumentFailure(
                identity, f"it cannot be read: {type(error).__name__} {error}", began.date()
            )

    def _document(self, transcript: Transcript, began: datetime) -> Document:
        channels = [one["title"] for one in transcript.get("channels") or [] if one.get("title")]
        return Document(
            source=self.name,
            native_id=str(transcript["id"]),
            title=transcript.get("title") or f"Meeting of {began:%Y-%m-%d %H:%M}",
            sections=tuple(sections_of(transcript, began)),
            url=transcript.get("transcript_url") or "",
            container=channels[0] if channels else "Meetings",
            authors=tuple(speakers_of(transcript)),
            created_at=began,
            updated_at=began,
            access=_access(transcript),
            extra={
                "meeting_date": began.date().isoformat(),
                "duration_minutes": float(transcript.get("duration") or 0.0),
                "organizer_email": transcript.get("organizer_email") or "",
                "participants": _emails(transcript, ("participants",))[:MAX_PARTICIPANTS],
            },
        )


def _unready(transcript: Transcript, began: datetime) -> str | None:
    """Return what a meeting waits for, or None when nothing more is worth waiting for."""
    status = (transcript.get("meeting_info") or {}).get("summary_status")
    if transcript.get("is_live"):
        return "it is still going on"
    if transcript.get("sentences") is None:
        return "it has no transcript yet"
    if status == "processing" and datetime.now(UTC) - began < SUMMARY_PATIENCE:
        return "its summary is not ready"
    return None


def _access(transcript: Transcript) -> tuple[str, ...]:
    privacy = transcript.get("privacy")
    if privacy in _TEAM_PRIVACY:
        return (PUBLIC,)
    return (RESTRICTED, *_emails(transcript, _READERS_BY_PRIVACY.get(privacy or "", _READERS)))


def _emails(transcript: Transcript, names: tuple[str, ...]) -> list[str]:
    """Return the addresses in some fields, in lower case, without doubles.

    A field holds one address or a list; an item of a list may itself be a comma list.
    """
    found: dict[str, None] = {}
    for name in names:
        value = transcript.get(name) or []
        for item in [value] if isinstance(value, str) else value:
            found |= dict.fromkeys(part.strip().lower() for part in (item or "").split(","))
    return [address for address in found if address]


def _instant(date: float | str) -> datetime:
    """Return the UTC instant of epoch milliseconds, or of the ISO text that some answers hold."""
    if isinstance(date, str) and not date.replace(".", "", 1).isdigit():
        return datetime.fromisoformat(date).astimezone(UTC)
    return datetime.fromtimestamp(float(date) / 1000, UTC)


def _text_of(instant: datetime) -> str:
    """Return an instant as the vendor's `DateTime` reads it, such as `2026-03-01T00:00:00.000Z`."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"
