"""A new `dg` project outside the repository that adopts the component, by Dagster's own tools."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.stores.lancedb.store import LanceDBStore

BIN = Path(sys.executable).parent
SOURCES = {
    "jira": ("server", "email", "api_token"),
    "slack": ("bot_token", "base_url", "requests_per_minute"),
    "notion": ("token", "base_url", "requests_per_second"),
    "fireflies": ("api_key", "url"),
}
HOST = """
import dagster as dg

@dg.asset(group_name="vector_index", deps=[["support", "jira_documents"]])
def report() -> str:
    return "the host's own"

@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions([report], resources={"embedder": "the host's"})
"""


def written(environment: dict[str, str]) -> dict[str, object]:
    """Return the YAML of a component over every source."""
    sources = {
        source: {field: "{{ env." + f"{source}_{field}".upper() + " }}" for field in fields}
        for source, fields in SOURCES.items()
    }
    embedder = {
        "provider": "openai",
        "api_key": "{{ env.OPENAI_API_KEY }}",
        "base_url": "{{ env.OPENAI_BASE_URL }}",
    }
    return {
        "type": "vector_assets.VectorIndexComponent",
        "attributes": {
            "name": "support",
            "sources": sources,
            "embedder": embedder,
            "store": {"lancedb": {"uri": "{{ env.SUPPORT_INDEX }}"}},
        },
        "requirements": {"env": sorted(environment)},
    }


@pytest.mark.slow
def test_a_new_project_checks_lists_and_runs_the_component(
    serve: Callable[[Workspace], Sandbox], tmp_path: Path
) -> None:
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    given = serve(workspace).environment
    index = tmp_path / "index"
    needed = {
        **{name: value for name, value in given.items() if not name.startswith("PINECONE")},
        "SUPPORT_INDEX": str(index),
    }
    home = tmp_path / "home"
    home.mkdir()
    project = tmp_path / "host"
    base = {
        "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1", "COLUMNS": "200", "PYTHONPATH": str(project / "src"),
    }  # fmt: skip

    def run(*command: str, folder: Path = project, **environment: str) -> str:
        done = subprocess.run(
            command, cwd=folder, env={**base, **environment},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        secrets = [value for name, value in needed.items() if name.endswith(("TOKEN", "_KEY"))]
        assert [secret for secret in secrets if secret in output] == []
        return output

    run("create-dagster", "project", "host", "--no-uv-sync", folder=tmp_path)
    knowledge = project / "src" / "host" / "defs" / "knowledge"
    knowledge.mkdir()
    (knowledge / "defs.yaml").write_text(yaml.safe_dump(written(needed)))
    (knowledge.parent / "report.py").write_text(HOST)

    assert "vector_assets.VectorIndexComponent" in run("dg", "list", "components")
    run("dg", "check", "yaml", "--no-validate-requirements")
    run("dg", "check", "defs", **needed)
    envs = run("dg", "list", "envs")
    assert [name for name in needed if name not in envs] == []

    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assets = [f"key:support/{source}_documents" for source in SOURCES]
    selected = ("--assets", " or ".join(assets), "--partition", day)
    run("dg", "launch", *selected, **needed)
    run("dg", "launch", "--assets", "key:report", **needed)
    counts = {source: LanceDBStore(str(index)).count(source) for source in SOURCES}
    assert all(counts.values()), counts
