"""What a run did and took: started in a process of its own, counted by the server that it asked."""

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
    """One run.

    Attributes:
        seconds: From the inside, without the start of the interpreter and without imports.
        cpu_seconds: Of its process.
        peak_mib: Most memory that its process held at once.
        requests: By endpoint.
        throttled: Requests that were answered 429.
        texts: Texts embedded.
        most_in_flight: Most requests at once.
        failures: What did not land, in words.
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
        """All requests together."""
        return sum(self.requests.values())

    def count(self, word: str) -> int:
        """Return the requests to endpoints with a word in their name."""
        return sum(count for name, count in self.requests.items() if word in name)

    @property
    def dictated_seconds(self) -> float:
        """How long the documented limits make these very requests take, whoever makes them.

        Of so many requests within any span, the last one starts no sooner than as many spans after
        the first as were filled before it.
        """
        return max(
            (max(0, count - 1) // limit.requests) * limit.span_seconds
            for limit in DOCUMENTED
            for count in self._counts(limit)
        )

    def _counts(self, limit: Limit) -> list[int]:
        """Return how many requests each subject of a limit has had."""
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
        """Serve so many days until the block ends."""
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
        """Keep these rate limits from now on."""
        self._asked("/_sandbox/conditions", "PATCH", {"limits": [asdict(one) for one in limits]})

    def with_empty_index(self) -> None:
        """Make the index anew."""
        headers = {"Api-Key": self.environment["PINECONE_API_KEY"]}
        existing = self._asked("/pinecone/indexes", "GET", None, headers)
        if existing["indexes"]:
            self._asked(f"/pinecone/indexes/{INDEX}", "DELETE", None, headers)
        new = {"name": INDEX, "schema": {"fields": FIELDS}}
        self._asked("/pinecone/indexes", "POST", new, headers)

    def run(self, kind: str, days: int, settings: Mapping[str, str]) -> Measured:
        """Run one kind of run in a process of its own, or the assets in one each, side by side.

        Of several processes the slowest and the largest count.

        Raises:
            RuntimeError: It failed; with what it said.
        """
        names = SOURCES if kind == "dagster" else (kind,)
        with tempfile.TemporaryDirectory() as folder:
            answers = [Path(folder) / name for name in names]
            children = [self._started(one, days, settings) for one in answers]
            _wait_until_ready(children)
            self._asked("/_bench/seen", "GET")
            told = _ended(children, answers)
        return Measured(
            seconds=max(one["seconds"] for one in told),
            cpu_seconds=sum(one["cpu_seconds"] for one in told),
            peak_mib=max(one["peak_mib"] for one in told),
            failures=tuple(failure for one in told for failure in one["failures"]),
            **self._asked("/_bench/seen", "GET"),
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

    def _asked(
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
    """Let processes begin, and return what they told in the end."""
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
