"""Which document holds words that were typed, as far as who asks may read it."""

import re
from collections.abc import Iterable, Iterator, Sequence

from vector_assets.embedding.chunking import passage_of
from vector_assets.index.targets import ReadTarget
from vector_assets.stores.base import Filter, Hit
from vector_assets.stores.records import document_id_of, record_id

CANDIDATES = 100
"""Passages of each source whose text is compared."""

READ_WHOLE = 5
"""Documents of each source that are read whole, as the words may lie across two passages."""

_WORD = re.compile(r"\w+")


def holders(
    words: str, namespaces: Sequence[str], target: ReadTarget, where: Filter
) -> tuple[tuple[str, str], ...]:
    """Return source and id of the documents that hold the words in this order, best first.

    Args:
        words: Case, punctuation and mark-up are passed over.
        namespaces: To search.
        target: The live index; its model is asked only where the store has no search by words.
        where: Who asks.
    """
    wanted = _plain(words)
    if not wanted.strip():
        return ()
    scored: list[tuple[float, str, str]] = []
    for namespace in namespaces:
        scored += _of_namespace(wanted, words, namespace, target, where)
    best = sorted(scored, key=lambda holder: -holder[0])
    return tuple(dict.fromkeys((namespace, document_id) for _, namespace, document_id in best))


def _of_namespace(
    wanted: str, words: str, namespace: str, target: ReadTarget, where: Filter
) -> Iterator[tuple[float, str, str]]:
    store = target.store
    if store.has_lexical_search:
        copy = store.for_question(namespace)
        hits = copy.search_lexical(namespace, words, where=where, limit=CANDIDATES)
    else:
        vector = target.embedder.embed_query(words)
        hits = store.search_dense(namespace, vector, where=where, limit=CANDIDATES)
    ids = list(dict.fromkeys(document_id_of(hit.id) for hit in hits))
    heads = store.heads(namespace, ids) if ids else {}
    readable = [document_id for document_id in ids if where.lets_read(heads.get(document_id))]
    for document_id in readable:
        own = [hit for hit in hits if document_id_of(hit.id) == document_id]
        is_in_passage = any(wanted in _plain(_text(hit)) for hit in own)
        if is_in_passage or (
            document_id in readable[:READ_WHOLE]
            and wanted in _whole(target, namespace, document_id, heads[document_id].chunk_count)
        ):
            yield max(hit.score for hit in own), namespace, document_id


def _whole(target: ReadTarget, namespace: str, document_id: str, chunk_count: int) -> str:
    """Return the words of a document's beginning, its passages joined."""
    ids = [record_id(document_id, ordinal) for ordinal in range(min(chunk_count, CANDIDATES))]
    records = target.store.fetch(namespace, ids)
    text_by_id = {record.id: str(record.metadata.get("text", "")) for record in records}
    return _plain(
        "\n".join(_without_repeats(passage_of(text_by_id.get(chunk_id, "")) for chunk_id in ids))
    )


def _without_repeats(passages: Iterable[str]) -> Iterator[str]:
    """Yield passages, without the heading of one that goes on with the section before it."""
    lines_before: list[str] = []
    for passage in passages:
        first_line, _, rest = passage.partition("\n")
        yield rest if first_line in lines_before else passage
        lines_before = passage.splitlines()


def _text(hit: Hit) -> str:
    return str(hit.metadata.get("text", ""))


def _plain(text: str) -> str:
    """Return the words of a text, each between spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
