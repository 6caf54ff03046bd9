"""Jira Cloud: issues by last update, page by page, each with all its comments.

Keep out: what is asked of the vendor and how it refuses (`jira_api.py`), what an issue says
(`jira_document.py`, `jira_fields.py`, `adf.py`), and who may read it (`jira_readers.py`).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from vector_assets.documents import (
    Checkpoint,
    Document,
    DocumentFailure,
    Gap,
    Quarantined,
    Settled,
    SourceItem,
    Window,
)
from vector_assets.errors import ContractError, SettingsError
from vector_assets.meter import Meter
from vector_assets.settings import Settings
from vector_assets.sources.base import Reach, Source
from vector_assets.sources.jira_api import PAGE_IDS, PAGE_ISSUES, JiraApi, is_missing
from vector_assets.sources.jira_document import FIELDS, document_of, instant
from vector_assets.sources.jira_fields import CustomField, Json, custom_fields
from vector_assets.sources.jira_readers import JiraReaders

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        self._api = JiraApi(self._server, email, token, meter)

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

        An issue that is edited meanwhile comes again, at the end, as it stands then. What was left
        out, and whose readers could not be named, comes last.
        """
        self._api.require_cloud()
        reader = _IssueReader(self._api, self._server)
        seen: set[tuple[str, str]] = set()
        jql = self._jql(window, "updated ASC")
        for page in self._pages(jql, reader.field_ids, maximum=PAGE_ISSUES):
            fresh = {_version(issue): issue for issue in page if _version(issue) not in seen}
            _require_news(page, len(fresh))
            seen |= fresh.keys()
            items = [reader.document_or_failure(issue) for issue in fresh.values()]
            yield from items
            if known := [item.updated_at for item in items if isinstance(item, Document)]:
                yield Checkpoint(known[-1])
        yield from reader.gaps()
        if not seen:
            self._api.require_projects()

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the id of each issue in the window, 5,000 a request.

        It can say that an issue is no longer to be found, not why: one that was deleted and one
        that the account may not see any more look the same. An account that sees no project at
        all, and a project of JIRA_PROJECTS that it does not see, raise; one project of several
        that it has lost, where JIRA_PROJECTS is empty, is for the prune's share to notice. And
        the search may lag behind by hours: what it does not show yet is no deletion either.

        Listed in the order of creation, in which nothing moves while it is read.
        """
        self._api.require_cloud()
        seen: set[str] = set()
        for page in self._pages(self._jql(window, "created ASC"), ["id"], maximum=PAGE_IDS):
            fresh = dict.fromkeys(str(issue["id"]) for issue in page if issue["id"] not in seen)
            _require_news(page, len(fresh))
            seen |= fresh.keys()
            yield from (f"{self.name}:{one}" for one in fresh)
        if not seen:
            self._api.require_projects()

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield issues by their ids, `PAGE_ISSUES` a request.

        Raises:
            CredentialsError: Some are missing, and the account sees no project at all.
        """
        self._api.require_cloud()
        reader = _IssueReader(self._api, self._server)
        wanted = [one.document_id.partition(":")[2] for one in failed]
        for at in range(0, len(wanted), PAGE_ISSUES):
            ids = wanted[at : at + PAGE_ISSUES]
            issues, errors = self._api.issues(ids, reader.field_ids)
            by_id = {str(issue["id"]): issue for issue in issues if self._is_wanted(issue)}
            if len(by_id) + len(errors) < len(ids):
                self._api.require_projects()
            for issue_id in ids:
                if issue_id in by_id:
                    yield reader.document_or_failure(by_id[issue_id])
                elif issue_id in errors:
                    cause = f"Jira could not give it: {errors[issue_id]}"
                    yield DocumentFailure(f"{self.name}:{issue_id}", cause)
                else:
                    yield Settled(f"{self.name}:{issue_id}")
        yield from reader.gaps()

    def _is_wanted(self, issue: Json) -> bool:
        """Tell whether an issue is in a project that is read; it may have moved out of them."""
        project = (issue.get("fields") or {}).get("project") or {}
        names = {str(project.get(name)).casefold() for name in ("key", "id", "name")}
        return not self._projects or any(one.casefold() in names for one in self._projects)

    def newest(self) -> datetime | None:
        """Return the last update of the newest issue: one request; more when there is no issue."""
        jql = self._jql(Window(_EPOCH, None), "updated DESC")
        for page in self._pages(jql, ["updated"], maximum=1):
            if page:
                return instant(page[0]["fields"]["updated"])
        self._api.require_projects()
        return None

    def check(self) -> Reach:
        """Ask who we are, whether this is a Cloud site, and what of it we can read.

        Raises:
            SettingsError: A project of JIRA_PROJECTS is none that the account may browse.
        """
        self._api.require_cloud()
        who, count = self._api.who(), self._api.require_projects()
        readers = JiraReaders(self._api)
        for issue in self._newest_limited():
            readers.access_of(issue)
        seen = f"{count} project{'s' if count > 1 else ''} to browse"
        only = f", reads {', '.join(self._projects)} alone" if self._projects else ""
        return Reach(f"{self._server} as {who}: {seen}{only}", tuple(readers.gaps()))

    def _newest_limited(self) -> list[Json]:
        """Return the newest issue with a security level, if there is one."""
        jql = self._jql(Window(_EPOCH, None), "updated DESC", "level is not EMPTY")
        fields = ["security", "project", "reporter", "assignee"]
        try:
            return next(self._pages(jql, fields, maximum=1))
        except ContractError as error:
            if "'level'" in error.seen:
                # The site shows the field nowhere, and so limits no issue by it.
                return []
            raise

    def _jql(self, window: Window, order: str, *clauses: str) -> str:
        """Return a query: instants as epoch milliseconds, for dates mean the account's own zone."""
        bounds = [f"updated >= {_epoch_milliseconds(window.start)}"]
        if window.end is not None:
            bounds.append(f"updated < {_epoch_milliseconds(window.end)}")
        projects = ", ".join(map(_quoted, self._projects))
        only = (f"project in ({projects})",) if projects else ()
        return f"{' AND '.join((*bounds, *clauses, *only))} ORDER BY {order}"

    def _pages(self, jql: str, fields: list[str], *, maximum: int) -> Iterator[list[Json]]:
        """Yield pages of a search.

        Raises:
            SettingsError: The vendor does not know a project of JIRA_PROJECTS.
        """
        try:
            yield from self._api.pages(jql, fields, maximum=maximum)
        except ContractError as error:
            if is_missing(error):
                # Server and Data Center have no such route.
                self._api.require_cloud()
            if self._projects and "'project'" in error.seen:
                raise SettingsError(
                    f"JIRA_PROJECTS is {','.join(self._projects)}, and jira answers {error.seen}. "
                    f"Name projects by their keys, and only those that the account may browse."
                ) from None
            raise


