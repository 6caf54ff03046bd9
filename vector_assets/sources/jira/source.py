"""Jira Cloud: issues by last update, page by page, each with all its comments."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import ClassVar, Self

from vector_assets.core.concurrency import read_ahead
from vector_assets.core.days import Window
from vector_assets.core.errors import ContractError, SettingsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.attachments.reader import (
    AttachmentOptions,
    AttachmentReader,
    native_ids_that_waited,
)
from vector_assets.sources.base import (
    SAMPLED_DOCUMENTS,
    ConnectionCheck,
    Missing,
    Probed,
    RemoteState,
    Source,
)
from vector_assets.sources.estimate import WindowEstimate, as_if_failed, picked
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    HeldDocuments,
    Quarantined,
    Readers,
    Resolved,
    SourceItem,
)
from vector_assets.sources.jira.access import ACCESS_FIELDS, JiraReaders
from vector_assets.sources.jira.attachments import IssueFiles, JiraFiles
from vector_assets.sources.jira.client import PAGE_IDS, PAGE_ISSUES, JiraApi, is_missing
from vector_assets.sources.jira.document import instant, project_id, project_key
from vector_assets.sources.jira.held_access import HeldAccess
from vector_assets.sources.jira.issues import IssueReader, Item, version_of
from vector_assets.sources.jira.jql import EVER, LIMITED, of_projects, query
from vector_assets.sources.jira.json_values import Json, as_object, scalar_text
from vector_assets.sources.jira.probe import IssueProbe, document_id_in

_TICK = timedelta(microseconds=1)
"""Issues updated at the same instant as a page's last one may be on the next page."""

_SEARCH = "jira search/jql"
_BY_ID = "jira issue/bulkfetch"


