"""A transcript to a Document: its title, its readers, and the fields that it is made of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vector_assets.core.documents import PUBLIC, RESTRICTED, Document
from vector_assets.sources.fireflies.sections import SUMMARY_FIELDS, sections_of, speakers_of

READER_FIELDS = """
    privacy host_email organizer_email participants workspace_users
    shared_with { email expires_at }
"""
"""Of a transcript: who may read it."""

FIELDS = f"""
    id title date duration is_live transcript_url
    {READER_FIELDS}
    meeting_attendees {{ displayName name email }}
    meeting_info {{ summary_status silent_meeting fred_joined }}
    channels {{ title }}
    summary {{
      meeting_type extended_sections {{ title content }} {" ".join(SUMMARY_FIELDS.values())}
    }}
    sentences {{ speaker_id speaker_name text raw_text start_time }}
"""
"""Of a transcript: everything that a document is made of, and nothing that a plan withholds, as it
does media and analytics."""

MAX_PARTICIPANTS = 100
"""How many stand in the metadata, which is stored with each chunk."""

_TEAM_PRIVACY = {"link", "teammates", "teammatesandparticipants"}
_READERS_BY_PRIVACY = {
    "owner": ("organizer_email", "host_email"),
    "participatingteammates": ("workspace_users",),
}
_READERS = ("organizer_email", "host_email", "participants")
"""Who may read: the team; else the people in these fields (docs.fireflies.ai, "MeetingPrivacy",
2026-11). A word that is not known here keeps the team out."""

Transcript = Mapping[str, Any]


def document_of(source: str, transcript: Transcript, began: datetime) -> Document:
    """Return a transcript as a document.

    Args:
        source: Name of the source.
        transcript: With all `FIELDS`.
        began: Its start.
    """
    channels = [one["title"] for one in transcript.get("channels") or [] if one.get("title")]
    return Document(
        source=source,
        native_id=str(transcript["id"]),
        title=transcript.get("title") or f"Meeting of {began:%Y-%m-%d %H:%M}",
        sections=tuple(sections_of(transcript, began)),
        url=transcript.get("transcript_url") or "",
        container=channels[0] if channels else "Meetings",
        authors=tuple(speakers_of(transcript)),
        created_at=began,
        updated_at=began,
        access=access_of(transcript),
        stamp=stamp_of(transcript),
        extra={
            "meeting_date": began.date().isoformat(),
            "duration_minutes": float(transcript.get("duration") or 0.0),
            "organizer_email": transcript.get("organizer_email") or "",
            "participants": _emails(transcript, ("participants",))[:MAX_PARTICIPANTS],
        },
    )


def stamp_of(transcript: Transcript) -> str:
    """Return what tells a meeting for its readers from the same for others (`Document.stamp`).

    Args:
        transcript: With `READER_FIELDS`.
    """
    return " ".join(access_of(transcript))


def access_of(transcript: Transcript) -> tuple[str, ...]:
    """Return who may read; with the word for a privacy spelled with underscores or without."""
    privacy = (transcript.get("privacy") or "").replace("_", "")
    if privacy in _TEAM_PRIVACY:
        return (PUBLIC,)
    readers = _emails(transcript, _READERS_BY_PRIVACY.get(privacy, _READERS))
    # What is shared for a time is not: the index would not forget it when that is over.
    shared = [
        one["email"].strip().lower()
        for one in transcript.get("shared_with") or []
        if one.get("email") and not one.get("expires_at")
    ]
    return (RESTRICTED, *dict.fromkeys([*readers, *shared]))


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
