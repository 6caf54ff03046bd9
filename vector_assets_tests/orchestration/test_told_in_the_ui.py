"""What the assets say of themselves: where documents come from, where they go, by which code."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vector_assets.core.meter import Meter
from vector_assets.core.settings import GivenSettings, Settings, load_settings
from vector_assets.definitions import build_defs
from vector_assets.embedding import build_embedder, chunking
from vector_assets.index.spec import IndexSpec
from vector_assets.monitoring.dagster_state.naming import Naming
from vector_assets.orchestration.addresses import uri_of, web_address
from vector_assets.orchestration.code_location import index_definitions
from vector_assets.orchestration.code_version import code_version
from vector_assets.orchestration.resources import SourcesResource, shown, shown_and_nested
from vector_assets.sources import SOURCE_NAMES
from vector_assets.stores import records

FILES = {"files_path": "/srv/handbook"}


def specs(settings: Settings) -> dict[str, dg.AssetSpec]:
    return {
        spec.key.to_user_string(): spec for spec in build_defs(settings).resolve_all_asset_specs()
    }


def test_each_source_comes_from_an_external_asset_that_nothing_materializes() -> None:
    defs = build_defs(Settings(**FILES))
    graph = defs.resolve_asset_graph()
    for source in (*SOURCE_NAMES, "files"):
        upstream = dg.AssetKey(source)
        assert graph.get(dg.AssetKey(f"{source}_documents")).parent_keys == {upstream}
        assert not graph.get(upstream).is_executable
        assert graph.get(upstream).kinds == {source}
        assert graph.get(upstream).description
    keys = defs.resolve_job_def("nightly_ingestion").asset_layer.selected_asset_keys
    assert keys.isdisjoint({dg.AssetKey(source) for source in SOURCE_NAMES})


def test_an_external_asset_leads_to_the_site_of_the_settings_or_of_the_product() -> None:
    told = specs(Settings(jira_server="https://ann:pw@team.atlassian.net/?token=abc", **FILES))
    sites = {name: told[name].metadata["site"].value for name in (*SOURCE_NAMES, "files")}
    assert sites == {
        "jira": "https://team.atlassian.net",
        "slack": "https://app.slack.com",
        "notion": "https://www.notion.so",
        "fireflies": "https://app.fireflies.ai",
        "files": "/srv/handbook",
    }
    assert specs(Settings())["jira"].metadata["site"].value.startswith("https://www.atlassian.com")


def test_two_indexes_in_one_project_have_external_assets_of_their_own() -> None:
    settings = Settings()
    names = [Naming(key_prefix=(team,), prefix=f"{team}_", upstream_group=team) for team in "ab"]
    merged = dg.Definitions.merge(
        *(index_definitions(settings, ("jira",), naming) for naming in names)
    )
    keys = {spec.key for spec in merged.resolve_all_asset_specs()}
    assert {dg.AssetKey([team, "jira"]) for team in "ab"} <= keys


@pytest.mark.parametrize(
    ("settings", "uri"),
    [
        ({"lancedb_uri": "data/lancedb"}, "data/lancedb/jira"),
        ({"lancedb_uri": "s3://bucket/index/"}, "s3://bucket/index/jira"),
        ({"lancedb_uri": "az://box/index?sig=abc#part"}, "az://box/index/jira"),
        ({"lancedb_uri": "s3://AKIA:secret@bucket/index"}, "s3://bucket/index/jira"),
        ({"lancedb_uri": "db://[broken"}, ""),
        (
            {"vector_store": "pinecone", "pinecone_index": "team", "pinecone_api_key": "k" * 20},
            "pinecone://team/jira",
        ),
    ],
)
def test_the_address_of_a_namespace_holds_no_credential(settings: dict[str, str], uri: str) -> None:
    assert uri_of("jira", Settings(**settings)) == uri
    metadata = specs(Settings(**settings))["jira_documents"].metadata
    assert metadata.get("dagster/uri", "") == uri


def test_an_address_that_only_a_variable_holds_is_not_told() -> None:
    settings = GivenSettings.of({}, {"lancedb_uri": "INDEX_URI"})
    assert uri_of("jira", settings) == ""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://team.atlassian.net/", "https://team.atlassian.net"),
        ("http://ann@127.0.0.1:8080/jira", "http://127.0.0.1:8080/jira"),
        ("javascript:alert(1)", ""),
        ("team.atlassian.net", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_are_links(text: str, address: str) -> None:
    assert web_address(text) == address


_needs_local_model = pytest.mark.skipif(
    find_spec("onnxruntime") is None, reason="the extra `local` is not installed"
)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, marks=_needs_local_model),
        {"openai_api_key": "sk-" + "a" * 20},
        {"openai_api_key": "sk-" + "a" * 20, "embedding_model": "text-embedding-3-large"},
        {"openai_api_key": "sk-" + "a" * 20, "embedding_dimensions": 256},
        {
            "openai_api_key": "sk-" + "a" * 20, "embedding_model": "nomic-embed-text",
            "embedding_dimensions": 768,
        },
        pytest.param(
            {"embedding_model": "sentence-transformers/all-MiniLM-L6-v2"}, marks=_needs_local_model
        ),
    ],
)  # fmt: skip
def test_the_code_version_is_the_spec_that_a_run_would_use(settings: dict[str, Any]) -> None:
    given = Settings(**settings)
    spec = IndexSpec.of(build_embedder(given, Meter()))
    assert code_version(given) == f"{spec.vector_spec}|layout {spec.layout}"
    assert specs(given)["jira_documents"].code_version == code_version(given)


def test_whatever_a_reindex_would_change_changes_the_code_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    versions = {
        code_version(Settings()),
        code_version(Settings(openai_api_key="sk-" + "a" * 20)),
        code_version(Settings(openai_api_key="sk-" + "a" * 20, embedding_dimensions=256)),
    }
    monkeypatch.setattr(chunking, "CHUNKER_VERSION", chunking.CHUNKER_VERSION + 1)
    versions.add(code_version(Settings()))
    monkeypatch.setattr(records, "LAYOUT_VERSION", records.LAYOUT_VERSION + 1)
    versions.add(code_version(Settings()))
    assert len(versions) == 5


def test_a_model_that_is_not_known_here_does_not_keep_the_location_from_loading() -> None:
    settings = Settings(openai_api_key="sk-" + "a" * 20, embedding_model="nomic-embed-text")
    assert "nomic-embed-text" in str(specs(settings)["jira_documents"].code_version)


def test_owners_are_those_of_the_settings() -> None:
    owners = ["team:data", "ann@example.com"]
    told = specs(Settings(dagster_owners=",".join(owners)))
    assert list(told["jira_documents"].owners) == list(told["index_canary"].owners) == owners
    assert not told["jira"].owners
    assert not specs(Settings())["jira_documents"].owners


@pytest.mark.parametrize("owner", ["data", "team:", "ann@", "ann@example", "@example.com", "a b"])
def test_an_owner_that_dagster_would_refuse_is_named(owner: str) -> None:
    with pytest.raises(ValueError, match=r"is no owner: write an e-mail address or team:NAME"):
        Settings(dagster_owners=owner)


def test_a_field_that_a_variable_holds_shows_the_name_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    held = {
        "JIRA_SERVER": "https://acme.atlassian.net",
        "JIRA_EMAIL": "bot@acme.example",
        "JIRA_API_TOKEN": "jira-token-of-the-test",
        "LANCEDB_URI": str(tmp_path / "index"),
    }
    for name, value in held.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    fields = shown(settings, *map(str.lower, held), "embedding_provider")
    assert fields.pop("embedding_provider") == settings.embedding_provider
    assert fields == {name.lower(): dg.EnvVar(name) for name in held}
    resource = SourcesResource(settings=settings, jira_server=fields["jira_server"])
    assert shown_and_nested(resource).jira_server == held["JIRA_SERVER"]
