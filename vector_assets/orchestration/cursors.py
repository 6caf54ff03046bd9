"""What sensors remember in their cursors; people can write anything there, in Dagster's UI."""

import json
from datetime import datetime
from typing import Any


def fields_in(cursor: str | None) -> dict[str, Any]:
    """Return the fields of a cursor; none of one that is not a JSON object."""
    try:
        fields = json.loads(cursor or "{}")
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def instants_in(value: object) -> dict[str, datetime]:
    """Return the instants in an object by name, without what is no instant with a time zone."""
    texts = value.items() if isinstance(value, dict) else ()
    instants: dict[str, datetime] = {}
    for name, text in texts:
        try:
            instant = datetime.fromisoformat(text)
        except (TypeError, ValueError):
            continue
        if instant.tzinfo is not None:
            instants[name] = instant
    return instants
