"""Bounds how many calls of a kind run at once and how many wait; the others are refused at once.

A call whose client has left, or that has waited too long, is dropped from the queue and never made.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

RETRY_AFTER_SECONDS = 2

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a gate.

    Attributes:
        at_once: Most calls that run at the same time, each in a thread.
        waiting: Most calls that wait for one of those threads.
        waiting_seconds: How long a call may wait.
        running_seconds: How long a client waits for a call that runs. The call itself goes on and
            keeps its thread, because a thread cannot be stopped.
    """

    at_once: int
    waiting: int
    waiting_seconds: float
    running_seconds: float


class Gate:
    """Makes blocking calls in threads of its own; used from one event loop.

    Args:
        what: Names the calls in a refusal, in the plural.
        bounds: How many, and for how long.
    """

    def __init__(self, what: str, bounds: Bounds) -> None:
        self._what = what
        self._bounds = bounds
        self._threads = ThreadPoolExecutor(bounds.at_once, thread_name_prefix=what)
        self._running_count = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting_count(self) -> int:
        """The number of calls that wait for a thread."""
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """Whether another call would be refused."""
        return (
            self._running_count >= self._bounds.at_once and len(self._queue) >= self._bounds.waiting
        )

    def close(self) -> None:
        """Drop what waits; calls that run are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def call(self, request: Request, function: Callable[[], Result]) -> Result:
        """Return what a function returns, or raise what it raises.

        Raises:
            HTTPException: 503 with Retry-After when the queue is full, or the call waits or runs
                too long. 499 when the client has left the queue; nobody receives it.
        """
        await self._enter(request)
        running = asyncio.get_running_loop().run_in_executor(self._threads, function)
        running.add_done_callback(self._leave)
        done, _ = await asyncio.wait({running}, timeout=self._bounds.running_seconds)
        if not done:
            raise self._busy(f"not done within {self._bounds.running_seconds:g} s")
        return running.result()

    async def _enter(self, request: Request) -> None:
        """Wait for a free thread, first come, first served."""
        if self._running_count < self._bounds.at_once:
            self._running_count += 1
            return
        if self.is_full:
            raise self._busy()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        left = asyncio.create_task(_disconnected(request))
        has_turn = False
        try:
            await asyncio.wait(
                {turn, left},
                timeout=self._bounds.waiting_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            has_turn = turn.done() and not left.done()
        finally:
            left.cancel()
            if not has_turn:
                self._give_up(turn)
        if left.done():
            raise HTTPException(499, "the client has left")
        if not has_turn:
            raise self._busy(f"no turn within {self._bounds.waiting_seconds:g} s")

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        if turn.done():
            self._pass_on()
        else:
            self._queue.remove(turn)

    def _leave(self, running: "asyncio.Future[Result]") -> None:
        if not running.cancelled():
            # Nobody else looks at the error of a call that took too long.
            running.exception()
        self._pass_on()

    def _pass_on(self) -> None:
        """Give a thread that has become free to the next in the queue."""
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._running_count -= 1

    def refusal(self, reason: str = "too many at once") -> tuple[str, dict[str, str]]:
        """Return the detail and the headers of a 503."""
        return (
            f"busy with other {self._what}: {reason}. Try again in {RETRY_AFTER_SECONDS} s",
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    def _busy(self, reason: str = "too many at once") -> HTTPException:
        return HTTPException(503, *self.refusal(reason))


class RefuseWhenFull:
    """An ASGI middleware that refuses requests of a route whose gate is full.

    It does so before their keys and parameters are read, which costs ten times as much, so that the
    event loop keeps up with many more requests than can be answered.
    """

    def __init__(self, app: ASGIApp, gates: Mapping[str, Gate]) -> None:
        self._app = app
        self._gates = gates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request unless the gate of its path is full."""
        gate = self._gates.get(scope["path"]) if scope["type"] == "http" else None
        if gate is None or not gate.is_full:
            await self._app(scope, receive, send)
            return
        detail, headers = gate.refusal()
        await JSONResponse({"detail": detail}, 503, headers)(scope, receive, send)


async def _disconnected(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
