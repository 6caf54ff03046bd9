"""What the process that reads files may not do: tried from inside of it."""

import subprocess
import sys

import pytest

from vector_assets.sources.attachments.extractor import Extractor

CONFINED = "from vector_assets.sources.attachments import worker\nworker._confine(10**9)\n"


def tried(code: str) -> str:
    """Run code in a process that is confined as the reader of files is; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", CONFINED + code],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 80))", "PermissionError: socket"),
        ("import socket; socket.getaddrinfo('example.com', 80)", "PermissionError: socket"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError: subprocess.Popen"),
        ("import os; os.fork()", "PermissionError: os.fork"),
        ("import os; os.system('true')", "PermissionError: os.system"),
        ("import os; os.execv('/bin/true', ['true'])", "PermissionError: os.exec"),
        ("x = b'x' * 2 * 10**9", "MemoryError"),
    ],
)
def test_it_has_no_network_no_other_process_and_little_memory(code: str, error: str) -> None:
    assert error in tried(code)


def test_it_has_no_network_even_below_python() -> None:
    if (
        "ok"
        not in subprocess.run(
            ["unshare", "-Un", "echo", "ok"], capture_output=True, text=True, check=False
        ).stdout
    ):
        pytest.skip("this system gives no empty network to an ordinary user")
    code = (
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "fd = libc.socket(2, 1, 0)\n"
        "address = (ctypes.c_char * 16)(*bytes([2, 0, 0, 80, 127, 0, 0, 1] + [0] * 8))\n"
        "print(libc.connect(fd, address, 16), os.strerror(ctypes.get_errno()))"
    )
    assert tried(code).strip() == "-1 Network is unreachable"


def test_it_gets_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_API_TOKEN", "very-secret")
    extractor = Extractor()
    extractor.read("text", b"words")
    assert extractor._process is not None
    with open(f"/proc/{extractor._process.pid}/environ", "rb") as environment:
        names = {entry.partition(b"=")[0].decode() for entry in environment.read().split(b"\0")}
    assert names - {""} <= {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG"}
    extractor.close()


def test_it_is_started_anew_when_it_died_and_ends_with_its_owner() -> None:
    extractor = Extractor()
    extractor.read("text", b"words")
    assert extractor._process is not None
    extractor._process.kill()
    extractor._process.wait()
    assert extractor.read("text", b"more words").text == "more words"
    process = extractor._process
    del extractor
    assert process.wait(timeout=60) != 0


def test_it_answers_requests_that_follow_each_other() -> None:
    extractor = Extractor()
    for number in range(5):
        assert extractor.read("text", f"words {number}".encode()).text == f"words {number}"
    extractor.close()
