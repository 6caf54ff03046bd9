"""Charts: every number stands in a bar, and the words say what matters of them."""

from datetime import UTC, datetime, timedelta

from vector_assets.api.page.charts import HEIGHT, WIDTH, documents_chart, lag_chart
from vector_assets.core.days import complete_days
from vector_assets.monitoring.health import Health, SourceHealth
from vector_assets.monitoring.lags import LagLog
from vector_assets.monitoring.verdict import Verdict

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_days_are_bars_by_their_documents() -> None:
    days = complete_days(NOW, 90)
    chart = documents_chart({days[-1]: 10, days[-2]: 5, days[-4]: 0}, [days[-3]], days)
    heights = {bar.label[:10]: (bar.height, bar.kind) for bar in chart.bars}
    assert heights[str(days[-1])] == (HEIGHT, "plain")
    assert heights[str(days[-2])] == (HEIGHT / 2, "plain")
    assert heights[str(days[-3])] == (HEIGHT, "missing")
    assert heights[str(days[0])][1] == "none"
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 0.01 for bar in chart.bars)
    assert chart.summary == (
        "3 of 90 days are materialized, with up to 10 documents; 2026-03-30 has 10; 1 missing."
    )


def test_days_without_documents_are_no_division_by_zero() -> None:
    [day] = complete_days(NOW, 1)
    assert documents_chart({day: 0}, (), [day]).summary.endswith("2026-03-30 has 0.")
    assert documents_chart({}, (), [day]).summary == "0 of 1 days are materialized."


def test_lag_is_by_hour_at_first_and_by_day_later() -> None:
    hourly = lag_chart([(NOW - 2 * HOUR, 60.0), (NOW, 200_000.0)], NOW)
    assert hourly is not None
    assert [bar.kind for bar in hourly.bars] == ["plain", "none", "stale"]
    daily = lag_chart([(NOW - 120 * HOUR, 120_000.0), (NOW - 119 * HOUR, 60.0), (NOW, 0.0)], NOW)
    assert daily is not None
    assert [bar.kind for bar in daily.bars] == ["late", *["none"] * 4, "plain"]
    assert daily.summary == (
        "0 min behind its source now, at most 33 h since 2026-03-26 12:30 UTC, when this server "
        "began to measure."
    )


def test_what_is_older_than_ninety_days_is_left_out() -> None:
    assert lag_chart([], NOW) is None
    assert lag_chart([(NOW - timedelta(days=91), 5.0)], NOW) is None


def health(at: datetime, lag_seconds: float | None) -> Health:
    source = SourceHealth(
        "jira", Verdict.FRESH, (), None, None, lag_seconds, 0, newest_day=None, missing_days=()
    )  # fmt: skip
    return Health(at, (source,))


def test_the_log_keeps_the_greatest_lag_of_an_hour() -> None:
    log = LagLog()
    begin = NOW.replace(minute=0)
    for minutes, lag_seconds in ((0, 5.0), (1, 50.0), (59, None), (59, 2.0), (61, 1.0)):
        log.add(health(begin + timedelta(minutes=minutes), lag_seconds))
    assert log.of("jira") == ((begin, 50.0), (begin + HOUR, 1.0))
    assert log.of("slack") == ()


def test_the_log_forgets_the_oldest_hours() -> None:
    log = LagLog()
    for hour in range(2161):
        log.add(health(NOW + hour * HOUR, float(hour)))
    kept = log.of("jira")
    assert (len(kept), kept[0][1]) == (2160, 1.0)
