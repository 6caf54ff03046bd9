"""Where the page asks why a document is not found.

Whoever adds the page gives the function that asks; without one there is neither `/why` nor a link
to it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request

from vector_assets.api.reading import Question
from vector_assets.core.read_keys import ReadKey

MAX_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class WhyView:
    """Why a document is not found, as far as who asks may know.

    Attributes:
        cause: The first place on its way where it is lost, in a word.
        advice: What to do; empty when there is nothing to do.
        document_id: Empty when none is known to who asks.
        title: Of the document in the index; empty when there is none.
        link: Of the document; empty when there is none.
    """

    cause: str
    sentence: str
    advice: str = ""
    document_id: str = ""
    title: str = ""
    link: str = ""
    notes: tuple[str, ...] = ()


AskWhy = Callable[[str, Question, ReadKey, str, Request], Awaitable[WhyView]]
"""Asks about a document (a link, id, key or quoted words) and the question that missed it, with a
key, for a viewer (empty for nobody); raises as the routes for programs do."""
