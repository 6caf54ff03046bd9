"""Convert a transcript to sections: facts, summary, and the turns of its speakers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from vector_assets.core.documents import Section
from vector_assets.sources.fireflies.fields import (
    number_in,
    object_in,
    objects_in,
    text_in,
    texts_in,
    words_in,
)

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

_LONGEST_SECONDS = 7 * 24 * 3600.0
"""What is longer is not the second of a meeting."""

_WORD = re.compile(r"\w+")


def sections_of(transcript: Transcript, began: datetime) -> Iterator[Section]:
    """Yield the sections of a meeting; the first turn starts a new chunk."""
    yield Section(_facts(transcript, began), "Meeting")
    yield from _summary(transcript.get("summary"))
    for place, turn in enumerate(_turns(transcript)):
        yield turn if place else replace(turn, is_apart=True)


def _summary(summary: object) -> Iterator[Section]:
    if not isinstance(summary, Mapping):
        # As text or a list, where another program wrote it.
        summary = {"short_summary": summary}
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
            texts = list(filter(None, map(words_in, value)))
            value = ", ".join(texts) if name == "keywords" else "\n".join(f"- {t}" for t in texts)
        yield heading, words_in(value)
    sections = summary.get("extended_sections")
    for section in sections if isinstance(sections, list) else [sections]:
        content = section.get("content") if isinstance(section, Mapping) else section
        yield text_in(object_in(section).get("title")) or "More", words_in(content)


def speakers_of(transcript: Transcript) -> list[str]:
    """Return the speakers in order of appearance, without duplicates."""
    return list(dict.fromkeys(map(_speaker, _sentences(transcript))))


def _sentences(transcript: Transcript) -> list[Mapping[str, Any]]:
    """Return the sentences; one that is no object is the words that it has, of nobody known."""
    sentences = transcript.get("sentences")
    items = sentences if isinstance(sentences, list) else []
    said = (item for item in items if isinstance(item, Mapping) or words_in(item))
    return [
        item if isinstance(item, Mapping) else {"text": item, "start_time": "unknown"}
        for item in said
    ]


def _turns(transcript: Transcript) -> Iterator[Section]:
    """Yield the turns of the speakers, in sections of about a minute at the most."""
    turn: list[Mapping[str, Any]] = []
    url = text_in(transcript.get("transcript_url"))
    for sentence in filter(_text, _sentences(transcript)):
        if turn and not _is_same_turn(turn[0], sentence):
            yield _turn(turn, url)
            turn = []
        turn.append(sentence)
    if turn:
        yield _turn(turn, url)


def _is_same_turn(first: Mapping[str, Any], sentence: Mapping[str, Any]) -> bool:
    began, at = _start(first), _start(sentence)
    is_soon = began is None or at is None or at - began <= TURN_SECONDS
    return is_soon and _speaker(sentence) == _speaker(first)


def _turn(sentences: list[Mapping[str, Any]], url: str) -> Section:
    text, began = " ".join(map(_text, sentences)), _start(sentences[0])
    if began is None:
        return Section(text, _speaker(sentences[0]), url)
    second = int(began)
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    mark = "&" if "?" in url else "?"
    return Section(
        text,
        f"{_speaker(sentences[0])}, {clock}",
        f"{url}{mark}t={second}" if url else "",
    )


def _text(sentence: Mapping[str, Any]) -> str:
    return words_in(sentence.get("text")) or words_in(sentence.get("raw_text"))


def _facts(transcript: Transcript, began: datetime) -> str:
    lines = {
        "Date": f"{began:%Y-%m-%d %H:%M} UTC",
        "Duration": f"{number_in(transcript.get('duration')) or 0:.0f} minutes",
        "Organizer": text_in(transcript.get("organizer_email")),
        "Kind": text_in(object_in(transcript.get("summary")).get("meeting_type")),
        "Speakers": ", ".join(speakers_of(transcript)),
        "Invited": ", ".join(_attendees(transcript)),
        "Participants": ", ".join(texts_in(transcript.get("participants"))),
    }
    return "\n".join(f"- {label}: {value}" for label, value in lines.items() if value)


def _attendees(transcript: Transcript) -> list[str]:
    """Return the names of the invited people that the calendar knows."""
    names = (
        text_in(attendee.get("displayName")) or text_in(attendee.get("name"))
        for attendee in objects_in(transcript.get("meeting_attendees"))
    )
    return list(dict.fromkeys(filter(None, names)))


def _speaker(sentence: Mapping[str, Any]) -> str:
    name = text_in(sentence.get("speaker_name"))
    number = number_in(sentence.get("speaker_id"))
    return name or (f"Speaker {int(number) + 1}" if number is not None else "Speaker")


def _start(sentence: Mapping[str, Any]) -> float | None:
    """Return the second of the meeting; None when it cannot be told."""
    second = number_in(sentence.get("start_time") or 0.0)
    return second if second is not None and 0 <= second < _LONGEST_SECONDS else None
