"""Issues in the vendor's shape, for tests of the source and of the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

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
