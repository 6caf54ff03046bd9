"""Asks the vendors about the documents of an answer, so that what is handed out is current.

Each document is asked for once, by `Source.probe`, and all within `CONFIRM_SECONDS`. Nothing that a
vendor does fails a search: a document without an answer in time is handed out as not confirmed.
"""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from vector_assets.core.deadline import waiting_until
from vector_assets.core.errors import (
    CredentialsError,
    RateLimitedError,
    RetryableError,
    SettingsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import Change, ChangeQueue
from vector_assets.index.rereads import Reread, request_rereads
from vector_assets.index.spec import IndexSpec
from vector_assets.index.targets import LiveIndex
from vector_assets.index.verdicts import LEFT_OUT, TO_BE_READ, Confirmation, Confirmed, Verdict
from vector_assets.sources import SOURCES, build_source
from vector_assets.sources.base import Missing, Probed, RemoteState, Source
from vector_assets.stores.base import Head, VectorStore
from vector_assets.stores.records import stored_stamp

PROBES_AT_ONCE = 8
"""Of one source."""

IDLE_SECONDS = 10.0
"""After which a thread without a question ends."""

QUEUE_SECONDS = 1.0
"""How long an answer waits for its documents to be queued; queueing goes on after it."""

NOTED_SECONDS = 3600.0
"""How long a document that was queued is not queued again for the same change."""

_SAME_SECONDS = 0.001
_TOO_SLOW = "no answer in time"
_OF_OTHERS = "another program reads it, which cannot be asked from here"
_NOT_ASKABLE = "it cannot be asked for one document"
_NOT_QUEUED = "What has changed could not be queued to be read again: the index took no entry."
_ODD = "its answer was not understood"
_WORDS: Mapping[type[BaseException], str] = {
    RateLimitedError: "it throttles requests",
    RetryableError: _TOO_SLOW,
    TimeoutError: _TOO_SLOW,
    CredentialsError: "it refuses the credentials of this installation",
    SettingsError: "it is not set up here",
}
"""Why a vendor did not say, for readers: an error itself may name what only operators may know."""


class _UnaskableError(Exception):
    """A source cannot be asked from here; says why."""


class Confirmer:
    """Asks vendors about documents; keep one for many answers, as their rate limits are in it.

    Args:
        settings: Name the credentials of the sources, and the time.
        build: Builds a source by its name.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        build: Callable[[str, Settings, Meter], Source] = build_source,
    ) -> None:
        self._settings = settings
        self._build = build
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._noted: dict[tuple[str, str], float] = {}

    def confirm(self, answers: Answers, index: LiveIndex) -> Answers:
        """Return the answers that still stand, each with what its vendor says of it.

        Documents that are deleted or not shown any more are left out and counted. What has changed
        is queued to be read again.

        Args:
            answers: What a search found; nothing else is asked for.
            index: That was searched.
        """
        asked_at, until = datetime.now(UTC), time.monotonic() + self._settings.confirm_seconds
        shown = {answer.document_id: answer for answer in answers.answers}
        futures = {document_id: self._asked(answer, until) for document_id, answer in shown.items()}
        target = index.now()
        heads = _heads(target.store, answers.answers)
        vector_spec = IndexSpec.of(target.embedder).vector_spec
        wait(futures.values(), timeout=max(0.0, until - time.monotonic()))
        confirmed = {
            document_id: _confirmed(future, shown[document_id], heads.get(document_id), vector_spec)
            for document_id, future in futures.items()
        }
        for future in futures.values():
            future.cancel()
        warnings = list(answers.warnings)
        if failure := self._request_rereads(shown, confirmed, index.ledger):
            warnings.append(failure)
        counts = Counter(
            confirmation.verdict
            for confirmation in confirmed.values()
            if confirmation.verdict in LEFT_OUT
        )
        kept = {
            key: confirmation
            for key, confirmation in confirmed.items()
            if confirmation.verdict not in LEFT_OUT
        }
        return replace(
            answers,
            answers=tuple(answer for answer in answers.answers if answer.document_id in kept),
            warnings=(*warnings, *_warnings(counts, kept)),
            confirmation=Confirmation(asked_at, kept, counts),
        )

    def _asked(self, answer: Answer, until: float) -> "Future[Probed]":
        name = answer.document_id.partition(":")[0]
        with self._lock:
            if name not in self._lanes:
                self._lanes[name] = _Lane(lambda: self._source(name))
            lane = self._lanes[name]
        return lane.ask(Missing(answer.document_id, answer.container, answer.updated_at), until)

    def _source(self, name: str) -> Source:
        if name not in SOURCES:
            raise _UnaskableError(_OF_OTHERS)
        source = self._build(name, self._settings, Meter())
        if not source.can_probe:
            raise _UnaskableError(_NOT_ASKABLE)
        return source

    def _request_rereads(
        self, shown: Mapping[str, Answer], confirmed: Mapping[str, Confirmed], ledger: Ledger
    ) -> str:
        """Queue what has changed to be read again; return why that failed, if it did."""
        now = time.monotonic()
        rereads = []
        for document_id, confirmation in confirmed.items():
            change = (document_id, str(confirmation))
            noted_at = self._noted.get(change, -NOTED_SECONDS)
            if confirmation.verdict in TO_BE_READ and now - noted_at >= NOTED_SECONDS:
                day = shown[document_id].updated_at.date()
                rereads.append(Reread(document_id, str(confirmation), day, datetime.now(UTC)))
        if not rereads:
            return ""
        written: Future[None] = Future()

        def write() -> None:
            _settle(written, lambda: self._queue(rereads, ledger))

        threading.Thread(target=write, name="rereads", daemon=True).start()
        with suppress(TimeoutError):
            if written.exception(timeout=QUEUE_SECONDS) is not None:
                return _NOT_QUEUED
        kept = {change: at for change, at in self._noted.items() if now - at < NOTED_SECONDS}
        self._noted = kept | {(reread.document_id, reread.reason): now for reread in rereads}
        return ""

    def _queue(self, rereads: Sequence[Reread], ledger: Ledger) -> None:
        """Queue documents for a run at once where there are such runs, else for the night."""
        at_once = (*self._settings.pushed_sources, *self._settings.polled_sources)
        changes = [
            Change(reread.document_id, reread.noted_at)
            for reread in rereads
            if reread.document_id.partition(":")[0] in at_once
        ]
        ChangeQueue(ledger).add(changes)
        changed_ids = {change.document_id for change in changes}
        request_rereads(
            ledger, [reread for reread in rereads if reread.document_id not in changed_ids]
        )


class _Lane:
    """The questions to one source: so many at once, in daemon threads that wait for no exit."""

    def __init__(self, build: Callable[[], Source]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._source: Source | None = None
        self._questions: SimpleQueue[tuple[Missing, float, Future[Probed]]] = SimpleQueue()
        self._thread_count = 0

    def ask(self, document: Missing, until: float) -> "Future[Probed]":
        """Ask for a document, unless that begins after an instant (monotonic seconds)."""
        future: Future[Probed] = Future()
        with self._lock:
            self._questions.put((document, until, future))
            if self._thread_count < PROBES_AT_ONCE:
                self._thread_count += 1
                threading.Thread(target=self._work, name="confirm", daemon=True).start()
        return future

    def _work(self) -> None:
        while (question := self._next()) is not None:
            document, until, future = question
            if not future.set_running_or_notify_cancel():
                continue
            with waiting_until(until):
                _settle(future, lambda: self._opened().probe(document))  # noqa: B023 - run here

    def _next(self) -> tuple[Missing, float, Future[Probed]] | None:
        """Return the next question; None when there was none for a while, so the thread ends."""
        with suppress(Empty):
            return self._questions.get(timeout=IDLE_SECONDS)
        with self._lock:
            if not self._questions.empty():
                return self._questions.get()
            self._thread_count -= 1
            return None

    def _opened(self) -> Source:
        with self._building:
            self._source = self._source or self._build()
            return self._source


def _settle(future: Future[Probed] | Future[None], make: Callable[[], object]) -> None:
    """Give a future the result of a call, or its error: whoever waits must not wait in vain."""
    try:
        result = make()
    except BaseException as error:  # noqa: BLE001 - carried to whoever waits
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]


def _heads(store: VectorStore, answers: Iterable[Answer]) -> dict[str, Head]:
    """Return the heads of documents; none where the index does not answer."""
    by_source: defaultdict[str, list[str]] = defaultdict(list)
    for answer in answers:
        by_source[answer.document_id.partition(":")[0]].append(answer.document_id)
    heads: dict[str, Head] = {}
    with suppress(RetryableError):
        for source, document_ids in by_source.items():
            heads |= store.heads(source, document_ids)
    return heads


def _confirmed(
    future: "Future[Probed]", answer: Answer, head: Head | None, vector_spec: str
) -> Confirmed:
    if not future.done():
        return Confirmed(Verdict.UNANSWERED, reason=_TOO_SLOW)
    if (error := future.exception()) is not None:
        return Confirmed(Verdict.UNANSWERED, reason=_words(error))
    probed = future.result()
    is_elsewhere = bool(probed.document_id) and probed.document_id != answer.document_id
    if probed.state is RemoteState.DELETED or is_elsewhere:
        return Confirmed(Verdict.DELETED)
    if probed.state is not RemoteState.THERE:
        return Confirmed(Verdict.UNREADABLE)
    return _compared(probed, answer, head, vector_spec)


def _compared(probed: Probed, answer: Answer, head: Head | None, vector_spec: str) -> Confirmed:
    """Return whether the version that is shown is the vendor's.

    Where both have a stamp, it tells what the time does not: a deleted message. Without, any other
    time is a change: a file may be replaced by an older one.
    """
    shown_at = answer.updated_at.timestamp()
    at_vendor = probed.updated_at.timestamp() if probed.updated_at else shown_at
    is_later = at_vendor - shown_at >= _SAME_SECONDS
    held_stamp = head.stamp if head and abs(head.updated_at - shown_at) < _SAME_SECONDS else ""
    if probed.stamp and held_stamp:
        is_edited = is_later or stored_stamp(probed.stamp, vector_spec) != held_stamp
    else:
        is_edited = abs(at_vendor - shown_at) >= _SAME_SECONDS
    if not is_edited:
        return Confirmed(Verdict.UNCHANGED)
    return Confirmed(Verdict.EDITED, probed.updated_at if is_later else None)


def _words(error: BaseException) -> str:
    if isinstance(error, _UnaskableError):
        return str(error)
    return next((words for kind, words in _WORDS.items() if isinstance(error, kind)), _ODD)


def _warnings(left_out: Mapping[Verdict, int], kept: Mapping[str, Confirmed]) -> list[str]:
    """Return what a reader has to know of the answers as a whole."""
    warnings = []
    if left_out:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(left_out.items()))
        warnings.append(f"Left out, as their sources say: {counts}.")
    reasons: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for document_id, confirmation in kept.items():
        if confirmation.verdict is Verdict.UNANSWERED:
            reasons[document_id.partition(":")[0], confirmation.reason].append(document_id)
    for (source, reason), document_ids in sorted(reasons.items()):
        warnings.append(f"Not confirmed: {len(document_ids)} of {source}: {reason}.")
    return warnings
