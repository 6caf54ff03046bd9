"""Asks another process for the text of a file, within limits; starts it anew when it has died."""

import json
import os
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from typing import Any

from vector_assets.core.deadline import within
from vector_assets.core.errors import UnavailableError
from vector_assets.sources.attachments.formats import (
    DAMAGED,
    EMPTY,
    ENCRYPTED,
    TOO_MUCH_MEMORY,
    UNPACKS_TOO_LARGE,
    UnreadableError,
)

MAX_CHARACTERS = 200_000
"""Of the text of a file, some 50,000 tokens; what follows is told as a gap."""

MAX_MEMORY_BYTES = 1_000_000_000
MAX_SECONDS = 20.0

TOO_SLOW = "takes too long to read"
BROKE_READER = "broke the process that read it"

_REASONS = (DAMAGED, EMPTY, ENCRYPTED, TOO_MUCH_MEMORY, UNPACKS_TOO_LARGE)
_START_SECONDS = 60.0
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG")


@dataclass(frozen=True, slots=True)
class ExtractionLimits:
    """What reading one file may take."""

    seconds: float = MAX_SECONDS
    memory_bytes: int = MAX_MEMORY_BYTES
    characters: int = MAX_CHARACTERS


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a file, and whether it was cut."""

    text: str
    is_cut: bool = False


class Extractor:
    """Reads files in one process, which starts with the first; safe to share between threads."""

    def __init__(self, limits: ExtractionLimits | None = None) -> None:
        self._limits = limits or ExtractionLimits()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, file_format: str, content: bytes) -> Extracted:
        """Return the text of a file.

        Args:
            file_format: As `kinds.format_of` gives it.
            content: All of it.

        Raises:
            UnreadableError: It cannot be read, or not within the limits.
            UnavailableError: No process can be started.
        """
        with self._lock:
            process = self._running()
            try:
                answer = within(
                    self._limits.seconds, lambda: self._asked(process, file_format, content)
                )
            except (OSError, TypeError, ValueError) as error:
                self._stop()
                is_late = isinstance(error, TimeoutError)
                raise UnreadableError(TOO_SLOW if is_late else BROKE_READER) from None
        if "reason" in answer:
            # Everybody sees it, so a process that a file has taken over must not word it.
            reason = answer["reason"]
            raise UnreadableError(reason if reason in _REASONS else BROKE_READER)
        return Extracted(str(answer.get("text")), bool(answer.get("is_cut")))

    def close(self) -> None:
        """Stop the process; another file starts it again."""
        with self._lock:
            self._stop()

    def _asked(
        self, process: subprocess.Popen[bytes], file_format: str, content: bytes
    ) -> dict[str, Any]:
        asked = {
            "format": file_format,
            "bytes": len(content),
            "characters": self._limits.characters,
            "seconds": self._limits.seconds,
        }
        assert process.stdin is not None
        process.stdin.write(json.dumps(asked).encode() + b"\n" + content)
        process.stdin.flush()
        return self._answer(process)

    def _answer(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Return the next answer; raise `ValueError` when there is none, as of a dead process."""
        assert process.stdout is not None
        # A character takes 12 bytes at most, as JSON writes it.
        answer = json.loads(process.stdout.readline(12 * self._limits.characters + 1_000))
        return dict(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the process, started if need be."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        # It gets no variable with a credential, and no folder with a file of them.
        process = self._process = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable, "-P", "-m", "vector_assets.sources.attachments.worker",
                str(self._limits.memory_bytes),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        )  # fmt: skip
        weakref.finalize(self, _end, process)
        try:
            within(_START_SECONDS, lambda: self._answer(process))
        except (OSError, TypeError, ValueError):
            self._stop()
            raise UnavailableError(
                "the process that reads attachments",
                "it did not start",
                "Set READ_ATTACHMENTS=false to do without it.",
            ) from None
        return process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
