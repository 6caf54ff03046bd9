"""Asks each configured service whether its credentials work, and says in one line what to fix."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from vector_assets.core.credentials import scrub
from vector_assets.core.errors import IndexMismatchError, VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.index.generations import build_index
from vector_assets.index.targets import IndexOpener, pending_reindex
from vector_assets.maintenance.canary import CANARY, try_canary
from vector_assets.sources import build_source, shown_sources
from vector_assets.sources.base import Reach
from vector_assets.sources.items import Gap


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one service.

    Attributes:
        service: `jira`, ..., `embedding` or `index`.
        state: `ok`, `broken`, or `off` for a source without credentials.
        line: Who answered, or what to do.
        gaps: What the credentials do not reach.
    """

    service: str
    state: Literal["ok", "broken", "off"]
    line: str
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "line", scrub(self.line))


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each source, the embedder and the index, as each answers."""
    for name in shown_sources(settings):
        if name not in settings.enabled_sources:
            yield Finding(name, "off", _how_to_switch_on(name, settings))
            continue
        yield _ask(name, partial(_check_source, name, settings))
    yield _ask("embedding", lambda: Reach(build_embedder(settings, Meter()).check()))
    yield _ask("index", lambda: _check_index(settings))


def _check_source(name: str, settings: Settings) -> Reach:
    return build_source(name, settings, Meter()).check()


def _check_index(settings: Settings) -> Reach:
    """Ask the live index, and whether it is of the kind that the settings mean.

    Raises:
        IndexMismatchError: It is not, and nothing can be written until it is.
    """
    index = build_index(settings, Meter())
    line = index.open().check()
    pending = pending_reindex(index, settings)
    if pending and pending.is_blocking:
        raise IndexMismatchError(str(pending))
    return Reach(f"{line}; {pending}" if pending else line)


def _ask(service: str, check: Callable[[], Reach]) -> Finding:
    try:
        reach = check()
        return Finding(service, "ok", reach.identity, reach.gaps)
    except VectorAssetsError as error:
        return Finding(service, "broken", str(error))


def _how_to_switch_on(name: str, settings: Settings) -> str:
    missing = settings.missing_credentials(name)
    if missing:
        return f"to switch it on, set {', '.join(missing)}"
    return "off; VECTOR_ASSETS_SOURCES does not list it"


def examine_canary(settings: Settings) -> Iterator[Finding]:
    """Yield whether the canary is found, as the doctor says it."""
    try:
        target = IndexOpener(settings).target(Meter())
        trial = try_canary(target.store, target.embedder)
    except VectorAssetsError as error:
        yield Finding(CANARY, "broken", str(error))
        return
    yield Finding(CANARY, "ok", f"written, and found after {trial.waited_seconds:.1f} s")
