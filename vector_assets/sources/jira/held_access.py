"""Who may read the issues that the index holds, whatever day they are of.

Asked by id, `PAGE_ISSUES` a request, are the issues that may have their own readers. These are all
of a project that not everyone may browse. Of an open project they are those with a security level,
those that the index holds as limited, and those that a listing of ids, `PAGE_IDS` a request, does
not show: deleted, moved or hidden from the account. JQL cannot ask for limits to roles
(`issuerestriction`); setting one updates the issue, so the window of the run has it.

An issue's text may show summaries of other issues (`related.py`). Where that is so, more readers
are let in by reading it again alone, and a change of readers lets it be read again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from vector_assets.core.documents import PUBLIC, RESTRICTED
from vector_assets.sources.items import HeldDocuments, Known, Readers
from vector_assets.sources.jira.access import ACCESS_FIELDS, JiraReaders
from vector_assets.sources.jira.client import PAGE_ISSUES, JiraApi, in_batches
from vector_assets.sources.jira.issues import IssueReader, version_of
from vector_assets.sources.jira.jql import LIMITED, of_projects
from vector_assets.sources.jira.json_values import Json
from vector_assets.sources.jira.related import RELATED_FIELDS, has_related

_Access = tuple[str, ...]


class HeldAccess:
    """Compares the readers that the index holds with those of now, and says what to read again.

    Args:
        api: Of the run.
        reader: Of the run.
        readers: Of the run.
        known: What the index holds.
        listed_ids: Lists the ids of all issues that a clause of JQL matches.
    """

    def __init__(
        self,
        api: JiraApi,
        reader: IssueReader,
        readers: JiraReaders,
        known: Known,
        listed_ids: Callable[[str], Iterable[str]],
    ) -> None:
        self.reader = reader
        self.readers = readers
        self.ids_to_read: list[str] = []
        self._api = api
        self._known = known
        self._listed_ids = listed_ids
        self._distinct: dict[_Access, _Access] = {}
        self._fields = [
            *ACCESS_FIELDS,
            "updated",
            "attachment",
            *RELATED_FIELDS,
            *reader.people_field_ids,
        ]

    def of_containers(self, containers: Mapping[str, HeldDocuments]) -> Iterator[Readers]:
        """Yield the readers of projects, by their keys in the index.

        What is about whole projects is asked before the first is yielded. Raises as
        `Source.readers` does.
        """
        projects = self._api.project_ids_of(containers)
        open_keys = {key for key in projects if self.readers.is_open(key, projects[key])}
        leveled = frozenset(self._listed_ids(LIMITED)) if open_keys else frozenset()
        if projects.keys() < containers.keys():
            # A token that has expired sees nothing, and says nothing of projects.
            self._api.who()
        for key, held in containers.items():
            if key in open_keys:
                listed = frozenset(self._listed_ids(of_projects([projects[key]])))
                yield Readers(key, (PUBLIC,), self._of_limited(held, listed - leveled))
            elif key in projects or self._shows_some(held):
                yield Readers(key, None, self._of(held, held.readers()))
            else:
                yield Readers(key, None)

    def _of_limited(
        self, held: HeldDocuments, listed: Collection[str]
    ) -> dict[str, _Access | None]:
        """Return the readers of those documents of an open project that may be limited.

        Args:
            held: What the index holds of the project.
            listed: Ids of the issues in it without a security level.
        """
        limited = (
            (document_id, access)
            for document_id, access in held.readers()
            if access != (PUBLIC,) or _native_id(document_id) not in listed
        )
        return self._of(held, limited)

    def _of(
        self, held: HeldDocuments, documents: Iterable[tuple[str, _Access]]
    ) -> dict[str, _Access | None]:
        """Return the readers of documents; None for those that Jira does not show."""
        access_by_id: dict[str, _Access | None] = {}
        for batch in in_batches(documents, PAGE_ISSUES):
            issues = self._issues(document_id for document_id, _ in batch)
            access_by_id |= dict.fromkeys((document_id for document_id, _ in batch), None)
            access_by_id |= self._of_issues(issues, dict(batch), held)
        return access_by_id

    def _of_issues(
        self, issues: Mapping[str, Json], held_access: Mapping[str, _Access], held: HeldDocuments
    ) -> Iterator[tuple[str, _Access]]:
        """Yield the readers of issues, and note those that are to be read again."""
        stamps: dict[str, str] = {}
        for document_id, issue in issues.items():
            access = self.readers.access_of(issue)
            access = self._distinct.setdefault(access, access)
            before = held_access[document_id]
            if has_related(issue):
                if not _is_within(held.stored(access), before):
                    self.ids_to_read.append(_native_id(document_id))
                    access = _common(access, before)
                elif access != (PUBLIC,):
                    stamps[document_id] = self.reader.stamp(issue)
            yield document_id, access
        changed = stamps.keys() - self._known.stamped(stamps) if stamps else ()
        self.ids_to_read += map(_native_id, sorted(changed))

    def _issues(self, document_ids: Iterable[str]) -> dict[str, Json]:
        """Return the issues that Jira shows, by the ids of their documents."""
        by_native_id = {_native_id(document_id): document_id for document_id in document_ids}
        # Jira refuses a request with what is no id.
        names = [name for name in by_native_id if name.isascii() and name.isdecimal()]
        issues, _ = self._api.issues(names, self._fields) if names else ([], {})
        named = ((version_of(issue)[0], issue) for issue in issues)
        return {by_native_id[name]: issue for name, issue in named if name in by_native_id}

    def _shows_some(self, held: HeldDocuments) -> bool:
        """Tell whether Jira shows issues of a project that it does not list.

        An archived project is not listed, nor is one by the key that it had before.
        """
        for batch in in_batches(held.readers(), PAGE_ISSUES):
            return bool(self._issues(document_id for document_id, _ in batch))
        return False


def _native_id(document_id: str) -> str:
    return document_id.partition(":")[2]


def _is_within(access: _Access, before: _Access) -> bool:
    """Tell whether everybody who may read is one of those who might before."""
    return before == (PUBLIC,) or (access != (PUBLIC,) and set(access) <= {RESTRICTED, *before})


def _common(access: _Access, before: _Access) -> _Access:
    """Return who may read and might before, when those before were not everyone."""
    among = before if access == (PUBLIC,) else tuple(set(access) & set(before))
    return (RESTRICTED, *sorted(set(among) - {RESTRICTED, PUBLIC}))
