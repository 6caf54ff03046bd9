"""The examples of `docs/library.md` run, and what is exported is loaded when it is used."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import vector_assets
from vector_assets.api.index_reader import IndexReader
from vector_assets.core.days import Days
from vector_assets.core.errors import SettingsError, UsageError
from vector_assets.core.settings import load_settings, settings_of
from vector_assets.pipeline.sync import sync_source
from vector_assets.sandbox.server import Sandbox
from vector_assets.stores.base import Filter
from vector_assets_tests.project.console import ROOT
from vector_assets_tests.sources.jira.issues import issue

LIBRARY = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")

HEAVY = ("dagster", "pinecone", "lancedb", "openai", "slack_sdk", "jira", "notion_client", "torch")


def test_the_examples_write_documents_and_find_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANCEDB_URI", "elsewhere")
    write, ask = re.findall(r"```python\n(.*?)```", LIBRARY, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(write, names)
    defs = names["defs"]
    assert isinstance(defs, dg.Definitions)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            list(defs.assets or ()), resources=defs.resources, instance=instance
        )
    assert result.success
    capsys.readouterr()
    exec(ask, {})
    told = capsys.readouterr().out
    assert told.startswith("notes:42 https://notes.example.com/42 ")
    assert "minus 15 degrees" in told
    assert not Path("elsewhere").exists()
    # What an agent has found it can open as well.
    reader = IndexReader(settings_of(vector_store="lancedb", lancedb_uri="data/index"))
    page = reader.read("notes:42", Filter(), 500, "")
    assert page is not None
    assert page.text == "The alarm of the cold store rings at minus 15 degrees."


@pytest.mark.parametrize("used", ["", "; vector_assets.Document; vector_assets.Section"])
def test_an_import_loads_neither_dagster_nor_an_sdk(used: str) -> None:
    code = f"import sys, vector_assets{used}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""


def test_all_that_is_exported_exists() -> None:
    for name in vector_assets.__all__:
        assert getattr(vector_assets, name).__name__ == name
        assert name in dir(vector_assets)
        assert f"`{name}`" in LIBRARY
    with pytest.raises(AttributeError, match="has no attribute 'Documents'"):
        _ = vector_assets.Documents


@pytest.mark.parametrize("names_index", [True, False])
def test_answers_are_confirmed_at_their_sources(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, names_index: bool
) -> None:
    now = datetime.now(UTC)
    sandbox.workspace.issues += [
        issue(number, updated=now - timedelta(hours=30), summary=f"Crane {number} is late")
        for number in (1, 2, 3)
    ]
    uri = str(tmp_path / "index")
    given = {**sandbox.environment, "VECTOR_STORE": "lancedb", "LANCEDB_URI": uri}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    sync_source("jira", Days.newest(3, now), load_settings())
    kept, deleted, edited = sandbox.workspace.issues
    edited["fields"]["updated"] = f"{now:%Y-%m-%dT%H:%M:%S}.000+0000"
    sandbox.workspace.issues.remove(deleted)
    named: dict[str, Any] = {"sources": ["jira"]}
    if names_index:
        named |= {"lancedb_uri": uri, "openai_api_key": given["OPENAI_API_KEY"],
                  "openai_base_url": given["OPENAI_BASE_URL"]}  # fmt: skip

    answers = vector_assets.find("crane", confirm=True, **named)
    assert answers.confirmation is not None
    said = answers.confirmation.by_document
    assert {name: str(each.verdict) for name, each in said.items()} == {
        f"jira:{kept['id']}": "unchanged",
        f"jira:{edited['id']}": "edited",
    }
    assert dict(answers.confirmation.left_out) == {"deleted": 1}
    assert vector_assets.find("crane", **named).confirmation is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"lancedb_uri": "a", "pinecone_index": "b"}, "are both given: name one index"),
        (
            {"since": datetime.fromisoformat("2026-03-01")},
            "since is 2026-03-01T00:00:00 without",
        ),
        ({"sources": "jira"}, "are lists of names"),
        ({"lancedb_uri": "a", "sources": ["jria"]}, "unknown source 'jria'"),
    ],
)
def test_wrong_arguments_of_find_are_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        vector_assets.find("a question", **arguments)


def test_pinecone_without_a_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="PINECONE_API_KEY is not set"):
        vector_assets.find("a question", pinecone_index="team")
