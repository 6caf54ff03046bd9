"""A gate before the sandbox, at which a process stands still: there it is killed."""

import asyncio
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vector_assets_tests.support.patience import PATIENCE_SECONDS, first_answer

Moment = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        method: Of HTTP.
        path: With the vendor's prefix.
        text: Query string and body.
    """

    method: str
    path: str
    text: str


def writes_jira(asked: Asked, verb: str = "") -> bool:
    """Tell whether a request writes Jira's records to Pinecone, by one verb or any."""
    verbs = (verb,) if verb else ("upsert", "update", "delete")
    is_of_jira = "/namespaces/jira/" in asked.path or '"namespace":"jira"' in asked.text
    return is_of_jira and asked.path.endswith(verbs)


class Gate:
    """Middleware that stops a request, and all after it that are like it, until it is opened.

    Whoever asks stands at a known place meanwhile, as long as it takes. What is stopped `before`
    the vendor never reaches it when the gate is opened; what is stopped `after` the vendor has done
    it is never answered.
    """

    def __init__(self) -> None:
        self._is_shut_for: Callable[[Asked], bool] = lambda asked: False
        self._moment: Moment = "before"
        self._skip = 0
        self._goes_on = False
        self._stopped = threading.Event()
        self._is_open = threading.Event()

    def shut(
        self, is_shut_for: Callable[[Asked], bool], moment: Moment = "before", *, skip: int = 0
    ) -> None:
        """Stop what fits from now on; let so many of them pass first."""
        self._stopped.clear()
        self._is_open.clear()
        self._moment, self._skip, self._is_shut_for = moment, skip, is_shut_for

    def wait(self, process: "subprocess.Popen[Any]") -> None:
        """Return once a process stands at the gate.

        Raises:
            AssertionError: It has ended without coming by.
        """
        assert first_answer(
            self._stopped.is_set,
            patience_seconds=PATIENCE_SECONDS,
            pause_seconds=0.01,
            process=process,
        ), "it never came to the gate"

    def let_others_pass(self) -> None:
        """Keep what stands at the gate, and stop nothing else."""
        self._is_shut_for = lambda asked: False

    def open(self, *, goes_on: bool = False) -> None:
        """Let everything pass; what stands before the gate is dropped unless it goes on."""
        self._is_shut_for = lambda asked: False
        self._goes_on = goes_on
        self._is_open.set()

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return an application behind this gate."""

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            body = await _read(receive)
            text = scope["query_string"].decode() + body.decode()
            if not self._stops(Asked(scope["method"], scope["path"], text)):
                await app(scope, _replay(body), send)
                return
            if self._moment == "after":
                await app(scope, _replay(body), _unheard)
            self._stopped.set()
            while not self._is_open.is_set():
                await asyncio.sleep(0.01)
            if self._goes_on:
                await app(scope, _replay(body), send)

        return served

    def _stops(self, asked: Asked) -> bool:
        if not self._is_shut_for(asked):
            return False
        self._skip -= 1
        return self._skip < 0


async def _unheard(message: Message) -> None:
    """Take an answer that nobody shall hear."""


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            # Only a client that went away asks again; there is nothing more to give.
            await asyncio.sleep(3600)
        return messages.pop()

    return receive
