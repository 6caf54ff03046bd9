"""The requests to Jira Cloud, and its refusals as our errors.

REST v3: developer.atlassian.com/cloud/jira/platform/rest/v3, 2026-11.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeVar

import requests
from jira import JIRA
from jira.exceptions import JIRAError

from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.sources.http.requests_retries import TIMEOUT_SECONDS, prepare
from vector_assets.sources.jira.json_values import Json, as_list, as_object, scalar_text

_T = TypeVar("_T")

PAGE_ISSUES = 100
"""Maximum issues per page with fields ("Search for issues using JQL enhanced search")."""

PAGE_IDS = 5000
"""Maximum issues per page with ids alone (the same page of the documentation)."""

PAGE_COMMENTS = 100
"""Maximum comments per page ("Get comments")."""

PAGE_PROJECTS = 50
"""Maximum projects that a request names by their keys ("Get projects paginated")."""

PAGE_PEOPLE = 50
"""Maximum users of a group, or members of a security level, per page ("Get users from group")."""

_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
"""Statuses below 500 that say nothing about what was asked."""

_SEARCH = "jira search/jql"
_ENDPOINT = re.compile(r"/rest/api/3/(search/jql|issue/bulkfetch|[a-zA-Z]+)")
_FIX_CREDENTIALS = (
    "Check JIRA_SERVER, JIRA_EMAIL and JIRA_API_TOKEN: a token is made in the account's security "
    "settings, and the account needs to browse the projects."
)


class JiraApi:
    """The requests of a source, through the vendor's SDK; answers are the vendor's JSON.

    Every method raises `CredentialsError` on 401 and 403, `RateLimitedError` and `UnavailableError`
    when the vendor does not answer in time, and `ContractError` on any other refusal.
    """

    def __init__(self, server: str, email: str, token: str, meter: Meter) -> None:
        # The adapter retries: the SDK's own retries sleep for minutes when a host is down.
        self._client = JIRA(
            server,
            basic_auth=(email, token),
            options={"rest_api_version": "3"},
            get_server_info=False,
            max_retries=0,
            timeout=TIMEOUT_SECONDS,
        )
        prepare(self._client._session, "jira", meter, endpoint_of=_ENDPOINT)
        self._is_cloud = False

    def require_cloud(self) -> None:
        """Check once that the site is Jira Cloud.

        Raises:
            ContractError: It is Server or Data Center, or does not say.
        """
        if self._is_cloud:
            return
        kind = _asked(self._client.server_info).get("deploymentType")
        if kind != "Cloud":
            raise ContractError(
                "jira serverInfo",
                f"deploymentType {kind!r}",
                "'Cloud' (Server and Data Center speak another API)",
            )
        self._is_cloud = True

    def require_projects(self) -> int:
        """Return how many projects the account may browse.

        Raises:
            CredentialsError: It is none: a site answers an expired token, and an account without
                permissions, with empty listings.
        """
        self.who()
        asked = {"action": "browse", "maxResults": 1}
        try:
            count = _part("project/search", self._get("project/search", **asked), "total", int)
        except ContractError as error:
            # "Returned if no projects matching the search criteria are found."
            if not is_missing(error):
                raise
            count = 0
        if not count:
            raise CredentialsError(
                "jira", "the token works and its account sees no project", _FIX_CREDENTIALS
            )
        return count

    def who(self) -> str:
        """Return the name of the account."""
        me = _asked(self._client.myself)
        return str(me.get("displayName") or me.get("accountId"))

    def fields(self) -> list[Json]:
        """Return the site's fields, system and custom: `id`, `name`, `schema`."""
        fields = _asked(self._client.fields)
        return list(map(as_object, _part("field", {"fields": fields}, "fields", list)))

    def pages(self, jql: str, fields: list[str], *, maximum: int) -> Iterator[list[Json]]:
        """Yield pages of issues up to the last.

        Raises:
            ContractError: A page token is repeated, so that the listing would never end; or a page
                has no token and is not the last, so that the listing is incomplete.
        """
        token = ""
        seen: set[str] = set()
        while True:
            page = self.search(jql, fields, maximum=maximum, token=token)
            yield page["issues"]
            token = scalar_text(page.get("nextPageToken"))
            if not token:
                if page.get("isLast") is False:
                    raise ContractError(_SEARCH, "no token after a page", "isLast, or a token")
                return
            if token in seen:
                raise ContractError(_SEARCH, "a page token for the second time", "a new one a page")
            seen.add(token)

    def search(self, jql: str, fields: list[str], *, maximum: int, token: str = "") -> Json:
        """Return one page of a search.

        Sent by POST, because the names of custom fields exceed a URL. The SDK's own method lets a
        custom field called `priority` hide the system's, and posts nulls that the contract
        forbids; so only its session is used.
        """
        asked: dict[str, Any] = {"jql": jql, "fields": fields, "maxResults": maximum}
        return self._post_issues("search/jql", asked | ({"nextPageToken": token} if token else {}))

    def issues(self, issue_ids: list[str], fields: list[str]) -> tuple[list[Json], dict[str, str]]:
        """Return issues by their ids, and the vendor's errors for those that it could not return.

        An issue that is deleted, or that the account may not see, is in neither. Unlike the search
        this has no lag (developer.atlassian.com, "Bulk fetch issues", 2026-11).

        Args:
            issue_ids: At most `PAGE_ISSUES`.
            fields: Their ids.
        """
        asked = {"issueIdsOrKeys": issue_ids, "fields": fields}
        answer = self._post_issues("issue/bulkfetch", asked)
        errors = {
            str(error.get("id")): str(error.get("errorMessage"))
            for error in map(as_object, as_list(answer.get("issueErrors")))
        }
        return list(answer["issues"]), errors

    def issue(self, name: str, fields: list[str]) -> Json | None:
        """Return an issue by id or key; None when the account is shown no such issue.

        Does not use the search, which lags.
        """
        try:
            return self._get(f"issue/{name}", fields=",".join(fields))
        except ContractError as error:
            if is_missing(error):
                return None
            raise

    def comments(self, issue_id: str) -> list[Any]:
        """Return all comments of an issue, oldest first.

        Raises:
            ContractError: The vendor returned fewer than it counts.
        """
        comments: dict[str, Any] = {}
        start, total = 0, 1
        while start < total:
            asked = {"startAt": start, "maxResults": PAGE_COMMENTS, "orderBy": "created"}
            page = self._get(f"issue/{issue_id}/comment", **asked)
            total = _part("comment", page, "total", int)
            listed = _part("comment", page, "comments", list)
            if not listed:
                break
            for place, comment in enumerate(listed, start):
                comments[scalar_text(as_object(comment).get("id")) or f"place {place}"] = comment
            start += len(listed)
        if len(comments) < total:
            seen = f"{len(comments)} of {total} comments"
            raise ContractError("jira comment", seen, "all of them")
        return list(comments.values())

    def project_ids(self, keys: tuple[str, ...]) -> dict[str, str]:
        """Return the ids of the projects that the account may browse, by key; all if no keys."""
        asked: dict[str, Any] = {"action": "browse"} | ({"keys": list(keys)} if keys else {})
        projects = self._values("project/search", **asked)
        named = {scalar_text(project.get("key")): project for project in projects}
        return {key: scalar_text(named[key].get("id")) or key for key in named if key}

    def project_ids_of(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the ids of those projects that the account may browse, by key."""
        projects: dict[str, str] = {}
        for batch in in_batches(filter(None, keys), PAGE_PROJECTS):
            try:
                projects |= self.project_ids(batch)
            except ContractError as error:
                # "Returned if no projects matching the search criteria are found."
                if not is_missing(error):
                    raise
        return projects

    def browsers(self, project_id: str) -> list[Json]:
        """Return who holds the permission Browse Projects; for the project's administrators."""
        scheme = self._get(f"project/{project_id}/permissionscheme", expand="permissions")
        grants = map(as_object, _part("permissionscheme", scheme, "permissions", list))
        return [
            as_object(grant.get("holder"))
            for grant in grants
            if grant.get("permission") == "BROWSE_PROJECTS"
        ]

    def level_members(self, level_id: str) -> list[Json]:
        """Return the members of a security level; for administrators of Jira alone."""
        return self._values("issuesecurityschemes/level/member", levelId=level_id)

    def group_members(self, group_id: str) -> list[Json]:
        """Return the active users of a group; needs "Browse users and groups"."""
        return self._values("group/member", groupId=group_id)

    def role_actors(self, project_id: str, role_id: str) -> list[Json]:
        """Return the users and groups of a role in a project; for its administrators."""
        role = self._get(f"project/{project_id}/role/{role_id}")
        return list(map(as_object, _part("role", role, "actors", list)))

    def user(self, account_id: str) -> Json:
        """Return a user; needs "Browse users and groups"."""
        user = self._get("user", accountId=account_id)
        _part("user", user, "accountId", str)
        return user

    def is_refusal(self, error: CredentialsError | ContractError) -> bool:
        """Tell whether Jira refuses one question, to an account that may ask others.

        It answers 403 or 404, and 401 where a token has scopes and lacks that of the question
        (developer.atlassian.com, "Scopes for OAuth 2.0", 2026-11).

        Raises:
            CredentialsError: The 401 is for the account itself, such as an expired token.
        """
        if error.seen == "HTTP 401":
            self.who()
            return True
        return error.seen == "HTTP 403" or is_missing(error)

    def _values(self, path: str, **asked: Any) -> list[Json]:
        """Return all values of a listing that is paged by `startAt`.

        Raises:
            ContractError: A page is repeated, or is empty and not the last.
        """
        values: list[Json] = []
        page: Json = {}
        while not page.get("isLast"):
            before = page.get("values")
            page = self._get(path, startAt=len(values), maxResults=PAGE_PEOPLE, **asked)
            listed = _part(path, page, "values", list)
            if listed and listed == before:
                raise ContractError(f"jira {path}", "a page for the second time", "the next one")
            if not listed:
                if page.get("isLast") is False:
                    raise ContractError(
                        f"jira {path}", "an empty page that is not the last", "more"
                    )
                break
            values += map(as_object, listed)
        return values

    def _post_issues(self, path: str, asked: dict[str, Any]) -> Json:
        seen = _asked(lambda: self._client._get_json(path, params=asked, use_post=True))
        answer = _object(path, seen)
        return {**answer, "issues": list(map(as_object, _part(path, answer, "issues", list)))}

    def _get(self, path: str, **asked: Any) -> Json:
        return _object(path, _asked(lambda: self._client._get_json(path, params=asked)))


def in_batches(items: Iterable[_T], size: int) -> Iterator[tuple[_T, ...]]:
    """Yield items in tuples of so many, the last one shorter."""
    remaining = iter(items)
    while batch := tuple(islice(remaining, size)):
        yield batch


def _object(path: str, answer: Any) -> Json:
    if not isinstance(answer, dict):
        raise ContractError(f"jira {path}", f"JSON of type {type(answer).__name__}", "an object")
    return answer


def _part(path: str, answer: Json, name: str, kind: type[_T]) -> _T:
    """Return a part of an answer, which the contract demands."""
    value = answer.get(name)
    if not isinstance(value, kind):
        seen = f"{name} of type {type(value).__name__}" if name in answer else f"no {name}"
        raise ContractError(f"jira {path}", seen, f"{name} of type {kind.__name__}")
    return value


def is_missing(error: CredentialsError | ContractError) -> bool:
    """Tell whether the vendor answered 404: it does not exist, or not for this account."""
    return error.seen.startswith("HTTP 404:")


def _asked(ask: Callable[[], Any]) -> Any:
    """Return an answer, or raise one of our errors.

    The SDK's errors are not chained: they print headers and bodies into logs.
    """
    try:
        return ask()
    except JIRAError as error:
        raise _translated(error) from None
    except (requests.RequestException, ValueError) as error:
        # A truncated body and a proxy's page are not JSON.
        raise UnavailableError("jira", type(error).__name__, "Check JIRA_SERVER.") from None


def _is_of_jira(error: JIRAError) -> bool:
    """Tell whether Jira itself refuses, which it says in JSON, or without words."""
    body = getattr(error.response, "text", None) or ""
    return not body.lstrip().startswith("<")


def _translated(error: JIRAError) -> VectorAssetsError:
    seen = f"HTTP {error.status_code}"
    if not _is_of_jira(error):
        # A proxy's page says nothing of what was asked.
        seen += " with a page"
    if error.status_code in (401, 403):
        return CredentialsError("jira", seen, _FIX_CREDENTIALS)
    if not error.status_code or error.status_code in _PASSING or error.status_code >= 500:
        return UnavailableError("jira", seen)
    return ContractError(
        "jira", f"{seen}: {(error.text or '')[:200]}", "an answer to a valid query"
    )
