"""Words in values of Slack of any shape: what people read, without ids, settings and markers."""

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_NOISE_KEYS = frozenset({
    # `channel_name`: what is shared may be from a private channel.
    "accessibility_label", "channel_name", "confirm", "emoji", "icon", "id", "ids", "slack_file",
    "slack_icon", "ts", "type", "url", "verbatim",
})  # fmt: skip
_NOISE_ENDINGS = ("_id", "_ids", "_url", "_urls", "_ts", "_type", "_token", "_hash", "_icon")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+$")
_ID = re.compile(r"[A-Z](?=[A-Z]*\d)[A-Z0-9]{7,}$")
_SETTING = re.compile(r"[a-z0-9_#.-]+$")
_SETTING_KEYS = frozenset({
    "align", "color", "kind", "language", "layout", "level", "mode", "position", "range",
    "severity", "size", "status", "style", "theme", "variant", "width",
})  # fmt: skip
"""Keys whose value is a setting where it is one small word."""


def is_noise(key: str, inner: Any, value: Json) -> bool:
    """Tell whether a field says nothing to people: ids, addresses of pictures, settings."""
    if key in _NOISE_KEYS or key.endswith(_NOISE_ENDINGS):
        return True
    if key == "value" and ("text" in value or "action_id" in value):
        return True  # what an app gets back
    if key == "footer" and "channel_id" in value:
        return True  # the name of the channel from which it is shared
    if not isinstance(inner, str):
        return False
    is_setting = key in _SETTING_KEYS and _SETTING.match(inner)
    return bool(is_setting or _ADDRESS.match(inner) or _ID.match(inner))


def every_word(value: Any) -> Iterator[str]:
    """Yield the texts in a value of any shape, in order."""
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            pending += (
                inner
                for key, inner in reversed(current.items())
                if not is_noise(key, inner, current)
            )
        elif isinstance(current, list):
            pending += reversed(current)


def shown(value: Any) -> str:
    """Return a field as text: a text or number as it is, of anything else the words."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else " ".join(every_word(value))
