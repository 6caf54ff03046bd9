"""Waiting for processes: until a question has an answer, with their output when it never has."""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

PATIENCE_SECONDS = 900.0
"""How long processes may take on a slow or busy machine."""

COSTLY_PAUSE_SECONDS = 1.0
"""Between two questions to an installation: each takes from the processor that it waits for."""


def first_answer(
    question: Callable[[], Any],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    pause_seconds: float = 0.3,
    process: "subprocess.Popen[Any] | None" = None,
) -> Any:
    """Return a question's first answer that is something, or None.

    Args:
        question: Asked again and again; nobody who answers yet is no answer.
        patience_seconds: After which nothing is asked any more.
        pause_seconds: Between two questions.
        process: Who makes it come true; once it has ended, it is asked a last time.
    """
    give_up_at = time.monotonic() + patience_seconds
    while True:
        is_last = time.monotonic() >= give_up_at or (
            process is not None and process.poll() is not None
        )
        with suppress(ConnectionError, requests.ConnectionError, requests.Timeout):
            if answer := question():
                return answer
        if is_last:
            return None
        time.sleep(pause_seconds)


def waited_for(
    question: Callable[[], Any],
    what: str,
    *,
    patience_seconds: float,
    logs: Path,
    pause_seconds: float = 0.3,
) -> Any:
    """Return a question's first answer that is something.

    Args:
        question: As `first_answer` asks.
        what: Is waited for, in words.
        patience_seconds: After which nothing is asked any more.
        logs: Folder of the processes' output.
        pause_seconds: Between two questions.

    Raises:
        TimeoutError: With the end of each process's output.
    """
    if answer := first_answer(
        question, patience_seconds=patience_seconds, pause_seconds=pause_seconds
    ):
        return answer
    raise TimeoutError(f"{what}: not within {patience_seconds:.0f} s; {said_in(logs)}")


def said_in(logs: Path) -> str:
    """Return the end of each process's output."""
    return "\n".join(
        f"--- {path.name}\n{path.read_text(errors='replace')[-2500:]}"
        for path in sorted(logs.glob("*.log"))
    )
