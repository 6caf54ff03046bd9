"""Fireflies: a meeting's transcript is a document.

One GraphQL query brings a page of 50 meetings with everything in them, because free plans allow 50
requests a day (docs.fireflies.ai, "Limits", 2026-11).
Keep out: how a transcript reads as sections (`fireflies_sections.py`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import requests

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
from vector_assets.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Source
from vector_assets.sources.fireflies_sections import sections_of, speakers_of
from vector_assets.sources.http_retries import MAX_WAIT_SECONDS, TIMEOUT_SECONDS, prepare

PAGE_TRANSCRIPTS = 50
"""Most transcripts a page (docs.fireflies.ai, "transcripts" query, 2026-11)."""

_TEAM_PRIVACY = {"link", "teammates", "teammatesandparticipants"}
"""Values of `privacy` with which the whole team may read; any other is for participants."""

_ENDPOINT = re.compile(r"/(graphql)")
_UNFINISHED = {"processing"}
_FIX_KEY = "Set FIREFLIES_API_KEY to a key from app.fireflies.ai, Settings, Developer Settings."

_TRANSCRIPTS = """
query Transcripts($from: DateTime, $to: DateTime, $limit: Int, $skip: Int) {
  transcripts(fromDate: $from, toDate: $to, limit: $limit, skip: $skip) {
    id title date duration privacy is_live transcript_url
    host_email organizer_email participants
    meeting_info { summary_status }
    channels { title }
    summary { overview action_items keywords outline }
    sentences { index speaker_id speaker_name text start_time }
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
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"
        prepare(self._session, self.name, meter, endpoint_of=_ENDPOINT)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(settings.fireflies_url, settings.fireflies_api_key.get_secret_value(), meter)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the meetings that began in the window, newest first.

        One whose transcript is not ready is `Deferred`: the overlap brings it back.
        """
        began = datetime.now(UTC)
        for page in self._pages(window):
            for transcript in page:
                if _instant(transcript["date"]) in window and not transcript.get("is_live"):
                    yield self._item(transcript)
        yield Checkpoint(window.end or began)

    def newest(self) -> datetime | None:
        """Return the start of the newest meeting; one request."""
        found = self._ask(_NEWEST)["transcripts"]
        return _instant(found[0]["date"]) if found else None

    def check(self) -> str:
        """Ask who we are."""
        user = self._ask(_USER)["user"] or {}
        return f"{self._url} as {user.get('name') or user.get('email')}"

    def _pages(self, window: Window) -> Iterator[list[Transcript]]:
        """Yield pages until a short one; the vendor has no cursor and no total.

        Raises:
            ContractError: A page comes twice, so that the listing would never end.
        """
        seen: set[str] = set()
        skip = 0
        while True:
            page = self._ask(
                _TRANSCRIPTS,
                {
                    "from": window.start.isoformat(),
                    "to": window.end.isoformat() if window.end else None,
                    "limit": PAGE_TRANSCRIPTS,
                    "skip": skip,
                },
            )["transcripts"]
            if page and page[0]["id"] in seen:
                raise ContractError(
                    "fireflies transcripts", "a page for the second time", "the next page"
                )
            # A meeting that is added while we page moves the others down by one.
            yield [one for one in page if one["id"] not in seen]
            seen.update(one["id"] for one in page)
            skip += len(page)
            if len(page) < PAGE_TRANSCRIPTS:
                return

    def _item(self, transcript: Transcript) -> Document | Deferred | DocumentFailure:
        identity = f"{self.name}:{transcript['id']}"
        day = _instant(transcript["date"]).date()
        status = (transcript.get("meeting_info") or {}).get("summary_status")
        if transcript.get("sentences") is None or status in _UNFINISHED:
            return Deferred(identity, "its transcript is not ready", day)
        try:
            return self._document(transcript)
        except (KeyError, TypeError, ValueError) as error:
            return DocumentFailure(
                identity, f"it cannot be read: {type(error).__name__} {error}", day
            )

    def _document(self, transcript: Transcript) -> Document:
        began = _instant(transcript["date"])
        participants = [one for one in transcript.get("participants") or [] if one]
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
                "participants": participants[:100],
            },
        )

    def _ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a query's data.

        Raises:
            VectorAssetsError: The vendor answers with errors, be it beside data, or not at all.
        """
        body = {"query": query, "variables": variables or {}}
        try:
            response = self._session.post(self._url, json=body, timeout=TIMEOUT_SECONDS)
            answer = json.loads(response.content)
        except (requests.RequestException, ValueError) as error:
            raise UnavailableError(
                self.name, type(error).__name__, "Check FIREFLIES_URL."
            ) from error
        errors = answer.get("errors")
        if errors or not answer.get("data"):
            raise _translated(response.status_code, errors or [])
        data: dict[str, Any] = answer["data"]
        return data


def _access(transcript: Transcript) -> tuple[str, ...]:
    if transcript.get("privacy") in _TEAM_PRIVACY:
        return (PUBLIC,)
    people = [
        transcript.get("organizer_email"),
        transcript.get("host_email"),
        *(transcript.get("participants") or []),
    ]
    return (RESTRICTED, *dict.fromkeys(one.lower() for one in people if one))


def _instant(date: float | str) -> datetime:
    """Return the UTC instant of epoch milliseconds, or of the ISO text that some answers hold."""
    if isinstance(date, str) and not date.replace(".", "", 1).isdigit():
        return datetime.fromisoformat(date).astimezone(UTC)
    return datetime.fromtimestamp(float(date) / 1000, UTC)


def _translated(status: int, errors: list[Mapping[str, Any]]) -> VectorAssetsError:
    codes = ", ".join(_code(error) for error in errors) or f"HTTP {status}"
    if "auth_failed" in codes or status in (401, 403):
        return CredentialsError("fireflies", codes, _FIX_KEY)
    if "too_many_requests" in codes or status == 429:
        return RateLimitedError("fireflies", waited_seconds=0, ceiling_seconds=MAX_WAIT_SECONDS)
    return UnavailableError("fireflies", codes)


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions") or {}
    return str(error.get("code") or extensions.get("code") or error.get("message"))
