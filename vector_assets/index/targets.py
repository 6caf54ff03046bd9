"""Which model goes with the live index: to embed a question, and to write without mixing kinds.

A change of the settings is no change of the index: until a reindex has switched it over, questions
and nights use the model that the index was filled with, and everyone who is asked says so.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from vector_assets.core.errors import IndexMismatchError, SettingsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.embedding import build_embedder
from vector_assets.embedding.base import Embedder
from vector_assets.index.generations import Generation, LiveStore, build_store
from vector_assets.index.ledger import NAMESPACE
from vector_assets.index.spec import IndexKind, kind_of
from vector_assets.stores.base import VectorStore

ADVICE = "Run `vector-assets reindex`, or set back what was changed"

EmbedderOf = Callable[[IndexKind], Embedder]
"""Returns the embedder of a kind; raises `SettingsError` when it cannot be had."""


@dataclass(frozen=True, slots=True)
class Change:
    """The settings, or this version of the code, mean another kind than the live index is of.

    Attributes:
        difference: What is another, in words.
        is_blocking: Whether nothing can be written until it is carried out.
        building: When a reindex to the wanted kind was begun, as text; empty when none was.
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
class Target:
    """Where a run writes, and with which model.

    Attributes:
        store: One generation, for the whole run.
        embedder: That makes vectors of its kind.
        change: Pending change of the kind, or None.
    """

    store: VectorStore
    embedder: Embedder
    change: Change | None = None


def embedder_of(kind: IndexKind, settings: Settings, meter: Meter) -> Embedder:
    """Return the embedder of a recorded kind, with the keys and addresses of the settings.

    Raises:
        SettingsError: Its provider is not set up any more.
    """
    update = {
        "embedding_provider": kind.provider,
        "embedding_model": kind.model,
        "embedding_dimensions": kind.dimensions,
    }
    return build_embedder(settings.model_copy(update=update), meter)


def writing_target(store: VectorStore, embedder: Embedder, of_kind: EmbedderOf) -> Target:
    """Tie a run to the live index; a new index is recorded to be of the embedder's kind.

    Args:
        store: Where to write; one that knows of no generations is taken as it is.
        embedder: That the settings mean.
        of_kind: Makes the embedder of the live index where that is another.

    Raises:
        IndexMismatchError: The index is of another kind, and this code or these settings cannot
            write that kind; names what differs.
    """
    if not isinstance(store, LiveStore):
        return Target(store, embedder)
    return _tied(store, _live_to_write(store, kind_of(embedder)), embedder, of_kind)


def _live_to_write(store: LiveStore, wanted: IndexKind) -> Generation:
    """Return what is live at this moment; record it where that was not done yet."""
    store.forget()
    live = store.live(wanted)
    if live.is_empty:
        live = Generation("", wanted)
        store.catalogue.set_live(live)
    elif not live.is_recorded and live.kind is not None:
        live = Generation("", live.kind)
        store.catalogue.set_live(live)
    store.forget()
    return live


def _tied(store: LiveStore, live: Generation, embedder: Embedder, of_kind: EmbedderOf) -> Target:
    wanted = kind_of(embedder)
    if live.kind == wanted:
        return Target(store.tied(live), embedder)
    writer = _writer(live.kind, wanted, of_kind)
    change = Change(difference(live.kind, wanted), is_blocking=False)
    return Target(store.tied(live), writer, change)


