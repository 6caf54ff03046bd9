"""JSON of which nothing is certain: every function returns, whatever the value is.

An administrator, an app or an import decides what a field of an issue holds, so a value that is
not what the vendor documents is shown as it is.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

_MACHINE_KEY = re.compile(r"self|_links|id|ids|.*[a-z]Ids?|avatarUrls?|iconUrls?|schemaVersion")
"""Keys of what people do not see: ids, and addresses of pictures and of the API."""

_MACHINE_WORD = re.compile(
    r"|true|false|null|ari:\S*|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE,
)


_MAX_WHOLE = 1e16
"""Greater numbers of a field are shown with their exponent."""


def as_object(value: Any) -> Json:
    """Return an object; empty for any other value."""
    # Asking for `dict` first is several times faster, and answers it nearly always.
    return value if isinstance(value, dict) or isinstance(value, Mapping) else {}  # noqa: SIM101


def as_list(value: Any) -> list[Any]:
    """Return a list; empty for None, and a list of the value alone for any other."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def scalar_text(value: Any) -> str:
    """Return a text, number or truth value as people write it; empty for any other value."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < _MAX_WHOLE:
            return str(int(value))
        case int() | float():
            return str(value)
        case str():
            return value.strip()
    return ""


def whole_number(value: Any, *, default: int, at_most: int) -> int:
    """Return a number from 1 on, also where it is written as text; the default if it is none."""
    try:
        return min(at_most, max(1, int(value)))
    except (TypeError, ValueError, OverflowError):
        return default


def words_in(value: Any, *, without: Collection[str] = ()) -> Iterator[str]:
    """Yield the texts in a value, however deep, without those that only machines read.

    Args:
        value: Of any type.
        without: Further keys whose values are left out.
    """
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, Mapping):
            keys = [key for key in current if not is_machine_key(key) and key not in without]
            pending += (current[key] for key in reversed(keys))
        elif isinstance(current, list):
            pending += reversed(current)
        elif isinstance(current, str) and not _MACHINE_WORD.fullmatch(current.strip()):
            yield current


def parsed_json(text: str) -> Any:
    """Return the object or list that a text holds as JSON; None when it is any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def is_machine_key(key: str) -> bool:
    """Tell whether a key names what people do not see."""
    return _MACHINE_KEY.fullmatch(key) is not None
