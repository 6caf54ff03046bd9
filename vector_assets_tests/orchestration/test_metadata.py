"""Reports as metadata: what stands on which day."""

from datetime import date

from vector_assets.orchestration.metadata import MAX_FAILURE_ROWS, metadata_by_day
from vector_assets.pipeline.report import DayStats, SyncReport
from vector_assets.sources.items import DocumentFailure, Gap
from vector_assets_tests.orchestration.parts import plain
from vector_assets_tests.support.tiny import document

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 2)


def report() -> SyncReport:
    sync_report = SyncReport("jira")
    sync_report.add(
        FIRST, DayStats(documents=3, stored_documents=3, stored_chunks=7, tokens=70, dollars=0.5)
    )
    return sync_report


def test_no_days_no_metadata() -> None:
    assert metadata_by_day(report(), []) == {}


def test_numbers_are_numbers_so_that_they_can_be_plotted() -> None:
    by_day = metadata_by_day(report(), [FIRST, LAST])
    assert list(by_day) == [FIRST, LAST]
    numbers = {name: plain(value) for name, value in by_day[FIRST].items()}
    assert all(type(value) in (int, float) for value in numbers.values())
    assert (numbers["documents"], numbers["chunks"], numbers["run_estimated_dollars"]) == (
        3,
        7,
        0.5,
    )
    assert plain(by_day[LAST]["documents"]) == 0


def test_a_thousand_failures_are_counted_and_the_first_hundred_named() -> None:
    sync_report = report()
    for n in range(1000):
        sync_report.add_failure(DocumentFailure(f"jira:{n}", "broken", FIRST))
    first = metadata_by_day(sync_report, [FIRST, LAST])[FIRST]
    assert plain(first["failed_documents"]) == 1000
    assert len(plain(first["failures"])) == MAX_FAILURE_ROWS


def test_a_preview_shows_what_was_written() -> None:
    sync_report = report()
    sync_report.add_sample(document("7", updated_at="2025-03-01T10:00"), 4)
    assert plain(metadata_by_day(sync_report, [FIRST])[FIRST]["run_preview"]) == [
        {
            "title": "Title 7",
            "container": "HAR",
            "day": "2025-03-01",
            "chunks": 4,
            "url": "https://example.com/7",
        }
    ]


def test_what_was_not_read_stands_on_the_newest_day_and_is_empty_when_all_was() -> None:
    sync_report = report()
    assert plain(metadata_by_day(sync_report, [FIRST, LAST])[LAST]["run_gaps"]) == []
    sync_report.add_gap(Gap("bot messages", "they are left out", count=7))
    by_day = metadata_by_day(sync_report, [FIRST, LAST])
    assert "run_gaps" not in by_day[FIRST]
    assert plain(by_day[LAST]["run_gaps"]) == [
        {
            "subject": "bot messages",
            "reason": "they are left out",
            "advice": "",
            "count": 7,
            "is_private": False,
        }
    ]
