"""Words for why a document failed, without anything that the document says.

A failure is shown to everyone who may see the state of a source, and its document may have fewer
readers. So a cause never holds a title, a text, or a value of a field.
"""

import re
import traceback
from collections.abc import Collection
from pathlib import Path

_QUOTE = re.compile("[\"'`\u2018\u201c\u00ab{\\[]")


def origin_of(error: Exception) -> str:
    """Return the kind of an error and the line that raised it; its message may quote a value."""
    frames = traceback.extract_tb(error.__traceback__)
    kind = type(error).__name__
    return f"{kind} at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else kind


def without_quotations(words: str, names: Collection[str] = ()) -> str:
    """Return a vendor's message up to where it quotes something.

    What follows is left out as well, because a text may itself hold the quotation mark that ends
    it.

    Args:
        words: The message.
        names: What may be quoted, such as the names of fields.
    """
    at = 0
    while quote := _QUOTE.search(words, at):
        name = re.compile(r"\w*").match(words, quote.end())
        if name is None or name[0] not in names or words[name.end() : name.end() + 1] != quote[0]:
            return f"{words[: quote.start()].rstrip()} […]"
        at = name.end() + 1
    return words
