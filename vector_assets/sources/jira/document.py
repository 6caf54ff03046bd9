"""What an issue says: its fields, description and comments, as one document.

Not read: work logs, votes, watchers, history, and what is in attached files.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from vector_assets.core.documents import Document, Section, Value
from vector_assets.sources.jira.adf import to_markdown
from vector_assets.sources.jira.fields import CustomField, Json, named_values

FIELDS = [
    "summary", "description", "environment", "status", "issuetype", "priority", "resolution",
    "labels", "components", "versions", "fixVersions", "duedate", "parent", "subtasks",
    "issuelinks", "assignee", "reporter", "creator", "created", "updated", "project", "comment",
    "attachment", "security", "issuerestriction",
]  # fmt: skip
"""The system fields that are read; custom fields are added."""


def document_of(
    issue: Json,
    comments: Sequence[Json],
    *,
    server: str,
    custom: Sequence[CustomField],
    hidden_comment_count: int,
    access: tuple[str, ...],
    stamp: str = "",
) -> Document:
    """Return an issue as a document.

    Comments limited to a group or role are left out and counted, because fewer people may read
    them. Internal notes of a service desk stay: the team that writes them is who searches.

    Args:
        issue: As in REST v3, with `FIELDS` and the custom fields.
        comments: Those that every reader of the issue may read, oldest first.
        server: URL of the site, without a trailing slash.
        custom: The custom fields that are read.
        hidden_comment_count: How many comments are left out.
        access: Who may read it.
        stamp: See `Document`.

    Raises:
        KeyError: It lacks a field that every issue has. TypeError, ValueError and AttributeError
            mean that a field breaks the vendor's contract.
    """
    fields, url = issue["fields"], f"{server}/browse/{issue['key']}"
    people = [fields.get("reporter") or fields.get("creator"), *(c.get("author") for c in comments)]
    return Document(
        source="jira",
        native_id=str(issue["id"]),
        title=f"{issue['key']} {fields.get('summary') or ''}",
        sections=(
            *_facts(fields, custom, hidden_comment_count),
            *(section for comment in comments for section in _comment(comment, url)),
        ),
        url=url,
        container=fields["project"]["key"],
        authors=tuple(dict.fromkeys(filter(None, map(name_of, people)))),
        created_at=instant(fields["created"]),
        updated_at=instant(fields["updated"]),
        access=access,
        stamp=stamp,
        extra=_extra(issue),
    )


def instant(text: str) -> datetime:
    """Return the UTC instant of Jira's `2026-03-02T10:15:00.000+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def name_of(value: Json | None) -> str:
    """Return the name of a person, status, project or other object; empty for None."""
    return str(value.get("displayName") or value.get("name") or "") if value else ""


def _extra(issue: Json) -> dict[str, Value]:
    """Return the fields of metadata that only issues have."""
    fields = issue["fields"]
    return {
        "issue_key": issue["key"],
        "status": name_of(fields.get("status")),
        "issue_type": name_of(fields.get("issuetype")),
        "priority": name_of(fields.get("priority")),
        "assignee": name_of(fields.get("assignee")),
        "labels": list(fields.get("labels") or []),
    }


def _facts(
    fields: Json, custom: Sequence[CustomField], hidden_comment_count: int
) -> Iterator[Section]:
    """Yield the fields: a line each, and a section for each text of several lines."""
    named = list(named_values(fields, custom))
    lines = [*_details(fields), *((name, text) for name, text in named if "\n" not in text)]
    if hidden_comment_count:
        lines.append(("Comments left out", f"{hidden_comment_count}, kept to a group or role"))
    yield Section("\n".join(f"- {name}: {text}" for name, text in lines if text), "Details")
    for heading, name in (("Description", "description"), ("Environment", "environment")):
        if text := _rich_text(fields.get(name)):
            yield Section(text, heading)
    yield from (Section(text, name) for name, text in named if "\n" in text)


def _comment(comment: Json, url: str) -> Iterator[Section]:
    """Yield a comment under its author and time; nothing when it has no words."""
    if text := _rich_text(comment.get("body")):
        author = name_of(comment.get("author")) or "someone who left"
        yield Section(
            text,
            f"Comment by {author}, {instant(comment['created']):%Y-%m-%d %H:%M}",
            f"{url}?focusedCommentId={comment['id']}",
        )


def _details(fields: Json) -> list[tuple[str, str]]:
    """Return the labels and values of an issue's fields; a value may be empty."""
    return [
        ("Type", name_of(fields.get("issuetype"))),
        ("Status", name_of(fields.get("status"))),
        ("Priority", name_of(fields.get("priority"))),
        ("Resolution", name_of(fields.get("resolution"))),
        ("Project", name_of(fields.get("project"))),
        ("Components", _names(fields.get("components"))),
        ("Affects versions", _names(fields.get("versions"))),
        ("Fix versions", _names(fields.get("fixVersions"))),
        ("Labels", ", ".join(fields.get("labels") or [])),
        ("Due", str(fields.get("duedate") or "")),
        ("Assignee", name_of(fields.get("assignee"))),
        ("Reporter", name_of(fields.get("reporter"))),
        ("Parent", _key_and_summary(fields.get("parent"))),
        ("Sub-tasks", "; ".join(map(_key_and_summary, fields.get("subtasks") or []))),
        ("Links", "; ".join(filter(None, map(_link, fields.get("issuelinks") or [])))),
        (
            "Attachments",
            ", ".join(str(file["filename"]) for file in fields.get("attachment") or []),
        ),
    ]


def _names(several: Sequence[Json] | None) -> str:
    return ", ".join(map(name_of, several or []))


def _link(link: Json) -> str:
    for side, word in (("outwardIssue", "outward"), ("inwardIssue", "inward")):
        if side in link:
            return f"{link['type'][word]} {_key_and_summary(link[side])}"
    return ""


def _key_and_summary(issue: Json | None) -> str:
    if not issue:
        return ""
    return f"{issue.get('key', '')} {(issue.get('fields') or {}).get('summary', '')}".strip()


def _rich_text(value: Any) -> str:
    """Return a field that is ADF, or plain text where a project kept the old editor."""
    return value.strip() if isinstance(value, str) else to_markdown(value)
