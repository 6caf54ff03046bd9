"""Follows a document from its vendor to the answer, and stops where it is lost.

An operator is told everything. A viewer is told what the index lets them read, and of every other
document the same as of one that does not exist: nothing else is looked up for them, in the index
or at a vendor.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from vector_assets.core.documents import PUBLIC, RESTRICTED, Document
from vector_assets.core.settings import Settings
from vector_assets.index.search import sources_to_search
from vector_assets.index.source_search import KEYED_SOURCE
from vector_assets.index.targets import LiveIndex, ReadTarget
from vector_assets.monitoring.why import sentences
from vector_assets.monitoring.why.answer import Asked, Cause, Finding, Why
from vector_assets.monitoring.why.days import DaysRead, Observe
from vector_assets.monitoring.why.held import Held, read_held
from vector_assets.monitoring.why.named import Named, is_link, named_by, unquoted
from vector_assets.monitoring.why.ranks import filtered, ranked
from vector_assets.monitoring.why.vendor import (
    Silence,
    Vendor,
    failing_now,
    lost_at_vendor,
    not_given,
    silence,
)
from vector_assets.monitoring.why.words import holders
from vector_assets.pipeline.quarantine import quarantined
from vector_assets.sources import SOURCES, source_class
from vector_assets.sources.base import Probed, RemoteState
from vector_assets.sources.items import Quarantined
from vector_assets.stores.base import Filter, Head
from vector_assets.stores.records import document_id_of


def explain(
    asked: Asked,
    settings: Settings,
    index: LiveIndex,
    *,
    target: ReadTarget | None = None,
    observe: Observe = lambda: None,
) -> Why:
    """Return why a document is not found, or that it is.

    Args:
        asked: What is asked, and by whom.
        settings: Of this installation.
        index: The live index.
        target: Stands in for the live generation and its model.
        observe: Asks Dagster which days are done; called for an operator only, and when it matters.

    Raises:
        UsageError: The question is empty, or a source is unknown.
        RetryableError: The index does not answer.
    """
    return _Walk(asked, settings, index, target or index.now(), observe).run()


class _Walk:
    """One walk."""

    def __init__(
        self,
        asked: Asked,
        settings: Settings,
        index: LiveIndex,
        target: ReadTarget,
        observe: Observe,
    ) -> None:
        self._asked = asked
        self._settings = settings
        self._index = index
        self._target = target
        self._observe = observe
        self._reader = Filter(viewer=asked.where.viewer, groups=asked.where.groups)
        self._searched = sources_to_search((), settings, index)
        self._asked_for = sources_to_search(asked.sources, settings, index)

    def run(self) -> Why:
        """Return the answer."""
        text = self._asked.text
        named = named_by(text, self._index.hosts())
        if named is not None:
            return self._of_document(named)
        if is_link(text):
            return self._said(sentences.UNKNOWN_LINK)
        return self._of_words(unquoted(text))

    def _of_words(self, words: str) -> Why:
        found_in = holders(words, self._searched, self._target, self._reader)
        for source, document_id in found_in:
            if held := self._held(source, document_id):
                others = len(found_in) - 1
                notes = (sentences.unreadable_holders(others),) if others else ()
                return self._in_index(held, notes)
        return self._said(sentences.no_such_words(is_operator=self._asked.is_operator))

    def _of_document(self, named: Named) -> Why:
        if named.source in SOURCES and named.source not in self._searched:
            return self._said(self._off(named.source))
        for document_id in self._possible_ids(named):
            if held := self._held(named.source, document_id):
                return self._in_index(held)
        if self._asked.is_operator:
            return self._outside(named)
        if as_part := self._as_part(named):
            return as_part
        as_of = self._target.store.for_question(named.source).watermark(named.source)
        return self._said(sentences.unknown(named.source, as_of))

    def _as_part(self, named: Named) -> Why | None:
        """Return what is so of the document that may hold what was named, as its id alone tells."""
        if named.source not in SOURCES:
            return None
        for document_id in source_class(named.source).other_ids(named.document_id):
            if held := self._held(named.source, document_id):
                return self._in_index(held, (sentences.as_part_of(document_id),))
        return None

    def _off(self, source: str) -> Finding:
        missing = self._settings.missing_credentials(source) if self._asked.is_operator else ()
        return sentences.source_off(source, missing, is_operator=self._asked.is_operator)

    def _possible_ids(self, named: Named) -> Sequence[str]:
        """Return the ids under which the index may hold what was named, without the vendor."""
        if named.source not in SOURCES:
            return [named.document_id]
        ids = [named.document_id]
        key = named.document_id.partition(":")[2]
        if named.source == KEYED_SOURCE and key:
            where = replace(self._reader, issue_key=key)
            copy = self._target.store.for_question(named.source)
            hits = copy.lookup(named.source, where=where, limit=1)
            ids += [document_id_of(hit.id) for hit in hits]
        return ids

    def _lets_read(self, head: Head) -> bool:
        return self._asked.is_operator or self._reader.lets_read(head)

    def _held(self, source: str, document_id: str) -> Held | None:
        return read_held(self._target.store, source, document_id, self._lets_read)

    # What the index holds

    def _in_index(self, held: Held, notes: tuple[str, ...] = ()) -> Why:
        finding, more = self._judged(held)
        return Why(
            asked=self._asked.text,
            cause=finding.cause,
            sentence=finding.sentence,
            advice=finding.advice,
            document_id=held.document_id,
            title=held.title,
            link=held.link,
            ranks=finding.ranks,
            notes=(*notes, *more),
        )

    def _judged(self, held: Held) -> tuple[Finding, tuple[str, ...]]:
        lost, notes = self._of_newer_version(held) if self._is_asked_at_vendor(held) else (None, ())
        if lost is None and held.defect:
            lost = sentences.not_whole(held)
        if lost is None and not self._reader.lets_read(held.head):
            lost = sentences.restricted(self._readers(held.head))
        if lost is None and self._asked.question:
            lost = self._of_question(held)
            if lost.cause is not Cause.IN_ANSWER and held.is_empty:
                lost = sentences.empty(held)
        if lost is None and held.is_empty:
            lost = sentences.empty(held)
        return lost or sentences.can_be_found(held), notes

    def _is_asked_at_vendor(self, held: Held) -> bool:
        """Tell whether the vendor is asked about a document that the index holds."""
        if not self._asked.is_operator or held.source not in SOURCES:
            return False
        return not self._settings.missing_credentials(held.source)

    @staticmethod
    def _readers(head: Head) -> tuple[str, ...]:
        return tuple(reader for reader in head.access if reader not in {PUBLIC, RESTRICTED})

    def _of_question(self, held: Held) -> Finding:
        if lost := filtered(self._asked, held):
            return lost
        return ranked(self._asked, held, self._asked_for, self._target)

    def _of_newer_version(self, held: Held) -> tuple[Finding | None, tuple[str, ...]]:
        """Return why a newer version is not in the index, and what the vendor says besides."""
        if failed := self._failed(held.document_id):
            return sentences.quarantined(failed, is_held=True), ()
        probed = Vendor(held.source, self._settings).probe(held.document_id, held.head)
        if isinstance(probed, Silence):
            return None, (f"{held.source} could not be asked: {probed.reason}",)
        if lost := lost_at_vendor(held.source, probed):
            return None, (f"{lost.sentence} The index still holds it.",)
        updated_at = probed.updated_at
        if updated_at is None or updated_at.timestamp() < held.head.updated_at + 60:
            return None, ()
        lost = self._days(held.source).lost(updated_at, self._observe())
        return (sentences.older_version(lost, held), ()) if lost else (None, ())

    # What it does not hold

    def _outside(self, named: Named) -> Why:
        """Return why a document is not in the index, to an operator."""
        source, document_id = named.source, named.document_id
        if source not in SOURCES:
            return self._said(self._lost_in_index(source, document_id), document_id)
        vendor = Vendor(source, self._settings)
        probed = vendor.probe(document_id)
        if isinstance(probed, Silence):
            if as_part := self._as_part(named):
                return as_part
            failed = self._failed(document_id)
            lost = sentences.quarantined(failed) if failed else silence(source, probed)
            return self._said(lost, document_id)
        if lost_there := lost_at_vendor(source, probed):
            return self._said(lost_there, document_id)
        if probed.document_id and (held := self._held(source, probed.document_id)):
            return self._in_index(held)
        return self._not_taken(vendor, probed.document_id or document_id, probed)

    def _not_taken(self, vendor: Vendor, document_id: str, probed: Probed) -> Why:
        """Return why the index lacks a document that its vendor gives to runs."""
        if failed := self._failed(document_id):
            return self._said(sentences.quarantined(failed), document_id)
        item = vendor.read(document_id, probed.updated_at)
        updated_at = probed.updated_at
        if isinstance(item, Document):
            updated_at = updated_at or item.updated_at
            if item.id != document_id and (held := self._held(vendor.name, item.id)):
                return self._in_index(held)
            document_id = item.id
            if failed := self._failed(document_id):
                return self._said(sentences.quarantined(failed), document_id)
        elif isinstance(item, Silence):
            return self._said(silence(vendor.name, item), document_id)
        lost = not_given(vendor.name, item) or self._in_another_generation(vendor.name, document_id)
        if lost is None and updated_at is not None:
            lost = self._days(vendor.name).lost(updated_at, self._observe())
        lost = lost or failing_now(vendor.name, item)
        if lost is None and probed.state is RemoteState.UNSURE and not isinstance(item, Document):
            lost = sentences.unsure(vendor.name, probed.advice)
        return self._said(lost or self._lost_in_index(vendor.name, document_id), document_id)

    def _lost_in_index(self, source: str, document_id: str) -> Finding:
        if lost := self._in_another_generation(source, document_id):
            return lost
        has_parts = bool(self._target.store.chunk_ids(source, document_id))
        if has_parts:
            return sentences.without_first_part(source)
        return sentences.missing(source, is_host=source not in SOURCES)

    def _in_another_generation(self, source: str, document_id: str) -> Finding | None:
        records = self._index.index.records
        live = self._index.index.live()
        building = records.building()
        others = [*filter(None, (building,)), *records.old()]
        for generation in others:
            if live is not None and generation.name == live.name:
                continue
            store = self._index.index.store_of(generation)
            if read_held(store, source, document_id, lambda head: True) is not None:
                is_building = building is not None and generation.name == building.name
                return sentences.other_generation(source, str(generation), is_building=is_building)
        return None

    def _failed(self, document_id: str) -> Quarantined | None:
        """Return the entry of a document in quarantine, or of a container that failed whole."""
        entries = {entry.document_id: entry for entry in quarantined(self._index.index.ledger)}
        parts = document_id.split(":")
        names = [":".join(parts[:count]) for count in range(len(parts), 1, -1)]
        return next((entries[name] for name in names if name in entries), None)

    def _days(self, source: str) -> DaysRead:
        return DaysRead(
            source,
            self._settings,
            self._target.store,
            self._index.index.ledger,
            datetime.now(UTC),
        )

    def _said(self, finding: Finding, document_id: str = "") -> Why:
        return Why(
            asked=self._asked.text,
            cause=finding.cause,
            sentence=finding.sentence,
            advice=finding.advice,
            document_id=document_id,
        )
