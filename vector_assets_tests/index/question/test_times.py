"""Which times are read out of a question, and what is not one."""

from datetime import date

import pytest

from vector_assets.index.question.times import parse_times

TODAY = date(2026, 11, 29)
"""A Sunday."""


@pytest.mark.parametrize(
    ("question", "words", "meaning"),
    [
        ("what did we decide last week?", "last week", "from 2026-11-16 to before 2026-11-23"),
        ("what broke yesterday", "yesterday", "on 2026-11-28"),
        ("deploys this month", "this month", "from 2026-11-01 to before 2026-12-01"),
        ("past 3 days of retries", "past 3 days", "from 2026-11-27 to before 2026-11-30"),
        ("errors over the past week", "over the past week", "from 2026-11-22 to before 2026-11-30"),
        ("two weeks ago", "two weeks ago", "from 2026-11-09 to before 2026-11-16"),
        ("retries since March", "since March", "since 2026-03-01"),
        ("from May onwards", "from May onwards", "since 2026-05-01"),
        ("since last Tuesday", "since last Tuesday", "since 2026-11-24"),
        ("bugs in 2025", "in 2025", "from 2025-01-01 to before 2026-01-01"),
        ("in December", "in December", "from 2025-12-01 to before 2026-01-01"),
        ("plans in Q3 2024", "in Q3 2024", "from 2024-07-01 to before 2024-10-01"),
        ("before 3 May", "before 3 May", "before 2026-05-03"),
        ("after 3rd of May 2026", "after 3rd of May 2026", "since 2026-05-04"),
        ("until 2026-03-01", "until 2026-03-01", "before 2026-03-02"),
        ("between March and May 2025", "between March and May 2025",
         "from 2025-03-01 to before 2025-06-01"),
        ("from 2026-03-01 to 2026-04-01", "from 2026-03-01 to 2026-04-01",
         "from 2026-03-01 to before 2026-04-02"),
        ("in the week of 4 March 2026", "in the week of 4 March 2026",
         "from 2026-03-02 to before 2026-03-09"),
        ("on monday", "on monday", "on 2026-11-23"),
        ("standup 2026-03-02", "2026-03-02", "on 2026-03-02"),
        ("last month's retro", "last month's", "from 2026-10-01 to before 2026-11-01"),
        ("from today and yesterday", "from today and yesterday",
         "from 2026-11-28 to before 2026-11-30"),
        ("what broke yesterday or today", "yesterday or today",
         "from 2026-11-28 to before 2026-11-30"),
        ("this week and last week", "this week and last week",
         "from 2026-11-16 to before 2026-11-30"),
        ("from Friday to Monday", "from Friday to Monday", "from 2026-11-20 to before 2026-11-24"),
        ("on Monday and Sunday", "on Monday and Sunday", "from 2026-11-22 to before 2026-11-24"),
        ("bugs in 2024 or 2025", "in 2024 or 2025", "from 2024-01-01 to before 2026-01-01"),
        ("in May, June and July", "in May, June and July", "from 2026-05-01 to before 2026-08-01"),
        ("in May and in June", "in May and in June", "from 2026-05-01 to before 2026-07-01"),
        ("in May or March", "in May or March", "from 2026-03-01 to before 2026-06-01"),
        ("between November and February", "between November and February",
         "from 2025-11-01 to before 2026-03-01"),
        ("from November 2025 to December", "from November 2025 to December",
         "from 2025-11-01 to before 2026-01-01"),
        ("from March 2026 to December", "from March 2026 to December",
         "from 2026-03-01 to before 2027-01-01"),
        ("from 2026-04-01 to 2026-03-01", "from 2026-04-01 to 2026-03-01",
         "from 2026-03-01 to before 2026-04-02"),
        ("December 2025 to January 2026", "December 2025 to January 2026",
         "from 2025-12-01 to before 2026-02-01"),
        ("standup 2026-03-02 and 2026-03-03", "2026-03-02 and 2026-03-03",
         "from 2026-03-02 to before 2026-03-04"),
        ("between March and 0001-01-02", "between March and 0001-01-02",
         "from 0001-01-02 to before 2026-04-01"),
        ("in ſeptember", "in ſeptember", "from 2026-09-01 to before 2026-10-01"),
    ],
)  # fmt: skip
def test_a_time_becomes_days(question: str, words: str, meaning: str) -> None:
    [constraint] = parse_times(question, TODAY)
    assert question[constraint.start : constraint.end] == words
    assert constraint.meaning == f"activity {meaning}"


@pytest.mark.parametrize(
    "question",
    [
        "what may fail in march of the ants",
        "before may be called",
        "is a second attempt made",
        "timeouts in 2000 ms",
        "version 2025.1 of the SDK",
        "HAR-2025 and TIMOB-12",
        "since version 3",
        "the last Friday of the month",
        "what is due next week",
        "budget for 2025",
        "depends on 2020",
        "Q3 roadmap",
        "on 31 February",
        "the last 5 lines of the log",
        "ACDE #230 - February 12, 2026",
        "in 10.0.2025",
        "in APRİL",
        "since Aprıl",
    ],
)
def test_what_is_no_time_is_left_alone(question: str) -> None:
    assert list(parse_times(question, TODAY)) == []


def test_times_that_leave_nothing_together_count_once() -> None:
    constraints = list(parse_times("last week in 2019", TODAY))
    assert [each.meaning for each in constraints] == [
        "activity from 2026-11-16 to before 2026-11-23"
    ]
