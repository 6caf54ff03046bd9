"""A clock that moves only while somebody sleeps."""

from collections.abc import Callable


class Clock:
    """Time that passes by sleeping alone.

    Attributes:
        seconds: What the clock shows.
        slept: Each span that somebody slept.
        meanwhile: What another thread does while somebody sleeps, each once.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.slept: list[float] = []
        self.meanwhile: list[Callable[[], object]] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        wakes_at = self.seconds + seconds
        self.slept.append(seconds)
        if self.meanwhile:
            self.meanwhile.pop()()
        self.seconds = max(self.seconds, wakes_at)
