"""What an issue says: its fields, description and comments, as one document.

A field that is not what the vendor documents is shown as it is. Not read: work logs, votes,
watchers, history, and what is in attached files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vector_assets.core.documents import Document, Section, Value
from vector_assets.core.errors import DocumentError
from vector_assets.sources.jira.adf import to_markdown
from vector_assets.sources.jira.fields import CustomField, instant_text, named_values, value_text
from vector_assets.sources.jira.json_values import Json, as_list, as_object, scalar_text

FIELDS = [
    "summary", "description", "environment", "status", "issuetype", "priority", "resolution",
    "labels", "components", "versions", "fixVersions", "duedate", "parent", "subtasks",
    "issuelinks", "assignee", "reporter", "creator", "created", "updated", "project", "comment",
    "attachment", "security", "issuerestriction",
]  # fmt: skip
"""The system fields that are read; custom fields are added."""

_DETAILS = (
    ("Type", "issuetype"),
    ("Status", "status"),
    ("Priority", "priority"),
    ("Resolution", "resolution"),
    ("Project", "project"),
    ("Components", "components"),
    ("Affects versions", "versions"),
    ("Fix versions", "fixVersions"),
    ("Labels", "labels"),
    ("Due", "duedate"),
    ("Assignee", "assignee"),
    ("Reporter", "reporter"),
)
"""Labels and ids of the fields that are shown by their names alone."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a document takes from elsewhere than its issue.

    Attributes:
        server: URL of the site, without a trailing slash.
        custom: The custom fields that are read.
        account_name: Returns the name for the id of an account; empty when it is unknown.
        may_show: Tells whether the summary of another issue may be shown, by what links to it.
    """

    server: str
    custom: Sequence[CustomField]
    account_name: Callable[[str], str]
    may_show: Callable[[Json], bool]


def document_of(
    issue: Json,
    comments: Sequence[Any],
    around: Surroundings,
    *,
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
        around: See there.
        hidden_comment_count: How many comments are left out.
        access: Who may read it.
        stamp: See `Document`.

    Raises:
        DocumentError: It lacks what identifies it: id, key, and the time of its last update.
    """
    issue_id, key, updated_at = _identity(issue)
    fields, url = as_object(issue.get("fields")), f"{around.server}/browse/{key}"
    people = [fields.get("reporter") or fields.get("creator"), *map(_author, comments)]
    names = (" ".join(value_text(person).split()) for person in people)
    return Document(
        source="jira",
        native_id=issue_id,
        title=f"{key} {value_text(fields.get('summary'))}",
        sections=(
            *_facts(fields, around, hidden_comment_count),
            *(section for comment in comments for section in _comment(comment, url, around)),
        ),
        url=url,
        container=project_key(issue),
        authors=tuple(dict.fromkeys(filter(None, names))),
        created_at=instant(fields.get("created")) or updated_at,
        updated_at=updated_at,
        access=access,
        stamp=stamp,
        extra=_extra(key, fields),
    )


def instant(value: Any) -> datetime | None:
    """Return the UTC instant of Jira's `2026-03-02T10:15:00.000+0000`; None if it is no time."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def project_key(issue: Json) -> str:
    """Return the key of an issue's project, by the issue's own key where the field is odd."""
    project = as_object(as_object(issue.get("fields")).get("project"))
    return scalar_text(project.get("key")) or scalar_text(issue.get("key")).rpartition("-")[0]


def project_id(issue: Json) -> str:
    """Return the id of an issue's project, or its key: the vendor accepts both."""
    project = as_object(as_object(issue.get("fields")).get("project"))
    return scalar_text(project.get("id")) or project_key(issue)


def _identity(issue: Json) -> tuple[str, str, datetime]:
    issue_id, key = scalar_text(issue.get("id")), scalar_text(issue.get("key"))
    updated_at = instant(as_object(issue.get("fields")).get("updated"))
    if issue_id and key and updated_at is not None:
        return issue_id, key, updated_at
    lacking = {"id": issue_id, "key": key, "time of the last update": updated_at}
    missing = ", ".join(name for name, value in lacking.items() if not value)
    raise DocumentError(f"jira:{issue_id or key}", f"Jira gives no readable {missing}")


