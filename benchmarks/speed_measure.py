"""Runs in processes of their own, and what they cost according to the server."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from vector_assets.sandbox.limits import DOCUMENTED, Limit

FOLDER = Path(__file__).parent
INDEX = "vector-assets"
SOURCES = ("slack", "notion", "jira", "fireflies")
FIELDS = {
    "vector": {"type": "dense_vector", "dimension": 1536, "metric": "cosine"},
    "text": {"type": "string", "full_text_search": {"language": "en", "stemming": True}},
}


@dataclass(frozen=True)
class Measured:
    """The measurements of a run.

    Attributes:
        seconds: Without starting the interpreter and importing.
        cpu_seconds: CPU time of its process.
        peak_mib: Peak memory of its process.
        requests: Number of requests by endpoint.
        throttled: Requests that were answered 429.
        texts: Texts embedded.
        most_in_flight: Most concurrent requests.
        failures: Descriptions of what failed.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    requests: Mapping[str, int]
    throttled: int
    texts: int
    most_in_flight: int
    failures: tuple[str, ...] = ()

    @property
    def request_count(self) -> int:
        """Number of all requests."""
        return sum(self.requests.values())

    def count(self, word: str) -> int:
        """Return the number of requests to endpoints whose name contains a word."""
        return sum(count for name, count in self.requests.items() if word in name)

    @property
    def dictated_seconds(self) -> float:
        """Least time that these requests take under the documented limits.

        The last request starts no sooner than after the spans that the requests before it fill.
        """
        return max(
            (max(0, count - 1) // limit.requests) * limit.span_seconds
            for limit in DOCUMENTED
            for count in self._counts(limit)
        )

    def _counts(self, limit: Limit) -> list[int]:
        """Return the number of requests for each subject of a limit."""
        vendor = limit.path.split("/")[1]
        if vendor != "slack":
            return [self.count(vendor)]
        return [
            count
            for name, count in self.requests.items()
            if re.fullmatch(limit.path, f"/slack/api/{name.removeprefix('slack ')}")
        ] or [0]


class Server:
    """The sandbox in its own process."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.url = environment.pop("url")
        self.environment = environment

    @classmethod
    @contextmanager
    def serving(cls, days: int) -> Iterator[Self]:
        """Serve a workspace of so many days until the block ends."""
        process = subprocess.Popen(
            [sys.executable, str(FOLDER / "speed_server.py"), "--days", str(days)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield cls(json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait()

    def limited(self, limits: tuple[Limit, ...]) -> None:
        """Enforce these rate limits from now on."""
        self._request(
            "/_sandbox/conditions", "PATCH", {"limits": [asdict(limit) for limit in limits]}
        )

    def warm_up(self, days: int, settings: Mapping[str, str]) -> None:
        """Let the server cache the vendors' answers to each kind of run, without latency."""
        latency = self._request("/_sandbox/conditions", "GET")["latency_seconds"]
        self._request("/_sandbox/conditions", "PATCH", {"latency_seconds": 0})
        self.with_empty_index()
        # The second one asks as a run in which nothing changed; the assets ask as `sync`.
        for kind in ("floor", "sync", "sync"):
            self.run(kind, days, settings)
        self._request("/_sandbox/conditions", "PATCH", {"latency_seconds": latency})

    def with_empty_index(self) -> None:
        """Delete and create the index."""
        headers = {"Api-Key": self.environment["PINECONE_API_KEY"]}
        existing = self._request("/pinecone/indexes", "GET", None, headers)
        if existing["indexes"]:
            self._request(f"/pinecone/indexes/{INDEX}", "DELETE", None, headers)
        new = {"name": INDEX, "schema": {"fields": FIELDS}}
        self._request("/pinecone/indexes", "POST", new, headers)

    def run(self, kind: str, days: int, settings: Mapping[str, str]) -> Measured:
        """Measure a kind of run in a process of its own; the assets run concurrently, one each.

        Of several processes, the slowest and the largest count.

        Raises:
            RuntimeError: A process failed; the text holds its stderr.
        """
        names = SOURCES if kind == "dagster" else (kind,)
        with tempfile.TemporaryDirectory() as folder:
            answers = [Path(folder) / name for name in names]
            children = [self._started(answer, days, settings) for answer in answers]
            _wait_until_ready(children)
            self._request("/_bench/seen", "GET")
            costs = _ended(children, answers)
        return Measured(
            seconds=max(cost["seconds"] for cost in costs),
            cpu_seconds=sum(cost["cpu_seconds"] for cost in costs),
            peak_mib=max(cost["peak_mib"] for cost in costs),
            failures=tuple(failure for cost in costs for failure in cost["failures"]),
            **self._request("/_bench/seen", "GET"),
        )

    def _started(
        self, answer: Path, days: int, settings: Mapping[str, str]
    ) -> "subprocess.Popen[str]":
        command = [str(FOLDER / "speed_run.py"), answer.name, "--days", str(days)]
        return subprocess.Popen(
            [sys.executable, *command, "--answer", str(answer)],
            env={
                **_path(),
                **self.environment,
                **settings,
                "PINECONE_HOST": f"{self.url}/pinecone/{INDEX}",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=answer.with_suffix(".errors").open("w"),
            text=True,
        )

    def _request(
        self, path: str, method: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=dict(headers or {}),
        )
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def _path() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}


def _wait_until_ready(children: list["subprocess.Popen[str]"]) -> None:
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()


def _ended(children: list["subprocess.Popen[str]"], answers: list[Path]) -> list[dict[str, Any]]:
    """Let processes begin, wait for their end, and return their answers."""
    for child in children:
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            child.stdin.write("go\n")
            child.stdin.flush()
    for child, answer in zip(children, answers, strict=True):
        child.communicate()
        if child.returncode:
            errors = answer.with_suffix(".errors").read_text(encoding="utf-8")
            raise RuntimeError(f"{answer.name} failed:\n{errors[-5000:]}")
    return [json.loads(answer.read_text(encoding="utf-8")) for answer in answers]
