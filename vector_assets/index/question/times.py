"""Reads times out of a question: `last week`, `since March`, `in Q3 2024`, `between ... and ...`.

Every form is spelled out, so that the verb may, a march, a second, a number, a version or a key is
not taken for a date.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta

from vector_assets.index.question.parsed import Constraint, Kind
from vector_assets.index.question.spans import (
    MONTHS,
    OLDEST_YEAR,
    WEEKDAYS,
    Span,
    TimeLimit,
    before,
    span_of,
    span_of_days,
    written_day,
    written_month,
)

_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
           "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "couple of": 2,
           "a couple of": 2, "few": 3, "a few": 3}  # fmt: skip
_MAX_COUNT = 1200

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d(?![\w-]|[.,:/]\d)"
_COUNT = r"\d{1,4}|" + "|".join(sorted(_COUNTS, key=len, reverse=True))
_UNIT = r"(?P<unit>day|week|month|quarter|year)"
_DAY_OF_MONTH = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_WRITTEN = (
    rf"{_DAY_OF_MONTH}(?:\s+of)?\s+(?:{_MONTH})\b\.?(?:,?\s+{_YEAR})?"
    rf"|(?:{_MONTH})\b\.?\s+(?:the\s+)?{_DAY_OF_MONTH}(?![\w.:/-])(?:,?\s+{_YEAR})?"
    r"|\d{4}[-/](?:1[0-2]|0[1-9])[-/](?:3[01]|[12]\d|0[1-9])(?![\w-])"
)
_ENDS = (
    r"(?=\s*(?:$|[?!.,;:|)]|\b(?:in|on|by|from|about|regarding|with|for|and|or|to|until|till)\b))"
)

Read = Callable[[re.Match[str], date], Span | None]


def _relative_day(match: re.Match[str], today: date) -> Span:
    back = {"today": 0, "yesterday": 1}.get(match["word"].lower(), 2)
    return span_of_days(today - timedelta(days=back))


def _this(match: re.Match[str], today: date) -> Span:
    return span_of(match["unit"].lower(), today)


def _last(match: re.Match[str], today: date) -> Span:
    unit = match["unit"].lower()
    return span_of(unit, before(span_of(unit, today).first, 1, unit))


def _past(match: re.Match[str], today: date) -> Span:
    """Return the days up to today, today included, of `past 3 days`."""
    tomorrow = today + timedelta(days=1)
    unit = match["unit"].lower()
    if unit == "hour":
        return Span(before(today, -(-_count(match) // 24), "day"), tomorrow)
    first = before(today, _count(match), unit)
    return Span(first + timedelta(days=1) if unit == "day" else first, tomorrow)


def _ago(match: re.Match[str], today: date) -> Span:
    unit = match["unit"].lower()
    return span_of(unit, before(today, _count(match), unit))


def _weekday(match: re.Match[str], today: date) -> Span:
    """Return the last such day before today."""
    back = (today.weekday() - WEEKDAYS.index(match["weekday"].lower()) - 1) % 7 + 1
    return span_of_days(today - timedelta(days=back))


def _quarter(match: re.Match[str], today: date) -> Span:
    month = int(match["quarter"]) * 3 - 2
    year = int(match["year"]) if match["year"] else today.year - (month > today.month)
    return span_of("quarter", date(year, month, 1))


def _year(match: re.Match[str], today: date) -> Span | None:
    year = int(match["year"])
    return span_of("year", date(year, 1, 1)) if OLDEST_YEAR <= year <= today.year + 1 else None


def _month(match: re.Match[str], today: date) -> Span:
    return written_month(match["month"], match["year"], today)


def _iso_month(match: re.Match[str], today: date) -> Span:
    return span_of("month", date(int(match["year"]), int(match["number"]), 1))


def _day(match: re.Match[str], today: date) -> Span | None:
    day = written_day(match[0], today)
    return span_of_days(day) if day else None


_DAY, _SHORT, _LONG, _ALONE = "day", "short", "long", ""
"""After which prepositions a time counts: those of a day, of less or more than a month; or any."""

_POINTS: tuple[tuple[str, Read, str], ...] = (
    (_WRITTEN, _day, _DAY),
    (r"(?P<word>today|yesterday|(?:the\s+)?day\s+before\s+yesterday)", _relative_day, _ALONE),
    (rf"(?:this|current|the\s+current)\s+{_UNIT}", _this, _ALONE),
    (rf"(?:the\s+)?(?:last|previous)\s+{_UNIT}(?!\s+of\b)", _last, _ALONE),
    (rf"(?:the\s+)?past(?P<count>)\s+{_UNIT}", _past, _ALONE),
    ((rf"(?:the\s+)?(?:last|past|previous|recent)\s+(?P<count>{_COUNT})\s+"
     r"(?P<unit>hour|day|week|month|quarter|year)s?"), _past, _ALONE),
    (rf"(?P<count>{_COUNT})\s+{_UNIT}s?\s+ago", _ago, _ALONE),
    (rf"(?:last|this)\s+(?P<weekday>{'|'.join(WEEKDAYS)})(?!\s+of\b)", _weekday, _ALONE),
    (rf"(?P<weekday>{'|'.join(WEEKDAYS)})(?!\s+of\b)", _weekday, _SHORT),
    (rf"Q(?P<quarter>[1-4])(?:\s+(?:of\s+)?|[-/])(?P<year>{_YEAR})", _quarter, _ALONE),
    (rf"(?P<year>{_YEAR})[-/\s]?Q(?P<quarter>[1-4])", _quarter, _ALONE),
    (r"Q(?P<quarter>[1-4])(?P<year>)", _quarter, _LONG),
    (rf"(?P<month>{_MONTH})\b\.?,?\s+(?:of\s+)?(?P<year>{_YEAR})", _month, _ALONE),
    (r"(?P<year>(?:19|20)\d\d)-(?P<number>1[0-2]|0[1-9])(?![\w-])", _iso_month, _LONG),
    ((rf"(?P<month>january|february|april|june|july|august|september|october|november|december"
     rf"|(?-i:May|March)|(?:may|march){_ENDS})(?P<year>)"), _month, _LONG),
    ((rf"(?P<year>{_YEAR})(?!\s+(?:ms|milli|bytes?|kb|mb|px|pixels?|lines?|rows?|items?|files?|"
     r"char|requests?|iter|records?|documents?|users?|times|seconds?|minutes?|hours?|days?|tests?|"
     r"errors?|entries|messages?|chunks?|tokens?|vectors?)\b)"), _year, _LONG),
)  # fmt: skip

_PREPOSITION = re.compile(
    r"(?<![\w#-])(?:"
    r"(?P<since>(?:ever\s+)?since|after|starting(?:\s+(?:in|on|from))?)"
    r"|(?P<until>until|till|up\s+to|through)"
    r"|(?P<before>before|prior\s+to|earlier\s+than)"
    r"|(?P<long>(?:back\s+)?(?:in|from)(?:\s+(?:early|late|mid))?|during|throughout)"
    r"|(?P<short>on)|(?P<day>of|for|at|over|within|as\s+of)|(?P<week>week\s+of))"
    r"(?:\s+|:)(?:the\s+(?=\d|last|past|previous))?(?:the\s+week\s+(?P<of>of)\s+)?$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"(?<![\w#-])(?:(?P<both>between)|from)\s+$", re.IGNORECASE)
_AND = re.compile(
    r"(?:(?P<comma>,)\s+(?:(?:and|or)\s+)?|\s+(?:and|or|(?P<range>to|until|till|through))\s+)"
    r"(?:(?:in|on|from|during)\s+)?$",
    re.IGNORECASE,
)
_AND_CHARACTERS = 24
_NOTED_BEFORE = re.compile(
    r"\b(?:meeting|standup|stand-up|call|retro|sync|thread|messages?|notes)\s+$", re.IGNORECASE
)
_RELATIVE = re.compile(r"(?:the\s+)?(?:last|past|this|current|previous|recent)\b", re.IGNORECASE)
_ONWARDS = re.compile(r"\s+(?:onwards?\b|on(?=\s*(?:$|[,?.!])))", re.IGNORECASE)

_PATTERNS = tuple(
    (re.compile(rf"(?<![\w#./@-])(?<!\d:)(?:{pattern})(?!\w|[-./:]\w)", re.IGNORECASE), read, needs)
    for pattern, read, needs in _POINTS
)


def parse_times(text: str, today: date) -> Iterator[Constraint]:
    """Yield constraints of time; several that leave nothing together count once.

    Args:
        text: A question; characters of other constraints are masked.
        today: The UTC day.
    """
    points = _points(text, today)
    index = 0
    bounds = TimeLimit()
    while index < len(points):
        constraint, used = _limit_at(text, points, index)
        index += used
        if constraint is None:
            continue
        assert isinstance(constraint.limit, TimeLimit)
        together = _both(bounds, constraint.limit)
        if together is not None:
            bounds = together
            yield constraint


class _Point:
    """A time as written, with what stands before it."""

    def __init__(self, text: str, match: re.Match[str], span: Span, needs: str, read: Read) -> None:
        self.start, self.end, self.span = match.start(), match.end(), span
        self.read = read
        self.repeats = _repeated_unit(match, needs)
        head = text[: self.start]
        self.preposition = _PREPOSITION.search(head[-40:])
        self.between = _BETWEEN.search(head[-10:])
        self.and_ = _AND.search(head[-_AND_CHARACTERS:])
        is_noted = needs == _DAY and _NOTED_BEFORE.search(head[-16:]) is not None
        # What is planned for a quarter is not written in it.
        is_planned = self._is_after("day") and span.end - span.first > timedelta(days=7)
        is_alone = needs == _ALONE and (not is_planned or _RELATIVE.match(match[0]) is not None)
        self.counts = is_alone or is_noted or self._has(needs)
        # A written day stands in the titles of meetings, and of days of a channel.
        self.searched = match[0] if needs == _DAY else ""

    def is_joined_to(self, following: "_Point") -> bool:
        """Tell whether `and`, `or` or `to` alone stands between this time and the next."""
        and_ = following.and_
        if and_ is None or following.start - len(and_[0]) != self.end:
            return False
        # `Monday, 3 May` is one day.
        return and_["comma"] is None or following.read is self.read

    def _is_after(self, group: str) -> bool:
        return self.preposition is not None and self.preposition[group] is not None

    def _has(self, needs: str) -> bool:
        """Tell whether a preposition stands before it that goes with such a time."""
        if self.preposition is None:
            return False
        if any(self.preposition[name] for name in ("since", "until", "before", "long")):
            return True
        if self.preposition["week"]:
            return needs == _DAY
        return needs == _DAY or (needs == _SHORT and self.preposition["short"] is not None)


def _points(text: str, today: date) -> list[_Point]:
    taken: list[tuple[int, int]] = []
    points: list[_Point] = []
    for pattern, read, needs in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < other_end and other < end for other, other_end in taken):
                continue
            try:
                span = read(match, today)
            except (ValueError, OverflowError):
                continue
            if span is not None:
                taken.append((start, end))
                points.append(_Point(text, match, span, needs, read))
    return sorted(points, key=lambda point: point.start)


def _limit_at(text: str, points: list[_Point], index: int) -> tuple[Constraint | None, int]:
    """Return the constraint at a point, and how many points that takes."""
    point = points[index]
    lead = point.between or (point.preposition if point.counts else None)
    joined = [point]
    if _is_within(lead) if lead else point.counts:
        for following in points[index + 1 :]:
            is_time = lead is not None or following.counts or following.read is point.read
            if not (is_time and joined[-1].is_joined_to(following)):
                break
            joined.append(following)
    if len(joined) > 1:
        start = point.start - (len(lead[0]) if lead else 0)
        return _constraint(start, joined[-1].end, _together(joined), ""), len(joined)
    return (_alone(text, point) if point.counts else None), 1


def _together(points: Sequence[_Point]) -> TimeLimit:
    """Return the days of a range, such as `from Monday to Friday`, or of all in a list."""
    point, last = points[0], points[-1]
    is_range = last.and_ is not None and last.and_["range"] is not None
    if is_range or (point.between is not None and point.between["both"] is not None):
        first, end = point.span.first, last.span.end
        # No calendar has a May before the year 1.
        with suppress(OverflowError):
            while first >= end and point.repeats:
                first = before(first, 1, point.repeats)
            while first >= end and last.repeats:
                end = before(end, -1, last.repeats)
        if first < end:
            return TimeLimit(first, end)
    spans = [joined.span for joined in points]
    return TimeLimit(min(span.first for span in spans), max(span.end for span in spans))


def _is_within(lead: re.Match[str]) -> bool:
    """Tell whether a preposition is neither since, until nor before."""
    named = lead.groupdict()
    return not any(named.get(name) for name in ("since", "until", "before", "week"))


def _repeated_unit(match: re.Match[str], needs: str) -> str:
    """Return after what time such a day or month comes again; empty where it is one of a kind."""
    named = match.groupdict()
    if named.get("weekday"):
        return "week"
    is_in_each_year = "month" in named or "quarter" in named or needs == _DAY
    return "year" if is_in_each_year and re.search(r"\d{4}", match[0]) is None else ""


def _alone(text: str, point: _Point) -> Constraint:
    """Return the constraint at a point by itself."""
    preposition, span, end = point.preposition, point.span, point.end
    start = point.start - (len(preposition[0]) if preposition else 0)
    named = (
        {name for name, words in preposition.groupdict().items() if words} if preposition else ()
    )
    if "week" in named or "of" in named:
        span = span_of("week", span.first)
    days = TimeLimit(span.first, span.end)
    if onwards := _ONWARDS.match(text, end):
        days, end = TimeLimit(span.first), onwards.end()
    if preposition and "since" in named:
        is_after = preposition["since"].lower() == "after"
        days = TimeLimit(span.end if is_after else span.first)
    elif "until" in named:
        days = TimeLimit(end=span.end)
    elif "before" in named:
        days = TimeLimit(end=span.first)
    if text[end : end + 2].lower() == "'s":
        end += 2
    is_one_day = days.end is not None and days.first is not None
    return _constraint(start, end, days, point.searched if is_one_day else "")


def _constraint(start: int, end: int, limit: TimeLimit, searched: str) -> Constraint:
    return Constraint(Kind.TIME, start, end, limit, limit.meaning, searched)


def _both(limit: TimeLimit, other: TimeLimit) -> TimeLimit | None:
    """Return what two limits leave together; None for nothing."""
    first = max(filter(None, (limit.first, other.first)), default=None)
    end = min(filter(None, (limit.end, other.end)), default=None)
    return TimeLimit(first, end) if first is None or end is None or first < end else None


def _count(match: re.Match[str]) -> int:
    words = " ".join(match["count"].lower().split())
    count = _COUNTS.get(words) or int(words or 1)
    if not 0 < count <= _MAX_COUNT:
        raise ValueError(f"{count} is no number of days that anybody asks for")
    return count
