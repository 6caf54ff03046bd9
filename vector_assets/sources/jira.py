"""Jira Cloud: issues by last update, page by page, each with all its comments.

Keep out: what an issue says (`jira_document.py`), and Atlassian's rich text (`adf.py`).
REST v3: developer.atlassian.com/cloud/jira/platform/rest/v3, 2026-11.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import requests
from jira import JIRA
from jira.exceptions import JIRAError

from vector_assets.documents import Checkpoint, Document, DocumentFailure, SourceItem, Window
from vector_assets.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Reach, Source
from vector_assets.sources.http_retries import (
    MAX_WAIT_SECONDS,
    TIMEOUT_SECONDS,
    prepare,
    waited_seconds,
)
from vector_assets.sources.jira_document import FIELDS, Json, document_of, instant

PAGE_ISSUES = 100
"""Most issues a page where fields are asked for ("Search for issues using JQL enhanced search")."""

PAGE_COMMENTS = 100
"""Most comments a page ("Get comments")."""

_SEARCH = "jira search/jql"
_ENDPOINT = re.compile(r"/rest/api/3/(search/jql|[a-zA-Z]+)")
_FIX_CREDENTIALS = (
    "Check JIRA_SERVER, JIRA_EMAIL and JIRA_API_TOKEN: a token is made in the account's security "
    "settings, and the account needs to browse the projects."
)


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
        """Yield issues in the order of their last update, a checkpoint after each page.

        An issue that is edited meanwhile comes again, at the end, as it stands then.
        """
        bounds = [f"updated >= {_epoch_milliseconds(window.start)}"]
        if window.end is not None:
            bounds.append(f"updated < {_epoch_milliseconds(window.end)}")
        seen: set[tuple[str, str]] = set()
        for page in self._pages(self._jql(*bounds, order="ASC")):
            fresh = {_version(issue): issue for issue in page if _version(issue) not in seen}
            if page and not fresh:
                raise ContractError(
                    _SEARCH, "a page of issues that it had shown before", "new ones"
                )
            seen |= fresh.keys()
            items = [self._document_or_failure(issue) for issue in fresh.values()]
            yield from items
            if known := [item.updated_at for item in items if isinstance(item, Document)]:
                yield Checkpoint(known[-1])
        if not seen:
            # A site answers a token that has expired with an empty listing, as to a stranger.
            self._who()

    def newest(self) -> datetime | None:
        """Return the last update of the newest issue.

        One request, once the site and its fields are known, which the SDK asks for before its first
        search; and one more when there is no issue.
        """
        jql = self._jql("updated >= 0", order="DESC")
        found = self._search(jql, None, maximum=1, fields=["updated"])["issues"]
        if not found:
            self._who()
            return None
        return instant(found[0]["fields"]["updated"])

    def check(self) -> Reach:
        """Ask who we are, and whether this is a Cloud site."""
        self._require_cloud()
        return Reach(f"{self._server} as {self._who()}")

    def _who(self) -> str:
        me = _asked(self._client.myself)
        return str(me.get("displayName") or me.get("accountId"))

    def _jql(self, *clauses: str, order: str) -> str:
        projects = ", ".join(map(_quoted, self._projects))
        only = (f"project in ({projects})",) if projects else ()
        return f"{' AND '.join((*clauses, *only))} ORDER BY updated {order}"

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

    def _pages(self, jql: str) -> Iterator[list[Json]]:
        """Yield pages of issues until one says that it is the last.

        Raises:
            ContractError: A page token comes twice, so that the listing would never end.
        """
        token: str | None = None
        seen: set[str] = set()
        while True:
            page = self._search(jql, token, maximum=PAGE_ISSUES, fields=FIELDS)
            yield page["issues"]
            token = page.get("nextPageToken")
            if not token or page.get("isLast"):
                return
            if token in seen:
                raise ContractError(_SEARCH, "a page token for the second time", "a new one a page")
            seen.add(token)

    def _search(
        self, jql: str, token: str | None, *, maximum: int, fields: list[str]
    ) -> dict[str, Any]:
        self._require_cloud()
        try:
            found = _asked(
                lambda: self._client.enhanced_search_issues(
                    jql, nextPageToken=token, maxResults=maximum, fields=fields, json_result=True
                )
            )
        except ContractError as error:
            if self._projects and "'project'" in error.seen:
                raise SettingsError(
                    f"JIRA_PROJECTS is {','.join(self._projects)}, and jira answers {error.seen}. "
                    f"Name projects by their keys, and only those that the account may browse."
                ) from None
            raise
        if "issues" not in found:
            raise ContractError(_SEARCH, f"the fields {sorted(found)}", "'issues'")
        return dict(found)

    def _document_or_failure(self, issue: Json) -> Document | DocumentFailure:
        try:
            comments = self._comments(issue["id"], issue["fields"].get("comment") or {})
            return document_of(issue, comments, server=self._server)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            # An issue's fields are whatever its project's admins made of them.
            return _failure(issue, f"cannot be read: {type(error).__name__} {error}")
        except ContractError as error:
            return _failure(issue, f"has comments that cannot be read: {error.seen}")

    def _comments(self, issue_id: str, first: Json) -> list[Json]:
        """Return all comments: a search result carries a few, and says how many there are."""
        comments = list(first.get("comments") or [])
        total = int(first.get("total") or 0)
        if len(comments) >= total:
            return comments
        comments = []
        while len(comments) < total:
            page = self._comment_page(issue_id, len(comments))
            if not page["comments"]:
                break
            comments += page["comments"]
            total = int(page["total"])
        return comments

    def _comment_page(self, issue_id: str, start: int) -> Json:
        wanted = {"startAt": start, "maxResults": PAGE_COMMENTS, "orderBy": "created"}
        page: Json = _asked(
            lambda: self._client._get_json(f"issue/{issue_id}/comment", params=wanted)
        )
        return page


def _version(issue: Json) -> tuple[str, str]:
    return str(issue.get("id")), str((issue.get("fields") or {}).get("updated"))


def _failure(issue: Json, cause: str) -> DocumentFailure:
    updated = re.match(r"\d{4}-\d\d-\d\d", _version(issue)[1])
    return DocumentFailure(
        f"jira:{issue.get('id')}",
        f"{issue.get('key')} {cause}",
        datetime.fromisoformat(updated.group()).date() if updated else None,
    )


def _epoch_milliseconds(moment: datetime) -> int:
    """Return an instant as JQL reads it in no time zone: dates are read in the account's own."""
    return int(moment.timestamp() * 1000)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _asked(ask: Callable[[], Any]) -> Any:
    """Return an answer, or raise what went wrong in our words.

    The SDK's own errors are not chained: they print headers and bodies into whatever logs them.
    """
    try:
        return ask()
    except JIRAError as error:
        raise _translated(error) from None
    except (requests.RequestException, ValueError) as error:
        # A body that is cut short is no JSON; neither is a proxy's page.
        raise UnavailableError("jira", type(error).__name__, "Check JIRA_SERVER.") from None


def _translated(error: JIRAError) -> VectorAssetsError:
    seen = f"HTTP {error.status_code}"
    if error.status_code in (401, 403):
        return CredentialsError("jira", seen, _FIX_CREDENTIALS)
    if error.status_code == 429:
        return RateLimitedError(
            "jira",
            waited_seconds=waited_seconds(error.response),
            ceiling_seconds=MAX_WAIT_SECONDS,
        )
    if error.status_code and error.status_code >= 500:
        return UnavailableError("jira", seen)
    return ContractError(
        "jira", f"{seen}: {(error.text or '')[:200]}", "an answer to a valid query"
    )
