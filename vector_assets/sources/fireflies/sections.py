"""Convert a transcript to sections: facts, summary, and the turns of its speakers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from vector_assets.core.documents import Section

TURN_SECONDS = 60.0
"""Longest section of one speaker, so that a link leads close to what was said."""

SUMMARY_FIELDS = {
    "Overview": "overview",
    "Action items": "action_items",
    "Outline": "outline",
    "Notes": "notes",
    "In detail": "shorthand_bullet",
    "Key points": "bullet_gist",
    "Summary": "short_summary",
    "Short overview": "short_overview",
    "Gist": "gist",
    "Chapters": "transcript_chapters",
    "Topics": "topics_discussed",
    "Keywords": "keywords",
}
"""Fields of a summary by heading, the richest first; a field without a new word is left out."""

Transcript = Mapping[str, Any]

_WORD = re.compile(r"\w+")


def sections_of(transcript: Transcript, began: datetime) -> Iterator[Section]:
    """Yield the sections of a meeting; the first turn starts a new chunk."""
    yield Section(_facts(transcript, began), "Meeting")
    yield from _summary(transcript.get("summary") or {})
    for place, turn in enumerate(_turns(transcript)):
        yield turn if place else replace(turn, is_apart=True)


def _summary(summary: Mapping[str, Any]) -> Iterator[Section]:
    seen_words: set[str] = set()
    for heading, text in _summary_fields(summary):
        words = set(_WORD.findall(text.lower()))
        if words - seen_words:
            yield Section(text, heading)
            seen_words |= words


def _summary_fields(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield heading and text of each field; keywords as a line, other lists as bullets."""
    for heading, name in SUMMARY_FIELDS.items():
        value = summary.get(name)
        if isinstance(value, list):
            texts = list(filter(None, value))
            value = ", ".join(texts) if name == "keywords" else "\n".join(f"- {t}" for t in texts)
        yield heading, value or ""
    for section in summary.get("extended_sections") or []:
        yield section.get("title") or "More", section.get("content") or ""


def speakers_of(transcript: Transcript) -> list[str]:
    """Return the speakers in order of appearance, without duplicates."""
    return list(dict.fromkeys(map(_speaker, transcript.get("sentences") or [])))


def _turns(transcript: Transcript) -> Iterator[Section]:
    """Yield the turns of the speakers, in sections of about a minute at the most."""
    turn: list[Mapping[str, Any]] = []
    url = transcript.get("transcript_url") or ""
    for sentence in filter(_text, transcript.get("sentences") or []):
        is_same_turn = (
            turn
            and _speaker(sentence) == _speaker(turn[0])
            and _start(sentence) - _start(turn[0]) <= TURN_SECONDS
        )
        if turn and not is_same_turn:
            yield _turn(turn, url)
            turn = []
        turn.append(sentence)
    if turn:
        yield _turn(turn, url)


def _turn(sentences: list[Mapping[str, Any]], url: str) -> Section:
    second = int(_start(sentences[0]))
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    mark = "&" if "?" in url else "?"
    return Section(
        " ".join(map(_text, sentences)),
        f"{_speaker(sentences[0])}, {clock}",
        f"{url}{mark}t={second}" if url else "",
    )


def _text(sentence: Mapping[str, Any]) -> str:
    return (sentence.get("text") or sentence.get("raw_text") or "").strip()


def _facts(transcript: Transcript, began: datetime) -> str:
    lines = {
        "Date": f"{began:%Y-%m-%d %H:%M} UTC",
        "Duration": f"{float(transcript.get('duration') or 0):.0f} minutes",
        "Organizer": transcript.get("organizer_email") or "",
        "Kind": (transcript.get("summary") or {}).get("meeting_type") or "",
        "Speakers": ", ".join(speakers_of(transcript)),
        "Invited": ", ".join(_attendees(transcript)),
        "Participants": ", ".join(filter(None, transcript.get("participants") or [])),
    }
    return "\n".join(f"- {label}: {value}" for label, value in lines.items() if value)


def _attendees(transcript: Transcript) -> list[str]:
    """Return the names of the invited people that the calendar knows."""
    names = (
        (attendee.get("displayName") or attendee.get("name") or "").strip()
        for attendee in transcript.get("meeting_attendees") or []
    )
    return list(dict.fromkeys(filter(None, names)))


def _speaker(sentence: Mapping[str, Any]) -> str:
    name = (sentence.get("speaker_name") or "").strip()
    number = sentence.get("speaker_id")
    return name or (f"Speaker {int(number) + 1}" if number is not None else "Speaker")


def _start(sentence: Mapping[str, Any]) -> float:
    return float(sentence.get("start_time") or 0.0)
