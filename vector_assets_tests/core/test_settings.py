"""The environment, read into one object."""

from pathlib import Path

import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.core.settings import load_settings


def test_with_no_credentials_nothing_is_on_and_everything_is_local() -> None:
    settings = load_settings()
    assert settings.enabled_sources == ()
    assert (settings.embedding_provider, settings.vector_store) == ("local", "lancedb")


def test_a_source_is_on_when_all_its_credentials_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_SERVER", "https://x.example")
    monkeypatch.setenv("JIRA_EMAIL", "a@x.example")
    assert load_settings().enabled_sources == ()
    assert load_settings().missing_credentials("jira") == ("JIRA_API_TOKEN",)
    monkeypatch.setenv("JIRA_API_TOKEN", "t")
    assert load_settings().enabled_sources == ("jira",)


def test_a_list_of_sources_decides_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_TOKEN", "t")
    monkeypatch.setenv("VECTOR_ASSETS_SOURCES", "slack, fireflies")
    assert load_settings().enabled_sources == ("slack", "fireflies")
    with pytest.raises(SettingsError, match="slack needs SLACK_BOT_TOKEN: not set"):
        load_settings().require_credentials("slack")


@pytest.mark.parametrize(
    ("key", "field", "chosen"),
    [
        ("OPENAI_API_KEY", "embedding_provider", "openai"),
        ("PINECONE_API_KEY", "vector_store", "pinecone"),
    ],
)
def test_a_key_that_is_set_chooses_its_provider(
    monkeypatch: pytest.MonkeyPatch, key: str, field: str, chosen: str
) -> None:
    monkeypatch.setenv(key, "k")
    assert getattr(load_settings(), field) == chosen
    monkeypatch.setenv(field.upper(), {"openai": "local", "pinecone": "lancedb"}[chosen])
    assert getattr(load_settings(), field) != chosen


def test_comma_lists_are_split_and_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_PROJECTS", " HAR, OPS ,,")
    assert load_settings().jira_projects == ("HAR", "OPS")


def test_a_dotenv_file_counts_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PINECONE_INDEX=from-file\nCATCH_UP_DAYS=3\n")
    monkeypatch.setenv("CATCH_UP_DAYS", "5")
    monkeypatch.setenv("PINECONE_INDEX", "")
    monkeypatch.delenv("PINECONE_INDEX")
    settings = load_settings()
    assert (settings.pinecone_index, settings.catch_up_days) == ("from-file", 5)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CATCH_UP_DAYS", "soon", "CATCH_UP_DAYS is 'soon': .*valid integer"),
        # The last none of a list are all of it: every day since the first would be requested.
        ("CATCH_UP_DAYS", "0", "CATCH_UP_DAYS is '0': .*greater than or equal to 1"),
        ("EMBEDDING_PROVIDER", "cohere", "EMBEDDING_PROVIDER is 'cohere': .*'openai' or 'local'"),
        ("VECTOR_STORE", "faiss", "VECTOR_STORE is 'faiss': .*'pinecone' or 'lancedb'"),
        (
            "VECTOR_ASSETS_SOURCES",
            "jira,confluence",
            "names 'confluence': choose from jira, slack, notion, fireflies",
        ),
    ],
)
def test_a_bad_value_is_named_with_what_was_wanted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-very-secret")
    monkeypatch.setenv("HEARTBEAT_URL", "https://hc.example/very-secret")
    assert "very-secret" not in repr(load_settings())
    assert "very-secret" not in str(load_settings())


def test_a_secret_that_is_refused_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_SECRET", "guessable")
    with pytest.raises(SettingsError, match="SESSION_SECRET: it has fewer than 32") as raised:
        load_settings()
    assert "guessable" not in str(raised.value)
