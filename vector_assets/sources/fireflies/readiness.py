"""Whether a meeting can be read, and what is told of one that cannot: waiting, failing, given up.

A transcript appears hours after its meeting, and no query asks for what has become ready. So a
meeting is looked at again each night for as long as the overlap holds it, and by its name after.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from vector_assets.core.days import start_of_day
from vector_assets.sources.items import Deferred, DocumentFailure, Gap

OVERLAP = timedelta(hours=48)
"""How far a night looks back before its day."""

SUMMARY_PATIENCE = timedelta(hours=24)
"""A meeting that is older is read without its summary: half the overlap, so that a night is left
in which it is."""

TRANSCRIPT_PATIENCE = timedelta(days=14)
"""So long a meeting that has no transcript counts as failed, and the nights ask for it again; as
long as they catch up by default."""

# In `summary_status` while the vendor is still at it; the others are processed, failed, skipped.
_IN_THE_MAKING = {None, "default", "processing"}

Transcript = Mapping[str, Any]


def unready(transcript: Transcript, began: datetime, now: datetime) -> str | None:
    """Return what a meeting waits for, or None when nothing more is worth waiting for."""
    status = _info(transcript).get("summary_status")
    sentences = transcript.get("sentences")
    if transcript.get("is_live"):
        return "it is still going on"
    if sentences is None or (not sentences and status in _IN_THE_MAKING):
        return "it has no transcript yet"
    if status == "processing" and now - began < SUMMARY_PATIENCE:
        return "its summary is not ready"
    return None


def told_of(
    transcript: Transcript, began: datetime, now: datetime, *, document_id: str, reason: str
) -> Iterator[Deferred | DocumentFailure | Gap]:
    """Yield what a run says of a meeting that is not ready.

    While the next night's overlap holds it, it waits. After that it is a failure, which is named,
    and for which its day is asked again by the nights. It is given up, by name, when the vendor
    says that nothing will come, or when it has been waited for long enough.

    Args:
        transcript: As the vendor gives it.
        began: Its start.
        now: The present.
        document_id: Of the document that it would be.
        reason: What it waits for, from `unready`.
    """
    if is_seen_again(began, now):
        yield Deferred(document_id, reason, began.date())
        return
    hopeless = _hopeless(transcript)
    if hopeless or now - began > TRANSCRIPT_PATIENCE:
        yield Deferred(document_id, hopeless or reason, began.date())
        yield _gap(transcript, began, hopeless or f"{reason}, and was given up")
        return
    days = (now - began).days
    yield DocumentFailure(
        document_id,
        f"{reason}, {days} days after {name_of(transcript, began)}. The nights ask for it until "
        f"{began + TRANSCRIPT_PATIENCE:%Y-%m-%d}; look at it in Fireflies: "
        f"{transcript.get('transcript_url') or 'it has no link'}",
        began.date(),
    )


def missing_summary(transcript: Transcript, began: datetime, now: datetime) -> Gap | None:
    """Return the gap of a meeting that no night will see again while its summary is in the making.

    A summary comes minutes after its transcript, if it comes; the words are not held back for it.
    """
    if _info(transcript).get("summary_status") != "processing" or is_seen_again(began, now):
        return None
    return Gap(
        f"summary of {name_of(transcript, began)}",
        "Fireflies has not finished it; the transcript is in the index",
        _how_to_ask_again(began),
        is_private=True,
    )


def is_seen_again(began: datetime, now: datetime) -> bool:
    """Tell whether the next night, which is for today, reaches back to a meeting."""
    return began >= start_of_day(now.date()) - OVERLAP


def name_of(transcript: Transcript, began: datetime) -> str:
    """Return a meeting as a person names it: title and time."""
    return f"{transcript.get('title') or 'the meeting'} of {began:%Y-%m-%d %H:%M} UTC"


def _gap(transcript: Transcript, began: datetime, reason: str) -> Gap:
    return Gap(
        f"meeting {name_of(transcript, began)}",
        reason,
        f"Once it has a transcript: {_how_to_ask_again(began)}",
        is_private=True,
    )


def _how_to_ask_again(began: datetime) -> str:
    day = began.date()
    return f"`vector-assets sync fireflies --from {day} --to {day}`"


def _hopeless(transcript: Transcript) -> str:
    """Return why a meeting will never have a transcript; empty when that is not known.

    See docs.fireflies.ai/schema/meeting-info, 2026-11.
    """
    info = _info(transcript)
    if info.get("silent_meeting"):
        return "nothing was said in it"
    if info.get("fred_joined") is False:
        return "Fireflies' notetaker did not join it"
    if info.get("summary_status") in {"failed", "skipped"} and transcript.get("sentences") is None:
        return f"Fireflies could not transcribe it ({info['summary_status']})"
    return ""


def _info(transcript: Transcript) -> Mapping[str, Any]:
    return transcript.get("meeting_info") or {}
