"""Pinecone's filter language over metadata (docs.pinecone.io, "Filter by metadata", 2026-11)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Metadata = Mapping[str, Any]


class BadFilterError(ValueError):
    """A filter that the vendor refuses."""


def matcher(condition: Mapping[str, Any] | None) -> Callable[[Metadata], bool]:
    """Return what tells whether metadata meets a filter.

    A list meets it if any of its elements does.

    Raises:
        BadFilterError: The filter has an operator that the vendor does not know, or `$in` no list.
    """
    parts = [_part(name, wanted) for name, wanted in (condition or {}).items()]
    if len(parts) == 1:
        return parts[0]
    return lambda metadata: all(part(metadata) for part in parts)


def _part(name: str, wanted: Any) -> Callable[[Metadata], bool]:
    if name == "$and":
        parts = list(map(matcher, wanted))
        return lambda metadata: all(part(metadata) for part in parts)
    if name == "$or":
        return _any_of(wanted)
    operators = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
    tests = [_test(operator, bound) for operator, bound in operators.items()]
    return lambda metadata: all(test(metadata.get(name)) for test in tests)


def _any_of(wanted: Sequence[Mapping[str, Any]]) -> Callable[[Metadata], bool]:
    """Return what tells whether a part is met; only parts that want a record's own id are tried.

    Our queries for heads have a part for each of a hundred documents.
    """
    by_id: defaultdict[Any, list[Callable[[Metadata], bool]]] = defaultdict(list)
    others: list[Callable[[Metadata], bool]] = []
    for part in wanted:
        match part.get("document_id"):
            case {"$eq": str() as document_id}:
                by_id[document_id].append(matcher(part))
            case _:
                others.append(matcher(part))

    def is_met(metadata: Metadata) -> bool:
        value = metadata.get("document_id")
        ids = value if isinstance(value, list) else [value]
        mine = [part for record_id in ids for part in by_id.get(record_id, ())]
        return any(part(metadata) for part in (*mine, *others))

    return is_met


def _test(operator: str, bound: Any) -> Callable[[Any], bool]:
    if operator == "$exists":
        return lambda value: (value is not None) is bool(bound)
    if operator in _NEGATED:
        is_met = _test(_NEGATED[operator], bound)
        return lambda value: not is_met(value)
    if operator not in _OPERATORS:
        raise BadFilterError(f"{operator} is not a valid operator")
    compare = _OPERATORS[operator]
    # One filter may name a thousand ids, and is held against each record.
    wanted = _set_of(bound) if operator == "$in" else bound

    def test(value: Any) -> bool:
        values = value if isinstance(value, list) else [value]
        return any(value is not None and compare(value, wanted) for value in values)

    return test


def _set_of(bound: Any) -> frozenset[Any]:
    if isinstance(bound, list) and not any(isinstance(value, list | dict) for value in bound):
        return frozenset(bound)
    raise BadFilterError(f"$in wants a list of texts, numbers or booleans, not {str(bound)[:40]!r}")


_NEGATED = {"$ne": "$eq", "$nin": "$in"}

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, bound: bool(value == bound),
    "$in": lambda value, bound: value in bound,
    "$gt": lambda value, bound: bool(value > bound),
    "$gte": lambda value, bound: bool(value >= bound),
    "$lt": lambda value, bound: bool(value < bound),
    "$lte": lambda value, bound: bool(value <= bound),
}
