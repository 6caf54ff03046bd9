"""Tells when a question is the title of a document, whose like is then wanted as well."""

from vector_assets.index.ranking import Ranked
from vector_assets.index.terms import stems_of

SHARED = 0.8
"""A question is a title when both have this share of their different words."""

LEAST_WORDS = 3
"""Of a title that tells a document apart."""


def is_title_of(question: str, document: Ranked) -> bool:
    """Tell whether a question is a document's title, with or without an issue's key."""
    fields = document.hits[0].metadata
    key = _words(fields.get("issue_key"))
    asked, title = _words(question) - key, _words(fields.get("title")) - key
    return len(asked) >= LEAST_WORDS and len(asked & title) >= SHARED * len(asked | title)


def _words(text: object) -> set[int]:
    return set(stems_of(str(text or "")).tolist())
