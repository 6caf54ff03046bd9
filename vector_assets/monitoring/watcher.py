"""Looks each minute from outside the daemon, alerts, and pings a service outside if all is well.

The ping is the last line: when this process dies as well, it is its silence that rings
(healthchecks.io and Uptime Kuma keep to the same convention).
"""

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import requests

from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.alerter import Alerter, build_channels
from vector_assets.monitoring.alerts.incidents import IncidentStore
from vector_assets.monitoring.alerts.routing import for_watcher
from vector_assets.monitoring.dagster_state.observe import observe
from vector_assets.monitoring.health import Health, Verdict, measure
from vector_assets.monitoring.probes import Probes

logger = logging.getLogger(__name__)

PING_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Look:
    """What the watcher last saw.

    Attributes:
        health: Everything.
        ping_error: Why the service outside could not be pinged; empty when it could, or not asked.
    """

    health: Health
    ping_error: str = ""


class Watcher:
    """A thread that looks every `WATCH_SECONDS`.

    Args:
        settings: Say what to look at.
        alerter: Tells people.
        probes: Asks the index and the vendors.
    """

    def __init__(self, settings: Settings, alerter: Alerter, probes: Probes) -> None:
        self._settings = settings
        self._alerter = alerter
        self._probes = probes
        self._began_at = datetime.now(UTC)
        self._looking = threading.Lock()
        self._stopped = threading.Event()
        self._looked = threading.Event()
        self._last: Look | None = None
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for a vendor that does not answer."""
        self._stopped.set()

    def last(self, wait_seconds: float = 0.0) -> Look | None:
        """Return what was last seen; None when nothing has been seen yet.

        Args:
            wait_seconds: How long to wait for the first look.
        """
        self._looked.wait(wait_seconds)
        return self._last

    def is_looking(self, now: datetime) -> bool:
        """Return whether it has looked within its last three turns."""
        if self._last is None:
            return False
        silent_seconds = (now - self._last.health.checked_at).total_seconds()
        # A look itself may take as long as a vendor needs to not answer.
        return silent_seconds < 3 * self._settings.watch_seconds + 120

    def look(self) -> Look:
        """Look once: measure, alert, ping. Two looks at once take turns: news is told once."""
        with self._looking:
            return self._look()

    def _look(self) -> Look:
        observation = observe(self._settings)
        health = measure(self._settings, self._probes, observation)
        now = health.checked_at
        problems = for_watcher(
            health, observation, self._settings, watched_for=now - self._began_at
        )
        # Whoever comes here after an alert shall see what it was told of.
        look = self._last = Look(health)
        self._looked.set()
        self._alerter.report(problems, now)
        if health.verdict is Verdict.FRESH and not health.problems:
            look = self._last = Look(health, self._ping())
        return look

    def _watch(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                # Whatever it is, the next look may succeed; meanwhile no ping goes out.
                logger.exception("the watcher could not look")
            if self._stopped.wait(self._settings.watch_seconds):
                return

    def _ping(self) -> str:
        url = self._settings.heartbeat_url.get_secret_value()
        if not url:
            return ""
        try:
            requests.get(url, timeout=PING_TIMEOUT_SECONDS).raise_for_status()
        except requests.RequestException as error:
            # The address is a secret, so the error's own words stay out.
            logger.warning("HEARTBEAT_URL cannot be pinged: %s", type(error).__name__)
            return f"HEARTBEAT_URL cannot be pinged: {type(error).__name__}"
        return ""


def build_watcher(settings: Settings, store: IncidentStore) -> Watcher:
    """Return a watcher wired by the settings."""
    return Watcher(
        settings,
        Alerter("watcher", build_channels(settings), store),
        Probes(settings, keeps_sources=True),
    )