class _IssueReader:
    """Makes documents of the issues of one listing, and keeps count of what is left out.

    Args:
        api: Of the run; asked once for the names of the site's fields.
        server: URL of the site, without a trailing slash.
    """

    def __init__(self, api: JiraApi, server: str) -> None:
        self._api = api
        self._server = server
        self._readers = JiraReaders(api)
        self._custom: tuple[CustomField, ...] = custom_fields(api.fields())
        self._hidden_comment_ids: set[str] = set()

    @property
    def field_ids(self) -> list[str]:
        """All that is read, and so all that is asked for."""
        return [*FIELDS, *(field.id for field in self._custom)]

    def document_or_failure(self, issue: Json) -> Document | DocumentFailure:
        """Return an issue's document, or why there is none."""
        try:
            comments = self._comments(issue)
            hidden = [one for one in comments if one.get("visibility")]
            document = document_of(
                issue,
                [one for one in comments if not one.get("visibility")],
                server=self._server,
                custom=self._custom,
                hidden_comment_count=len(hidden),
                access=self._readers.access_of(issue),
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            # An issue's fields are whatever its project's admins made of them.
            return _failure(issue, f"cannot be read: {type(error).__name__} {error}")
        except ContractError as error:
            return _failure(issue, f"has comments that cannot be read: {error.seen}")
        self._hidden_comment_ids |= {str(one.get("id")) for one in hidden}
        return document

    def gaps(self) -> Iterator[Gap]:
        """Yield what was left out of the documents so far."""
        if self._hidden_comment_ids:
            yield Gap(
                "comments kept to a group or role",
                "they are for fewer people than their issues",
                count=len(self._hidden_comment_ids),
            )
        yield from self._readers.gaps()

    def _comments(self, issue: Json) -> list[Json]:
        """Return all comments: a search result carries a few, and says how many there are."""
        first = issue["fields"].get("comment")
        if first is not None and len(first["comments"]) >= int(first["total"]):
            return list(first["comments"])
        return self._api.comments(issue["id"])


def _require_news(page: list[Json], fresh_count: int) -> None:
    """Raise when a page that is not empty shows nothing that had not been shown before."""
    if page and not fresh_count:
        raise ContractError(
            "jira search/jql", "a page of issues that it had shown before", "new ones"
        )


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
