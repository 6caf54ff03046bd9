"""Polls until a condition holds, within a time limit."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def wait_until(
    ask: Callable[[], Answer],
    *,
    seconds: float,
    is_done: Callable[[Answer], object] = bool,
    pause_seconds: float = 1.0,
) -> Answer:
    """Return the first answer that will do, or the last one when the time is over."""
    give_up_at = time.monotonic() + seconds
    while not is_done(answer := ask()) and time.monotonic() < give_up_at:
        time.sleep(pause_seconds)
    return answer
