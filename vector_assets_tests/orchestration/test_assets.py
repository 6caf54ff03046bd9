"""Runs of an asset over a real LanceDB: what the index holds, and what Dagster records of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from vector_assets.core.days import Days, Window
from vector_assets.core.errors import ContractError, RateLimitedError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.orchestration.io_managers import LanceDBIOManager
from vector_assets.pipeline.extract import BATCH_DOCUMENTS
from vector_assets.sources import SOURCE_NAMES
from vector_assets.sources.items import Checkpoint, DocumentFailure, SourceItem
from vector_assets.stores.base import Filter, Record
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.orchestration.parts import (
    JIRA,
    GivenSources,
    Location,
    check_of,
    days,
    failure_text,
    plain,
)
from vector_assets_tests.support.tiny import ListSource, TinyEmbedder, document, utc

WRITTEN_CHECK = "everything_written_is_found"
WEEK = days("2025-03-01", "2025-03-07")
OUTAGE = UnavailableError("jira", "HTTP 503")


def on(day: int, native_id: str = "", text: str = "some words") -> SourceItem:
    return document(native_id or str(day), text, updated_at=f"2025-03-0{day}T10:00")


def busy(day: int) -> list[SourceItem]:
    """Return documents of a day that fill a batch, so that they are written before the next."""
    return [on(day, f"{day}-{n}") for n in range(BATCH_DOCUMENTS)]


def since(day: int) -> Checkpoint:
    return Checkpoint(utc(f"2025-03-0{day}"))


def count(location: Location) -> int:
    return LanceDBStore(location.uri).count("jira")


def test_a_day_puts_its_documents_into_the_index_and_its_numbers_into_the_metadata(
    location: Location,
) -> None:
    result = location.sync(days("2025-03-02"), on(2), on(2, "b"))
    assert result.success
    assert count(location) == 2
    ((day, metadata),) = location.recorded()
    assert day == "2025-03-02"
    assert metadata["documents"] == metadata["chunks"] == metadata["run_embedded_chunks"] == 2
    assert metadata["failed_documents"] == metadata["run_deleted_chunks"] == 0
    assert metadata["run_tokens"] > 0
    assert metadata["run_estimated_dollars"] == pytest.approx(metadata["run_tokens"] / 1e6)
    assert metadata["embedding"] == "tiny/hashed-words/64"


def test_a_range_records_one_event_a_day_each_with_its_own_numbers(location: Location) -> None:
    result = location.sync(WEEK, on(1), on(3), on(3, "b"), on(7))
    assert result.success
    recorded = location.recorded()
    assert [day for day, _ in recorded] == [f"2025-03-0{n}" for n in range(1, 8)]
    assert [metadata["documents"] for _, metadata in recorded] == [1, 0, 2, 0, 0, 0, 1]
    assert [metadata["run_embedded_chunks"] for _, metadata in recorded] == [1, 0, 2, 0, 0, 0, 1]


def test_a_year_of_days_is_one_run_that_records_each_of_them(location: Location) -> None:
    assert location.sync(days("2024-02-01", "2025-01-30"), on(1)).success
    assert len(location.instance.get_runs()) == 1
    assert len(location.recorded()) == 365


def test_numbers_of_the_run_are_recorded_on_the_newest_day_only(location: Location) -> None:
    location.sync(WEEK, on(1), on(3), document("early", "words", updated_at="2025-02-28T20:00"))
    *earlier, newest = [metadata for _, metadata in location.recorded()]
    totals = {name for name in newest if name.startswith("run_")} - set().union(*earlier)
    assert {"run_documents", "run_requests", "run_seconds", "run_preview"} <= totals
    assert newest["run_documents"] == 3
    assert newest["run_requests"] == 1
    assert newest["run_requests_by_endpoint"] == {"jira list": 1}
    assert newest["run_throttled_seconds"] == 0.0
    assert {row["title"] for row in newest["run_preview"]} == {
        "Title 1",
        "Title 3",
        "Title early",
    }


def test_running_a_day_again_embeds_nothing_and_says_so(location: Location) -> None:
    location.sync(days("2025-03-02"), on(2))
    embedded = len(location.embedder.embedder.embedded_texts)
    location.sync(days("2025-03-02"), on(2))
    assert len(location.embedder.embedder.embedded_texts) == embedded
    assert location.recorded()[-1][1]["run_unchanged_documents"] == 1
    assert count(location) == 1


def test_a_run_that_breaks_half_way_records_the_days_that_were_finished_and_no_other(
    location: Location,
) -> None:
    broken = ContractError("jira search/jql", "the same page twice", "a new page")
    result = location.sync(WEEK, on(7), since(6), *busy(6), on(3), broken)
    assert not result.success
    assert "jira search/jql answered the same page twice" in failure_text(result)
    recorded = location.recorded()
    assert [day for day, _ in recorded] == ["2025-03-06", "2025-03-07"]
    assert [metadata["documents"] for _, metadata in recorded] == [BATCH_DOCUMENTS, 1]
    assert "run_requests" in recorded[-1][1]


def test_a_fatal_error_is_not_tried_again(location: Location) -> None:
    broken = ContractError("jira", "nonsense", "sense")
    result = location.run(WEEK, ListSource([broken]), ListSource([on(1)]))
    assert not result.success
    assert count(location) == 0


def test_a_rate_limit_past_its_ceiling_ends_the_run_at_once(location: Location) -> None:
    limit = RateLimitedError("slack users.list", waited_seconds=900, ceiling_seconds=900)
    result = location.run(WEEK, ListSource([limit]), ListSource([on(1)]))
    assert not result.success
    assert failure_text(result) == str(limit)
    assert count(location) == 0


def test_a_bug_is_not_tried_again_and_keeps_its_own_name(location: Location) -> None:
    result = location.run(WEEK, ListSource([KeyError("a typo of ours")]), ListSource([on(1)]))
    assert not result.success
    assert "KeyError: 'a typo of ours'" in failure_text(result)
    assert count(location) == 0


def test_an_outage_is_tried_again_and_leaves_one_event_a_day(location: Location) -> None:
    result = location.run(
        WEEK, ListSource([since(7), *busy(7), OUTAGE]), ListSource([since(7), *busy(7), on(2)])
    )
    assert result.success
    assert [day for day, _ in location.recorded()] == [f"2025-03-0{n}" for n in range(1, 8)]
    assert count(location) == BATCH_DOCUMENTS + 1


def test_an_outage_that_lasts_fails_by_its_own_words_after_two_more_attempts(
    location: Location,
) -> None:
    result = location.sync(WEEK, since(7), *busy(7), OUTAGE)
    assert not result.success
    retries = [event for event in result.all_events if event.is_step_up_for_retry]
    assert len(retries) == 2
    assert failure_text(result) == str(OUTAGE)
    assert [day for day, _ in location.recorded()] == ["2025-03-07"]


def test_an_interrupted_run_keeps_the_days_that_it_had_finished(location: Location) -> None:
    class Interrupted(ListSource):
        def documents(self, window: Window) -> Iterator[SourceItem]:
            yield from super().documents(window)
            raise dg.DagsterExecutionInterruptedError("terminated")

    result = location.run(WEEK, Interrupted([on(7), since(6), *busy(6)]))
    assert not result.success
    assert [day for day, _ in location.recorded()] == ["2025-03-06", "2025-03-07"]


def test_days_of_a_range_are_recorded_while_the_run_goes_on_and_once_more_at_its_end(
    location: Location,
) -> None:
    seen: list[set[str]] = []

    class Watched(ListSource):
        """Looks into Dagster's records between two batches that are drawn."""

        def documents(self, window: Window) -> Iterator[SourceItem]:
            for place, item in enumerate(super().documents(window)):
                if place % BATCH_DOCUMENTS == 0:
                    seen.append(location.instance.get_materialized_partitions(JIRA))
                yield item

    def many(day: int) -> list[SourceItem]:
        return [on(day, f"{day}-{n}") for n in range(2 * BATCH_DOCUMENTS)]

    items = [item for n in range(7, 0, -1) for item in (*many(n), since(n))]
    index = LanceDBIOManager(uri=location.uri, checkpoint_seconds=0)
    result = location.run_with(
        WEEK, Settings(), sources=GivenSources(Watched(items)), vector_index=index
    )
    assert result.success
    assert "2025-03-07" in seen[-1]
    assert "2025-03-01" not in seen[-1]
    recorded = location.recorded()
    assert [day for day, _ in recorded[-7:]] == [f"2025-03-0{n}" for n in range(1, 8)]
    last = dict(recorded[-7:])
    assert [last[f"2025-03-0{n}"]["documents"] for n in range(1, 8)] == [2 * BATCH_DOCUMENTS] * 7
    early = [day for day, _ in recorded[:-7]]
    assert len(early) == len(set(early)) >= 2, "each at the most once before the end"
    assert location.instance.get_materialized_partitions(JIRA) == {
        f"2025-03-0{n}" for n in range(1, 8)
    }