def _extra(key: str, fields: Json) -> dict[str, Value]:
    """Return the fields of metadata that only issues have."""
    return {
        "issue_key": key,
        "status": value_text(fields.get("status")),
        "issue_type": value_text(fields.get("issuetype")),
        "priority": value_text(fields.get("priority")),
        "assignee": value_text(fields.get("assignee")),
        "labels": list(filter(None, map(value_text, as_list(fields.get("labels"))))),
    }


def _facts(fields: Json, around: Surroundings, hidden_comment_count: int) -> Iterator[Section]:
    """Yield the fields: a line each, and a section for each text of several lines."""
    named = [
        *_details(fields, around),
        *named_values(fields, around.custom, around.account_name),
    ]
    lines = [(name, text) for name, text in named if "\n" not in text]
    if hidden_comment_count:
        lines.append(("Comments left out", f"{hidden_comment_count}, kept to a group or role"))
    yield Section("\n".join(f"- {name}: {text}" for name, text in lines if text), "Details")
    for heading, name in (("Description", "description"), ("Environment", "environment")):
        if text := to_markdown(fields.get(name), around.account_name):
            yield Section(text, heading)
    yield from (Section(text, name) for name, text in named if "\n" in text)


def _comment(comment: Any, url: str, around: Surroundings) -> Iterator[Section]:
    """Yield a comment under its author and time; nothing when it has no words."""
    if not isinstance(comment, dict):
        comment = {"body": comment}
    if text := to_markdown(comment.get("body"), around.account_name):
        author = value_text(comment.get("author"), around.account_name) or "someone who left"
        created = comment.get("created")
        written = instant_text(created) if isinstance(created, str) else value_text(created)
        heading = f"Comment by {author}, {written}" if written else f"Comment by {author}"
        comment_id = scalar_text(comment.get("id"))
        yield Section(text, heading, f"{url}?focusedCommentId={comment_id}" if comment_id else "")


def _author(comment: Any) -> Any:
    return as_object(comment).get("author")


def _details(fields: Json, around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield the labels and values of an issue's fields; a value may be empty."""
    for name, field_id in _DETAILS:
        yield name, value_text(fields.get(field_id), around.account_name)
    created = fields.get("created")
    yield "Created", "" if instant(created) else value_text(created)
    yield "Parent", _reference(fields.get("parent"), around)
    subtasks = (_reference(subtask, around) for subtask in as_list(fields.get("subtasks")))
    yield "Sub-tasks", "; ".join(filter(None, subtasks))
    links = (_link(link, around) for link in as_list(fields.get("issuelinks")))
    yield "Links", "; ".join(filter(None, links))
    yield "Attachments", ", ".join(filter(None, map(_file, as_list(fields.get("attachment")))))


def _file(file: Any) -> str:
    return value_text(as_object(file).get("filename") or file)


def _link(link: Any, around: Surroundings) -> str:
    """Return how an issue is linked and with which; empty when Jira shows no other issue."""
    kind = as_object(link).get("type")
    for side, word in (("outwardIssue", "outward"), ("inwardIssue", "inward")):
        if side in as_object(link):
            words = value_text(as_object(kind).get(word)) or value_text(kind) or "linked with"
            return f"{words} {_reference(link[side], around)}".strip()
    return value_text({name: link[name] for name in link if name != "type"}
                      if isinstance(link, dict) else link)  # fmt: skip


def _reference(issue: Any, around: Surroundings) -> str:
    """Return another issue's key, with its summary where everyone here may read it."""
    if not isinstance(issue, dict) or not {"fields", "summary"} & issue.keys():
        return value_text(issue)
    key = scalar_text(issue.get("key")) or f"issue {scalar_text(issue.get('id'))}".strip()
    summary = as_object(issue.get("fields")).get("summary")
    return f"{key} {value_text(summary)}".strip() if around.may_show(issue) else key
