"""The real Dagster webserver behind the guard, on a port of this machine, and bare HTTP to it."""

import json
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dagster as dg
import uvicorn

from vector_assets.orchestration.local import prepare_home
from vector_assets.orchestration.webserver.server import Code, guarded_app

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: str
    body: str

    @property
    def message(self) -> str:
        """The message of its first error; empty when it has none."""
        try:
            return str(json.loads(self.body)["errors"][0]["message"])
        except (ValueError, LookupError, TypeError):
            return ""


@dataclass(frozen=True)
class Guarded:
    """A webserver.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        home: Its `DAGSTER_HOME`.
    """

    port: int
    home: Path

    @property
    def own(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
        body: str = "",
        *,
        version: str = "1.1",
    ) -> Answer:
        """Send a request as it is given; `Host` is its own unless the headers name one.

        `PORT` in a header stands for its port. A header `Host` of an empty text is not sent.
        """
        given = list(headers.items() if isinstance(headers, Mapping) else headers)
        if "host" not in {name.lower() for name, _ in given}:
            given.append(("Host", self.own))
        lines = [f"{method} {target} HTTP/{version}", "Connection: close"]
        lines += [f"{name}: {value.replace('PORT', str(self.port))}" for name, value in given
                  if (name, value) != ("Host", "")]  # fmt: skip
        lines += [f"Content-Length: {len(body.encode())}"] * bool(body or method == "POST")
        with closing(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS)) as sent:
            sent.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            with sent.makefile("rb") as stream:
                received = stream.read().decode("utf-8", "replace")
        head, _, content = received.partition("\r\n\r\n")
        if "transfer-encoding: chunked" in head.lower():
            content = content.partition("\r\n")[2].rpartition("\r\n0\r\n")[0]
        return Answer(int(head.split(" ", 2)[1]), head, content)

    def post(
        self, query: str, headers: Mapping[str, str] | None = None, **variables: Any
    ) -> Answer:
        """Send GraphQL as JSON."""
        body = json.dumps({"query": query, "variables": variables})
        return self.ask(
            "POST", "/graphql", {"Content-Type": "application/json", **(headers or {})}, body
        )

    def get(self, query: str, headers: Mapping[str, str] | None = None, **more: str) -> Answer:
        """Send GraphQL in the URL."""
        return self.ask("GET", "/graphql?" + urlencode({"query": query, **more}), headers or {})


@contextmanager
def running(app: Any, home: Path) -> Iterator[Guarded]:
    """Serve an app in a thread until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield Guarded(listening.getsockname()[1], home)
        finally:
            server.should_exit = True
            thread.join(TIMEOUT_SECONDS)


@contextmanager
def running_webserver(folder: Path, *, code: Code, hosts: Collection[str]) -> Iterator[Guarded]:
    """Serve Dagster's webserver behind the guard until the block ends."""
    home = prepare_home(folder / "home")
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        guarded_app(instance, code, hosts) as app,
        running(app, home) as guarded,
    ):
        yield guarded
