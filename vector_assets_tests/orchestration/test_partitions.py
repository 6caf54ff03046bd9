"""Days as partitions: their names, their spans, and which is the newest."""

from datetime import date

import dagster as dg
import pytest

from vector_assets.core.days import spans_of
from vector_assets.core.errors import SettingsError
from vector_assets.orchestration.partitions import daily_partitions, days_of, range_tags
from vector_assets_tests.orchestration.parts import days
from vector_assets_tests.support.tiny import utc


def test_the_newest_partition_is_yesterday_from_midnight_utc_on() -> None:
    partitions = daily_partitions("2025-01-01")
    newest = partitions.get_partition_keys(current_time=utc("2025-03-08T00:00:05"))[-1]
    assert newest == "2025-03-07"
    assert partitions.get_partition_keys(current_time=utc("2025-03-08T23:59"))[-1] == newest


@pytest.mark.parametrize("start", ["yesterday", "2025-13-01", ""])
def test_an_invalid_start_is_refused_with_the_variable(start: str) -> None:
    with pytest.raises(SettingsError, match=f"PARTITIONS_START is {start!r}: set it to a day"):
        daily_partitions(start)


@pytest.mark.parametrize(
    ("scattered", "spans"),
    [
        ([], []),
        (["2025-03-01"], [days("2025-03-01")]),
        (["2025-03-02", "2025-03-01", "2025-03-02"], [days("2025-03-01", "2025-03-02")]),
        (["2025-02-28", "2025-03-01", "2025-03-03"],
         [days("2025-02-28", "2025-03-01"), days("2025-03-03")]),
    ],
)  # fmt: skip
def test_days_are_gathered_into_the_fewest_spans(scattered: list[str], spans: list[object]) -> None:
    assert spans_of(map(date.fromisoformat, scattered)) == spans


def test_the_tags_of_a_span_make_one_run_of_its_days(instance: dg.DagsterInstance) -> None:
    seen: list[object] = []

    @dg.asset(partitions_def=daily_partitions("2025-01-01"))
    def listed(context: dg.AssetExecutionContext) -> None:
        seen.append(days_of(context.partition_keys))

    span = days("2025-03-01", "2025-03-03")
    assert dg.materialize([listed], tags=dict(range_tags(span)), instance=instance).success
    assert seen == [span]
