"""Checks the files of `deploy/` that cannot run here by schema or parser."""

import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_k8s.job import UserDefinedDagsterK8sConfig

from vector_assets_tests.deploy.known_fields import APP_SPEC, HELM_VALUES, unknown_fields
from vector_assets_tests.deploy.split import DEPLOY, PROCESSES, ROOT
from vector_assets_tests.support.dagster_private import dagster_instance_config

BIN = Path(sys.executable).parent
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / name).read_text()))


def run(*command: str) -> None:
    program = str(BIN / command[0]) if (BIN / command[0]).exists() else command[0]
    done = subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_instance_is_the_same_however_it_is_deployed() -> None:
    """All equal the package's own file, except for the storage."""
    one_host = yaml.safe_load(
        (files("vector_assets.orchestration") / "dagster.yaml").read_text("utf-8")
    )
    ours = read("dagster.yaml")
    assert {
        name: ours[name] for name in ours if name not in {"storage", "compute_logs"}
    } == one_host
    helm = read("helm-values.yaml")
    assert {**helm["additionalInstanceConfig"], "telemetry": helm["telemetry"]} == one_host


def test_dagster_takes_the_instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    config, _ = dagster_instance_config(str(tmp_path))
    fields = config["storage"]["postgres"]["postgres_db"]
    variables = {field["env"] for name, field in fields.items() if name != "params"}
    assert variables == set(env_file("database.env.example"))


def env_file(name: str) -> dict[str, str]:
    lines = (DEPLOY / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_compose_fits_its_schema() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml"))


def test_compose_starts_again_what_dies_and_publishes_nothing_to_the_world() -> None:
    services = read("compose.yaml")["services"]
    assert set(services) == {"postgres", "migrate", *PROCESSES}
    for name in ("postgres", *PROCESSES):
        assert services[name]["restart"] == "unless-stopped"
        assert services[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:3000:3000", "127.0.0.1:8090:8090"]
    for service in services.values():
        for name in service.get("env_file", []):
            assert (DEPLOY / f"{name}.example").exists()
            # Files with secrets are never committed.
            run("git", "check-ignore", "--quiet", f"deploy/{name}")


def test_every_file_starts_the_same_commands() -> None:
    """The commands of compose, which the tests of the split deployment start."""
    services = read("compose.yaml")["services"]
    commands = {name: " ".join(services[name]["command"]) for name in ("migrate", *PROCESSES)}
    app = read("app.yaml")
    components = [*app["services"], *app["workers"], *app["jobs"]]
    assert {component["name"]: component["run_command"] for component in components} == commands
    deployment, _ = yaml.safe_load_all((DEPLOY / "serve.yaml").read_text())
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert " ".join(container["command"]) == commands["serve"]
    for unit in UNITS:
        name = unit.stem.removeprefix("vector-assets-")
        [started] = re.findall(r"^ExecStart=\S+/bin/(.+)$", unit.read_text(), re.MULTILINE)
        # On a single host, services listen only on 127.0.0.1.
        assert started == commands[name].replace("0.0.0.0", "127.0.0.1")
    [code] = read("helm-values.yaml")["dagster-user-deployments"]["deployments"]
    assert commands["code"].endswith(" ".join(code["codeServerArgs"]))


def test_kubernetes_takes_what_stands_beside_the_chart() -> None:
    run("kubernetes-validate", "--strict", str(DEPLOY / "serve.yaml"))


def test_the_chart_knows_every_value() -> None:
    assert list(unknown_fields(read("helm-values.yaml"), HELM_VALUES)) == []


def test_the_launcher_takes_what_it_shall_put_into_each_pod() -> None:
    launcher = read("helm-values.yaml")["runLauncher"]["config"]["k8sRunLauncher"]
    given = launcher["runK8sConfig"]
    config = UserDefinedDagsterK8sConfig(
        container_config=given["containerConfig"],
        pod_spec_config=given["podSpecConfig"],
        job_spec_config=given["jobSpecConfig"],
    )
    assert config.pod_spec_config["security_context"]["run_as_non_root"] is True


def test_the_app_platform_knows_every_field() -> None:
    app = read("app.yaml")
    assert list(unknown_fields(app, APP_SPEC)) == []
    # Only `serve` is reachable from outside.
    assert [rule["component"]["name"] for rule in app["ingress"]["rules"]] == ["serve"]
    envs = [env for service in app["services"] for env in service.get("envs", [])]
    secrets = [env for env in envs if "KEY" in env["key"]]
    assert all(env["type"] == "SECRET" and env["value"] == "CHANGE_ME" for env in secrets)


def test_a_field_that_does_not_exist_is_found() -> None:
    assert list(unknown_fields({"services": [{"nam": 1}]}, APP_SPEC)) == ["services[0].nam"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_systemd_takes_the_units_and_calls_them_safe(unit: Path, tmp_path: Path) -> None:
    for file in (DEPLOY / "systemd").iterdir():
        text = file.read_text().replace("/opt/vector-assets/.venv/bin", str(BIN))
        (tmp_path / file.name).write_text(text)
    copy = str(tmp_path / unit.name)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
    )
    assert "vector-assets" not in verified.stderr, verified.stderr
    run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", copy)


def test_the_dockerfile_is_in_order() -> None:
    run("hadolint", str(DEPLOY / "Dockerfile"))
    last = (DEPLOY / "Dockerfile").read_text().split("FROM ")[-1]
    assert "USER 10001" in last
    assert "pip install" not in last


def test_the_image_holds_all_that_is_copied_and_no_accounts() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text(), re.M)
        for source in line.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / path).exists() for path in copied)
    assert [path for path in let_in if "env" in path] == []
