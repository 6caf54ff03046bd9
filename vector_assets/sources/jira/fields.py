"""The custom fields of a site: which are read, and their values as text.

A custom field is read unless plugins use its type internally (`_MACHINE_TYPES`), or its value
contains nothing with a name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vector_assets.sources.jira.adf import to_markdown

Json = Mapping[str, Any]

_MACHINE_TYPES = (
    "com.atlassian.jira.ext.charting:",
    "com.atlassian.jira.plugins.jira-development-integration-plugin:",
    "com.atlassian.servicedesk:sd-sla-field",
    "com.atlassian.servicedesk:vp-origin",
    "com.pyxis.greenhopper.jira:gh-epic-color",
    "com.pyxis.greenhopper.jira:gh-global-rank",
    "com.pyxis.greenhopper.jira:gh-lexo-rank",
    "com.pyxis.greenhopper.jira:jsw-issue-color",
)
"""Beginnings of `schema.custom`: figures of charts, JSON of branches and commits, clocks of a
service desk, the address of its form, colours and ranks on a board."""


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field.

    Attributes:
        id: As in issues: `customfield_10014`.
        name: As people see it: `Epic Link`.
        type: Of its value: `string`, `array`, `datetime`.
    """

    id: str
    name: str
    type: str


def custom_fields(catalogue: Iterable[Json]) -> tuple[CustomField, ...]:
    """Return the custom fields of a catalogue that are read, in its order ("Get fields")."""
    return tuple(
        CustomField(field["id"], str(field.get("name") or field["id"]), str(schema.get("type")))
        for field in catalogue
        if field.get("custom")
        and not str((schema := field.get("schema") or {}).get("custom")).startswith(_MACHINE_TYPES)
    )


def named_values(fields: Json, custom: Iterable[CustomField]) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each custom field that an issue fills in."""
    for field in custom:
        if text := _instant(fields.get(field.id), field.type) or value_text(fields.get(field.id)):
            yield field.name, text


def value_text(value: Any) -> str:
    """Return a value as people see it; empty for None, and for an object without a name."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case str():
            return value.strip()
        case {"type": "doc"}:
            return to_markdown(value)
        case {"value": chosen, "child": {"value": below}}:
            return f"{chosen} > {below}"
        case {"displayName": str(name)} | {"name": str(name)} | {"value": str(name)}:
            return name
        case list():
            return ", ".join(filter(None, map(value_text, value)))
    return ""


def _instant(value: Any, kind: str) -> str:
    """Return a time as the other times of a document are shown, in UTC."""
    if kind != "datetime" or not isinstance(value, str):
        return ""
    return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M}"
