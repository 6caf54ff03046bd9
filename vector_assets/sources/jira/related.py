"""Other issues whose summaries stand in an issue: its parent, sub-tasks and links.

Jira shows each reader only the summaries that he may read. A document is the same for all its
readers, so it shows a summary only if all of them may read that issue.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from vector_assets.core.documents import PUBLIC
from vector_assets.sources.jira.access import ACCESS_FIELDS, JiraReaders
from vector_assets.sources.jira.client import PAGE_ISSUES, JiraApi
from vector_assets.sources.jira.json_values import Json, as_list, as_object, scalar_text

RELATED_FIELDS = ["parent", "subtasks", "issuelinks"]
"""The fields that refer to other issues."""

_IS_NAME = re.compile(r"[0-9]+|[A-Za-z][A-Za-z0-9_]*-[0-9]+")
"""What Jira takes for the id or key of an issue; it refuses a request with anything else."""


class RelatedIssues:
    """Knows who may read the issues that others refer to; asks for each once.

    Args:
        api: Of the run.
        readers: Names who may read an issue.
        is_wanted: Tells whether an issue is in a project that is read. Of others no summary is
            shown: a run does not see when they are limited.
    """

    def __init__(
        self, api: JiraApi, readers: JiraReaders, is_wanted: Callable[[Json], bool]
    ) -> None:
        self._api = api
        self._readers = readers
        self._is_wanted = is_wanted
        self._access: dict[str, tuple[str, ...] | None] = {}
        self._distinct: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._neighbours_of_limited: set[str] = set()

    @property
    def neighbours_of_limited(self) -> frozenset[str]:
        """Ids of the issues that the limited ones refer to, and that so refer to them."""
        return frozenset(self._neighbours_of_limited)

    def learn(self, issues: Sequence[Json]) -> None:
        """Ask who may read the issues that these refer to: a request for `PAGE_ISSUES` of them."""
        for issue in issues:
            self._remember(issue)
        names = (_name_of(other) for issue in issues for other in _others(issue))
        wanted = (name for name in dict.fromkeys(names) if _IS_NAME.fullmatch(name))
        unknown = [name for name in wanted if name not in self._access]
        for at in range(0, len(unknown), PAGE_ISSUES):
            asked = unknown[at : at + PAGE_ISSUES]
            answered, _ = self._api.issues(asked, ACCESS_FIELDS)
            for issue in filter(self._is_wanted, answered):
                self._remember(issue)
            for name in asked:
                self._access.setdefault(name, None)
        for issue in issues:
            if self._access.get(_name_of(issue)) != (PUBLIC,):
                ids = (scalar_text(other.get("id")) for other in _others(issue))
                self._neighbours_of_limited.update(filter(None, ids))

    def may_show(self, access: tuple[str, ...], other: Json) -> bool:
        """Tell whether all readers of an issue may read another that it refers to.

        Args:
            access: Of the issue, as in `Document.access`.
            other: As the issue shows it.
        """
        others = self._access.get(_name_of(other))
        return others is not None and (others == (PUBLIC,) or _is_within(access, others))

    def shown(self, access: tuple[str, ...], issue: Json) -> tuple[str, ...]:
        """Return the summaries that an issue shows of those it refers to, once these are learnt.

        Args:
            access: Of the issue, as in `Document.access`.
            issue: As the vendor gives it.
        """
        return tuple(
            scalar_text(as_object(other.get("fields")).get("summary"))
            for other in _others(issue)
            if self.may_show(access, other)
        )

    def _remember(self, issue: Json) -> None:
        access = self._readers.access_of(issue, is_read=False)
        # A project may have thousands of issues and readers: equal ones are kept once.
        access = self._distinct.setdefault(access, access)
        for name in ("id", "key"):
            if text := scalar_text(issue.get(name)):
                self._access[text] = access


def has_related(issue: Json) -> bool:
    """Tell whether an issue refers to others, so that it may show their summaries."""
    return any(True for _ in _others(issue))


def _is_within(access: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return access != (PUBLIC,) and set(access) <= set(others)


def _name_of(issue: Json) -> str:
    return scalar_text(issue.get("id")) or scalar_text(issue.get("key"))


def _others(issue: Json) -> Iterator[Json]:
    """Yield the issues that an issue refers to, as it shows them."""
    fields = as_object(issue.get("fields"))
    links = map(as_object, as_list(fields.get("issuelinks")))
    yield from filter(None, map(as_object, as_list(fields.get("parent"))))
    yield from filter(None, map(as_object, as_list(fields.get("subtasks"))))
    for link in links:
        sides = (as_object(link.get(side)) for side in ("outwardIssue", "inwardIssue"))
        yield from filter(None, sides)
