"""The import contracts fail for each kind of wrong import, and for a module without a place."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

UNPLACED = ["helpers", "sources.confluence", "pipeline.helpers", "cli.helpers"]
"""New modules that no contract lists, below `vector_assets`."""

WRONG_IMPORTS = {
    "a vendor imports a vendor": ("sources.slack.client", "vector_assets.sources.jira.fields"),
    "a store imports a store": ("stores.lancedb.rows", "vector_assets.stores.pinecone.api"),
    "a provider imports a provider": (
        "embedding.local.model",
        "vector_assets.embedding.openai.tokenizer",
    ),
    "a sandbox vendor imports another": ("sandbox.slack", "vector_assets.sandbox.openai"),
    "a package imports one above it": ("pipeline.report", "vector_assets.monitoring.cron"),
    "core imports a package": ("core.days", "vector_assets.sources.items"),
    "a module imports one above it": ("index.spec", "vector_assets.index.search"),
    "maintenance imports Dagster": ("maintenance.verify.verify", "dagster"),
    "the watcher imports Dagster": ("monitoring.watcher", "dagster"),
    "the API imports Dagster": ("api.app", "dagster"),
    "the API imports the sandbox": ("api.app", "vector_assets.sandbox.app"),
}
"""By kind: a module below `vector_assets`, and what it imports."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What `lint-imports` says of a copy with every wrong import in it: exit code and output."""
    folder = tmp_path_factory.mktemp("spoilt")
    shutil.copytree(
        ROOT / "vector_assets",
        folder / "vector_assets",
        ignore=shutil.ignore_patterns("__pycache__", "sample_workspace"),
    )
    shutil.copy(ROOT / "pyproject.toml", folder)
    untouched = lint_imports(folder)
    assert untouched.returncode == 0, untouched.stdout + untouched.stderr
    for module in UNPLACED:
        path = folder / "vector_assets" / f"{module.replace('.', '/')}.py"
        path.write_text('"""New."""\n')
    for module, imported in WRONG_IMPORTS.values():
        path = folder / "vector_assets" / f"{module.replace('.', '/')}.py"
        path.write_text(f"{path.read_text()}\nimport {imported}\n")
    done = lint_imports(folder)
    return {"code": str(done.returncode), "output": done.stdout}


def test_wrong_imports_fail_the_check(spoilt: Mapping[str, str]) -> None:
    assert spoilt["code"] == "1"


@pytest.mark.parametrize("kind", WRONG_IMPORTS)
def test_each_kind_of_wrong_import_is_named(kind: str, spoilt: Mapping[str, str]) -> None:
    module, imported = WRONG_IMPORTS[kind]
    assert f"vector_assets.{module} -> {imported} (l." in spoilt["output"]


@pytest.mark.parametrize("module", UNPLACED)
def test_a_module_that_no_contract_places_is_named(module: str, spoilt: Mapping[str, str]) -> None:
    assert "not listed as layers" in spoilt["output"]
    assert f"- vector_assets.{module}\n" in spoilt["output"]
