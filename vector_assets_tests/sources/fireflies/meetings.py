"""Meetings in the vendor's shape, for tests of the source and of the sandbox."""

from datetime import datetime, timedelta
from typing import Any

from vector_assets.core.days import Window
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.fireflies.source import FirefliesSource
from vector_assets_tests.support.tiny import utc

Json = dict[str, Any]

PATH = "/fireflies/graphql"
FIRST = utc("2026-03-02T10:00")
EVER = Window(utc("2026-02-20"), utc("2026-03-20"))
"""A window around all meetings that are told by number alone; short enough for one slice."""


def source(sandbox: Sandbox, meter: Meter | None = None) -> FirefliesSource:
    """Return the source as the settings of a sandbox make it."""
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return FirefliesSource.from_settings(Settings.model_validate(values), meter or Meter())


def epoch_ms(instant: datetime) -> int:
    """Return an instant as the vendor writes a meeting's date."""
    return int(instant.timestamp() * 1000)


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
        "date": epoch_ms(began),
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
