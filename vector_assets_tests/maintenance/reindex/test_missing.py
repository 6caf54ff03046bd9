"""Documents that failed in one run of a reindex from the sources, and nights between its runs."""

from datetime import UTC, datetime, timedelta

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import FatalError
from vector_assets.core.meter import Meter
from vector_assets.index.rereads import KIND, Reread, request_rereads
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import write_target
from vector_assets.pipeline.quarantine import quarantined
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets_tests.maintenance.reindex.places import Place, tiny
from vector_assets_tests.maintenance.reindex.test_reindex import refuse
from vector_assets_tests.support.tiny import TinyEmbedder, document


def of_another_provider(*refused: str) -> TinyEmbedder:
    """Return an embedder with which an index is read anew from its sources."""
    embedder = tiny("two")
    embedder.provider = "other"
    for word in refused:
        refuse(embedder, word)
    return embedder


def fill(place: Place) -> None:
    """Write six documents; one of them is less than a fifth, and may be gone."""
    place.put(*(document(str(n), f"text{n}") for n in range(1, 7)))
    place.sync(tiny())


def failed_ids(place: Place) -> set[str]:
    return {failed.document_id for failed in quarantined(place.index().ledger)}


def test_what_failed_is_brought_over_by_the_next_reindex_though_a_night_has_released_it(
    place: Place,
) -> None:
    fill(place)
    with pytest.raises(FatalError, match=r"1 documents could not .*jira:3: "):
        place.reindexing(of_another_provider("text3")).run()
    # In the index that is served nothing is wrong with it.
    assert place.sync(of_another_provider(), tiny()).released_documents == 1
    report = place.reindexing(of_another_provider()).run()
    assert (report.is_switched, report.gone, report.failures) == (True, [], [])
    spec = IndexSpec.of(of_another_provider())
    assert "jira:3#0" in place.assert_unmixed(place.served(), spec)


def test_what_is_deleted_at_its_source_is_left_behind_and_named(place: Place) -> None:
    fill(place)
    del place.documents["jira:3"]
    report = place.reindexing(of_another_provider()).run()
    assert (report.is_switched, report.gone, report.failures) == (True, ["jira:3"], [])


def test_what_the_new_index_has_stays_to_be_read_for_the_one_that_is_served(place: Place) -> None:
    fill(place)
    place.put(document("3", "POISON", updated_at="2026-03-03T10:00"))
    place.sync(tiny())
    place.put(document("3", "cured", updated_at="2026-03-03T10:00"))
    now = datetime.now(UTC)
    request_rereads(place.index().ledger, [Reread("jira:4", "edited since", now.date(), now)])
    with pytest.raises(FatalError, match=r"1 documents could not .*jira:5: "):
        place.reindexing(of_another_provider("text5")).run()
    assert failed_ids(place) == {"jira:3", "jira:5"}
    assert len(place.index().ledger.entries(KIND)) == 1
    place.sync(of_another_provider(), tiny())
    assert "cured" in str(place.base.metadata("jira", ["jira:3#0"])["jira:3#0"]["text"])
    assert failed_ids(place) == set()


def test_an_edit_that_fails_stops_the_switch_though_the_new_index_has_an_older_version(
    place: Place,
) -> None:
    fill(place)
    now = datetime.now(UTC)
    new = of_another_provider("edited")
    spec = IndexSpec.of(new)
    edits = [document("3", "edited", updated_at=f"{now - timedelta(minutes=5):%Y-%m-%dT%H:%M}")]

    def edit(*_: object) -> None:
        """Edit it once it is in the new index; a night reads it into the one that is served."""
        if edits and place.generation(spec.name).heads("jira", ["jira:3"]):
            place.put(edits.pop())
            target = write_target(place.index(), new, lambda spec: tiny())
            pipeline = Pipeline(source=place.source(), target=target, meter=Meter())
            write(pipeline.embedded_documents(Days(now.date(), now.date())))

    with pytest.raises(FatalError, match=r"1 documents could not .*jira:3: "):
        place.reindexing(new, on_progress=edit).run()
    assert edits == []
    assert place.live().name == ""
