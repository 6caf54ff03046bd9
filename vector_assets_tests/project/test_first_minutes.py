"""What somebody new meets beside the program: the installation, the demo's advice, `make up`."""

import os
import re
import subprocess
import sys
from pathlib import Path

from vector_assets_tests.project.console import ROOT


def recipe(target: str, *variables: str) -> list[str]:
    """Return the commands of a target of the Makefile, as it would run them."""
    shown = subprocess.run(
        ["make", "--dry-run", "--silent", target, *variables],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return shown.stdout.replace("\\\n", "").splitlines()


def test_an_installation_says_what_it_takes_and_shows_what_it_does(tmp_path: Path) -> None:
    lines = recipe("install", f"VENV={tmp_path / 'new'}")
    installs = [line for line in lines if "pip install" in line]
    assert len(installs) >= 2
    assert [line for line in installs if re.search(r"\s(-q|--quiet)\b", line)] == []
    [said, *_] = [number for number, line in enumerate(lines) if "200 packages, 1 GB" in line]
    assert said < lines.index(installs[0])
    assert f"source {tmp_path / 'new'}/bin/activate" in lines[-1]


def test_without_an_active_environment_the_demos_advice_can_be_pasted(tmp_path: Path) -> None:
    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env={**os.environ, "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip

    demo = run(f"{Path(sys.executable).with_name('vector-assets')} demo")
    assert demo.returncode == 0, demo.stderr
    advice = demo.stdout[demo.stdout.rindex("The sandbox has stopped") :]
    assert "the links above lead nowhere" in advice
    [asked] = re.findall(r'(LANCEDB_URI=.* find ")…"', advice)
    answered = run(f'{asked}Why were the labels to Norway blank?"')
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith("1. "), answered.stdout
    assert "Labels to Norway" in answered.stdout
    [checked] = re.findall(r"`(.* doctor)`", advice)
    assert "to switch it on, set JIRA_SERVER, JIRA_EMAIL, JIRA_API_TOKEN" in run(checked).stdout


def test_up_shows_the_demos_data_and_the_key(tmp_path: Path) -> None:
    lines = "\n".join(recipe("up", f"UP={tmp_path}"))
    steps = ["vector-assets sandbox", "sync --days 7", "the key is 'sandbox'", "vector-assets up"]
    places = [lines.index(step) for step in steps]
    assert places == sorted(places)
