"""A store with a seam at each request: there a run is killed, fails, or meets another run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from vector_assets.core.errors import UnavailableError
from vector_assets.stores.base import Head, Metadata, Record, VectorStore

Moment = Literal["before", "within", "after"]


class Killed(BaseException):
    """What no code of ours may catch, as no process catches SIGKILL."""


class Seam:
    """Passes everything on to a store, and at the n-th request does something once.

    Args:
        store: The real one.
        nth: Which request, from 0; of all requests, or of writes alone.
        moment: `before` the store has seen it, `after` it has done it, or `within`: a write is
            done for the first half of what was given, and of what a store takes all at once for
            nothing.
        what: Called then; it may raise.
        is_of_writes: Whether reads are not counted.
    """

    def __init__(
        self,
        store: VectorStore,
        nth: int,
        moment: Moment,
        what: Callable[[], None],
        *,
        is_of_writes: bool = False,
    ) -> None:
        self._store, self._left, self._moment, self._what = store, nth, moment, what
        self._is_of_writes = is_of_writes

    @property
    def has_happened(self) -> bool:
        return self._left < 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def heads(self, namespace: str, ids: Sequence[str]) -> dict[str, Head]:
        return self._read(lambda: self._store.heads(namespace, ids))

    def fingerprints(self, namespace: str, ids: Sequence[str]) -> dict[str, str]:
        return self._read(lambda: self._store.fingerprints(namespace, ids))

    def upsert(self, namespace: str, records: Sequence[Record]) -> None:
        self._write(
            records,
            lambda some: self._store.upsert(namespace, some),
            atomic=self._store.atomic_records,
        )

    def update_metadata(self, namespace: str, metadata_by_id: Mapping[str, Metadata]) -> None:
        self._write(
            list(metadata_by_id.items()),
            lambda some: self._store.update_metadata(namespace, dict(some)),
        )

    def delete(self, namespace: str, ids: Sequence[str]) -> None:
        self._write(ids, lambda some: self._store.delete(namespace, some))

    def delete_older(self, namespace: str, until: Mapping[str, float]) -> None:
        self._write(
            list(until.items()), lambda some: self._store.delete_older(namespace, dict(some))
        )

    def _read(self, ask: Callable[[], Any]) -> Any:
        if not self._is_of_writes and self._is_now():
            self._what()
        return ask()

    def _write(
        self, items: Sequence[Any], write: Callable[[Sequence[Any]], None], *, atomic: int = 1
    ) -> None:
        is_now = bool(items) and self._is_now()
        if is_now and self._moment == "before":
            self._what()
        if is_now and self._moment == "within":
            write(items[: len(items) // 2 // atomic * atomic])
            self._what()
        write(items)
        if is_now and self._moment == "after":
            self._what()

    def _is_now(self) -> bool:
        self._left -= 1
        return self._left == -1


def kill() -> None:
    """End a run as a process ends that is killed."""
    raise Killed


def fail() -> None:
    """Fail as a store does that cannot be reached."""
    raise UnavailableError("index", "connection reset")
