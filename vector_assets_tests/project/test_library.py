"""The examples of `docs/library.md` run, and what is exported is loaded when it is used."""

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

import vector_assets
from vector_assets.core.errors import SettingsError, UsageError
from vector_assets_tests.project.console import ROOT

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
