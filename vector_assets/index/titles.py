"""Tells when a question is the title of a document, whose like is then wanted as well."""

from collections.abc import Sequence

from vector_assets.index.ranking import Ranked
from vector_assets.index.terms import stems_of

SHARED = 0.8
"""A question is a title when both have this share of their different words."""

LEAST_WORDS = 3
"""Of a title that tells a document apart."""


def titled(question: str, ranked: Sequence[Ranked]) -> Ranked | None:
    """Return the best document if the question is its title, with or without an issue's key."""
    if not ranked:
        return None
    fields = ranked[0].hits[0].metadata
    key = _words(fields.get("issue_key"))
    asked, title = _words(question) - key, _words(fields.get("title")) - key
    is_title = len(asked) >= LEAST_WORDS and len(asked & title) >= SHARED * len(asked | title)
    return ranked[0] if is_title else None


def _words(text: object) -> set[int]:
    return set(stems_of(str(text or "")).tolist())
