"""A cache for a short time, so that many questions in a row cost one request."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Remembered(Generic[Key, Answer]):
    """Asks for each key at most once in a span; what raises is not kept.

    Args:
        ask: Returns the answer for a key.
        seconds: How long an answer is used.
        clock: Counts monotonic seconds.
    """

    def __init__(
        self,
        ask: Callable[[Key], Answer],
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[Key, tuple[float, Answer]] = {}

    def __call__(self, key: Key) -> Answer:
        """Return the answer for a key; other threads wait for it instead of asking too."""
        with self._lock:
            now = self._clock()
            if key in self._answers and now - self._answers[key][0] < self._seconds:
                return self._answers[key][1]
            answer = self._ask(key)
            self._answers = {
                held_key: held
                for held_key, held in self._answers.items()
                if now - held[0] < self._seconds
            }
            self._answers[key] = (now, answer)
            return answer
