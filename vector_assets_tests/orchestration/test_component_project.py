"""A new `dg` project outside the repository that adopts the component, by Dagster's own tools."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from vector_assets.sandbox.clock import move_to_yesterday
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import PACKAGED_WORKSPACE, Workspace
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.patience import PATIENCE_SECONDS
from vector_assets_tests.support.wheel import add_program, build_wheel, install_wheel

SOURCES = {
    "jira": ("server", "email", "api_token"),
    "slack": ("bot_token", "base_url", "requests_per_minute"),
    "notion": ("token", "base_url", "requests_per_second"),
    "fireflies": ("api_key", "url"),
}
HOST = """
from datetime import UTC, datetime

import dagster as dg

from vector_assets import Document, LanceDBIOManager, Section


def read_notes():
    for number in range(10):
        yield Document(
            source="notes",
            native_id=str(number),
            title=f"Note {number}",
            sections=(Section(f"The wombat of shelf {number} is fed at {number} o'clock."),),
            url=f"https://notes.example/{number}",
            container="zoo",
            authors=("Ann Lee",),
            created_at=datetime(2026, 3, 1, tzinfo=UTC),
            updated_at=datetime(2026, 3, 2, tzinfo=UTC),
        )


@dg.asset(
    group_name="vector_index", deps=[["support", "jira_documents"]], io_manager_key="vectors"
)
def notes() -> dg.MaterializeResult:
    return dg.MaterializeResult(value=read_notes())


@dg.definitions
def defs() -> dg.Definitions:
    vectors = LanceDBIOManager(
        uri=dg.EnvVar("SUPPORT_INDEX"),
        openai_api_key=dg.EnvVar("OPENAI_API_KEY"),
        openai_base_url=dg.EnvVar("OPENAI_BASE_URL"),
    )
    return dg.Definitions([notes], resources={"embedder": "the host's", "vectors": vectors})
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


@dataclass(frozen=True)
class Project:
    """A `dg` project in an environment that holds the wheel."""

    folder: Path
    base: Mapping[str, str]
    secrets: Sequence[str]

    def run(self, *command: str, folder: Path | None = None, **environment: str) -> str:
        """Run a command in the project; return what it prints, which shows no secret."""
        done = subprocess.run(
            command, cwd=folder or self.folder, env={**self.base, **environment},
            capture_output=True, text=True, check=False, timeout=2 * PATIENCE_SECONDS,
        )  # fmt: skip
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        assert [secret for secret in self.secrets if secret in output] == []
        return output


@pytest.fixture
def needed(serve: Callable[[Workspace], Sandbox], tmp_path: Path) -> dict[str, str]:
    """The variables that the project needs: the sandbox's and the place of the index."""
    workspace = Workspace.load(PACKAGED_WORKSPACE)
    move_to_yesterday(workspace, datetime.now(UTC))
    given = serve(workspace).environment
    sources = {name: value for name, value in given.items() if not name.startswith("PINECONE")}
    return {**sources, "SUPPORT_INDEX": str(tmp_path / "index")}


@pytest.fixture
def project(needed: dict[str, str], tmp_path: Path) -> Project:
    """A new project, made by Dagster's own tool in an empty folder outside the repository."""
    (tmp_path / "copy").mkdir()
    python = install_wheel(build_wheel(tmp_path / "copy"), tmp_path / "fresh")
    for name in ("dg", "dagster", "create-dagster"):
        add_program(python, name)
    home, empty = tmp_path / "home", tmp_path / "empty"
    home.mkdir()
    empty.mkdir()
    base = {
        "PATH": f"{python.parent}:{os.environ['PATH']}", "HOME": str(home),
        # Of the rules of redaction, which take 5 s of a core to compile.
        "XDG_CACHE_HOME": os.getenv("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1", "COLUMNS": "200",
        "PYTHONPATH": str(empty / "host" / "src"),
    }  # fmt: skip
    secrets = [value for name, value in needed.items() if name.endswith(("TOKEN", "_KEY"))]
    made = Project(empty / "host", base, secrets)
    made.run("create-dagster", "project", "host", "--no-uv-sync", folder=empty)
    place = made.run("python", "-c", "import vector_assets; print(vector_assets.__file__)")
    assert Path(place.strip()).is_relative_to(tmp_path / "fresh"), "the wheel's, and no other"
    return made


@pytest.mark.slow
def test_a_new_project_checks_lists_and_runs_the_component(
    project: Project, needed: dict[str, str]
) -> None:
    component = "vector_assets.VectorIndexComponent"
    assert component in project.run("dg", "list", "components")
    project.run("dg", "scaffold", "defs", component, "knowledge")
    folder = project.folder / "src" / "host" / "defs"
    assert component in (folder / "knowledge" / "defs.yaml").read_text()
    (folder / "knowledge" / "defs.yaml").write_text(yaml.safe_dump(written(needed)))
    (folder / "notes.py").write_text(HOST)

    project.run("dg", "check", "yaml", "--no-validate-requirements")
    project.run("dg", "check", "defs")
    envs = project.run("dg", "list", "envs")
    assert [name for name in needed if name not in envs] == []

    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    store = LanceDBStore(needed["SUPPORT_INDEX"])
    selected = " or ".join(f"key:support/{source}_documents" for source in SOURCES)
    project.run("dg", "launch", "--assets", selected, "--partition", day, **needed)
    counts = {source: store.count(source) for source in SOURCES}
    assert all(counts.values()), counts
    for _ in range(2):
        project.run("dg", "launch", "--assets", "key:notes", **needed)
        assert len(dict(store.documents("notes"))) == 10
