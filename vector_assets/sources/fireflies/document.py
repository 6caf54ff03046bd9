"""Convert a transcript to a Document: its fields, title and readers."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from vector_assets.core.documents import PUBLIC, RESTRICTED, Document
from vector_assets.sources.fireflies.fields import number_in, objects_in, text_in, words_in
from vector_assets.sources.fireflies.sections import (
    SUMMARY_FIELDS,
    Transcript,
    sections_of,
    speakers_of,
)

READER_FIELDS = """
    privacy host_email organizer_email participants fireflies_users workspace_users
    meeting_attendees { email }
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

_ADDRESS = re.compile(r"[^\s,;:<>\"'()]+@[^\s,;:<>\"'()]+")

_NOTE_TAKER = "fred@fireflies.ai"

_TEAM_PRIVACY = {"link", "teammates", "teammatesandparticipants"}
_READERS_BY_PRIVACY = {
    "owner": ("organizer_email", "host_email"),
    "participatingteammates": ("workspace_users",),
}
_READERS = (
    "organizer_email",
    "host_email",
    "participants",
    "meeting_attendees",
    "fireflies_users",
)
"""Who may read: the whole team, or the people in these fields, who were invited or took part
(docs.fireflies.ai, "MeetingPrivacy" and "Transcript", 2026-11). An unknown privacy counts as the
most restricted: not the team."""


def document_of(source: str, transcript: Transcript, began: datetime) -> Document:
    """Return a transcript with all `FIELDS`, of a meeting that began then, as a document."""
    title = " ".join(words_in(transcript.get("title")).split())
    titles = (text_in(channel.get("title")) for channel in objects_in(transcript.get("channels")))
    return Document(
        source=source,
        native_id=str(transcript["id"]),
        title=title or f"Meeting of {began:%Y-%m-%d %H:%M}",
        sections=tuple(sections_of(transcript, began)),
        url=text_in(transcript.get("transcript_url")),
        container=next(filter(None, titles), "Meetings"),
        authors=tuple(speakers_of(transcript)),
        created_at=began,
        updated_at=began,
        access=access_of(transcript),
        stamp=stamp_of(transcript),
        extra={
            "meeting_date": began.date().isoformat(),
            "duration_minutes": number_in(transcript.get("duration")) or 0.0,
            "organizer_email": text_in(transcript.get("organizer_email")),
            "participants": _emails(transcript, ("participants",))[:MAX_PARTICIPANTS],
        },
    )


def stamp_of(transcript: Transcript) -> str:
    """Return the `Document.stamp` of `READER_FIELDS`; it changes with the readers."""
    return " ".join(access_of(transcript))


def access_of(transcript: Transcript) -> tuple[str, ...]:
    """Return who may read it; `privacy` comes with underscores or without."""
    privacy = text_in(transcript.get("privacy")).replace("_", "")
    if privacy in _TEAM_PRIVACY:
        return (PUBLIC,)
    readers = _emails(transcript, _READERS_BY_PRIVACY.get(privacy, _READERS))
    # A share that expires does not count: the index would not notice when it is over.
    shares = objects_in(transcript.get("shared_with"))
    shared = _addresses(share.get("email") for share in shares if not share.get("expires_at"))
    return (RESTRICTED, *dict.fromkeys([*readers, *shared]))


def is_without_readers(access: tuple[str, ...]) -> bool:
    """Tell whether no person may find a document; the note-taker is none."""
    return set(access) <= {RESTRICTED, _NOTE_TAKER}


def _emails(transcript: Transcript, names: tuple[str, ...]) -> list[str]:
    """Return the addresses in some fields, in lower case, without duplicates.

    A field holds an address or a list; its items are objects with an `email`, or texts of several
    addresses, perhaps with names.
    """
    values: list[object] = []
    for name in names:
        value = transcript.get(name)
        for item in value if isinstance(value, list) else [value]:
            values.append(item.get("email") if isinstance(item, Mapping) else item)
    return _addresses(values)


def _addresses(values: Iterable[object]) -> list[str]:
    texts = "\n".join(value for value in values if isinstance(value, str))
    return list(dict.fromkeys(map(str.lower, _ADDRESS.findall(texts))))
