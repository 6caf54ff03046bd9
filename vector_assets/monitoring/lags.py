"""How far each source was behind, hour by hour, since this process began to check."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from vector_assets.monitoring.health import Health

KEPT = timedelta(days=90)
"""How long an hour is kept."""

_Hours = deque[tuple[datetime, float]]


class LagLog:
    """Keeps the greatest lag of each hour of the last `KEPT`, in memory."""

    def __init__(self) -> None:
        most = int(KEPT / timedelta(hours=1))
        make: Callable[[], _Hours] = partial(deque, maxlen=most)
        self._by_source: dict[str, _Hours] = defaultdict(make)
        self._lock = threading.Lock()

    def add(self, health: Health) -> None:
        """Note what a check has measured; a lag that is not known is left out."""
        hour = health.checked_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        with self._lock:
            for source in health.sources:
                if (lag_seconds := source.lag_seconds) is None:
                    continue
                hours = self._by_source[source.source]
                if hours and hours[-1][0] == hour:
                    lag_seconds = max(lag_seconds, hours.pop()[1])
                hours.append((hour, lag_seconds))

    def of(self, source: str) -> tuple[tuple[datetime, float], ...]:
        """Return each hour's beginning, UTC, and its greatest lag in seconds, oldest first."""
        with self._lock:
            return tuple(self._by_source.get(source, ()))
