"""The process that reads files: without network, credentials or much memory, one file at a time.

It takes a line of JSON and the content of a file on stdin, and answers with a line of JSON.
"""

import contextlib
import ctypes
import json
import resource
import sys
from typing import IO, Any

from vector_assets.sources.attachments.formats import (
    DAMAGED,
    TOO_MUCH_MEMORY,
    UnreadableError,
    extracted,
    load_libraries,
)

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system")


def main(max_memory_bytes: int) -> None:
    """Confine this process, then answer until stdin ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    load_libraries()
    _confine(max_memory_bytes)
    _say(answers, {"is_ready": True})
    while line := requests.readline():
        asked = json.loads(line)
        content = requests.read(asked["bytes"])
        _limit_cpu(asked["seconds"])
        _say(answers, _answer(asked, content))


def _answer(asked: dict[str, Any], content: bytes) -> dict[str, Any]:
    try:
        text, is_cut = extracted(asked["format"], content, max_characters=asked["characters"])
    except UnreadableError as error:
        return {"reason": error.reason}
    except MemoryError:
        return {"reason": TOO_MUCH_MEMORY}
    except Exception:  # noqa: BLE001 - libraries raise anything on a damaged file
        return {"reason": DAMAGED}
    return {"text": text, "is_cut": is_cut}


def _say(answers: IO[bytes], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _confine(max_memory_bytes: int) -> None:
    """Give up the network, other processes, writing files, and memory beyond a limit."""
    with contextlib.suppress(OSError, AttributeError):
        # Where the system lets an ordinary user have an empty network of its own.
        ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    sys.addaudithook(_refuse)
    limits = {
        resource.RLIMIT_AS: max_memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for limited, most in limits.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limited, (most, most))


def _refuse(event: str, _: object) -> None:
    """Refuse what reading a file never needs, wherever Python is asked for it; for good."""
    if event.startswith(_FORBIDDEN):
        raise PermissionError(event)


def _limit_cpu(seconds: float) -> None:
    """Let the system kill this process when the next file takes longer."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]))
