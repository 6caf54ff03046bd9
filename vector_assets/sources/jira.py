"""Jira Cloud: an issue with its comments is a document.

Keep out: Atlassian's rich text (`adf.py`).
REST v3: developer.atlassian.com/cloud/jira/platform/rest/v3, 2026-11.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import requests
from jira import JIRA
from jira.exceptions import JIRAError

from vector_assets.documents import (
    PUBLIC,
    RESTRICTED,
    Checkpoint,
    Document,
    DocumentFailure,
    Section,
    SourceItem,
    Window,
)
from vector_assets.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.adf import to_markdown
from vector_assets.sources.base import Source
from vector_assets.sources.http_retries import MAX_WAIT_SECONDS, TIMEOUT_SECONDS, prepare

PAGE_ISSUES = 100
"""Most issues a page where fields are asked for ("Search for issues using JQL enhanced search")."""

PAGE_COMMENTS = 100
"""Most comments a page ("Get comments")."""

_FIELDS = [
    "summary", "description", "environment", "status", "issuetype", "priority", "resolution",
    "labels", "components", "fixVersions", "parent", "issuelinks", "assignee", "reporter",
    "creator", "created", "updated", "project", "comment", "attachment", "security",
]  # fmt: skip

_ENDPOINT = re.compile(r"/rest/api/3/([a-z]+(?:/jql|(?=/[^/]+/comment))?)", re.IGNORECASE)
_FIX_CREDENTIALS = (
    "Check JIRA_SERVER, JIRA_EMAIL and JIRA_API_TOKEN: a token is made in the account's security "
    "settings, and the account needs to browse the projects."
)

Issue = Mapping[str, Any]


class JiraSource(Source):
    """Issues of a Jira Cloud site, by last update.

    Args:
        server: URL of the site.
        email: Of the account.
        token: Its API token.
        projects: Keys of the projects to read; all that the account sees when empty.
        meter: Of the run.
    """

    name: ClassVar[str] = "jira"
    overlap: ClassVar[timedelta] = timedelta(hours=12)

    def __init__(
        self, server: str, email: str, token: str, projects: tuple[str, ...], meter: Meter
    ) -> None:
        self._server = server.rstrip("/")
        self._projects = projects
        # Retries live in the adapter: the SDK's own sleep for minutes when a host is down.
        self._client = JIRA(
            self._server,
            basic_auth=(email, token),
            options={"rest_api_version": "3"},
            get_server_info=False,
            max_retries=0,
            timeout=TIMEOUT_SECONDS,
        )
        prepare(self._client._session, self.name, meter, endpoint_of=_ENDPOINT)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(
            settings.jira_server,
            settings.jira_email,
            settings.jira_api_token.get_secret_value(),
            settings.jira_projects,
            meter,
        )

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield issues in the order of their last update, a checkpoint after each page."""
        self._require_cloud()
        clauses = [f"updated >= {_epoch_milliseconds(window.start)}"]
        if window.end is not None:
            clauses.append(f"updated < {_epoch_milliseconds(window.end)}")
        if self._projects:
            clauses.append(f"project in ({', '.join(map(_quoted, self._projects))})")
        for page in self._pages(f"{' AND '.join(clauses)} ORDER BY updated ASC"):
            last = None
            for issue in page:
                item = self._document_or_failure(issue)
                yield item
                last = item.updated_at if isinstance(item, Document) else last
            if last is not None:
                yield Checkpoint(last)

    def newest(self) -> datetime | None:
        """Return the last update of the newest issue; one request, and one for what the site is."""
        self._require_cloud()
        clauses = ["updated >= 0"]
        if self._projects:
            clauses.append(f"project in ({', '.join(map(_quoted, self._projects))})")
        jql = f"{' AND '.join(clauses)} ORDER BY updated DESC"
        found = self._search(jql, None, maximum=1, fields=["updated"])["issues"]
        return _instant(found[0]["fields"]["updated"]) if found else None

    def check(self) -> str:
        """Ask who we are, and whether this is a Cloud site."""
        self._require_cloud()
        me = _asked(self._client.myself)
        return f"{self._server} as {me.get('displayName') or me.get('accountId')}"

    def _require_cloud(self) -> None:
        """Ask once what the site is; the SDK refuses to search before it knows."""
        if self._client._is_cloud:
            return
        info = _asked(self._client.server_info)
        if info.get("deploymentType") != "Cloud":
            raise ContractError(
                "jira serverInfo",
                f"deploymentType {info.get('deploymentType')!r}",
                "'Cloud' (Server and Data Center speak another API)",
            )
        self._client.deploymentType = info["deploymentType"]

    def _pages(self, jql: str) -> Iterator[list[Issue]]:
        """Yield pages of issues until one says that it is the last.

        Raises:
            ContractError: A page token comes twice, so that the listing would never end.
        """
        token: str | None = None
        seen: set[str] = set()
        while True:
            page = self._search(jql, token, maximum=PAGE_ISSUES, fields=_FIELDS)
            yield page["issues"]
            token = page.get("nextPageToken")
            if not token or page.get("isLast"):
                return
            if token in seen:
                raise ContractError(
                    "jira search/jql", "a page token for the second time", "a new one each page"
                )
            seen.add(token)

    def _search(
        self, jql: str, token: str | None, *, maximum: int, fields: list[str]
    ) -> dict[str, Any]:
        found = _asked(
            lambda: self._client.enhanced_search_issues(
                jql, nextPageToken=token, maxResults=maximum, fields=fields, json_result=True
            )
        )
        if "issues" not in found:
            raise ContractError("jira search/jql", f"the fields {sorted(found)}", "'issues'")
        return dict(found)

    def _document_or_failure(self, issue: Issue) -> Document | DocumentFailure:
        fields = issue.get("fields") or {}
        try:
            return self._document(issue, fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # An issue's fields are whatever its project's admins made of them.
            day = str(fields.get("updated", ""))[:10]
            return DocumentFailure(
                f"jira:{issue.get('id')}",
                f"{issue.get('key')} cannot be read: {type(error).__name__} {error}",
                datetime.fromisoformat(day).date() if day else None,
            )
        except JIRAError as error:
            return DocumentFailure(
                f"jira:{issue.get('id')}",
                f"the comments of {issue.get('key')} cannot be read: HTTP {error.status_code}",
                _instant(fields["updated"]).date(),
            )

    def _document(self, issue: Issue, fields: Mapping[str, Any]) -> Document:
        key = issue["key"]
        comments = self._comments(issue["id"], fields.get("comment") or {})
        people = [
            fields.get("reporter") or fields.get("creator"),
            *(c.get("author") for c in comments),
        ]
        return Document(
            source=self.name,
            native_id=str(issue["id"]),
            title=f"{key} {fields.get('summary') or ''}",
            sections=tuple(self._sections(key, fields, comments)),
            url=f"{self._server}/browse/{key}",
            container=fields["project"]["key"],
            authors=tuple(dict.fromkeys(name for one in people if (name := _name(one)))),
            created_at=_instant(fields["created"]),
            updated_at=_instant(fields["updated"]),
            access=(RESTRICTED,) if fields.get("security") else (PUBLIC,),
            extra={
                "issue_key": key,
                "status": _name(fields.get("status")),
                "issue_type": _name(fields.get("issuetype")),
                "priority": _name(fields.get("priority")),
                "assignee": _name(fields.get("assignee")),
                "labels": list(fields.get("labels") or []),
            },
        )

    def _sections(
        self, key: str, fields: Mapping[str, Any], comments: list[Mapping[str, Any]]
    ) -> Iterator[Section]:
        for heading, name in (("", "description"), ("Environment", "environment")):
            if text := _rich_text(fields.get(name)):
                yield Section(text, heading)
        yield Section(_facts(fields), "Details")
        for comment in comments:
            written = _instant(comment["created"])
            yield Section(
                _rich_text(comment.get("body")),
                f"Comment by {_name(comment.get('author')) or 'unknown'}, {written:%Y-%m-%d %H:%M}",
                f"{self._server}/browse/{key}?focusedCommentId={comment['id']}",
            )

    def _comments(self, issue_id: str, first: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return all comments: a search result carries a few, and says how many there are."""
        comments = list(first.get("comments") or [])
        total = int(first.get("total") or 0)
        if len(comments) >= total:
            return comments
        comments = []
        while len(comments) < total:
            page = self._client._get_json(
                f"issue/{issue_id}/comment",
                params={
                    "startAt": len(comments),
                    "maxResults": PAGE_COMMENTS,
                    "orderBy": "created",
                },
            )
            if not page["comments"]:
                break
            comments += page["comments"]
            total = int(page["total"])
        return comments


def _facts(fields: Mapping[str, Any]) -> str:
    """Return an issue's fields, a line each; those without a value are left out."""
    lines = {
        "Type": _name(fields.get("issuetype")),
        "Status": _name(fields.get("status")),
        "Priority": _name(fields.get("priority")),
        "Resolution": _name(fields.get("resolution")),
        "Project": _name(fields.get("project")),
        "Components": ", ".join(map(_name, fields.get("components") or [])),
        "Fix versions": ", ".join(map(_name, fields.get("fixVersions") or [])),
        "Labels": ", ".join(fields.get("labels") or []),
        "Assignee": _name(fields.get("assignee")),
        "Reporter": _name(fields.get("reporter")),
        "Parent": _linked(fields.get("parent")),
        "Links": "; ".join(filter(None, map(_link, fields.get("issuelinks") or []))),
        "Attachments": ", ".join(one.get("filename", "") for one in fields.get("attachment") or []),
    }
    return "\n".join(f"- {label}: {value}" for label, value in lines.items() if value)


def _link(link: Mapping[str, Any]) -> str:
    for side, word in (("outwardIssue", "outward"), ("inwardIssue", "inward")):
        if side in link:
            return f"{link['type'][word]} {_linked(link[side])}"
    return ""


def _linked(issue: Mapping[str, Any] | None) -> str:
    if not issue:
        return ""
    return f"{issue.get('key', '')} {(issue.get('fields') or {}).get('summary', '')}".strip()


def _rich_text(value: Any) -> str:
    """Return a field that is ADF, or plain text where a project kept the old editor."""
    return value.strip() if isinstance(value, str) else to_markdown(value)


def _name(value: Mapping[str, Any] | None) -> str:
    return str(value.get("displayName") or value.get("name") or "") if value else ""


def _instant(text: str) -> datetime:
    """Return the UTC instant of Jira's `2026-03-02T10:15:00.000+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _epoch_milliseconds(instant: datetime) -> int:
    """Return an instant as JQL reads it in no time zone: dates are read in the account's own."""
    return int(instant.timestamp() * 1000)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _asked(ask: Any) -> Any:
    """Return an answer, or raise what went wrong in our words."""
    try:
        return ask()
    except JIRAError as error:
        raise _translated(error) from error
    except (requests.RequestException, ValueError) as error:
        # A body that is cut short is no JSON; neither is a proxy's page.
        raise UnavailableError("jira", type(error).__name__, "Check JIRA_SERVER.") from error


def _translated(error: JIRAError) -> VectorAssetsError:
    seen = f"HTTP {error.status_code}"
    if error.status_code in (401, 403):
        return CredentialsError("jira", seen, _FIX_CREDENTIALS)
    if error.status_code == 429:
        return RateLimitedError("jira", waited_seconds=0, ceiling_seconds=MAX_WAIT_SECONDS)
    if error.status_code and error.status_code >= 500:
        return UnavailableError("jira", seen)
    return ContractError(
        "jira", f"{seen}: {(error.text or '')[:200]}", "an answer to a valid query"
    )
