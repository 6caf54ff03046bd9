"""Which document a link, an id or a key names, as far as the text alone tells."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vector_assets.sources import SOURCES, source_class

_QUOTED = re.compile(r"""["'“”‘’„«»](.+)["'“”‘’„«»]""", re.DOTALL)
_SPACE = re.compile(r"\s")
_LINK = re.compile(r"(?:https?|slack|notion)://\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A document by its id, which its vendor alone may be able to complete (`jira:OPS-1`).

    Attributes:
        source: Name of the source, or of a namespace that another project fills.
        document_id: `{source}:{native id}`.
    """

    source: str
    document_id: str


def named_by(text: str, hosts: Iterable[str]) -> Named | None:
    """Return the document that a text names; None for words, and for links of no source.

    Args:
        text: As a person typed it; in quotation marks, it is words.
        hosts: Namespaces that other projects fill.
    """
    text = text.strip()
    if _QUOTED.fullmatch(text):
        return None
    for name in SOURCES:
        if document_id := source_class(name).document_id_of(text):
            return Named(name, document_id)
    namespace, _, native_id = text.partition(":")
    is_id = native_id and not is_link(text) and not _SPACE.search(text)
    if is_id and namespace in {*SOURCES, *hosts}:
        return Named(namespace, text)
    return None


def is_link(text: str) -> bool:
    """Tell whether a text is a link, and so no words of a document."""
    return _LINK.fullmatch(text.strip()) is not None


def unquoted(text: str) -> str:
    """Return a text without the quotation marks around it."""
    match = _QUOTED.fullmatch(text.strip())
    return match[1] if match else text.strip()
