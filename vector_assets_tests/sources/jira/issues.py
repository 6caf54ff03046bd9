"""Issues in the vendor's shape, for tests of the source and of the sandbox."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from vector_assets.core.documents import clean_text

Json = dict[str, Any]

ANN = {"accountId": "a1", "displayName": "Ann Lee", "active": True}
BO = {"accountId": "b2", "displayName": "Bo Ek", "active": True}
FIRST = datetime(2026, 3, 2, 10, tzinfo=UTC)


def adf(*texts: str) -> Json:
    """Return a document of paragraphs."""
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in texts
        ],
    }


def stamp(instant: datetime) -> str:
    """Return an instant as Jira writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}+0000"


def comment(number: int, text: str, **fields: Any) -> Json:
    """Return a comment, written so many minutes after the first issue."""
    written = stamp(FIRST + timedelta(minutes=number))
    return {
        "id": str(5000 + number),
        "author": BO,
        "body": adf(text),
        "created": written,
        "updated": written,
        **fields,
    }


def issue(
    number: int,
    *,
    updated: datetime | None = None,
    project: str = "HAR",
    comments: tuple[Json, ...] = (),
    **fields: Any,
) -> Json:
    """Return an issue, updated so many minutes after the first unless told otherwise."""
    when = updated or FIRST + timedelta(minutes=number)
    return {
        "id": str(10_000 + number),
        "key": f"{project}-{number}",
        "self": f"https://harbor.example/rest/api/3/issue/{10_000 + number}",
        "fields": {
            "summary": f"Issue {number}",
            "description": adf(f"Words of issue {number}."),
            "environment": None,
            "status": {"id": "1", "name": "In Progress"},
            "issuetype": {"id": "2", "name": "Bug", "subtask": False},
            "priority": {"id": "3", "name": "High"},
            "resolution": None,
            "labels": [],
            "components": [],
            "fixVersions": [],
            "issuelinks": [],
            "reporter": ANN,
            "creator": ANN,
            "assignee": None,
            "created": stamp(FIRST - timedelta(days=1)),
            "updated": stamp(when),
            "project": {"id": f"9{len(project)}", "key": project, "name": f"Project {project}"},
            "comment": {"comments": list(comments)},
            **fields,
        },
    }


def reference(other: Json) -> Json:
    """Return an issue as another issue shows it: a parent, a sub-task, or a link's other side."""
    shown = ("summary", "status", "issuetype")
    fields = {name: other["fields"][name] for name in shown}
    return {name: other[name] for name in ("id", "key", "self")} | {"fields": fields}


def linked(*others: Json) -> list[Json]:
    """Return the links by which an issue blocks others, as its field `issuelinks`."""
    kind = {"id": "1", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
    return [
        {"id": f"7{other['id']}", "type": kind, "outwardIssue": reference(other)}
        for other in others
    ]


SYSTEM = "com.atlassian.jira.plugin.system.customfieldtypes"
AGILE = "com.pyxis.greenhopper.jira"


def custom_field(number: int, name: str, kind: str, custom: str) -> Json:
    """Return a field of the site's own as "Get fields" shows it.

    Args:
        number: Of its id, `customfield_{number}`.
        name: As people see it.
        kind: Type of its value; `array of option` for several.
        custom: Key of the type.
    """
    kind, _, items = kind.partition(" of ")
    schema = {"type": kind, "custom": custom, "customId": number}
    return {
        "id": f"customfield_{number}",
        "key": f"customfield_{number}",
        "name": name,
        "custom": True,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [f"cf[{number}]", name],
        "schema": schema | ({"items": items} if items else {}),
    }


def person(account_id: str, email: str | None) -> Json:
    """Return a user; without an e-mail when the profile hides it."""
    shown = {"emailAddress": email} if email else {}
    return {"accountId": account_id, "displayName": account_id.title(), "active": True, **shown}


def lost_words(raw: Json, texts: list[str]) -> Counter[str]:
    """Return the words of an issue's summary, description and comments that texts do not have."""
    fields = raw["fields"]
    bodies = [
        fields["description"],
        *(comment["body"] for comment in fields["comment"]["comments"]),
    ]
    blocks = [fields["summary"], *(text for body in filter(None, bodies) for text in _said(body))]
    return words(blocks) - words(texts)


def words(texts: list[str]) -> Counter[str]:
    """Count the words of texts, whatever Markdown stands between them."""
    return Counter(word for text in texts for word in re.findall(r"[^\W_]+", _bare(text)))


def _bare(text: str) -> str:
    """Return a text without signs of emphasis, and without control characters, as stored."""
    return re.sub("[*~`]", "", clean_text(text))


def _said(node: Json) -> Iterator[str]:
    """Yield what each block of a document says, read in another way than the source does."""
    inner = node.get("content") or []
    if any(child["type"] in ("text", "mention", "hardBreak") for child in inner):
        yield "".join(
            child.get("text") or (child.get("attrs") or {}).get("text") or " " for child in inner
        )
    for child in inner:
        yield from _said(child)
