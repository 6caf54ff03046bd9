"""What a run did and took: started in a process of its own, counted by the server that it asked.

Keep out: which runs there are and what they may take (`speed.py`).
"""

import json
import math
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from vector_assets.sandbox.limits import DOCUMENTED, Limit

FOLDER = Path(__file__).parent
INDEX = "vector-assets"
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
        """How long the documented limits make these very requests take, whoever makes them."""
        spans = (
            math.floor((max(0, self._under(limit) - 1)) / limit.requests) * limit.span_seconds
            for limit in DOCUMENTED
        )
        return max(spans)

    def _under(self, limit: Limit) -> int:
        """Return how many requests of one subject a limit has counted; of the busiest subject."""
        vendor = limit.path.split("/")[1]
        if vendor != "slack":
            return self.count(vendor)
        methods = [name.removeprefix("slack ") for name in self.requests if "slack" in name]
        return max((self.requests[f"slack {one}"] for one in methods if one in
                    limit.path.replace("\\", "").replace("(?:history|replies|join)", "replies")),
                   default=0)  # fmt: skip


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
        """Run one kind of run in a process of its own.

        Raises:
            CalledProcessError: It failed; what it said is on stderr.
        """
        self._asked("/_bench/seen", "GET")
        done = subprocess.run(
            [sys.executable, str(FOLDER / "speed_run.py"), kind, "--days", str(days)],
            env={**_path(), **self.environment, **settings,
                 "PINECONE_HOST": f"{self.url}/pinecone/{INDEX}"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1])
        told["failures"] = tuple(told["failures"])
        return Measured(**told, **self._asked("/_bench/seen", "GET"))

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
    import os

    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
