"""Pinecone's filter language over metadata (docs.pinecone.io, "Filter by metadata", 2026-11)."""

from collections.abc import Callable, Mapping
from typing import Any

Metadata = Mapping[str, Any]


class BadFilterError(ValueError):
    """A filter that the vendor refuses."""


def meets(metadata: Metadata, condition: Mapping[str, Any] | None) -> bool:
    """Tell whether metadata meets a filter; a list meets it if any of its elements does."""
    for name, wanted in (condition or {}).items():
        if name == "$and":
            is_met = all(meets(metadata, part) for part in wanted)
        elif name == "$or":
            is_met = any(meets(metadata, part) for part in wanted)
        else:
            operators = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
            value = metadata.get(name)
            is_met = all(_compare(value, operator, bound) for operator, bound in operators.items())
        if not is_met:
            return False
    return True


def _compare(value: Any, operator: str, bound: Any) -> bool:
    if operator == "$exists":
        return (value is not None) is bool(bound)
    if operator in ("$ne", "$nin"):
        return not _compare(value, {"$ne": "$eq", "$nin": "$in"}[operator], bound)
    if operator not in _OPERATORS:
        raise BadFilterError(f"{operator} is not a valid operator")
    values = value if isinstance(value, list) else [value]
    return any(each is not None and _OPERATORS[operator](each, bound) for each in values)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, bound: bool(value == bound),
    "$in": lambda value, bound: value in bound,
    "$gt": lambda value, bound: bool(value > bound),
    "$gte": lambda value, bound: bool(value >= bound),
    "$lt": lambda value, bound: bool(value < bound),
    "$lte": lambda value, bound: bool(value <= bound),
}
