"""Runs an S3 object store as a process on this machine."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from vector_assets_tests.support.patience import first_answer

BUCKET = "vector-assets"

_PATIENCE_SECONDS = 60.0


@contextmanager
def running_object_store(log: Path) -> Iterator[dict[str, str]]:
    """Run an object store with an empty bucket; yield the environment variables that reach it.

    Args:
        log: File for its output.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    program = str(Path(sys.executable).parent / "moto_server")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-H", "127.0.0.1", "-p", port], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _make_bucket(f"{url}/{BUCKET}", log)
        yield {
            "AWS_ENDPOINT": url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ALLOW_HTTP": "true",
        }
    finally:
        process.kill()
        process.wait()


def _make_bucket(url: str, log: Path) -> None:
    if not first_answer(
        lambda: requests.put(url, timeout=30).ok, patience_seconds=_PATIENCE_SECONDS
    ):
        raise TimeoutError(f"the object store did not start: {log.read_text()[-2000:]}")
