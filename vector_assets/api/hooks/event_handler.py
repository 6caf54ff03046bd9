"""Handles the events of vendors, from HTTP or a socket: counts them and queues each once."""

from collections import Counter
from collections.abc import Callable

from vector_assets.api.hooks.delivery import ParsedEvent
from vector_assets.api.hooks.repeats import Repeats
from vector_assets.api.hooks.writer import QueueWriter
from vector_assets.index.queue import ChangeQueue

FORGED = "forged"
MALFORMED = "malformed"
REPEATED = "repeated"


class EventHandler:
    """Counts and queues what receivers parsed; for one event loop.

    Args:
        queue: Opens the queue; see `QueueWriter`.

    Attributes:
        counts: Of deliveries since the start, by source and event.
    """

    def __init__(self, queue: Callable[[], ChangeQueue]) -> None:
        self._writer = QueueWriter(queue)
        self._repeats = Repeats()
        self.counts: Counter[tuple[str, str]] = Counter()

    async def handle(self, source: str, parsed: ParsedEvent, body: bytes) -> int:
        """Return, when the queue has what a delivery says, how many changes these are.

        Args:
            source: Of the delivery.
            parsed: What its receiver makes of it.
            body: By which a repeated delivery is known.

        Raises:
            RetryableError: The queue does not take them; nothing may be acknowledged.
        """
        if parsed.is_dated and self._repeats.has(body):
            self.counts[source, REPEATED] += 1
            return 0
        if parsed.changes:
            await self._writer.write(parsed.changes)
            self._repeats.remember(body)
        self.counts[source, parsed.event] += 1
        return len(parsed.changes)