def test_a_single_day_is_recorded_once(location: Location) -> None:
    index = LanceDBIOManager(uri=location.uri, checkpoint_seconds=0)
    items = [*busy(2), since(2), *busy(2), *busy(2)]
    sources = GivenSources(ListSource(items))
    assert location.run_with(
        days("2025-03-02"), Settings(), sources=sources, vector_index=index
    ).success
    assert [day for day, _ in location.recorded()] == ["2025-03-02"]


def test_a_bad_document_does_not_stop_others_and_fails_the_check(location: Location) -> None:
    result = location.sync(WEEK, on(1), on(2), on(2, "bad", "POISON"))
    assert result.success
    assert count(location) == 2
    second = dict(location.recorded())["2025-03-02"]
    assert (second["documents"], second["failed_documents"]) == (1, 1)
    check = check_of(result)
    assert not check.passed
    assert check.metadata["failed_documents"].value == 1
    (row,) = plain(check.metadata["failures"])
    assert (
        row.items()
        >= {
            "document": "jira:bad",
            "day": "2025-03-02",
            "cause": "the embedder refused a passage: it holds POISON",
            "attempts": 1,
        }.items()
    )


def test_a_good_night_does_not_hide_what_an_earlier_one_left_undone(location: Location) -> None:
    location.sync(days("2025-03-02"), on(2, "bad", "POISON"))
    good = location.sync(days("2025-03-03"), on(3))
    assert "2025-03-02" in str(check_of(good).description)
    healed = location.sync(days("2025-03-02"), on(2, "bad", "cured"))
    assert check_of(healed).passed


