"""The live index with its model: to embed a question, and to write without mixing specs.

Changing the settings does not change the index. Until a reindex has switched it over, searches and
nightly runs use the model that the index was filled with, and status, doctor and runs report it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vector_assets.core.errors import IndexMismatchError, SettingsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.embedding.questions import RecentQuestions
from vector_assets.index.generations import Generation, Index, build_index
from vector_assets.index.ledger import NAMESPACE, Ledger
from vector_assets.index.spec import IndexSpec
from vector_assets.stores.base import VectorStore

ADVICE = "Run `vector-assets reindex`, or set back what was changed"

EmbedderOf = Callable[[IndexSpec], Embedder]
"""Returns the embedder of a spec; raises `SettingsError` when its provider is not set up."""


@dataclass(frozen=True, slots=True)
class PendingReindex:
    """The settings, or this version of the code, want another spec than the live index has.

    Nothing can be written while it is blocking. `building` says since when a reindex is under way.
    """

    difference: str
    is_blocking: bool
    building: str = ""

    def __str__(self) -> str:
        meanwhile = (
            "nothing is written to it until then"
            if self.is_blocking
            else "it is searched and kept fresh as it was until then"
        )
        begun = f" A reindex was begun {self.building} and is not done." if self.building else ""
        return (
            f"the live index is of another kind ({self.difference}); {meanwhile}.{begun} {ADVICE}"
        )


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """Where a run writes, and with which model.

    Attributes:
        pending: What a reindex has to change; None when nothing.
        require_live: Raises `SwitchedIndexError` when a search no longer reads this generation. By
            default nothing is checked: a generation is filled before it becomes live.
        is_served: Whether searches read it, so that what a run brings into it is no longer missing.
    """

    store: VectorStore
    ledger: Ledger
    embedder: Embedder
    pending: PendingReindex | None = None
    require_live: Callable[[], None] = lambda: None
    is_served: bool = True


def embedder_of(spec: IndexSpec, settings: Settings, meter: Meter) -> Embedder:
    """Return the embedder of a recorded spec, with the keys and addresses of the settings.

    Raises:
        SettingsError: Its provider is no longer set up.
    """
    update = {
        "embedding_provider": spec.provider,
        "embedding_model": spec.model,
        "embedding_dimensions": spec.dimensions,
    }
    return build_embedder(settings.model_copy(update=update), meter)


def write_target(index: Index, embedder: Embedder, of_spec: EmbedderOf) -> WriteTarget:
    """Return the live generation to write to; a new index is recorded with the embedder's spec.

    Raises:
        IndexMismatchError: The index has another spec, which this code or these settings cannot
            write, or it records none; names what differs.
    """
    return _target(index, _live_to_write(index, IndexSpec.of(embedder)), embedder, of_spec)


def _live_to_write(index: Index, wanted: IndexSpec) -> Generation:
    live = index.live_now()
    if live is None:
        live = Generation("", wanted)
        index.records.set_live(live)
    return live


def _target(index: Index, live: Generation, embedder: Embedder, of_spec: EmbedderOf) -> WriteTarget:
    wanted = IndexSpec.of(embedder)
    pending = None
    if live.spec != wanted:
        embedder = _own_embedder(live.spec, wanted, of_spec)
        pending = PendingReindex(live.spec.differences(wanted), is_blocking=False)
    require_live = partial(index.require_live, live)
    return WriteTarget(index.store_of(live), index.ledger, embedder, pending, require_live)


class IndexOpener:
    """Opens the live index for runs that begin together in one process; looks it up once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._live: Generation | None = None

    def target(self, meter: Meter) -> WriteTarget:
        """Return the live generation to write to, on its own connection; see `write_target`."""
        settings = self._settings
        index = build_index(settings, meter)
        embedder = build_embedder(settings, meter)
        # Connect before the lock, so that those who wait for it are connected by then.
        index.base.dimensions(NAMESPACE)
        with self._lock:
            if self._live is None:
                self._live = _live_to_write(index, IndexSpec.of(embedder))
        return _target(index, self._live, embedder, lambda spec: embedder_of(spec, settings, meter))


def _own_embedder(spec: IndexSpec, wanted: IndexSpec, of_spec: EmbedderOf) -> Embedder:
    refusal = f"the index is of another kind: {spec.differences(wanted)}"
    if not spec.is_of_this_code:
        raise IndexMismatchError(
            f"{refusal}. This version cannot write that kind, and two kinds are never mixed in "
            f"one index, so nothing is written. {ADVICE}"
        )
    try:
        embedder = of_spec(spec)
    except SettingsError as error:
        raise IndexMismatchError(
            f"{refusal}. Its own model cannot be used to go on: {error} {ADVICE}"
        ) from error
    if IndexSpec.of(embedder) != spec:
        raise IndexMismatchError(f"{refusal}. Its own model is not what it was. {ADVICE}")
    return embedder


def pending_reindex(index: Index, settings: Settings) -> PendingReindex | None:
    """Return how the live index differs from what the settings want; None when it does not.

    Raises:
        IndexMismatchError: The index does not say what it is made of.
    """
    wanted = IndexSpec.of(build_embedder(settings, Meter()))
    live = index.live()
    if live is None or live.spec == wanted:
        return None
    try:
        _own_embedder(live.spec, wanted, lambda spec: embedder_of(spec, settings, Meter()))
        is_blocking = False
    except IndexMismatchError:
        is_blocking = True
    building = index.records.building()
    begun = str(building.facts.get("begun_at", "")) if building else ""
    return PendingReindex(live.spec.differences(wanted), is_blocking, begun)


@dataclass(frozen=True, slots=True)
class ReadTarget:
    """One generation for one question, and the model that its vectors were made with."""

    store: VectorStore
    embedder: Embedder


class LiveIndex:
    """What a question is asked of: follows a switch of the index without a restart.

    With `keeps_copies` a store may keep small namespaces in memory; for many questions.

    Attributes:
        index: All generations, and the ledger beside them.
    """

    def __init__(
        self, settings: Settings, index: Index | None = None, *, keeps_copies: bool = False
    ) -> None:
        self._settings = settings
        self.index = index or build_index(settings, Meter())
        self._keeps_copies = keeps_copies
        self._embedders: dict[IndexSpec | None, Embedder] = {}
        self._lock = threading.Lock()

    def now(self) -> ReadTarget:
        """Return the live generation with its model.

        Raises:
            IndexMismatchError: The model that it was filled with can no longer be used, or is not
                recorded.
        """
        live = self.index.live()
        store = self.index.store_of(live)
        store.keeps_copies = self._keeps_copies
        return ReadTarget(store, self._embedder(live.spec if live else None))

    @property
    def ledger(self) -> Ledger:
        """What all runs share."""
        return self.index.ledger

    def hosts(self) -> tuple[str, ...]:
        """Return the names of the namespaces that other projects fill."""
        return tuple(self.index.hosts())

    def _embedder(self, spec: IndexSpec | None) -> Embedder:
        with self._lock:
            if spec not in self._embedders:
                self._embedders[spec] = RecentQuestions(self._built(spec))
            return self._embedders[spec]

    def _built(self, spec: IndexSpec | None) -> Embedder:
        if spec is None:
            return build_embedder(self._settings, Meter())
        try:
            return embedder_of(spec, self._settings, Meter())
        except SettingsError as error:
            raise IndexMismatchError(
                f"the live index was filled with {spec.provider}/{spec.model}, which cannot embed "
                f"a question: {error} {ADVICE}"
            ) from error
