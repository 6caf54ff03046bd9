"""Incidents, and the stores that keep them across restarts and hosts."""

import json
import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from vector_assets.core.deadline import BoundedCalls
from vector_assets.core.errors import UnavailableError, cause_of
from vector_assets.monitoring.dagster_state.observe import (
    configured_instance,
    database_errors,
    require_packages,
)
from vector_assets.monitoring.problems import Problem

logger = logging.getLogger(__name__)

REPORTERS = ("watcher", "sensors")
"""Each writes its own record and reads that of the other."""

STORE_SECONDS = 30.0
"""How long a store may take; a database behind a dead connection may never answer."""

REOPEN_SECONDS = 10.0
"""How long a database that could not be opened is left alone."""

_KEY = "vector_assets/incidents/"


@dataclass(slots=True)
class Incident:
    """A problem from its beginning to its end.

    Attributes:
        seen_at: When it was first noticed, UTC.
        notified_at: By channel, when the last alert or reminder was delivered.
        resolved_at: By channel, when the message that closes the incident was delivered.
        errors: By channel, why the last delivery failed; empty when it succeeded.
        ended_at: When it was first seen to be over, UTC; None while it lasts.
    """

    problem: Problem
    opened_at: datetime
    seen_at: datetime
    notified_at: dict[str, datetime] = field(default_factory=dict)
    resolved_at: dict[str, datetime] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    ended_at: datetime | None = None

    def update(self, problem: Problem) -> None:
        """Store the problem as seen now; channels that got the closing message get a new alert."""
        self.problem = problem
        for channel in self.resolved_at:
            self.notified_at.pop(channel, None)
        self.resolved_at.clear()
        self.ended_at = None

    def as_json(self) -> dict[str, Any]:
        """Return the incident with times as ISO text, for the stores and `--json`."""
        return {
            "problem": _plain(asdict(self.problem)),
            "opened_at": self.opened_at.isoformat(),
            "seen_at": self.seen_at.isoformat(),
            "told_at": _plain(self.notified_at),
            "over_at": _plain(self.resolved_at),
            "errors": dict(self.errors),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }


class IncidentStore(ABC):
    """Keeps the incidents of each reporter."""

    def read(self, reporter: str) -> dict[str, Incident]:
        """Return a reporter's incidents by key; empty when nothing was ever written.

        What cannot be read, such as a file that was cut off, must not keep alerts from being sent:
        they are sent once more.
        """
        text = self.read_text(reporter)
        try:
            return {key: _read(plain) for key, plain in json.loads(text or "{}").items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.exception("the incidents of the %s cannot be read and are begun anew", reporter)
            return {}

    def write(self, reporter: str, incidents: Mapping[str, Incident]) -> None:
        """Replace a reporter's incidents."""
        plain = {key: incident.as_json() for key, incident in incidents.items()}
        self.write_text(reporter, json.dumps(plain))

    def all(self) -> list[Incident]:
        """Return all open incidents, the oldest first."""
        incidents = [incident for name in REPORTERS for incident in self.read(name).values()]
        return sorted(incidents, key=lambda incident: incident.opened_at)

    @abstractmethod
    def read_text(self, reporter: str) -> str:
        """Return the text that was last written, or an empty text."""

    @abstractmethod
    def write_text(self, reporter: str, text: str) -> None:
        """Replace the text atomically."""


class FileIncidentStore(IncidentStore):
    """One file per reporter, in a folder that the first write creates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read_text(self, reporter: str) -> str:
        """Return the file's text."""
        path = self._path(reporter)
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def write_text(self, reporter: str, text: str) -> None:
        """Write a temporary file and move it into place, so that a crash leaves the old file."""
        path = self._path(reporter)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        # A cause may name what few may read.
        temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)

    def _path(self, reporter: str) -> Path:
        return self._folder / f"incidents-{reporter}.json"


class DagsterIncidentStore(IncidentStore):
    """Dagster's own storage, which its processes on all hosts share."""

    def __init__(self, storage: Any, prefix: str = "") -> None:
        self._storage = storage
        self._prefix = _KEY + prefix

    def read_text(self, reporter: str) -> str:
        """Return the value of the reporter's key."""
        key = self._prefix + reporter
        return str(self._storage.get_cursor_values({key}).get(key, ""))

    def write_text(self, reporter: str, text: str) -> None:
        """Replace the value of the reporter's key."""
        self._storage.set_cursor_values({self._prefix + reporter: text})


