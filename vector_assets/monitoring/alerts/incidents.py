"""What has been said of what is wrong: remembered where a restart, or another host, finds it."""

import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from vector_assets.monitoring.dagster_state.observe import database_errors, instance_at_hand
from vector_assets.monitoring.problems import Problem

REPORTERS = ("watcher", "sensors")
"""Who reports: each writes its own record and reads that of the other."""

_KEY = "vector_assets/incidents/"


@dataclass(slots=True)
class Incident:
    """A problem from its beginning to its end.

    Attributes:
        problem: As it was last seen.
        opened_at: Since when, UTC.
        seen_at: When it was first noticed, UTC.
        told_at: By channel, when it was last told.
        over_at: By channel, when it was told that it is over.
        errors: By channel, why it could not be told; empty when it could.
    """

    problem: Problem
    opened_at: datetime
    seen_at: datetime
    told_at: dict[str, datetime] = field(default_factory=dict)
    over_at: dict[str, datetime] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def is_seen_again(self, problem: Problem) -> None:
        """Take over how the problem looks now; who was told that it is over hears of it anew."""
        self.problem = problem
        for channel in self.over_at:
            self.told_at.pop(channel, None)
        self.over_at.clear()

    def as_json(self) -> dict[str, Any]:
        """Return it with times as ISO text."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


class IncidentStore(ABC):
    """Keeps the incidents of each reporter."""

    def reporters(self) -> Sequence[str]:
        """Return the names of all that report."""
        return REPORTERS

    def read(self, reporter: str) -> dict[str, Incident]:
        """Return a reporter's incidents by key; none when nothing was ever written."""
        text = self.read_text(reporter)
        return {} if not text else {key: _read(one) for key, one in json.loads(text).items()}

    def write(self, reporter: str, incidents: Mapping[str, Incident]) -> None:
        """Replace a reporter's incidents."""
        plain = {key: incident.as_json() for key, incident in incidents.items()}
        self.write_text(reporter, json.dumps(plain))

    def all(self) -> list[Incident]:
        """Return everything that is open, the oldest first."""
        found = [one for name in self.reporters() for one in self.read(name).values()]
        return sorted(found, key=lambda incident: incident.opened_at)

    @abstractmethod
    def read_text(self, reporter: str) -> str:
        """Return what was last written, or an empty text."""

    @abstractmethod
    def write_text(self, reporter: str, text: str) -> None:
        """Write, all or nothing."""


class FileIncidentStore(IncidentStore):
    """A file a reporter.

    Args:
        folder: Made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read_text(self, reporter: str) -> str:
        """Return the file's text."""
        path = self._path(reporter)
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def write_text(self, reporter: str, text: str) -> None:
        """Write beside the file and move it there, so that a crash leaves the old one."""
        path = self._path(reporter)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)

    def _path(self, reporter: str) -> Path:
        return self._folder / f"incidents-{reporter}.json"


class DagsterIncidentStore(IncidentStore):
    """Dagster's own storage, which all of its processes share whatever the host.

    Args:
        storage: An instance's `daemon_cursor_storage`.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def read_text(self, reporter: str) -> str:
        """Return the value of the reporter's key."""
        return str(self._storage.get_cursor_values({_KEY + reporter}).get(_KEY + reporter, ""))

    def write_text(self, reporter: str, text: str) -> None:
        """Replace the value of the reporter's key."""
        self._storage.set_cursor_values({_KEY + reporter: text})


class RememberedIncidentStore(IncidentStore):
    """Another store, with what it last held kept in this process for as long as it is away.

    That a database is down is an incident too: it shall be told once, and so has to be remembered
    somewhere else. What was written meanwhile is handed over when the store is back.

    Args:
        store: Shared with others, each of whom writes a record of its own.
        away: What it raises when it does not answer.
    """

    def __init__(self, store: IncidentStore, away: tuple[type[Exception], ...]) -> None:
        self._store = store
        self._away = away
        self._known: dict[str, str] = {}
        self._unwritten: set[str] = set()

    def read_text(self, reporter: str) -> str:
        """Return what the store holds, or what is newer than that."""
        if reporter not in self._unwritten:
            with suppress(*self._away):
                self._known[reporter] = self._store.read_text(reporter)
        return self._known.get(reporter, "")

    def write_text(self, reporter: str, text: str) -> None:
        """Write to the store, now or when it is back."""
        self._known[reporter] = text
        self._unwritten.add(reporter)
        with suppress(*self._away):
            self._store.write_text(reporter, text)
            self._unwritten.discard(reporter)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value


def _read(plain: Mapping[str, Any]) -> Incident:
    problem = dict(plain["problem"])
    if problem["since"]:
        problem["since"] = datetime.fromisoformat(problem["since"])
    return Incident(
        problem=Problem(**problem),
        opened_at=datetime.fromisoformat(plain["opened_at"]),
        seen_at=datetime.fromisoformat(plain["seen_at"]),
        told_at={name: datetime.fromisoformat(at) for name, at in plain["told_at"].items()},
        over_at={name: datetime.fromisoformat(at) for name, at in plain["over_at"].items()},
        errors=dict(plain["errors"]),
    )


INCIDENTS_FOLDER = Path("data")
"""Where incidents are remembered when there is no Dagster instance at hand."""


@contextmanager
def incident_store() -> Iterator[IncidentStore]:
    """Give the memory of what was told: Dagster's storage if it is at hand, else files.

    Raises:
        UnavailableError: Dagster's storage does not answer.
    """
    with instance_at_hand() as instance:
        if instance is None:
            yield FileIncidentStore(INCIDENTS_FOLDER)
        else:
            shared = DagsterIncidentStore(instance.daemon_cursor_storage)
            yield RememberedIncidentStore(shared, database_errors())
