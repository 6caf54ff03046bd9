"""What an issue says: its fields, description and comments, as one document.

Keep out: how issues are asked for (`jira.py`), and Atlassian's rich text (`adf.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from vector_assets.documents import PUBLIC, RESTRICTED, Document, Section
from vector_assets.sources.adf import to_markdown

FIELDS = [
    "summary", "description", "environment", "status", "issuetype", "priority", "resolution",
    "labels", "components", "fixVersions", "parent", "issuelinks", "assignee", "reporter",
    "creator", "created", "updated", "project", "comment", "attachment", "security",
]  # fmt: skip
"""All that is read here, and so all that is asked for."""

Json = Mapping[str, Any]


def document_of(issue: Json, comments: Sequence[Json], *, server: str) -> Document:
    """Return an issue as a document.

    An issue with a security level is restricted. A comment that is kept to a group or role is left
    out, and the document says how many were: its words are for fewer people than the issue's. An
    internal note of a service desk stays, for the team that writes it is who searches.

    Args:
        issue: As REST v3 shows it, with `FIELDS`.
        comments: All of them, oldest first.
        server: URL of the site, without a trailing slash.

    Raises:
        KeyError: It lacks a field that every issue has; TypeError, ValueError and AttributeError
            mean likewise that a field is not what the vendor's contract says.
    """
    fields, url = issue["fields"], f"{server}/browse/{issue['key']}"
    shown = [comment for comment in comments if not comment.get("visibility")]
    people = [fields.get("reporter") or fields.get("creator"), *(c.get("author") for c in shown)]
    details = _details(fields, hidden_comment_count=len(comments) - len(shown))
    return Document(
        source="jira",
        native_id=str(issue["id"]),
        title=f"{issue['key']} {fields.get('summary') or ''}",
        sections=(
            Section(details, "Details"),
            *_texts(fields),
            *(section for comment in shown for section in _comment(comment, url)),
        ),
        url=url,
        container=fields["project"]["key"],
        authors=tuple(dict.fromkeys(filter(None, map(name_of, people)))),
        created_at=instant(fields["created"]),
        updated_at=instant(fields["updated"]),
        access=(RESTRICTED,) if fields.get("security") else (PUBLIC,),
        extra={
            "issue_key": issue["key"],
            "status": name_of(fields.get("status")),
            "issue_type": name_of(fields.get("issuetype")),
            "priority": name_of(fields.get("priority")),
            "assignee": name_of(fields.get("assignee")),
            "labels": list(fields.get("labels") or []),
        },
    )


def instant(text: str) -> datetime:
    """Return the UTC instant of Jira's `2026-03-02T10:15:00.000+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def name_of(value: Json | None) -> str:
    """Return what a person, status, project or any other named thing is called; or nothing."""
    return str(value.get("displayName") or value.get("name") or "") if value else ""


def _texts(fields: Json) -> Iterator[Section]:
    for heading, name in (("Description", "description"), ("Environment", "environment")):
        if text := _rich_text(fields.get(name)):
            yield Section(text, heading)


def _comment(comment: Json, url: str) -> Iterator[Section]:
    """Yield a comment under its author and time; nothing when it has no words."""
    if text := _rich_text(comment.get("body")):
        author = name_of(comment.get("author")) or "someone who left"
        yield Section(
            text,
            f"Comment by {author}, {instant(comment['created']):%Y-%m-%d %H:%M}",
            f"{url}?focusedCommentId={comment['id']}",
        )


def _details(fields: Json, *, hidden_comment_count: int) -> str:
    """Return an issue's fields, a line each; those without a value are left out."""
    lines = {
        "Type": name_of(fields.get("issuetype")),
        "Status": name_of(fields.get("status")),
        "Priority": name_of(fields.get("priority")),
        "Resolution": name_of(fields.get("resolution")),
        "Project": name_of(fields.get("project")),
        "Components": ", ".join(map(name_of, fields.get("components") or [])),
        "Fix versions": ", ".join(map(name_of, fields.get("fixVersions") or [])),
        "Labels": ", ".join(fields.get("labels") or []),
        "Assignee": name_of(fields.get("assignee")),
        "Reporter": name_of(fields.get("reporter")),
        "Parent": _key_and_summary(fields.get("parent")),
        "Links": "; ".join(filter(None, map(_link, fields.get("issuelinks") or []))),
        "Attachments": ", ".join(one.get("filename", "") for one in fields.get("attachment") or []),
        "Comments left out": f"{hidden_comment_count}, kept to a group or role"
        if hidden_comment_count
        else "",
    }
    return "\n".join(f"- {label}: {value}" for label, value in lines.items() if value)


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
