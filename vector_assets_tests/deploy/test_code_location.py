"""One name for the code location, however it is started: switches are kept under the name."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from vector_assets.orchestration.local import MODULE, packaged_workspace
from vector_assets.orchestration.webserver.server import Code, with_packaged_workspace
from vector_assets_tests.deploy.split import DEPLOY, ROOT
from vector_assets_tests.support.dagster_private import (
    WorkspaceOpts,
    workspace_opts_to_load_target,
)

NAME = "vector_assets"


def names_of(code: Code) -> list[str]:
    options = WorkspaceOpts(
        workspace=tuple(code.workspaces) or None,
        module_name=tuple(code.modules) or None,
        python_file=tuple(code.files) or None,
    )
    target = workspace_opts_to_load_target(options)
    return [origin.location_name for origin in target.create_origins()]


@pytest.mark.parametrize(
    "path",
    [packaged_workspace(), ROOT / "workspace.yaml", DEPLOY / "workspace.yaml"],
    ids=["packaged", "repository", "deployed"],
)
def test_every_workspace_file_gives_the_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE_SERVER_HOST", "127.0.0.1")
    monkeypatch.setenv("CODE_SERVER_PORT", "4000")
    assert names_of(Code(workspaces=[str(path)])) == [NAME]


@pytest.mark.parametrize("code", [Code(), Code(modules=[MODULE])], ids=["none", "module"])
@pytest.mark.parametrize("folder", ["elsewhere", "repository"])
def test_the_webserver_gives_the_name(
    code: Code, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path if folder == "elsewhere" else ROOT)
    assert names_of(with_packaged_workspace(code)) == [NAME]


def test_other_code_keeps_its_own_name() -> None:
    assert names_of(with_packaged_workspace(Code(modules=["json"]))) == ["json"]


def test_what_is_not_a_workspace_file_gives_the_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dagster"]
    assert (project["code_location_name"], project["module_name"]) == (NAME, MODULE)
    helm: dict[str, Any] = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    workspace = helm["dagsterWebserver"]["workspace"]
    [deployment] = helm["dagster-user-deployments"]["deployments"]
    assert workspace["enabled"] is True
    assert workspace["servers"] == [
        {"host": deployment["name"], "port": deployment["port"], "name": NAME}
    ]


@pytest.mark.parametrize(
    "path",
    [*sorted((DEPLOY / "systemd").glob("*.service")), DEPLOY / "compose.yaml", DEPLOY / "app.yaml"],
    ids=lambda path: path.name,
)
def test_only_the_code_server_is_told_the_module(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if MODULE in line]
    assert all("code-server" in line for line in lines)