class JiraSource(Source):
    """Issues of a Jira Cloud site, by last update.

    Args:
        server: URL of the site.
        email: Of the account.
        token: Its API token.
        projects: Keys of the projects to read; all that the account sees when empty.
        meter: Counts the requests of the run.
        public_projects: Keys of the projects that are open to everyone.
        attachments: Whether attachments are read, and how large they may be.
    """

    name: ClassVar[str] = "jira"
    when_nothing_is_listed: ClassVar[str] = (
        'give its account the permission "Browse projects" in the projects that it shall read'
    )
    overlap: ClassVar[timedelta] = timedelta(hours=12)
    has_readers = True

    def __init__(
        self,
        server: str,
        email: str,
        token: str,
        projects: tuple[str, ...],
        meter: Meter,
        public_projects: tuple[str, ...] = (),
        attachments: AttachmentOptions = AttachmentOptions(),  # noqa: B008 - it is frozen
    ) -> None:
        self._server = server.rstrip("/")
        self._projects = projects
        self._public_projects = public_projects
        self._meter = meter
        self._api = JiraApi(self._server, email, token, meter)
        self._attachments = attachments
        self._files = JiraFiles(self._api, self._server, email, token, meter, attachments)
        self._held: HeldAccess | None = None
        self._probe = IssueProbe(self._api, self._is_wanted)

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
            settings.jira_public_projects,
            AttachmentOptions.of(settings),
        )

    def readers(self, containers: Mapping[str, HeldDocuments]) -> Iterator[Readers]:
        """Yield who may read the issues of each project, and those with their own readers.

        Takes a few requests for each project, one for `PAGE_IDS` issues of an open project, and
        one for `PAGE_ISSUES` issues in the index that are limited or of a limited project.
        """
        self._api.require_cloud()
        # The run that follows reads with the same answers.
        self._held = self._held_access()
        yield from self._held.of_containers(containers)

    def _held_access(self) -> HeldAccess:
        readers = JiraReaders(self._api, self._public_projects)
        reader = self._issue_reader(readers)
        return HeldAccess(self._api, reader, readers, self.known, self._listed_ids)

    def _issue_reader(self, readers: JiraReaders) -> IssueReader:
        files = IssueFiles(self._files, AttachmentReader(self._attachments), self.known)
        return IssueReader(self._api, self._server, readers, self._is_wanted, files)

    def _listed_ids(self, clause: str) -> Iterator[str]:
        """Yield the ids of the issues that a clause matches, of any project."""
        jql = query(EVER, "created ASC", clause)
        for page in self._limited_pages(jql, ["id"], maximum=PAGE_IDS):
            yield from (version_of(issue)[0] for issue in page)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield issues, the last updated first, with a checkpoint after each page.

        An issue that is edited during the listing moves to its front and is missed. A window
        without an end that took several pages therefore lists again, oldest first, what changed
        since the first page. It also yields issues of any age that `readers` found changed and that
        show others.
        """
        self._api.require_cloud()
        held, self._held = self._held or self._held_access(), None
        reader = held.reader
        seen: set[tuple[str, str]] = set()
        began_at: datetime | None = None
        page_count = 0
        for items, read_until in self._read(window, "updated DESC", reader, seen):
            page_count += 1
            yield from items
            if read_until:
                began_at = began_at or read_until[0]
                yield Checkpoint(read_until[-1] + _TICK)
        if window.end is None and page_count > 1 and began_at is not None:
            for items, _ in self._read(Window(began_at, None), "updated ASC", reader, seen):
                yield from items
        if not seen:
            self._api.require_projects()
        if window.end is None:
            yield from self._read_again(reader, held.ids_to_read, seen)
        yield from reader.gaps()

    def _read(
        self, window: Window, order: str, reader: IssueReader, seen: set[tuple[str, str]]
    ) -> Iterator[tuple[list[Item], list[datetime]]]:
        """Yield pages of versions that were not seen before, and add them to `seen`.

        With each come the last updates of its issues, without those that failed.
        """
        is_first = not seen
        pages = self._pages(self._jql(window, order), reader.field_ids, maximum=PAGE_ISSUES)
        for page in read_ahead(pages):
            fresh = {version_of(issue): issue for issue in page if version_of(issue) not in seen}
            if is_first:
                _require_progress(page, len(fresh))
            seen.update(fresh)
            items = reader.items(list(fresh.values()), may_skip=True)
            updates = (
                instant(updated)
                for (_, updated), item in zip(fresh, items, strict=True)
                if not isinstance(item, DocumentFailure)
            )
            yield items, list(filter(None, updates))

    def _read_again(
        self, reader: IssueReader, issue_ids: Sequence[str], seen: set[tuple[str, str]]
    ) -> Iterator[SourceItem]:
        """Yield issues whose readers have changed and whose text shows others; then neighbours.

        Those are what the index holds of the issues that link to limited ones of this run. They
        show the summary of an issue that may have been limited since they were read.
        """
        read_ids = {issue_id for issue_id, _ in seen} - reader.skipped_ids
        yield from reader.by_ids([issue_id for issue_id in issue_ids if issue_id not in read_ids])
        ids = sorted(reader.neighbours_of_limited - read_ids.union(issue_ids))
        held = self.known.updated_at(f"{self.name}:{issue_id}" for issue_id in ids)
        yield from reader.by_ids(
            [issue_id for issue_id in ids if f"{self.name}:{issue_id}" in held]
        )

    def estimate(self, window: Window) -> WindowEstimate:
        """Count the issues, 5,000 a request, and read some by their ids, 100 a request."""
        ids = set(self.ids(window))
        page_count = max(1, ceil(len(ids) / PAGE_ISSUES))
        requests = Counter({"jira serverInfo": 1, _SEARCH: page_count})
        ignored = {_BY_ID}
        if window.end is None:
            # After several pages, what was edited meanwhile is listed once more.
            requests[_SEARCH] += len(ids) > PAGE_ISSUES
            requests += self._requests_for_readers()
            ignored.add("jira project")
        sampled = picked(ids, SAMPLED_DOCUMENTS)
        return WindowEstimate(
            len(ids),
            "counted",
            self._sample(as_if_failed(sampled, window), requests, page_count),
            len(sampled),
            requests=requests,
            # Comments beyond those that a search result carries; attachments.
            scaled=frozenset({"jira issue", "jira attachment"}),
            ignored=frozenset(ignored),
        )

    def _requests_for_readers(self) -> Counter[str]:
        """Count the requests about the readers of what the index holds."""
        projects = self._api.project_ids(self._projects)
        if not any(True for _ in self.known.document_ids()):
            return Counter({"jira project": len(projects)})
        readers = JiraReaders(self._api, self._public_projects)
        limited, page_count = set(self._listed_ids(LIMITED)), 1
        for key, project in projects.items():
            ids = set(self._listed_ids(of_projects([project])))
            if readers.is_open(key, project):
                page_count += max(1, ceil(len(ids) / PAGE_IDS))
            else:
                limited |= ids
        held = self.known.updated_at(f"{self.name}:{issue_id}" for issue_id in limited)
        by_id = ceil(len(held) / PAGE_ISSUES)
        return Counter({"jira project": 1 + len(projects), _SEARCH: page_count, _BY_ID: by_id})

    def _sample(
        self, sampled: Sequence[Quarantined], requests: Counter[str], page_count: int
    ) -> Iterator[SourceItem]:
        """Yield a sample; where it refers to other issues, a sync asks about those of each page."""
        before = self._meter.requests.get(_BY_ID, 0)
        yield from self.retry(sampled)
        if self._meter.requests.get(_BY_ID, 0) - before > ceil(len(sampled) / PAGE_ISSUES):
            requests[_BY_ID] += page_count

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the id of each issue in the window, 5,000 a request.

        A deleted issue and one that the account may no longer see look the same. An account that
        sees no project, or not one of JIRA_PROJECTS, raises; where JIRA_PROJECTS is empty, the
        prune's maximum share catches the loss of a single project. The search may lag by hours.
        The order of creation does not change during the listing.
        """
        self._api.require_cloud()
        seen: set[str] = set()
        for page in self._pages(self._jql(window, "created ASC"), ["id"], maximum=PAGE_IDS):
            listed = dict.fromkeys(version_of(issue)[0] for issue in page)
            fresh = {issue_id: None for issue_id in listed if issue_id not in seen}
            _require_progress(page, len(fresh))
            seen |= fresh.keys()
            yield from (f"{self.name}:{issue_id}" for issue_id in fresh)
        if not seen:
            self._api.require_projects()

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield issues by their ids, `PAGE_ISSUES` a request.

        Raises:
            CredentialsError: Some are missing, and the account sees no project at all.
        """
        self._api.require_cloud()
        reader = self._issue_reader(JiraReaders(self._api, self._public_projects))
        may_miss_ids = native_ids_that_waited(failed, self.known)
        wanted = [quarantined.document_id.partition(":")[2] for quarantined in failed]
        for at in range(0, len(wanted), PAGE_ISSUES):
            ids = wanted[at : at + PAGE_ISSUES]
            issues, errors = self._api.issues(ids, reader.field_ids)
            issues = [issue for issue in issues if self._is_wanted(issue)]
            names = (version_of(issue)[0] for issue in issues)
            items = reader.items(issues, may_miss_ids=may_miss_ids)
            by_id = dict(zip(names, items, strict=True))
            # Of an issue that failed because Jira gave no id of it, only the key was known.
            yield from (by_id[name] for name in by_id.keys() - set(ids))
            if len(by_id) + len(errors) < len(ids):
                self._api.require_projects()
            for issue_id in ids:
                if issue_id in by_id:
                    yield by_id[issue_id]
                elif issue_id in errors:
                    cause = f"Jira could not give it: {errors[issue_id]}"
                    yield DocumentFailure(f"{self.name}:{issue_id}", cause)
                else:
                    yield Resolved(f"{self.name}:{issue_id}")
        yield from reader.gaps()

    def _is_wanted(self, issue: Json) -> bool:
        """Tell whether an issue is in a project that is read; it may have moved out of them."""
        project = as_object(as_object(issue.get("fields")).get("project"))
        names = {project_key(issue), project_id(issue), scalar_text(project.get("name"))}
        names = {name.casefold() for name in names}
        return not self._projects or any(project.casefold() in names for project in self._projects)

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield what became of issues: a request each, and one more a project."""
        return ((document.document_id, self.probe(document).state) for document in missing)

    def probe(self, document: Missing) -> Probed:
        """Ask for an issue by its id or key; see `IssueProbe`."""
        return self._probe(document)

    @classmethod
    def document_id_of(cls, text: str) -> str | None:
        """Return the id of the issue that a link, key or id names; of a key, `jira:OPS-1`."""
        return document_id_in(text)

    def newest(self) -> datetime | None:
        """Return the last update of the newest issue: one request; more when there is no issue."""
        jql = self._jql(EVER, "updated DESC")
        for page in self._pages(jql, ["updated"], maximum=1):
            if page:
                if updated_at := instant(as_object(page[0].get("fields")).get("updated")):
                    return updated_at
                raise ContractError(_SEARCH, "an issue without the time of its update", "one")
        self._api.require_projects()
        return None

    def check(self) -> ConnectionCheck:
        """Return the account and what it can read of this Cloud site.

        Raises:
            SettingsError: A project of JIRA_PROJECTS is none that the account may browse.
        """
        self._api.require_cloud()
        who, count = self._api.who(), self._api.require_projects()
        readers = JiraReaders(self._api, self._public_projects)
        for issue in self._newest_limited():
            readers.access_of(issue)
        seen = f"{count} project{'s' if count > 1 else ''} to browse"
        only = f", reads {', '.join(self._projects)} alone" if self._projects else ""
        return ConnectionCheck(f"{self._server} as {who}: {seen}{only}", tuple(readers.gaps()))

    def _newest_limited(self) -> list[Json]:
        """Return the newest issue, and the newest with a security level, if there is one."""
        issues: list[Json] = []
        for clauses in ((), (LIMITED,)):
            jql = self._jql(EVER, "updated DESC", *clauses)
            issues += next(self._limited_pages(jql, ACCESS_FIELDS, maximum=1), [])
        return issues

    def _limited_pages(
        self, jql: str, fields: list[str], *, maximum: int = PAGE_ISSUES
    ) -> Iterator[list[Json]]:
        """Yield pages of a search that may ask for a security level."""
        try:
            yield from self._pages(jql, fields, maximum=maximum)
        except ContractError as error:
            # The site does not have the field, and so limits no issue by it.
            if not error.seen.startswith("HTTP 400") or "'level'" not in error.seen:
                raise

    def _jql(self, window: Window, order: str, *clauses: str) -> str:
        """Return a query for issues of the projects that are read."""
        only = (of_projects(self._projects),) if self._projects else ()
        return query(window, order, *clauses, *only)

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


def _require_progress(page: list[Json], fresh_count: int) -> None:
    """Raise when all issues of a page were on earlier pages."""
    if page and not fresh_count:
        raise ContractError(_SEARCH, "a page of issues that it had shown before", "new ones")
