"""Fields of Fireflies' answers by type: a value of another type counts as empty, and no more."""

import math
from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]


def object_in(value: object) -> Fields:
    """Return an object; one without fields for anything else."""
    return value if isinstance(value, Mapping) else {}


def objects_in(value: object) -> list[Fields]:
    """Return the objects of a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text_in(value: object) -> str:
    """Return a text without space around it, a number as text, or nothing."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if number_in(value) is not None else ""


def texts_in(value: object) -> list[str]:
    """Return the texts of a list, or a text alone."""
    items = value if isinstance(value, list) else [value]
    return [text for item in items if (text := text_in(item))]


def number_in(value: object) -> float | None:
    """Return a finite number, also one that is written as text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def words_in(value: object) -> str:
    """Return the words of a text, list or object of any depth: a line each, named by its field."""
    if isinstance(value, Mapping):
        named = ((str(name), words_in(inner)) for name, inner in value.items())
        return "\n".join(f"{name}: {words}" for name, words in named if words)
    if isinstance(value, list):
        return "\n".join(filter(None, map(words_in, value)))
    return text_in(value)
