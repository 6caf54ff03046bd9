"""The weekly rescan: what it asks for, and what its runs do to the index and to the records."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.days import Window
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.dagster_state.names import RANGE_END_TAG, RANGE_START_TAG
from vector_assets.orchestration.partitions import sources_of
from vector_assets.sources import SOURCE_NAMES
from vector_assets.sources.items import SourceItem, Unchanged
from vector_assets_tests.orchestration.parts import JIRA, Location, days
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.tiny import ListSource, document, utc

TICK = utc("2025-03-15T12:00")
ON = {
    "jira_server": "https://x.example", "jira_email": "a@x.example", "jira_api_token": "t",
    "slack_bot_token": "xoxb-1",
}  # fmt: skip


class Stamped(ListSource):
    """Hands over a document unless the index holds it with the same stamp."""

    def documents(self, window: Window) -> Iterator[SourceItem]:
        for item in super().documents(window):
            stamps = {item.id: item.stamp}  # type: ignore[union-attr]
            if self.known.unchanged(stamps):
                yield Unchanged(item.id, item.day)  # type: ignore[union-attr, arg-type]
            else:
                yield item


def version(text: str) -> Stamped:
    """Return a source whose listing shows the same of a document whatever its text is."""
    return Stamped([document("1", text, updated_at="2025-03-02T10:00", stamp="1 reply")])


@pytest.fixture(scope="module", autouse=True)
def instance_on_disk() -> Iterator[dg.DagsterInstance]:
    """An instance that a schedule can open a connection of its own to."""
    with dagster_instance() as opened:
        yield opened


def evaluate(**settings: Any) -> tuple[list[dg.RunRequest], str]:
    defs = build_defs(Settings(**settings))
    context = dg.build_schedule_context(
        instance=dg.DagsterInstance.get(),
        scheduled_execution_time=TICK,
        repository_def=defs.get_repository_def(),
    )
    data = defs.resolve_schedule_def("weekly_rescan_schedule").evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message or ""


def test_the_last_thirty_days_of_each_source_that_is_on_are_asked_for_in_a_run_each() -> None:
    requests, _ = evaluate(**ON)
    assert [request.asset_selection for request in requests] == [
        [JIRA],
        [dg.AssetKey("slack_documents")],
    ]
    for request in requests:
        assert request.tags[RANGE_START_TAG] == "2025-02-13"
        assert request.tags[RANGE_END_TAG] == "2025-03-14"
        assert request.tags["rescan"] == "true"


def test_as_many_days_are_asked_for_as_the_settings_say() -> None:
    requests, _ = evaluate(rescan_days=365, **ON)
    assert {request.tags[RANGE_START_TAG] for request in requests} == {"2024-03-15"}


def test_days_before_the_start_of_the_partitions_are_left_alone() -> None:
    requests, _ = evaluate(partitions_start="2025-03-13", **ON)
    assert {request.tags[RANGE_START_TAG] for request in requests} == {"2025-03-13"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({}, "no source is on"), ({"partitions_start": "2025-03-15", **ON}, "PARTITIONS_START")],
    ids=["no source is on", "no day is complete"],
)
def test_nothing_is_asked_for_while(settings: dict[str, str], reason: str) -> None:
    requests, skipped = evaluate(**settings)
    assert (requests, reason in skipped) == ([], True)


def test_the_rescan_runs_by_default_once_a_week_and_holds_what_the_night_holds() -> None:
    defs = build_defs(Settings())
    schedule = defs.resolve_schedule_def("weekly_rescan_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 12 * * 6", "UTC")
    rescan, nightly = (
        defs.resolve_job_def(name).asset_layer for name in ("weekly_rescan", "nightly_ingestion")
    )
    canary = dg.AssetKey("index_canary")
    assert rescan.selected_asset_keys == nightly.selected_asset_keys - {canary}
    assert rescan.asset_graph.asset_check_keys == {
        check for check in nightly.asset_graph.asset_check_keys if check.asset_key != canary
    }


def test_a_night_passes_over_what_seems_unchanged_and_a_rescan_reads_it_again(
    location: Location,
) -> None:
    march = days("2025-03-01", "2025-03-03")
    location.run(march, version("before the edit"))
    location.embedder.embedder.embedded_texts.clear()
    location.run(march, version("after the edit"))
    assert location.embedder.embedder.embedded_texts == []

    assert location.run(march, version("after the edit"), job="weekly_rescan").success
    (embedded,) = location.embedder.embedder.embedded_texts
    assert embedded.endswith("after the edit")


def test_the_launchpad_asks_any_run_for_a_rescan(location: Location) -> None:
    march = days("2025-03-01", "2025-03-03")
    location.run(march, version("before the edit"))
    location.embedder.embedder.embedded_texts.clear()
    location.run(march, version("after the edit"), config={"rescan": False})
    assert location.embedder.embedder.embedded_texts == []
    assert location.run(march, version("after the edit"), config={"rescan": True}).success
    (embedded,) = location.embedder.embedder.embedded_texts
    assert embedded.endswith("after the edit")
    with pytest.raises(dg.DagsterInvalidConfigError, match="rescan"):
        location.run(march, version("again"), config={"rescan": "yes"})


def test_a_rescan_records_each_day_with_its_own_numbers_and_costs_nothing_for_what_is_the_same(
    location: Location,
) -> None:
    march = days("2025-03-01", "2025-03-03")
    for job in ("nightly_ingestion", "weekly_rescan"):
        assert location.run(march, version("some words"), job=job).success
    first, second = location.recorded()[:3], location.recorded()[3:]
    assert [day for day, _ in first] == [day for day, _ in second]
    assert [metadata["documents"] for _, metadata in second] == [0, 1, 0]
    assert [metadata["run_unchanged_documents"] for _, metadata in second] == [0, 1, 0]
    assert [metadata["run_embedded_chunks"] for _, metadata in second] == [0, 0, 0]
    assert [metadata["failed_documents"] for _, metadata in second] == [0, 0, 0]


def test_a_run_of_the_rescan_is_told_to_be_of_its_source(location: Location) -> None:
    location.run(days("2025-03-01"), version("some words"), job="weekly_rescan")
    (run,) = location.instance.get_runs()
    assert sources_of(run, SOURCE_NAMES) == ("jira",)
    assert run.tags["rescan"] == "true"