def test_a_document_that_a_rescan_could_not_read_is_retried_by_the_nightly_run_and_the_check_passes(
    location: Location,
) -> None:
    month = Days.newest(30, datetime.now(UTC))
    at = f"{month.first + timedelta(days=5)}T10:00"
    broken = location.sync(month, document("bad", "POISON", updated_at=at))
    assert broken.success
    assert not check_of(broken).passed

    night = Days.newest(1, datetime.now(UTC))
    still = location.sync(night, document("bad", "POISON", updated_at=at))
    assert plain(check_of(still).metadata["failures"])[0]["attempts"] == 2
    metadata = location.recorded()[-1][1]
    assert metadata["run_quarantined_documents"] == metadata["run_failed_again_documents"] == 1
    assert metadata["run_quarantine"][0]["document"] == "jira:bad"
    # The newest day is whole: it is not asked for again because of an old document.
    assert metadata["failed_documents"] == 0

    healed = location.sync(night, document("bad", "cured", updated_at=at))
    assert check_of(healed).passed
    assert location.recorded()[-1][1]["run_released_documents"] == 1
    assert count(location) == 1


def test_the_check_can_be_run_alone_without_a_day(location: Location) -> None:
    location.sync(days("2025-03-02"), on(2, "bad", "POISON"))
    index = LanceDBIOManager(uri=location.uri)
    defs = build_defs(Settings(), resource_overrides={"vector_index": index})
    job = defs.resolve_implicit_global_asset_job_def()
    alone = job.get_subset(
        asset_selection=set(), asset_check_selection={dg.AssetCheckKey(JIRA, "no_failed_documents")}
    ).execute_in_process(instance=location.instance)
    assert alone.success
    assert not check_of(alone).passed


