"""The IO managers on their own: what they refuse, and which index they open."""

from pathlib import Path

import dagster as dg

from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.orchestration.io_managers import LanceDBIOManager, PineconeIOManager
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores import build_store
from vector_assets_tests.orchestration.parts import (
    JIRA,
    GivenSources,
    Location,
    check_of,
    days,
    failure_text,
)
from vector_assets_tests.support.tiny import ListSource, document


def test_an_index_is_not_loaded_as_a_value_and_the_refusal_says_where_to_read(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    defs = build_defs(Settings())

    @dg.asset(
        ins={"index": dg.AssetIn(JIRA)}, partitions_def=defs.resolve_assets_def(JIRA).partitions_def
    )
    def summary(index: object) -> None:
        raise AssertionError("never reached")

    result = dg.materialize(
        [summary, *defs.assets],
        selection=[summary],
        partition_key="2025-03-01",
        resources={**defs.resources, "vector_index": LanceDBIOManager(uri=str(tmp_path))},
        instance=instance,
        raise_on_error=False,
    )
    assert not result.success
    assert "jira_documents is an index and cannot be loaded as a value: read it through search" in (
        failure_text(result)
    )


def test_a_run_writes_to_the_pinecone_index_that_the_settings_name(
    sandbox: Sandbox, location: Location
) -> None:
    environment = {**sandbox.environment, "PINECONE_INDEX": "team-knowledge"}
    settings = Settings(**{name.lower(): value for name, value in environment.items()})
    manager = PineconeIOManager(settings=settings, index=settings.pinecone_index)
    items = [document(str(n), "words", updated_at="2025-03-02T10:00") for n in range(3)]
    result = location.run_with(
        days("2025-03-01", "2025-03-03"),
        settings,
        sources=GivenSources(ListSource(items)),
        vector_index=manager,
    )
    assert result.success
    assert build_store(settings, Meter()).count("jira") == 3
    assert [metadata["documents"] for _, metadata in location.recorded()] == [0, 3, 0]
    assert location.recorded()[-1][1]["run_requests"] > 1


def test_the_checks_of_a_run_use_its_connection(sandbox: Sandbox, location: Location) -> None:
    environment = {**sandbox.environment, "PINECONE_INDEX": "team-knowledge"}
    settings = Settings(**{name.lower(): value for name, value in environment.items()})
    for _ in range(2):
        lookups_before = _lookups(sandbox)
        result = location.run_with(
            days("2025-03-02"),
            settings,
            sources=GivenSources(ListSource([document("a", updated_at="2025-03-02T10:00")])),
            vector_index=PineconeIOManager(settings=settings, index="team-knowledge"),
        )
        assert check_of(result, "everything_written_is_found").metadata["read_back"].value == 1
    assert _lookups(sandbox) - lookups_before == 1


def _lookups(sandbox: Sandbox) -> int:
    return sum(path.endswith("/indexes/team-knowledge") for _, path, _ in sandbox.faults.log)


def test_the_settings_choose_the_index(tmp_path: Path) -> None:
    def chosen(**settings: str) -> object:
        return (build_defs(Settings(**settings)).resources or {})["vector_index"]

    lance = chosen(lancedb_uri=str(tmp_path))
    assert isinstance(lance, LanceDBIOManager)
    assert lance.uri == str(tmp_path)
    pinecone = chosen(pinecone_api_key="k", pinecone_index="team-knowledge")
    assert isinstance(pinecone, PineconeIOManager)
    assert pinecone.index == "team-knowledge"
