"""Where a question puts a document that is in the index, and why not higher."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from vector_assets.index.question.parsed import Kind, ParseOptions
from vector_assets.index.ranking import Rankings
from vector_assets.index.search import CANDIDATES, rank_in
from vector_assets.index.targets import ReadTarget
from vector_assets.monitoring.why.answer import Asked, Cause, Finding, Ranks
from vector_assets.monitoring.why.held import Held

_WORD = re.compile(r"\w{3,}")


def filtered(asked: Asked, held: Held) -> Finding | None:
    """Return which limit of a question leaves a document out; None when none does."""
    head, where = held.head, asked.where
    updated_at = datetime.fromtimestamp(head.updated_at, UTC)
    reason = ""
    if asked.sources and held.source not in asked.sources:
        reason = f"it is of {held.source}, and only {', '.join(asked.sources)} was asked"
    elif where.containers and head.container not in where.containers:
        reason = "it lives in another project, channel or database than those asked for"
    elif where.since is not None and head.updated_at < where.since:
        reason = f"its last activity, {updated_at:%Y-%m-%d %H:%M} UTC, was before the first day"
    elif where.until is not None and head.updated_at >= where.until:
        reason = f"its last activity, {updated_at:%Y-%m-%d %H:%M} UTC, was after the last day"
    if not reason:
        return None
    sentence = f"The index holds it whole, but the question is narrowed: {reason}."
    return Finding(Cause.FILTERED, sentence, "Leave out that limit, or widen it.")


def ranked(asked: Asked, held: Held, namespaces: Sequence[str], target: ReadTarget) -> Finding:
    """Return where the question puts a document that no limit leaves out.

    Raises:
        UsageError: The question is empty.
        RetryableError: Neither the store nor the embedder can be used now.
    """
    rankings = _rankings(asked, namespaces, target, asked.parse_options)
    if lost := _left_out_by_constraints(asked, held, namespaces, target, rankings):
        return lost
    ranks = Ranks(
        _place(held.document_id, rankings.by_words),
        _place(held.document_id, rankings.by_meaning),
        _place(held.document_id, rankings.fused),
        asked.limit,
    )
    by_search = f"{_ordinal(ranks.by_words)} by words, {_ordinal(ranks.by_meaning)} by meaning"
    if ranks.fused is None:
        return Finding(
            Cause.NOT_A_CANDIDATE,
            f"The index holds it whole, but {CANDIDATES} other passages of {held.source} fit the "
            f"question better, both by words and by meaning.{_unmatched(asked, held)}",
            _ASK_BETTER,
            ranks,
        )
    if ranks.fused > asked.limit:
        return Finding(
            Cause.BELOW_LIMIT,
            f"The answer stops at {asked.limit}, and this document is number {ranks.fused}: "
            f"{by_search}.{_unmatched(asked, held)}",
            f"Ask for at least {ranks.fused} answers, or {_ASK_BETTER[0].lower()}{_ASK_BETTER[1:]}",
            ranks,
        )
    return Finding(
        Cause.IN_ANSWER, f"It is number {ranks.fused} of the answer: {by_search}.", ranks=ranks
    )


def _rankings(
    asked: Asked, namespaces: Sequence[str], target: ReadTarget, parse_options: ParseOptions
) -> Rankings:
    return rank_in(
        asked.question,
        namespaces,
        target=target,
        where=asked.where,
        parse_options=parse_options,
        is_source_given=bool(asked.sources),
    )


def _left_out_by_constraints(
    asked: Asked,
    held: Held,
    namespaces: Sequence[str],
    target: ReadTarget,
    rankings: Rankings,
) -> Finding | None:
    """Return that the question itself leaves a document out which its words alone would find."""
    constraints = [
        constraint
        for constraint in rankings.understood
        if constraint.is_applied and constraint.kind != Kind.ORDER
    ]
    if not constraints or held.document_id in rankings.fused:
        return None
    word_for_word = _rankings(asked, namespaces, target, ParseOptions(literal=True))
    if held.document_id not in word_for_word.fused:
        return None
    sentence = (
        f"The index holds it whole, but the question is narrowed by what it says: "
        f"{'; '.join(map(str, constraints))}."
    )
    return Finding(Cause.FILTERED, sentence, "Ask word for word (`literal`), or in other words.")


_ASK_BETTER = (
    "Ask with words that stand in it, name its key, or narrow the question to its source and time."
)


def _unmatched(asked: Asked, held: Held) -> str:
    """Say that no word of the question stands at the document's beginning."""
    words = set(_WORD.findall(asked.question.casefold()))
    if words & set(_WORD.findall(f"{held.title} {held.text}".casefold())):
        return ""
    where = "it" if held.head.chunk_count == 1 else "its title or first part"
    return f" None of the question's words stands in {where}."


def _place(document_id: str, document_ids: Sequence[str]) -> int | None:
    return document_ids.index(document_id) + 1 if document_id in document_ids else None


def _ordinal(place: int | None) -> str:
    return "not among the candidates" if place is None else f"number {place}"
