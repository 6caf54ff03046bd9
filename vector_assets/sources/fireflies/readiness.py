"""Tell whether a transcript is ready, and what a run yields while it is not.

A transcript appears hours after its meeting, and no query lists those that have become ready. So
each nightly run asks again for the meetings of its overlap, and for older ones by id.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from vector_assets.core.days import start_of_day
from vector_assets.sources.fireflies.fields import object_in, text_in
from vector_assets.sources.fireflies.sections import Transcript
from vector_assets.sources.items import Deferred, DocumentFailure, Gap

OVERLAP = timedelta(hours=48)
"""How far a window begins before its day."""

SUMMARY_PATIENCE = timedelta(hours=24)
"""Older meetings are read without their summary: half the overlap leaves one nightly run for it."""

TRANSCRIPT_PATIENCE = timedelta(days=14)
"""How long a meeting without a transcript counts as failed and is retried by each nightly run."""

# Values of `summary_status` before it is done; the others are processed, failed and skipped.
_UNFINISHED = {"", "default", "processing"}


def unready(transcript: Transcript, began: datetime, now: datetime) -> str | None:
    """Return what a meeting waits for, or None when it can be read."""
    status = _status(transcript)
    sentences = transcript.get("sentences")
    if transcript.get("is_live") is True:
        return "it is still going on"
    if sentences is None or (not sentences and status in _UNFINISHED):
        return "it has no transcript yet"
    if status == "processing" and now - began < SUMMARY_PATIENCE:
        return "its summary is not ready"
    return None


def told_of(
    transcript: Transcript, began: datetime, now: datetime, *, document_id: str, reason: str
) -> Iterator[Deferred | DocumentFailure | Gap]:
    """Yield the items for a meeting that is not ready.

    It is deferred while the next nightly run's overlap holds it, and then a failure, so that its
    day is retried. When the vendor says that no transcript will come, or after
    `TRANSCRIPT_PATIENCE`, it is given up with a gap.

    Args:
        transcript: The vendor's object.
        began: Start of the meeting, UTC.
        now: Current time, UTC.
        document_id: Of the document that it would become.
        reason: What it waits for, from `unready`.
    """
    if is_seen_again(began, now):
        yield Deferred(document_id, reason, began.date())
        return
    final = _why_it_never_comes(transcript)
    if final or now - began > TRANSCRIPT_PATIENCE:
        yield Deferred(document_id, final or reason, began.date())
        yield _gap(transcript, began, final or f"{reason}, and was given up")
        return
    days = (now - began).days
    yield DocumentFailure(
        document_id,
        # Everyone may read a failure: neither the title nor the link, which may hold it.
        f"{reason}, {days} days after it began at {began:%Y-%m-%d %H:%M} UTC. The nightly runs ask "
        f"for it until {began + TRANSCRIPT_PATIENCE:%Y-%m-%d}; look at it in Fireflies",
        began.date(),
    )


def why_unread(
    transcript: Transcript, began: datetime, now: datetime, reason: str
) -> tuple[str, str]:
    """Return why a meeting that is not ready is not read, and what to do about it.

    Args:
        transcript: The vendor's object.
        began: Start of the meeting, UTC.
        now: Current time, UTC.
        reason: What it waits for, from `unready`.
    """
    final = _why_it_never_comes(transcript)
    if not final and (is_seen_again(began, now) or now - began <= TRANSCRIPT_PATIENCE):
        return reason, "The nightly runs ask for it again."
    return final or reason, f"Once it has a transcript: {_how_to_ask_again(began)}"


def missing_summary(transcript: Transcript, began: datetime, now: datetime) -> Gap | None:
    """Return a gap for a meeting without its summary that no nightly run will read again.

    A summary comes minutes after its transcript, if at all, so the transcript does not wait for it.
    """
    if _status(transcript) != "processing" or is_seen_again(began, now):
        return None
    return Gap(
        f"summary of {name_of(transcript, began)}",
        "Fireflies has not finished it; the transcript is in the index",
        _how_to_ask_again(began),
        is_private=True,
    )


def is_seen_again(began: datetime, now: datetime) -> bool:
    """Tell whether the overlap of the next nightly run, which is for today, holds a meeting."""
    return began >= start_of_day(now.date()) - OVERLAP


def name_of(transcript: Transcript, began: datetime) -> str:
    """Return what a gap calls a meeting; its title is for those who may read it."""
    return f"meeting {transcript.get('id')} of {began:%Y-%m-%d %H:%M} UTC"


def _gap(transcript: Transcript, began: datetime, reason: str) -> Gap:
    return Gap(
        name_of(transcript, began),
        reason,
        f"Once it has a transcript: {_how_to_ask_again(began)}",
        is_private=True,
    )


def _how_to_ask_again(began: datetime) -> str:
    day = began.date()
    return f"`vector-assets sync fireflies --from {day} --to {day}`"


def _why_it_never_comes(transcript: Transcript) -> str:
    """Return why a meeting will never have a transcript; empty when that is not known.

    See docs.fireflies.ai/schema/meeting-info, 2026-11.
    """
    info = _info(transcript)
    if info.get("silent_meeting") is True:
        return "nothing was said in it"
    if info.get("fred_joined") is False:
        return "Fireflies' notetaker did not join it"
    status = _status(transcript)
    if status in {"failed", "skipped"} and transcript.get("sentences") is None:
        return f"Fireflies could not transcribe it ({status})"
    return ""


def _status(transcript: Transcript) -> str:
    return text_in(_info(transcript).get("summary_status"))


def _info(transcript: Transcript) -> Mapping[str, Any]:
    return object_in(transcript.get("meeting_info"))
