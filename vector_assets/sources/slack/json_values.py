"""Values of Slack's answers by type: one of another type counts as missing, and no more."""

from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]

_MAX_NUMBER = 10**10
"""Greater numbers are no count, and no time in seconds."""


def object_in(value: Any) -> Json:
    """Return an object; one without fields for anything else."""
    return value if isinstance(value, dict) else {}


def objects_in(value: Any) -> list[Json]:
    """Return the objects in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def items_in(value: Any) -> list[Any]:
    """Return a list as it is; of anything else that says something, a list of it alone."""
    if isinstance(value, list):
        return value
    return [value] if value else []


def with_id(items: Iterable[Any]) -> Iterator[Json]:
    """Yield the objects of a listing; what has no id cannot be asked for."""
    for item in items:
        if isinstance(item, dict) and text_in(item.get("id")):
            yield item


def text_in(value: Any) -> str:
    """Return a text; empty for anything else."""
    return value if isinstance(value, str) else ""


def whole_number_in(value: Any) -> int:
    """Return a count, or a time in seconds; 0 for what is neither."""
    return value if type(value) is int and 0 <= value < _MAX_NUMBER else 0
