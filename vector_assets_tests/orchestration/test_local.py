"""Runs from a program: recorded where the UI looks, and ended by errors of our own types."""

from pathlib import Path

import dagster as dg
import pytest

from vector_assets.core.errors import ContractError, SettingsError, UnavailableError
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.orchestration.io_managers import LanceDBIOManager
from vector_assets.orchestration.local import materialize_in_process
from vector_assets_tests.orchestration.parts import JIRA, GivenEmbedder, GivenSources, days
from vector_assets_tests.support.dagster_home import dagster_instance
from vector_assets_tests.support.tiny import ListSource, document

WEEK = days("2025-03-01", "2025-03-07")


def defs(folder: Path, *items: object, **overrides: object) -> dg.Definitions:
    return build_defs(
        Settings(),
        resource_overrides={
            "sources": GivenSources(ListSource(items)),
            "embedder": GivenEmbedder(),
            "vector_index": LanceDBIOManager(uri=str(folder / "lancedb"), max_retries=0),
            **overrides,
        },
    )


def test_a_run_is_recorded_in_the_instance_of_the_environment(tmp_path: Path) -> None:
    with dagster_instance() as instance:
        item = document("1", "words", updated_at="2025-03-03T10:00")
        result = materialize_in_process(defs(tmp_path, item), "jira", WEEK)
        assert instance.get_run_by_id(result.run_id).is_success
        assert instance.get_materialized_partitions(JIRA) == {str(day) for day in WEEK}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ContractError("jira", "nonsense", "sense"), "jira answered nonsense, where sense"),
        (UnavailableError("jira", "HTTP 503"), "jira did not answer: HTTP 503"),
    ],
)
def test_what_ends_a_run_is_raised_as_the_error_that_it_was(
    tmp_path: Path, instance: dg.DagsterInstance, error: Exception, words: str
) -> None:
    with pytest.raises(type(error), match=words):
        materialize_in_process(defs(tmp_path, error), "jira", WEEK, instance=instance)


def test_missing_credentials_are_raised_by_name(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    index = LanceDBIOManager(uri=str(tmp_path))
    plain = build_defs(
        Settings(), resource_overrides={"vector_index": index, "embedder": GivenEmbedder()}
    )
    with pytest.raises(SettingsError, match="slack needs SLACK_BOT_TOKEN: not set"):
        materialize_in_process(plain, "slack", WEEK, instance=instance)