@pytest.mark.parametrize("day", ["2025-02-28", None])
def test_a_failure_of_no_day_of_the_run_is_named_on_its_newest(
    location: Location, day: str | None
) -> None:
    failure = DocumentFailure("jira:9", "it has no body", utc(day).date() if day else None)
    result = location.sync(WEEK, on(1), failure)
    assert [metadata["failed_documents"] for _, metadata in location.recorded()] == [0] * 6 + [1]
    assert not check_of(result).passed


def test_a_source_without_credentials_fails_its_run_by_the_names_of_its_variables(
    location: Location,
) -> None:
    result = location.run_with(WEEK, Settings(jira_server="https://x.example"))
    assert not result.success
    assert failure_text(result).startswith("jira needs JIRA_EMAIL, JIRA_API_TOKEN: not set.")
    assert location.recorded() == []


def test_all_sources_in_one_run_keep_to_their_own_namespaces_and_numbers(
    location: Location,
) -> None:
    class EachItsOwn:
        def connect(self, name: str, meter: Meter) -> ListSource:
            meter.count(name)
            sized = 1 + SOURCE_NAMES.index(name)
            source = ListSource(
                document(str(n), "words", source=name, updated_at="2025-03-02T10:00")
                for n in range(sized)
            )
            source.name = name  # type: ignore[misc]  # what a subclass would say
            return source

    result = location.run_all(days("2025-03-02"), sources=EachItsOwn())
    assert result.success
    store = LanceDBStore(location.uri)
    assert [store.count(name) for name in SOURCE_NAMES] == [1, 2, 3, 4]
    by_asset = {
        name: result.asset_materializations_for_node(f"{name}_documents")[0].metadata
        for name in SOURCE_NAMES
    }
    assert [plain(by_asset[name]["documents"]) for name in SOURCE_NAMES] == [1, 2, 3, 4]
    assert [plain(by_asset[name]["run_requests"]) for name in SOURCE_NAMES] == [1, 1, 1, 1]


def test_the_check_reads_every_document_of_the_days_back_whole(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vector_assets.orchestration.checks.VISIBILITY_TIMEOUT_SECONDS", 0.0)
    long = tuple(f"part {n} " + "word " * 60 for n in range(3))
    documents = [document(str(n), *long, updated_at="2025-03-02T10:00") for n in range(4)]
    good = check_of(location.sync(days("2025-03-02"), *documents), WRITTEN_CHECK)
    assert good.passed
    assert good.metadata["read_back"].value == 4

    store = LanceDBStore(location.uri)
    [spare] = store.search_dense(
        "jira", TinyEmbedder().embed_query("word"), where=Filter(), limit=1
    )
    vector = TinyEmbedder().embed_query("word")
    store.delete("jira", ["jira:1#1"])
    store.update_metadata("jira", {"jira:2#0": {"document_fingerprint": ""}})
    beyond = {**spare.metadata, "document_id": "jira:3", "chunk": 99}
    end = store.heads("jira", ["jira:3"])["jira:3"].chunk_count
    store.upsert("jira", [Record(f"jira:3#{end}", vector, beyond)])

    # A run that finds nothing new in these days still looks at all of them.
    bad = check_of(location.sync(days("2025-03-01", "2025-03-07")), WRITTEN_CHECK)
    assert not bad.passed
    assert bad.metadata["lost"].value == 3
    said = str(bad.description)
    assert "jira:1 (1 of its" in said
    assert "jira:2 (a write of it did not finish)" in said
    assert "jira:3 (there are chunks beyond its" in said
    assert "jira:0" not in said
