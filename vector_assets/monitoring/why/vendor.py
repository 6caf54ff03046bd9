"""What the vendor says of one document: whether it is there, and what reading it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from vector_assets.core.days import Window, start_of_day
from vector_assets.core.deadline import within
from vector_assets.core.documents import Document
from vector_assets.core.errors import CredentialsError, cause_of
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.monitoring.why.answer import Cause, Finding
from vector_assets.sources import build_source
from vector_assets.sources.base import Missing, Probed, RemoteState, Source
from vector_assets.sources.estimate import as_if_failed
from vector_assets.sources.items import (
    Deferred,
    DocumentFailure,
    Resolved,
    SourceItem,
    document_id_of_item,
)
from vector_assets.stores.base import Head

ANSWER_SECONDS = 20.0
"""How long a vendor may take to answer; a run waits far longer when it is throttled."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Silence:
    """That the vendor could not be asked, with why and what to do."""

    reason: str
    is_refusal: bool = False


class Vendor:
    """Asks the vendor of one source, each time within `ANSWER_SECONDS`."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._settings = settings
        self._source: Source | None = None

    def probe(self, document_id: str, head: Head | None = None) -> Probed | Silence:
        """Return what the vendor says; `head` is what the index has of the document."""
        missing = Missing(
            document_id,
            head.container if head else "",
            datetime.fromtimestamp(head.updated_at, UTC) if head else datetime.now(UTC),
        )
        return self._asked(lambda: self._built().probe(missing))

    def read(self, document_id: str, updated_at: datetime | None) -> SourceItem | Silence | None:
        """Read a document as a run would; None when nothing is said of it."""
        now = datetime.now(UTC)
        day = (updated_at or now).date()
        window = Window(start_of_day(day), start_of_day(day + timedelta(days=1)))
        wanted = as_if_failed([document_id], window, updated_at and day)
        items = self._asked(lambda: list(self._built().retry(wanted)))
        if isinstance(items, Silence):
            return items
        told = [item for item in items if document_id_of_item(item)]
        exact = [item for item in told if document_id_of_item(item) == document_id]
        documents = [item for item in told if isinstance(item, Document)]
        return next(iter((*documents, *exact, *told)), None)

    def _built(self) -> Source:
        self._source = self._source or build_source(self.name, self._settings, Meter())
        return self._source

    def _asked(self, ask: Callable[[], Answer]) -> Answer | Silence:
        try:
            return within(ANSWER_SECONDS, ask)
        except CredentialsError as error:
            return Silence(str(error), is_refusal=True)
        except Exception as error:  # noqa: BLE001 - an odd answer of a vendor is told as well
            return Silence(cause_of(error))


def silence(vendor: str, said: Silence) -> Finding:
    """Return that a vendor could not be asked."""
    advice = (
        "Set the credentials right; `vector-assets doctor` checks them."
        if said.is_refusal
        else "Ask again in a few minutes."
    )
    sentence = f"The index does not hold it, and {vendor} could not be asked: {said.reason}"
    return Finding(Cause.VENDOR_SILENT, sentence, advice)


def lost_at_vendor(vendor: str, probed: Probed) -> Finding | None:
    """Return that the vendor does not give a document to runs; None when it does."""
    if probed.state is RemoteState.DELETED:
        seen = probed.left_out or "it does not exist, or was deleted"
        return Finding(
            Cause.NOT_AT_VENDOR,
            f"{vendor} says that {seen}.",
            probed.advice or "Check the link or id that you typed.",
        )
    if probed.left_out:
        return Finding(
            Cause.LEFT_OUT,
            f"Runs do not read it from {vendor}: {probed.left_out}.",
            probed.advice or "Nothing helps but to write it down elsewhere.",
        )
    if probed.state is RemoteState.NOT_SHOWN:
        return Finding(
            Cause.NOT_AT_VENDOR,
            f"{vendor} does not show it to the account of this installation: it does not exist, "
            f"was deleted, or is not shared with us.",
            probed.advice or "Check the link or id; if it exists, share it with the account.",
        )
    return None


def not_given(vendor: str, item: SourceItem | None) -> Finding | None:
    """Return why the vendor gives nothing to read of a document; None when it does."""
    if isinstance(item, Deferred):
        return Finding(
            Cause.NOT_READY,
            f"{vendor} has it, and it is not ready to be read: {item.reason}.",
            "Wait for the next nightly run, which asks for it again.",
        )
    if isinstance(item, Resolved):
        return Finding(
            Cause.NOT_AT_VENDOR,
            f"{vendor} shows it, but has nothing to read in it: it is gone, holds no text, or "
            f"belongs to another document.",
            "Open it there; paste the link of what it belongs to.",
        )
    return None


def failing_now(vendor: str, item: SourceItem | None) -> Finding | None:
    """Return that a document cannot be read now, though no run has failed at it."""
    if not isinstance(item, DocumentFailure):
        return None
    return Finding(
        Cause.QUARANTINED,
        f"It cannot be read from {vendor} now: {item.cause}.",
        "Set right what the cause names; each nightly run tries again what has failed.",
    )
