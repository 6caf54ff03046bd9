"""Everything that the README shows is run here, and has to print what it shows.

Days, times, ports and seconds differ from run to run and are compared as such; a line that is `…`
stands for any number of lines, and `…` at the end of a line for the rest of it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vector_assets_tests.support.patience import first_answer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FREE_PORT = "0"


def blocks() -> list[list[str]]:
    found = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    return [block.rstrip("\n").split("\n") for block in found]


def block_with(command: str) -> list[str]:
    [found] = [block for block in blocks() if f"$ {command}" in block]
    return found


def plain(line: str) -> str:
    """Return a line with what differs from run to run replaced by its kind."""
    line = re.sub(r"\d{4}-\d\d-\d\d", "DAY", line)
    line = re.sub(r"\b\d\d:\d\d\b", "TIME", line)
    line = re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", line)
    return re.sub(r"\d+\.\d s\b", "SECONDS", line).rstrip()


def assert_shows(shown: list[str], printed: list[str]) -> None:
    """Check that lines of the README appear in an output, in order and next to each other."""
    at, is_next = 0, True
    lines = [plain(line) for line in printed if line.strip()]
    for line in (plain(line) for line in shown):
        if line == "…":
            is_next = False
            continue
        places = [at] if is_next else range(at, len(lines))
        found = next((n for n in places if n < len(lines) and is_same(line, lines[n])), None)
        assert found is not None, f"the README shows {line!r}; seen: {lines[at : at + 3]}"
        at, is_next = found + 1, True


def is_same(shown: str, printed: str) -> bool:
    if shown.endswith("…"):
        return printed.startswith(shown.removesuffix("…"))
    return shown == printed


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def test_the_two_commands_of_the_first_screen_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    names = [line.split()[2] for line in blocks()[0]]
    assert names == ["demo", "test"]
    for name in names:
        assert re.search(rf"^{name}: install ##", makefile, flags=re.MULTILINE)
    assert re.search(r"^demo:.*\n\t\$\(BIN\)/vector-assets demo$", makefile, flags=re.MULTILINE)


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    ended = run("vector-assets demo", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert_shows(block_with("make demo")[1:], ended.stdout.split("\n"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A working folder whose `.env` comes from a sandbox, by the README's own line."""
    line = next(one for one in block_with("vector-assets doctor") if " sandbox " in one)
    words = line.removeprefix("$ ").replace("--port 8099", f"--port {FREE_PORT}")
    command = words.removesuffix(" > .env &").split()
    program = shutil.which(command[0], path=str(Path(sys.executable).parent))
    assert program
    with (tmp_path / ".env").open("w") as environment:
        process = subprocess.Popen([program, *command[1:]], stdout=environment, cwd=tmp_path)
    try:
        assert first_answer(
            lambda: "PINECONE" in (tmp_path / ".env").read_text(),
            patience_seconds=60,
            process=process,
        )
        yield tmp_path
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_the_commands_by_hand_print_what_the_readme_shows(folder: Path) -> None:
    steps: list[tuple[str, list[str]]] = []
    for line in block_with("vector-assets doctor"):
        if line.startswith("$ "):
            steps.append((line.removeprefix("$ "), []))
        else:
            steps[-1][1].append(line)
    for command, shown in steps:
        if command.startswith("source ") or command.endswith("&"):
            continue
        ended = run(command, folder)
        is_wrong = any(line.startswith("error:") for line in shown)
        assert ended.returncode == (2 if is_wrong else 0), ended.stderr
        assert_shows(shown, (ended.stderr if is_wrong else ended.stdout).split("\n"))
