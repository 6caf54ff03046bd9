"""A report is as large as its days: it counts all, names the first, and merges equals."""

from datetime import date, timedelta

from vector_assets.orchestration.metadata import metadata_by_day
from vector_assets.pipeline.report import (
    MANY_OTHERS,
    MAX_FAILURES,
    MAX_FAILURES_A_DAY,
    MAX_GAPS,
    DayStats,
    SyncReport,
)
from vector_assets.sources.items import DocumentFailure, Gap
from vector_assets_tests.orchestration.parts import plain

DAY = date(2026, 3, 2)


def test_a_broken_day_is_named_by_its_first_failures_and_leaves_room_for_others() -> None:
    report = SyncReport("jira")
    for n in range(10_000):
        report.add_failure(DocumentFailure(f"jira:{n}", "broken", DAY))
    later = DocumentFailure("jira:later", "broken too", DAY + timedelta(1))
    report.add_failure(later)
    assert len(report.failures) == MAX_FAILURES_A_DAY + 1
    assert report.failures[-1] == later
    assert report.total.failed_documents == 10_001
    assert report.days[DAY].failed_documents == 10_000


def test_failures_of_ever_more_days_are_counted_and_no_longer_named() -> None:
    report = SyncReport("jira")
    for n in range(2 * MAX_FAILURES):
        report.add_failure(DocumentFailure(f"jira:{n}", "broken", DAY + timedelta(n)))
    assert len(report.failures) == MAX_FAILURES
    assert report.total.failed_documents == 2 * MAX_FAILURES


def test_failures_that_are_not_named_still_count_in_the_metadata_of_their_day() -> None:
    report = SyncReport("jira")
    for n in range(500):
        report.add_failure(DocumentFailure(f"jira:{n}", "broken", DAY))
    for n in range(7):
        report.add_failure(DocumentFailure(f"jira:undated-{n}", "broken", None))
    by_day = metadata_by_day(report, [DAY, DAY + timedelta(1)])
    counts = [plain(metadata["failed_documents"]) for metadata in by_day.values()]
    assert counts == [500, 7]


def test_equal_gaps_are_one_with_the_sum_of_their_counts() -> None:
    report = SyncReport("slack")
    for n in range(3_000):
        report.add_gap(Gap("#plans", "the bot is not a member", "Invite it.", count=n % 2 + 1))
    report.add_gap(Gap("#plans", "it is archived"))
    assert report.gaps == [
        Gap("#plans", "the bot is not a member", "Invite it.", count=4_500),
        Gap("#plans", "it is archived"),
    ]


def test_ever_more_kinds_of_gaps_are_counted_together() -> None:
    report = SyncReport("slack")
    for n in range(MAX_GAPS + 500):
        report.add_gap(Gap(f"#channel-{n}", "the bot is not a member", count=2))
    assert len(report.gaps) == MAX_GAPS + 1
    assert (report.gaps[-1].subject, report.gaps[-1].count) == (MANY_OTHERS, 1_000)


def test_redacted_secrets_are_counted_by_day_and_stand_as_a_number_in_the_metadata() -> None:
    report = SyncReport("slack")
    report.add(DAY, DayStats(documents=1, redacted_secrets=3))
    report.add(DAY + timedelta(1), DayStats(documents=1, redacted_secrets=2))
    by_day = metadata_by_day(report, [DAY])
    secret_count = plain(by_day[DAY]["redacted_secrets"])
    assert (type(secret_count), secret_count, report.total.redacted_secrets) == (int, 3, 5)
