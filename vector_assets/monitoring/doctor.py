"""Checks the credentials of each configured service and says in one line what to fix."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from vector_assets.core.credentials import scrub
from vector_assets.core.errors import IndexMismatchError, VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.plugins import broken_plugins
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.index.generations import build_index
from vector_assets.index.targets import IndexOpener, pending_reindex
from vector_assets.maintenance.canary import CANARY, try_canary
from vector_assets.sources import build_source, shown_sources
from vector_assets.sources.base import ConnectionCheck
from vector_assets.sources.items import Gap


@dataclass(frozen=True, slots=True)
class ServiceCheck:
    """The result of checking one service.

    Attributes:
        state: `ok`, `broken`, or `off` for a source without credentials.
    """

    service: str
    state: Literal["ok", "broken", "off"]
    line: str
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "line", scrub(self.line))


def examine(settings: Settings) -> Iterator[ServiceCheck]:
    """Yield the check of each source, the embedder and the index, one after the other."""
    for name in shown_sources(settings):
        if name not in settings.enabled_sources:
            yield ServiceCheck(name, "off", _how_to_enable(name, settings))
            continue
        yield _checked(name, partial(_check_source, name, settings))
    for plugin in broken_plugins():
        yield ServiceCheck(plugin.name, "broken", plugin.error)
    yield _checked("embedding", lambda: ConnectionCheck(build_embedder(settings, Meter()).check()))
    yield _checked("index", lambda: _check_index(settings))


def _check_source(name: str, settings: Settings) -> ConnectionCheck:
    return build_source(name, settings, Meter()).check()


def _check_index(settings: Settings) -> ConnectionCheck:
    """Check the live index, and whether it matches the settings."""
    index = build_index(settings, Meter())
    line = index.open().check()
    pending = pending_reindex(index, settings)
    if pending and pending.is_blocking:
        raise IndexMismatchError(str(pending))
    return ConnectionCheck(f"{line}; {pending}" if pending else line)


def _checked(service: str, check: Callable[[], ConnectionCheck]) -> ServiceCheck:
    try:
        connection = check()
        return ServiceCheck(service, "ok", connection.identity, connection.gaps)
    except VectorAssetsError as error:
        return ServiceCheck(service, "broken", str(error))


def _how_to_enable(name: str, settings: Settings) -> str:
    missing = settings.missing_credentials(name)
    if missing:
        return f"to switch it on, set {', '.join(missing)}"
    return "off; VECTOR_ASSETS_SOURCES does not list it"


def examine_canary(settings: Settings) -> Iterator[ServiceCheck]:
    """Yield whether a new canary document is written and found by search."""
    try:
        target = IndexOpener(settings).target(Meter())
        trial = try_canary(target.store, target.embedder)
    except VectorAssetsError as error:
        yield ServiceCheck(CANARY, "broken", str(error))
        return
    yield ServiceCheck(CANARY, "ok", f"written, and found after {trial.waited_seconds:.1f} s")
