"""Bar charts, and a sentence that says the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from vector_assets.maintenance.quality.scores import Scores
from vector_assets.monitoring.verdict import LATE_AFTER, STALE_AFTER, hours

CHART_DAYS = 90
WIDTH = 360
HEIGHT = 56
_LEAST_HEIGHT = 2.0
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, in units of the drawing.

    Attributes:
        kind: `plain`, `missing`, `none` (not materialized), `late` or `stale`; its CSS class.
        label: What it says when pointed at.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over time.

    Attributes:
        summary: All that matters of it, in words.
        first: What stands at the left end of the axis.
        last: What stands at the right end of the axis.
    """

    title: str
    summary: str
    bars: tuple[Bar, ...]
    first: str
    last: str


def documents_chart(
    documents: Mapping[date, int], missing: Sequence[date], days: Sequence[date]
) -> Chart:
    """Return a chart of the documents of each day.

    Args:
        documents: By materialized day.
        missing: Days that are due and not materialized.
        days: Of the axis, oldest first, at least one.
    """
    most = max((documents.get(day, 0) for day in days), default=0)
    bars = []
    for place, day in enumerate(days):
        count = documents.get(day)
        if day in missing:
            bars.append(_bar(place, len(days), 1.0, "missing", f"{day}: missing"))
        elif count is None:
            bars.append(_bar(place, len(days), 0.0, "none", f"{day}: not materialized"))
        else:
            share = count / most if most else 0.0
            label = f"{day}: {count:,} {'document' if count == 1 else 'documents'}"
            bars.append(_bar(place, len(days), share, "plain", label))
    known = [day for day in days if day in documents]
    summary = f"{len(known)} of {len(days)} days are materialized"
    if known:
        summary += f", with up to {most:,} documents; {known[-1]} has {documents[known[-1]]:,}"
    if absent := [day for day in days if day in missing]:
        summary += f"; {len(absent)} missing"
    return Chart("Documents a day", f"{summary}.", tuple(bars), str(days[0]), str(days[-1]))


def quality_chart(nights: Mapping[date, Scores], days: Sequence[date]) -> Chart | None:
    """Return a chart of the mean reciprocal rank of each night; None without any.

    Args:
        nights: By day of the examination.
        days: Of the axis, oldest first, at least one.
    """
    known = [day for day in days if day in nights]
    if not known:
        return None
    bars = []
    for place, day in enumerate(days):
        scores = nights.get(day)
        if scores is None:
            bars.append(_bar(place, len(days), 0.0, "none", f"{day}: not examined"))
        else:
            label = f"{day}: {scores.mrr:.2f}, {scores.hit_at_1:.0%} first"
            bars.append(_bar(place, len(days), scores.mrr, "plain", label))
    newest = nights[known[-1]]
    nights_in_words = "1 night" if len(known) == 1 else f"{len(known)} nights"
    summary = (
        f"Of {newest.asked} known questions, {newest.hit_at_1:.0%} find their document first and "
        f"{newest.hit_at_10:.0%} among ten; mean reciprocal rank {newest.mrr:.2f} on {known[-1]}, "
        f"at least {min(nights[day].mrr for day in known):.2f} over {nights_in_words}."
    )
    return Chart("Answers a night", summary, tuple(bars), str(days[0]), str(days[-1]))


def lag_chart(lags: Sequence[tuple[datetime, float]], now: datetime) -> Chart | None:
    """Return a chart of the greatest lag of each hour, or of each day after four days.

    Args:
        lags: Beginnings of hours, UTC, with seconds; oldest first.
        now: UTC.

    Returns:
        None while no lag is known.
    """
    recent = [(at, lag) for at, lag in lags if now - at <= timedelta(days=CHART_DAYS)]
    if not recent:
        return None
    begin = recent[0][0]
    is_by_day = now - begin > timedelta(days=4)
    form = "%Y-%m-%d" if is_by_day else "%Y-%m-%d %H:00"
    greatest: dict[str, float] = {}
    for at, lag in recent:
        slot = at.strftime(form)
        greatest[slot] = max(lag, greatest.get(slot, 0.0))
    step = timedelta(days=1) if is_by_day else _HOUR
    start = begin.replace(hour=0) if is_by_day else begin
    slots = [
        (start + step * place).strftime(form) for place in range(int((now - start) / step) + 1)
    ]
    # A bar that reaches the top is stale at least.
    top = max(max(greatest.values()), STALE_AFTER.total_seconds())
    bars = tuple(
        _lag_bar(place, len(slots), greatest.get(slot), top, slot)
        for place, slot in enumerate(slots)
    )
    newest, most = recent[-1][1], max(greatest.values())
    summary = (
        f"{_span(newest)} behind its source now, at most {_span(most)} since "
        f"{begin:%Y-%m-%d %H:%M} UTC, when this server began to measure."
    )
    unit = "day" if is_by_day else "hour"
    return Chart(f"Behind its source, by {unit}", summary, bars, slots[0], slots[-1])


def _lag_bar(place: int, count: int, lag: float | None, top: float, slot: str) -> Bar:
    if lag is None:
        return _bar(place, count, 0.0, "none", f"{slot}: not measured")
    kind = "plain"
    if lag > LATE_AFTER.total_seconds():
        kind = "stale" if lag > STALE_AFTER.total_seconds() else "late"
    return _bar(place, count, lag / top, kind, f"{slot}: {_span(lag)} behind")


def _span(seconds: float) -> str:
    return hours(timedelta(seconds=seconds))


def _bar(place: int, count: int, share: float, kind: str, label: str) -> Bar:
    # A few bars do not become blocks.
    slot = min(WIDTH / count, 12.0)
    height = max(share * HEIGHT, _LEAST_HEIGHT)
    gap = 1.0 if slot > 2 else 0.0
    return Bar(
        round(place * slot, 2), round(HEIGHT - height, 2), round(slot - gap, 2), round(height, 2),
        kind, label,
    )  # fmt: skip
