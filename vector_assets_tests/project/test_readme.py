"""Everything that the README shows is run here, and has to print what it shows."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vector_assets_tests.project.console import (
    ROOT,
    assert_shows,
    blocks,
    run,
    session_with,
    sessions,
    start,
    stop,
    wait_for_sandbox,
)

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_of_the_first_screen_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    names = [step.command.split()[1] for step in sessions(README)[0]]
    assert names == ["demo", "test"]
    for name in names:
        assert re.search(rf"^{name}: install ##", makefile, flags=re.MULTILINE)
    assert re.search(r"^demo:.*\n\t\$\(BIN\)/vector-assets demo$", makefile, flags=re.MULTILINE)


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    ended = run("vector-assets demo", tmp_path)
    assert ended.returncode == 0, ended.stderr
    [demo] = [block for block in blocks(README) if block[0] == "$ make demo"]
    assert_shows(demo[1:], ended.stdout.split("\n"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A working folder whose `.env` comes from a sandbox, by the README's own line."""
    [step] = [step for step in session_with(README, "vector-assets doctor") if step.is_background]
    free_port = replace(step, command=step.command.replace("--port 8099", "--port 0"))
    process = start(free_port, tmp_path)
    try:
        wait_for_sandbox(tmp_path)
        yield tmp_path
    finally:
        stop(process)


def test_the_commands_by_hand_print_what_the_readme_shows(folder: Path) -> None:
    steps = session_with(README, "vector-assets doctor")
    [started] = [number for number, step in enumerate(steps) if step.is_background]
    # Pasted whole, the next line waits until the sandbox answers.
    assert "until grep" in steps[started + 1].command
    for step in steps[started + 1 :]:
        ended = run(step.command, folder)
        assert ended.returncode == (2 if step.is_error_shown else 0), ended.stderr
        output = ended.stderr if step.is_error_shown else ended.stdout
        assert_shows(step.shown, output.split("\n"))
