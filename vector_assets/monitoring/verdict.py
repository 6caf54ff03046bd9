"""Judges how fresh a source is, and why."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from vector_assets.core.days import complete_days, is_to_come
from vector_assets.core.settings import Settings
from vector_assets.index.hosts import HostNamespace
from vector_assets.monitoring.changes import Changes
from vector_assets.monitoring.cron import overdue
from vector_assets.monitoring.dagster_state.state import AssetHistory
from vector_assets.monitoring.loading import Loading
from vector_assets.monitoring.probes import SourceProbe
from vector_assets.monitoring.volume import UNUSUAL_SHARE, USUAL_AT_LEAST, usual_documents
from vector_assets.sources import source_class

LATE_AFTER = timedelta(hours=30)
"""A nightly index may be a day behind, plus the time of a run; beyond this it is late."""

STALE_AFTER = timedelta(hours=54)
"""Beyond two days plus the time of a run, it is stale."""

RUN_TAKES = timedelta(hours=2)
"""How long after its tick a day may still be running."""


class Verdict(StrEnum):
    """How fresh the index is, from best to worst."""

    FRESH = "fresh"
    LATE = "late"
    UNKNOWN = "unknown"
    STALE = "stale"


_WORST_FIRST = (Verdict.STALE, Verdict.UNKNOWN, Verdict.LATE, Verdict.FRESH)


def judge(
    judgements: Sequence[tuple[Verdict, str]], loading: Loading | None
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the worst verdict and all reasons; what is being loaded is late at worst."""
    verdict = worst({verdict for verdict, _ in judgements})
    reasons = tuple(reason for _, reason in judgements if reason)
    if loading is None or verdict is Verdict.FRESH:
        return verdict, reasons
    # A stale source needs somebody; one that is being loaded needs time.
    return (Verdict.LATE if verdict is Verdict.STALE else verdict), (str(loading), *reasons)


def worst(verdicts: Collection[Verdict]) -> Verdict:
    """Return the worst of at least one verdict."""
    return next(verdict for verdict in _WORST_FIRST if verdict in verdicts)


def hours(span: timedelta) -> str:
    """Return a span of time in words: `40 min`, `7 h`, `12 days`."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} days"


def judge_lag(probe: SourceProbe, loading: Loading | None, now: datetime) -> tuple[Verdict, str]:
    """Judge how far the index is behind its source."""
    if probe.index_error:
        return Verdict.UNKNOWN, f"the index cannot be read: {probe.index_error}"
    if probe.source_error:
        return Verdict.UNKNOWN, f"the source cannot be read: {probe.source_error}"
    if probe.newest_at_source is None:
        if probe.watermark is None:
            advice = source_class(probe.source).when_nothing_is_listed
            return Verdict.UNKNOWN, f"the source lists nothing for these credentials: {advice}"
        return Verdict.LATE, (
            f"the source lists nothing, though the index holds {probe.vectors:,} vectors of it: "
            f"check whether the credentials have lost their access"
        )
    if probe.watermark is None:
        advice = "" if loading else ": run `vector-assets sync`"
        return Verdict.STALE, f"the index has no documents of it{advice}"
    if is_to_come(probe.watermark, now):
        return Verdict.UNKNOWN, (
            f"its newest document in the index is of {probe.watermark:%Y-%m-%d}, which is to come, "
            f"so nobody can tell how fresh the others are: mend that date at the source"
        )
    behind = probe.newest_at_source - probe.watermark
    if behind <= LATE_AFTER:
        return Verdict.FRESH, ""
    verdict = Verdict.STALE if behind > STALE_AFTER else Verdict.LATE
    return verdict, f"the index is {hours(behind)} behind the source"


def judge_missing_days(
    missing: tuple[date, ...], settings: Settings, now: datetime
) -> tuple[Verdict, str]:
    """Judge the days that are due and not materialized."""
    if not missing:
        return Verdict.FRESH, ""
    long_overdue = overdue(settings.nightly_cron, missing, now, RUN_TAKES + timedelta(days=1))
    reason = f"not materialized: {', '.join(map(str, missing))}"
    return (Verdict.STALE if long_overdue else Verdict.LATE), reason


def judge_changes(changes: Changes, loading: Loading | None, now: datetime) -> tuple[Verdict, str]:
    """Judge how long changes that events brought have waited."""
    # A run that loads days reads the same documents, and changes wait for its end.
    reason = "" if loading else changes.late_reason(now)
    return (Verdict.LATE if reason else Verdict.FRESH), reason


def judge_volume(history: AssetHistory) -> tuple[Verdict, str]:
    """Judge whether the newest day has far fewer documents than usual."""
    usual = usual_documents(history)
    if usual is None or usual < USUAL_AT_LEAST:
        return Verdict.FRESH, ""
    newest = history.recent[-1]
    if newest.documents > usual * UNUSUAL_SHARE:
        return Verdict.FRESH, ""
    return Verdict.LATE, (
        f"{newest.day} has {newest.documents} documents, where about {usual:.0f} are usual"
    )


def missing_days(history: AssetHistory, settings: Settings, now: datetime) -> tuple[date, ...]:
    """Return the days that are due and not materialized, oldest first.

    Days before the oldest materialized day are not missing: nobody requested them.
    """
    if not history.days:
        return ()
    days = complete_days(now, settings.catch_up_days, min(history.days))
    due = overdue(settings.nightly_cron, days, now, RUN_TAKES)
    return tuple(day for day in due if day not in history.days)


def judge_host(probe: SourceProbe, host: HostNamespace, now: datetime) -> tuple[Verdict, str]:
    """Judge a namespace of a project of its own, which has no source to compare it with."""
    if probe.index_error:
        return Verdict.UNKNOWN, f"the index cannot be read: {probe.index_error}"
    if host.fresh_at is None:
        return Verdict.STALE, f"no run of {', '.join(host.assets)} has succeeded yet"
    written = "its newest partition ended" if host.covered_until else "it was last written"
    since_then = max(now - host.fresh_at, timedelta(0))
    reason = f"{written} {hours(since_then)} ago, by {', '.join(host.assets)}"
    if since_then <= (late_after := host.late_after or LATE_AFTER):
        return Verdict.FRESH, reason
    is_stale = since_then > late_after * (STALE_AFTER / LATE_AFTER)
    return (Verdict.STALE if is_stale else Verdict.LATE), f"{reason}: materialize it again"