class OpenedIncidentStore(IncidentStore):
    """Dagster's own storage, opened when it is first asked, and closed with a stack.

    So a database that is down when `serve` starts keeps back neither search nor alerts.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._lock = threading.Lock()
        self._opened: DagsterIncidentStore | None = None
        self._cause = ""
        self._closed_until = 0.0

    def read_text(self, reporter: str) -> str:
        """Return the value of the reporter's key, or raise `UnavailableError`."""
        return self._open().read_text(reporter)

    def write_text(self, reporter: str, text: str) -> None:
        """Replace the value of the reporter's key, or raise `UnavailableError`."""
        self._open().write_text(reporter, text)

    def _open(self) -> DagsterIncidentStore:
        with self._lock:
            if self._opened is not None:
                return self._opened
            if time.monotonic() >= self._closed_until:
                try:
                    instance = self._stack.enter_context(configured_instance())
                except Exception as error:  # noqa: BLE001 - `observe` tells of it; alerts are sent
                    self._cause = cause_of(error)
                    self._closed_until = time.monotonic() + REOPEN_SECONDS
                else:
                    self._opened = DagsterIncidentStore(instance.daemon_cursor_storage)
                    return self._opened
            raise UnavailableError("Dagster's database", self._cause)


class RememberedIncidentStore(IncidentStore):
    """Wraps a shared store and keeps its contents in memory while the store is down or hangs.

    A database that is down is an incident too and must be alerted once, so it has to be remembered
    outside of the database. What was written meanwhile is written to the store once it is back.
    """

    def __init__(self, store: IncidentStore, outage_errors: tuple[type[Exception], ...]) -> None:
        self._store = store
        self._outage_errors = (*outage_errors, TimeoutError)
        self._calls = BoundedCalls(STORE_SECONDS)
        self._known: dict[str, str] = {}
        self._unwritten: set[str] = set()
        self._was_read: set[str] = set()

    def read_text(self, reporter: str) -> str:
        """Return what the store holds, or a newer text that is not written to it yet."""
        if reporter not in self._unwritten:
            with suppress(*self._outage_errors):
                self._known[reporter] = self._calls.call(
                    "store", lambda: self._store.read_text(reporter)
                )
                self._was_read.add(reporter)
        return self._known.get(reporter, "")

    def write_text(self, reporter: str, text: str) -> None:
        """Write to the store now, or when it is back."""
        self._known[reporter] = text
        self._unwritten.add(reporter)
        with suppress(*self._outage_errors):
            self._calls.call("store", lambda: self._write(reporter, text))
            self._unwritten.discard(reporter)

    def _write(self, reporter: str, text: str) -> None:
        if reporter not in self._was_read:
            # It was away until now, and may hold incidents that are still to be closed.
            text = _joined(self._store.read_text(reporter), text)
        self._store.write_text(reporter, text)


def _joined(earlier: str, newer: str) -> str:
    """Return the incidents of two texts, by the newer where both have one."""
    try:
        return json.dumps({**json.loads(earlier or "{}"), **json.loads(newer)})
    except (ValueError, TypeError):
        return newer


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in fields.items()
    }


def _read(plain: Mapping[str, Any]) -> Incident:
    problem = dict(plain["problem"])
    if problem["since"]:
        problem["since"] = datetime.fromisoformat(problem["since"])
    return Incident(
        problem=Problem(**problem),
        opened_at=datetime.fromisoformat(plain["opened_at"]),
        seen_at=datetime.fromisoformat(plain["seen_at"]),
        notified_at=_instants(plain["told_at"]),
        resolved_at=_instants(plain["over_at"]),
        errors=dict(plain["errors"]),
        # Older versions did not write it.
        ended_at=datetime.fromisoformat(plain["ended_at"]) if plain.get("ended_at") else None,
    )


def _instants(plain: Mapping[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(text) for name, text in plain.items()}


INCIDENTS_FOLDER = Path("data")
"""Where incidents are kept when there is no Dagster instance."""


@contextmanager
def incident_store() -> Iterator[IncidentStore]:
    """Yield Dagster's storage if there is an instance, else a store of files."""
    if not (home := os.environ.get("DAGSTER_HOME")):
        yield RememberedIncidentStore(FileIncidentStore(INCIDENTS_FOLDER), (OSError,))
        return
    require_packages(Path(home))
    with ExitStack() as stack:
        errors = (*database_errors(), UnavailableError)
        yield RememberedIncidentStore(OpenedIncidentStore(stack), errors)