class Opening:
    """The live index for runs that begin together in one process, found out once for all.

    Args:
        settings: Name the index and the model.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._live: Generation | None = None

    def target(self, meter: Meter) -> Target:
        """Tie a run to the live index, on a connection of its own; see `writing_target`.

        Args:
            meter: Of the run.

        Raises:
            SettingsError: A setting that it needs is missing.
            IndexMismatchError: As `writing_target` raises.
            RetryableError: The index does not answer.
        """
        settings = self._settings
        store = build_store(settings, meter)
        embedder = build_embedder(settings, meter)
        # Who waits for another's answer has looked the index up meanwhile.
        store.base.dimensions(NAMESPACE)
        with self._lock:
            if self._live is None:
                self._live = _live_to_write(store, kind_of(embedder))
        return _tied(store, self._live, embedder, lambda kind: embedder_of(kind, settings, meter))


def difference(kind: IndexKind | None, wanted: IndexKind) -> str:
    """Return in words what is another; of an index of unknown kind, that it is unknown."""
    if kind is None:
        return "it was filled before kinds were recorded, and its records do not prove one kind"
    return kind.differences(wanted)


def _writer(kind: IndexKind | None, wanted: IndexKind, of_kind: EmbedderOf) -> Embedder:
    """Return the embedder that writes a kind, which is not the wanted one."""
    refusal = f"the index is of another kind: {difference(kind, wanted)}"
    if kind is None or not kind.is_of_this_code:
        raise IndexMismatchError(
            f"{refusal}. This version cannot write that kind, and two kinds are never mixed in "
            f"one index, so nothing is written. {ADVICE}"
        )
    try:
        embedder = of_kind(kind)
    except SettingsError as error:
        raise IndexMismatchError(
            f"{refusal}. Its own model cannot be used to go on: {error} {ADVICE}"
        ) from error
    if kind_of(embedder) != kind:
        raise IndexMismatchError(f"{refusal}. Its own model is not what it was. {ADVICE}")
    return embedder


def pending_change(store: VectorStore, settings: Settings) -> Change | None:
    """Return how the live index differs from what the settings mean; None when it does not.

    Raises:
        SettingsError: The settings' own embedder cannot be had.
        RetryableError: The index does not answer.
    """
    if not isinstance(store, LiveStore):
        return None
    wanted = kind_of(build_embedder(settings, Meter()))
    live = store.live(wanted)
    if live.is_empty or live.kind == wanted:
        return None
    try:
        _writer(live.kind, wanted, lambda kind: embedder_of(kind, settings, Meter()))
        is_blocking = False
    except IndexMismatchError:
        is_blocking = True
    building = store.catalogue.building()
    begun = str(building.facts.get("begun_at", "")) if building else ""
    return Change(difference(live.kind, wanted), is_blocking, begun)


@dataclass(frozen=True, slots=True)
class Served:
    """The live index for one question.

    Attributes:
        store: One generation.
        embedder: That its vectors were made with.
        warning: What the reader should know; empty when nothing.
    """

    store: VectorStore
    embedder: Embedder
    warning: str = ""


class LiveIndex:
    """What a question is asked of: follows a switch of the index without a restart.

    Args:
        settings: Name the index, and the model where the index is of that.
        store: Used in place of a new one.
    """

    def __init__(self, settings: Settings, store: LiveStore | None = None) -> None:
        self._settings = settings
        self._store = store or build_store(settings, Meter())
        self._embedders: dict[IndexKind | None, Embedder] = {}
        self._lock = threading.Lock()

    def now(self) -> Served:
        """Return the live index with its model.

        Raises:
            IndexMismatchError: The model that it was filled with cannot be used any more.
            RetryableError: The index does not answer.
        """
        live = self._store.live()
        warning = ""
        if live.kind is None and not live.is_empty:
            warning = f"It is not known which model the index was filled with. {ADVICE}."
        return Served(self._store.tied(live), self._embedder(live.kind), warning)

    def _embedder(self, kind: IndexKind | None) -> Embedder:
        with self._lock:
            if kind not in self._embedders:
                self._embedders[kind] = self._built(kind)
            return self._embedders[kind]

    def _built(self, kind: IndexKind | None) -> Embedder:
        if kind is None:
            return build_embedder(self._settings, Meter())
        try:
            return embedder_of(kind, self._settings, Meter())
        except SettingsError as error:
            raise IndexMismatchError(
                f"the live index was filled with {kind.provider}/{kind.model}, which cannot embed "
                f"a question: {error} {ADVICE}"
            ) from error
