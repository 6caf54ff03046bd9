"""Whether Notion serves a verb to this integration: nobody knows before its first answer."""

import threading
from collections.abc import Callable
from typing import TypeVar

from vector_assets.sources.notion_api import RefusedError

Answer = TypeVar("Answer")


class Probe:
    """Asks one thread alone until it is known, then all or none of them; for one run.

    Args:
        refusals: After so many in a row the verb is refused; what comes before is said of a page.

    Attributes:
        is_refused: Whether Notion refused the verb, and not just one page.
    """

    def __init__(self, refusals: int = 1) -> None:
        self._refusals_left = refusals
        self._lock = threading.Lock()
        self._is_served = False
        self.is_refused = False

    def ask(self, question: Callable[[], Answer]) -> Answer | None:
        """Return an answer; None when the verb is refused.

        Raises:
            RefusedError: It is served, but not for this page.
        """
        if self._is_served:
            return question()
        with self._lock:
            if not self._is_served and not self.is_refused:
                return self._first(question)
        return question() if self._is_served else None

    def _first(self, question: Callable[[], Answer]) -> Answer | None:
        try:
            answer = question()
        except RefusedError as error:
            if error.is_of_one_thing:
                raise
            self._refusals_left -= 1
            self.is_refused = self._refusals_left == 0
            if not self.is_refused:
                raise
            return None
        self._is_served = True
        return answer
