"""The IO managers on their own: what they refuse, and which index they open."""

from pathlib import Path

import dagster as dg
from vector_assets.stores.lancedb import LanceDBStore

from vector_assets.definitions import build_defs
from vector_assets.meter import Meter
from vector_assets.orchestration.io_managers import LanceDBIOManager
from vector_assets.settings import Settings
from vector_assets_tests.orchestration.parts import JIRA, failure_text


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
    assert "jira_documents is an index and is not loaded whole: read it through search" in (
        failure_text(result)
    )


def test_each_kind_of_index_is_opened_where_the_settings_say(tmp_path: Path) -> None:
    lance = LanceDBIOManager(uri=str(tmp_path)).build_store(Meter())
    assert isinstance(lance, LanceDBStore)
