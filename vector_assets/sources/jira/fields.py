"""The custom fields of a site: which are read, and their values as text.

A custom field is read unless plugins use its type internally (`_MACHINE_TYPES`), or its value
contains nothing that people see.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vector_assets.sources.jira.adf import to_markdown
from vector_assets.sources.jira.json_values import (
    Json,
    as_list,
    as_object,
    is_machine_key,
    scalar_text,
    words_in,
)

_MACHINE_TYPES = (
    "com.atlassian.jira.ext.charting:",
    "com.atlassian.jira.plugins.jira-development-integration-plugin:",
    "com.atlassian.servicedesk:sd-sla-field",
    "com.pyxis.greenhopper.jira:gh-epic-color",
    "com.pyxis.greenhopper.jira:gh-global-rank",
    "com.pyxis.greenhopper.jira:gh-lexo-rank",
    "com.pyxis.greenhopper.jira:jsw-issue-color",
)
"""Beginnings of `schema.custom`: figures of charts, JSON of branches and commits, clocks of a
service desk, colours and ranks on a board."""

_NAMES = ("displayName", "name", "value", "label", "title")
"""What people see of an object; the first that is filled in."""

_ISSUE_KEY = re.compile(r"[A-Z][A-Z0-9_]+-\d+")
_SPRINT = re.compile(r"com\.atlassian\.greenhopper\S*\[.*?\bname=(?P<name>.*?),\w+=.*\]", re.DOTALL)
"""A sprint as text, which Jira wrote before it wrote objects."""

_INTERVAL = re.compile(r'\{"start":"(?P<start>[0-9-]+)","end":"(?P<end>[0-9-]+)"\}')
_MENTION = re.compile(r"\[~accountid:(?P<account_id>[^\]\s]+)\]")


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
        CustomField(
            str(field["id"]),
            scalar_text(field.get("name")) or str(field["id"]),
            str(schema.get("type")),
        )
        for field in map(as_object, catalogue)
        if field.get("custom")
        and field.get("id")
        and not str((schema := as_object(field.get("schema"))).get("custom")).startswith(
            _MACHINE_TYPES
        )
    )


def named_values(
    fields: Json, custom: Iterable[CustomField], account_name: Callable[[str], str] = lambda _: ""
) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each custom field that an issue fills in."""
    for field in custom:
        value = fields.get(field.id)
        if isinstance(value, str) and field.type == "datetime":
            text = instant_text(value)
        else:
            text = value_text(value, account_name)
        if text:
            yield field.name, text
        yield from _portal_status(value)


def fields_without_words(fields: Json, custom: Iterable[CustomField]) -> Iterator[str]:
    """Yield the names of the custom fields that hold objects of which Jira gives ids alone."""
    for field in custom:
        value = fields.get(field.id)
        objects = [part for part in map(as_object, as_list(value)) if part]
        is_named = any("hasEpicLinkFieldDependency" in part for part in objects)
        if objects and not is_named and not value_text(value):
            yield field.name


def value_text(value: Any, account_name: Callable[[str], str] = lambda _: "") -> str:
    """Return a value as people see it, whatever it is; empty where they see nothing.

    Args:
        value: Of a field, custom or not.
        account_name: As in `to_markdown`.
    """
    try:
        return _value_text(value, account_name)
    except RecursionError:
        return " ".join(words_in(value))


def instant_text(text: str) -> str:
    """Return a time as the other times of a document are shown, in UTC; as it is, if it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment.tzinfo else text.strip()
    except (ValueError, OverflowError):
        return text.strip()


def _value_text(value: Any, account_name: Callable[[str], str]) -> str:
    match value:
        case str():
            return _string_text(value.strip(), account_name)
        case (
            {"type": "doc"} | {"type": str(), "content": list()} | {"version": _, "content": list()}
        ):
            return to_markdown(value, account_name)
        case {"version": _, "content": list()}:
            return to_markdown(value, account_name)
        case {"value": chosen, "child": below} if below:
            levels = (_value_text(level, account_name) for level in (chosen, below))
            return " > ".join(filter(None, levels))
        case {"requestType": request_type}:
            return _value_text(request_type, account_name)
        case {"data": dict(data), "hasEpicLinkFieldDependency": _}:
            return scalar_text(data.get("key")) or f"issue {scalar_text(data.get('id'))}".strip()
        case {"hasEpicLinkFieldDependency": _}:
            return ""
        case {"key": str(key)} | {"issueKey": str(key)} if _ISSUE_KEY.fullmatch(key):
            # Not everyone who may read this field may read the summary of that issue.
            return key
        case {"id": name, "fields": {"summary": _}} | {"issueId": name, "summary": _}:
            return f"issue {scalar_text(name)}"
        case {"name": name, "approvers": list(approvers)}:
            decision = _value_text(value.get("finalDecision"), account_name)
            decisions = (_decision_text(approver, account_name) for approver in approvers)
            parts = (_value_text(name, account_name), decision, *decisions)
            return "; ".join(filter(None, parts))
        case {"label": str(label), "objectKey": str(object_key)}:
            return f"{label} ({object_key})"
        case dict():
            return _object_text(value, account_name)
        case list():
            return ", ".join(filter(None, (_value_text(part, account_name) for part in value)))
    return scalar_text(value)


def _string_text(text: str, account_name: Callable[[str], str]) -> str:
    """Return a text with the names of those whom it mentions; a sprint or interval as it is shown.

    Fields of text hold mentions in Jira's older mark-up, and Product Discovery writes an interval
    as JSON.
    """
    if sprint := _SPRINT.fullmatch(text):
        return sprint["name"]
    if interval := _INTERVAL.fullmatch(text):
        return f"{interval['start']} to {interval['end']}"
    return _MENTION.sub(lambda match: _mention_text(match, account_name), text)


def _mention_text(match: re.Match[str], account_name: Callable[[str], str]) -> str:
    name = account_name(match["account_id"])
    return f"@{name}" if name else match[0]


def _decision_text(approver: Any, account_name: Callable[[str], str]) -> str:
    """Return who was asked to approve a request, and what he decided."""
    person = _value_text(as_object(approver).get("approver"), account_name)
    decision = _value_text(as_object(approver).get("approverDecision"), account_name)
    return f"{person}: {decision}" if person and decision else person or decision


def _object_text(value: Json, account_name: Callable[[str], str]) -> str:
    """Return the name of an object; all that it says to people where it has none."""
    for name in _NAMES:
        if text := _value_text(value.get(name), account_name):
            return text
    if account_id := scalar_text(value.get("accountId")):
        return account_name(account_id)
    parts = {
        str(name): text
        for name in value
        if not is_machine_key(str(name)) and (text := _value_text(value[name], account_name))
    }
    if len(parts) == 1:
        return next(iter(parts.values()))
    return "; ".join(f"{name}: {text}" for name, text in parts.items())


def _portal_status(value: Any) -> Iterator[tuple[str, str]]:
    """Yield what the portal of a service desk calls the status of a request."""
    for request in map(as_object, as_list(value)):
        status = as_object(request.get("currentStatus"))
        if "requestType" in request and (text := scalar_text(status.get("status"))):
            yield "Status in the portal", text
