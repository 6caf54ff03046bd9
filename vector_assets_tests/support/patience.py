"""Waiting for processes: until a question has an answer, with their output when it never has."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

_PAUSE_SECONDS = 0.3


def waited_for(
    question: Callable[[], Any], what: str, *, patience_seconds: float, logs: Path
) -> Any:
    """Return a question's answer once it is something; nobody who answers yet is no answer.

    Args:
        question: Asked again and again.
        what: Is waited for, in words.
        patience_seconds: After which nothing is waited for any more.
        logs: Folder of the processes' output.

    Raises:
        TimeoutError: With the end of each process's output.
    """
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        with suppress(requests.ConnectionError):
            if answer := question():
                return answer
        time.sleep(_PAUSE_SECONDS)
    raise TimeoutError(f"{what}: not within {patience_seconds:.0f} s; {said_in(logs)}")


def said_in(logs: Path) -> str:
    """Return the end of each process's output."""
    return "\n".join(
        f"--- {path.name}\n{path.read_text(errors='replace')[-2500:]}"
        for path in sorted(logs.glob("*.log"))
    )
