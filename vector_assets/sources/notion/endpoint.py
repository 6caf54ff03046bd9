"""Learns once a crawl whether Notion serves an endpoint to the integration."""

import threading
from collections.abc import Callable
from typing import TypeVar

from vector_assets.sources.notion.refusals import RefusedError

Answer = TypeVar("Answer")


class Endpoint:
    """One thread at a time asks until it is known whether an endpoint is served.

    Args:
        is_of_endpoint: Whether a refusal may be about the endpoint, and not just one page.
        refusals: Such refusals before an answer, after which the endpoint counts as refused.

    Attributes:
        is_refused: Whether Notion refused the endpoint, and not just one page.
    """

    def __init__(
        self, is_of_endpoint: Callable[[RefusedError], bool], *, refusals: int = 1
    ) -> None:
        self._is_of_endpoint = is_of_endpoint
        self._refusals_left = refusals
        self._lock = threading.Lock()
        self._is_served = False
        self.is_refused = False

    @property
    def is_known(self) -> bool:
        """Whether it is known if the endpoint is served."""
        return self._is_served or self.is_refused

    def ask(self, question: Callable[[], Answer]) -> Answer | None:
        """Return an answer; None when the endpoint is refused.

        Raises:
            RefusedError: Notion refuses this page.
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
            if not self._is_of_endpoint(error):
                raise
            self._refusals_left -= 1
            self.is_refused = self._refusals_left == 0
            if not self.is_refused:
                raise
            return None
        self._is_served = True
        return answer
