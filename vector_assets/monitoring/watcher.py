"""Checks health each minute from outside the daemon, sends alerts, and pings a heartbeat URL.

The ping is sent only while everything is healthy; the service behind it (healthchecks.io, Uptime
Kuma) alerts when pings stop, so that the death of this process is noticed too.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from vector_assets.core.deadline import BoundedCalls
from vector_assets.core.errors import cause_of
from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.alerter import Alerter, build_channels
from vector_assets.monitoring.alerts.incidents import Incident, IncidentStore
from vector_assets.monitoring.alerts.routing import for_watcher
from vector_assets.monitoring.dagster_state.observe import observe
from vector_assets.monitoring.health import Health, measure
from vector_assets.monitoring.lags import LagLog
from vector_assets.monitoring.liveness import problems_of
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.problems import Problem
from vector_assets.monitoring.verdict import Verdict

logger = logging.getLogger(__name__)

PING_TIMEOUT_SECONDS = 10

WATCHER = "watcher"
"""Key of the problem that the watcher itself fails."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The result of one check.

    Attributes:
        ping_error: Why the heartbeat URL could not be pinged; empty when it was, or was not tried.
        incidents: Open after the check, of all reporters; those of the check before, until its
            alerts are sent.
    """

    health: Health
    ping_error: str = ""
    incidents: tuple[Incident, ...] = ()


class Watcher:
    """A thread that checks health every `WATCH_SECONDS`."""

    def __init__(self, settings: Settings, alerter: Alerter, probes: Probes) -> None:
        self._settings = settings
        self._alerter = alerter
        self.lags = LagLog()
        self._probes = probes
        self._pings = BoundedCalls(2 * PING_TIMEOUT_SECONDS)
        self._started_at = datetime.now(UTC)
        self._check_lock = threading.Lock()
        self._stopped = threading.Event()
        self._checked = threading.Event()
        self._last: Snapshot | None = None
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, without waiting for a vendor that does not answer."""
        self._stopped.set()

    def last(self, wait_seconds: float = 0.0) -> Snapshot | None:
        """Return the newest snapshot, after a wait for the first; None when there is none."""
        self._checked.wait(wait_seconds)
        return self._last

    def is_checking(self, now: datetime) -> bool:
        """Return whether there was a check within the last three intervals."""
        if self._last is None:
            return False
        silent_seconds = (now - self._last.health.checked_at).total_seconds()
        # A check waits for vendors that do not answer.
        return silent_seconds < 3 * self._settings.watch_seconds + 120

    def check_once(self) -> Snapshot:
        """Measure, alert, ping. Concurrent checks take turns, so that no alert is sent twice."""
        with self._check_lock:
            state = observe(self._settings)
            health = measure(self._settings, self._probes, state)
            now = health.checked_at
            watched_for = now - self._started_at
            problems = for_watcher(health, state, self._settings, watched_for=watched_for)
            # Publish the snapshot first, so that an alert's reader finds it here.
            self.lags.add(health)
            self._last = Snapshot(health, incidents=self._last.incidents if self._last else ())
            self._checked.set()
            self._alerter.reconcile(problems, now)
            is_healthy = health.verdict is Verdict.FRESH and not health.problems
            ping_error = self._ping() if is_healthy else ""
            snapshot = self._last = Snapshot(health, ping_error, self._alerter.incidents())
            return snapshot

    def _watch(self) -> None:
        while True:
            try:
                self.check_once()
            except Exception as error:
                # The next check may succeed; until then no ping is sent.
                logger.exception("the watcher's check failed")
                self._alert_of(error)
            if self._stopped.wait(self._settings.watch_seconds):
                return

    def _alert_of(self, error: Exception) -> None:
        """Alert that a check failed, and of what does not run all the same.

        The next check that succeeds closes the incidents.
        """
        problem = Problem(
            WATCHER,
            "The watcher cannot check: nobody knows how fresh the index is",
            cause_of(error),
            "Look at the log of `vector-assets serve`, and report what it prints.",
        )
        now = datetime.now(UTC)
        try:
            self._alerter.raise_incident(problem, now)
            if now - self._started_at < timedelta(seconds=self._settings.heartbeat_max_age_seconds):
                return
            for dead in problems_of(observe(self._settings), self._settings, now):
                self._alerter.raise_incident(dead, now)
        except Exception:
            logger.exception("the watcher could not alert that its check failed")

    def _ping(self) -> str:
        url = self._settings.heartbeat_url.get_secret_value()
        if not url:
            return ""
        try:
            self._pings.call(
                "ping", lambda: requests.get(url, timeout=PING_TIMEOUT_SECONDS).raise_for_status()
            )
        except (requests.RequestException, TimeoutError) as error:
            # The address is a secret, so the error's message is left out.
            logger.warning("HEARTBEAT_URL cannot be pinged: %s", type(error).__name__)
            return f"HEARTBEAT_URL cannot be pinged: {type(error).__name__}"
        return ""


def build_watcher(settings: Settings, store: IncidentStore) -> Watcher:
    """Return a watcher configured by the settings."""
    return Watcher(
        settings,
        Alerter("watcher", build_channels(settings), store),
        Probes(settings, keeps_sources=True),
    )
