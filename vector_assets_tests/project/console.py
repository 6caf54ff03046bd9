"""Console sessions in Markdown: read them, run them, compare what they print.

Days, times, ports and seconds differ from run to run and are compared as such; a line that is `…`
stands for any number of lines, and `…` at the end of a line for the rest of it.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COMMAND_SECONDS = 200
_SANDBOX_SECONDS = 60
_STOP_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a console session.

    Attributes:
        command: Without its `$ `.
        shown: The lines that the document shows below it.
    """

    command: str
    shown: list[str] = field(default_factory=list)

    @property
    def is_background(self) -> bool:
        """Whether it goes on while the next commands run."""
        return self.command.endswith(" &")

    @property
    def is_error_shown(self) -> bool:
        """Whether the document shows it fail."""
        return any(line.startswith("error:") for line in self.shown)


def blocks(markdown: str) -> list[list[str]]:
    """Return the lines of each `console` block of a document."""
    texts = re.findall(r"```console\n(.*?)```", markdown, flags=re.DOTALL)
    return [text.rstrip("\n").split("\n") for text in texts]


def sessions(markdown: str) -> list[list[Step]]:
    """Return the steps of each `console` block of a document."""
    return [list(_steps(lines)) for lines in blocks(markdown)]


def session_with(markdown: str, command: str) -> list[Step]:
    """Return the one session whose commands include this one."""
    [session] = [
        steps for steps in sessions(markdown) if any(step.command == command for step in steps)
    ]
    return session


def _steps(lines: Sequence[str]) -> Iterator[Step]:
    step: Step | None = None
    for line in lines:
        if line.startswith("$ "):
            if step:
                yield step
            step = Step(line.removeprefix("$ ").partition("    #")[0])
        else:
            assert step, f"a session begins with a command, not with {line!r}"
            step.shown.append(line)
    if step:
        yield step


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would, with the programs of this environment on the PATH."""
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=shell_environment(),
        capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False,
    )  # fmt: skip


def start(step: Step, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a background command; the process is the program itself and no shell."""
    command = f"exec {step.command.removesuffix(' &')}"
    return subprocess.Popen(["bash", "-c", command], cwd=folder, env=shell_environment())


def stop(process: "subprocess.Popen[bytes]") -> int:
    """Ask a process to end, wait until it has, and return its exit code."""
    process.terminate()
    return process.wait(timeout=_STOP_SECONDS)


def wait_for_sandbox(folder: Path) -> None:
    """Return when the sandbox has written its last line into `.env`."""
    deadline = time.monotonic() + _SANDBOX_SECONDS
    environment = folder / ".env"
    while not (environment.exists() and "PINECONE_CONTROLLER_HOST" in environment.read_text()):
        assert time.monotonic() < deadline, f"no sandbox within {_SANDBOX_SECONDS} s"
        time.sleep(0.1)


def shell_environment() -> Mapping[str, str]:
    """Return the environment of a shell in which `.venv/bin/activate` was sourced."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def assert_shows(shown: Sequence[str], printed: Sequence[str]) -> None:
    """Check that lines of a document appear in an output, in order and next to each other."""
    at, is_next = 0, True
    lines = [_comparable(line) for line in printed if line.strip()]
    for line in (_comparable(line) for line in shown):
        if line == "…":
            is_next = False
            continue
        places = [at] if is_next else range(at, len(lines))
        place = next((n for n in places if n < len(lines) and _is_same(line, lines[n])), None)
        assert place is not None, f"the document shows {line!r}; seen: {lines[at : at + 3]}"
        at, is_next = place + 1, True


def _comparable(line: str) -> str:
    """Return a line with what differs from run to run replaced by its kind."""
    line = re.sub(r"\d{4}-\d\d-\d\d", "DAY", line)
    line = re.sub(r"\b\d\d:\d\d\b", "TIME", line)
    line = re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", line)
    return re.sub(r"\d+\.\d s\b", "SECONDS", line).rstrip()


def _is_same(shown: str, printed: str) -> bool:
    if shown.endswith("…"):
        return printed.startswith(shown.removesuffix("…"))
    return shown == printed
