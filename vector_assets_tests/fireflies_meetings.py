"""Meetings in the vendor's shape, for tests of the source and of the sandbox."""

from datetime import timedelta
from typing import Any

from vector_assets.documents import Window
from vector_assets_tests.tiny import utc

Json = dict[str, Any]

PATH = "/fireflies/graphql"
FIRST = utc("2026-03-02T10:00")
EVER = Window(utc("2000-01-01"), None)


def sentence(
    second: float, text: str | None, speaker: str | None = "Ann Lee", number: int | None = 0
) -> Json:
    """Return what someone says at a second of the meeting."""
    return {
        "index": 0,
        "speaker_id": number,
        "speaker_name": speaker,
        "text": text,
        "start_time": second,
        "end_time": second + 1,
    }


def meeting(number: int, **fields: Any) -> Json:
    """Return a meeting that began so many hours after the first."""
    began = FIRST + timedelta(hours=number)
    return {
        "id": f"meeting-{number}",
        "title": f"Harbour sync {number}",
        "date": int(began.timestamp() * 1000),
        "duration": 30.5,
        "organizer_email": "ann@example.com",
        "participants": ["ann@example.com", "bo@example.com"],
        "transcript_url": f"https://fireflies.example.com/view/meeting-{number}",
        "sentences": [sentence(1, "Shall we begin?"), sentence(3, "Yes.", "Bo Ek", 1)],
        "summary": {
            "overview": "The crane is late.",
            "action_items": "Bo orders a crane.",
            "keywords": ["crane", "harbour"],
            "outline": None,
        },
        **fields,
    }
