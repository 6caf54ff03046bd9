"""What is done with what vendors say, over HTTP or a socket: counted, and queued once."""

from collections import Counter
from collections.abc import Callable

from vector_assets.api.hooks.delivery import Heard
from vector_assets.api.hooks.repeats import Repeats
from vector_assets.api.hooks.writer import QueueWriter
from vector_assets.index.queue import ChangeQueue

FORGED = "forged"
MALFORMED = "malformed"
REPEATED = "repeated"


class Intake:
    """Takes what receivers hear; for one event loop.

    Args:
        queue: Opens the queue; see `QueueWriter`.

    Attributes:
        counts: Of deliveries since the start, by source and event.
    """

    def __init__(self, queue: Callable[[], ChangeQueue]) -> None:
        self._writer = QueueWriter(queue)
        self._repeats = Repeats()
        self.counts: Counter[tuple[str, str]] = Counter()

    async def take(self, source: str, heard: Heard, body: bytes) -> int:
        """Return, when the queue has what a delivery says, how many changes these are.

        Args:
            source: Of the delivery.
            heard: What its receiver makes of it.
            body: By which a repeated delivery is known.

        Raises:
            RetryableError: The queue does not take them; nothing may be acknowledged.
        """
        if heard.is_dated and self._repeats.has(body):
            self.counts[source, REPEATED] += 1
            return 0
        if heard.changes:
            await self._writer.write(heard.changes)
            self._repeats.remember(body)
        self.counts[source, heard.event] += 1
        return len(heard.changes)
