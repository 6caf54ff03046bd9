"""Runs the sandbox in a thread for tests and the demo, or in the foreground for `sandbox`."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp

from vector_assets.core.waiting import wait_until
from vector_assets.sandbox.app import build_app
from vector_assets.sandbox.faults import Faults
from vector_assets.sandbox.slack_socket import SocketHub
from vector_assets.sandbox.workspace import Workspace

_START_SECONDS = 30.0


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox; its URL has no trailing slash, the next request sees every edit."""

    url: str
    workspace: Workspace
    faults: Faults
    sockets: SocketHub = field(default_factory=SocketHub)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point every part of the product at it."""
        return {
            "JIRA_SERVER": f"{self.url}/jira",
            "JIRA_EMAIL": "sandbox@example.com",
            "JIRA_API_TOKEN": "sandbox-jira-token",
            "SLACK_BOT_TOKEN": "xoxb-sandbox",
            "SLACK_BASE_URL": f"{self.url}/slack/api/",
            "SLACK_REQUESTS_PER_MINUTE": "0",
            "NOTION_TOKEN": "ntn_sandbox",
            "NOTION_BASE_URL": f"{self.url}/notion",
            "NOTION_REQUESTS_PER_SECOND": "1000",
            "FIREFLIES_API_KEY": "sandbox-fireflies-key",
            "FIREFLIES_URL": f"{self.url}/fireflies/graphql",
            "OPENAI_API_KEY": "sk-sandbox",
            "OPENAI_BASE_URL": f"{self.url}/openai/v1",
            "PINECONE_API_KEY": "sandbox-pinecone-key",
            "PINECONE_CONTROLLER_HOST": f"{self.url}/pinecone",
        }


@contextmanager
def running_sandbox(
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> Iterator[Sandbox]:
    """Serve a workspace from a thread until the block ends; `OSError` if the port is taken.

    Port 0 takes a free one. `wrap` adds the caller's middleware, such as contract checks.
    """
    faults, sockets = Faults(), SocketHub()
    listener = socket.create_server((host, port))
    config = uvicorn.Config(
        wrap(build_app(workspace, faults, sockets)),
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        if not wait_until(lambda: server.started, seconds=_START_SECONDS, pause_seconds=0.01):
            raise TimeoutError(f"the sandbox did not start within {_START_SECONDS:.0f} s")
        yield Sandbox(f"http://{host}:{listener.getsockname()[1]}", workspace, faults, sockets)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def serve_until_stopped(
    workspace: Workspace, *, host: str, port: int, started: Callable[[Sandbox], None]
) -> None:
    """Serve a workspace until SIGTERM; calls `started` once the sandbox answers."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with running_sandbox(workspace, host=host, port=port) as served:
        started(served)
        stopped.wait()
