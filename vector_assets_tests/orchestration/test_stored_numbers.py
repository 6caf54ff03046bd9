"""A day's numbers say what the index holds of it, whoever runs the day again."""

from collections.abc import Iterator, Sequence
from datetime import date

import pytest

from vector_assets.core.days import Window
from vector_assets.sources.items import SourceItem, Unchanged
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.orchestration.parts import Location, days
from vector_assets_tests.support.tiny import ListSource, document

MARCH = days("2025-03-01", "2025-03-03")
LONG = ("w " * 90, "x " * 90, "y " * 90)


class Stamped(ListSource):
    """Hands over a document unless the index holds it with the same stamp; asks for all at once."""

    def documents(self, window: Window) -> Iterator[SourceItem]:
        read = [*super().documents(window)]
        stamps = {item.id: item.stamp for item in read}  # type: ignore[union-attr]
        unchanged = self.known.unchanged(stamps)
        for item in read:
            if item.id in unchanged:  # type: ignore[union-attr]
                yield Unchanged(item.id, item.day)  # type: ignore[union-attr, arg-type]
            else:
                yield item


def on(day: int, native_id: str, *texts: str) -> SourceItem:
    stamp = f"{day} {len(texts)}"
    return document(native_id, *texts, updated_at=f"2025-03-0{day}T10:00", stamp=stamp)


FIRST_NIGHT = [on(1, "a", *LONG), on(1, "b", "short"), on(2, "c", *LONG), on(3, "d", "short")]

SECOND_NIGHTS = {
    "nothing has changed": FIRST_NIGHT,
    "one is shorter": [on(1, "a", "short"), *FIRST_NIGHT[1:]],
    "one is longer": [FIRST_NIGHT[0], on(1, "b", *LONG), *FIRST_NIGHT[2:]],
    "one has moved to a later day": [on(2, "a", *LONG), *FIRST_NIGHT[1:]],
    "one is new": [*FIRST_NIGHT, on(3, "e", *LONG)],
    "one is an older version": [*FIRST_NIGHT[:3], on(2, "d", "short")],
}


def recorded(location: Location) -> dict[date, tuple[int, int]]:
    """Return documents and chunks by day, as the newest materializations say."""
    return {
        date.fromisoformat(day): (metadata["dagster/partition_row_count"], metadata["chunks"])
        for day, metadata in location.recorded()
    }


def held(location: Location) -> dict[date, tuple[int, int]]:
    """Return documents and chunks by day, as the index holds them."""
    store = LanceDBStore(location.uri)
    heads = {day: [head for _, head in store.documents("jira", [day])] for day in MARCH}
    return {
        day: (len(of_day), sum(head.chunk_count for head in of_day))
        for day, of_day in heads.items()
    }


@pytest.mark.parametrize("source", [ListSource, Stamped], ids=["all read", "by stamps"])
@pytest.mark.parametrize("second", SECOND_NIGHTS.values(), ids=SECOND_NIGHTS.keys())
def test_a_second_run_leaves_the_numbers_of_the_index(
    location: Location, source: type[ListSource], second: Sequence[SourceItem]
) -> None:
    assert location.run(MARCH, source(FIRST_NIGHT)).success
    assert recorded(location) == held(location)
    assert min(chunk_count for _, chunk_count in held(location).values()) > 0
    assert location.run(MARCH, source(second)).success
    assert recorded(location) == held(location)


@pytest.mark.parametrize("source", [ListSource, Stamped], ids=["all read", "by stamps"])
def test_a_run_that_changes_nothing_says_so_beside_them(
    location: Location, source: type[ListSource]
) -> None:
    for _ in range(2):
        assert location.run(MARCH, source(FIRST_NIGHT)).success
    for _, metadata in location.recorded()[-3:]:
        assert metadata["run_unchanged_documents"] == metadata["documents"] > 0
        assert metadata["run_embedded_chunks"] == metadata["run_tokens"] == 0
        assert metadata["chunks"] >= metadata["dagster/partition_row_count"] > 0


def test_a_part_of_the_days_leaves_the_numbers_of_the_others(location: Location) -> None:
    location.run(MARCH, ListSource(FIRST_NIGHT))
    assert location.run(days("2025-03-02"), ListSource(FIRST_NIGHT)).success
    assert recorded(location) == held(location)
