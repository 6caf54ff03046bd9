"""Convert a transcript to a Document: its fields, title and readers."""

from datetime import datetime

from vector_assets.core.documents import PUBLIC, RESTRICTED, Document
from vector_assets.sources.fireflies.sections import (
    SUMMARY_FIELDS,
    Transcript,
    sections_of,
    speakers_of,
)

READER_FIELDS = """
    privacy host_email organizer_email participants workspace_users
    shared_with { email expires_at }
"""
"""The fields of a transcript that tell who may read it."""

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
"""The fields of a transcript that a document needs; no plan withholds them."""

MAX_PARTICIPANTS = 100
"""Most participants in the metadata, which is stored with each chunk."""

_TEAM_PRIVACY = {"link", "teammates", "teammatesandparticipants"}
_READERS_BY_PRIVACY = {
    "owner": ("organizer_email", "host_email"),
    "participatingteammates": ("workspace_users",),
}
_READERS = ("organizer_email", "host_email", "participants")
"""Who may read: the whole team, or the people in these fields (docs.fireflies.ai, "MeetingPrivacy",
2026-11). An unknown privacy counts as the most restricted: not the team."""


def document_of(source: str, transcript: Transcript, began: datetime) -> Document:
    """Return a transcript with all `FIELDS`, of a meeting that began then, as a document."""
    channels = [
        channel["title"] for channel in transcript.get("channels") or [] if channel.get("title")
    ]
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
    """Return the `Document.stamp` of `READER_FIELDS`; it changes with the readers."""
    return " ".join(access_of(transcript))


def access_of(transcript: Transcript) -> tuple[str, ...]:
    """Return who may read it; `privacy` comes with underscores or without."""
    privacy = (transcript.get("privacy") or "").replace("_", "")
    if privacy in _TEAM_PRIVACY:
        return (PUBLIC,)
    readers = _emails(transcript, _READERS_BY_PRIVACY.get(privacy, _READERS))
    # A share that expires does not count: the index would not notice when it is over.
    shared = [
        share["email"].strip().lower()
        for share in transcript.get("shared_with") or []
        if share.get("email") and not share.get("expires_at")
    ]
    return (RESTRICTED, *dict.fromkeys([*readers, *shared]))


def _emails(transcript: Transcript, names: tuple[str, ...]) -> list[str]:
    """Return the addresses in some fields, in lower case, without duplicates.

    A field holds an address or a list, whose items may be comma-separated.
    """
    addresses: dict[str, None] = {}
    for name in names:
        value = transcript.get(name) or []
        for item in [value] if isinstance(value, str) else value:
            addresses |= dict.fromkeys(part.strip().lower() for part in (item or "").split(","))
    return [address for address in addresses if address]
