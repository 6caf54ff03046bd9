"""Who may read an issue, as far as Jira tells the account.

The readers of an issue may browse its project, and pass its security level or, in a team-managed
project, its roles. A project is open when every logged-in user may browse it, and when
JIRA_PUBLIC_PROJECTS names it; when Jira refuses to tell the account who may, nobody may. A limited
issue's `access` holds the e-mails of its readers; a `Gap` reports readers who cannot be named, and
who therefore do not find it. An error in passing ends the run: it says nothing about readers.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, TypeVar

from vector_assets.core.documents import PUBLIC, RESTRICTED
from vector_assets.core.errors import ContractError, CredentialsError
from vector_assets.sources.items import Gap
from vector_assets.sources.jira.client import JiraApi
from vector_assets.sources.jira.document import project_id, project_key
from vector_assets.sources.jira.json_values import Json, as_list, as_object, scalar_text

_T = TypeVar("_T")

_ADVICE = (
    "Give the account the global permission Administer Jira; until then a search finds these "
    "issues only for the readers who could be named."
)
_ADVICE_FOR_PROJECTS = (
    "Give the account the global permission Administer Jira, or name the project in "
    "JIRA_PUBLIC_PROJECTS if everyone who may search may read it; until then a search finds its "
    "issues only for the readers who could be named."
)
_ADVICE_FOR_UNTOLD_PROJECTS = (
    "Until then nobody finds its issues. Name it in JIRA_PUBLIC_PROJECTS if everyone who may "
    "search may read it (* for all projects); if not, give the account the permission to "
    "administer the project."
)
ACCESS_FIELDS = ["security", "issuerestriction", "project", "reporter", "assignee"]
"""The system fields that decide who may read an issue."""

EVERY_PROJECT = "*"
"""In JIRA_PUBLIC_PROJECTS: every project that the account may browse is open."""


@dataclass(frozen=True, slots=True)
class _Readers:
    """A set of people, as far as they could be named.

    Attributes:
        emails: In lower case.
        unnamed: What could not be turned into e-mails, and why.
        is_everyone: Whether it is everyone on the site.
    """

    emails: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()
    is_everyone: bool = False

    def __or__(self, other: "_Readers") -> "_Readers":
        return _Readers(
            self.emails | other.emails,
            self.unnamed | other.unnamed,
            self.is_everyone or other.is_everyone,
        )

    def __and__(self, other: "_Readers") -> "_Readers":
        if self.is_everyone or other.is_everyone:
            return other if self.is_everyone else self
        return _Readers(self.emails & other.emails, self.unnamed | other.unnamed)


class JiraReaders:
    """Names the readers of limited issues; reads each project, level, group and role once.

    Args:
        api: Of the run.
        public_projects: Keys of the projects that an operator declares open to everyone.
    """

    def __init__(self, api: JiraApi, public_projects: tuple[str, ...] = ()) -> None:
        self._api = api
        self._public_projects = public_projects
        self._projects: dict[str, list[Json] | _Readers] = {}
        self._levels: dict[str, list[Json] | _Readers] = {}
        self._advice: dict[str, str] = {}
        self._asked: dict[tuple[str, ...], _Readers] = {}
        self._unnamed: dict[str, set[str]] = {}
        self._issue_ids: dict[str, set[str]] = {}

    def access_of(self, issue: Json, *, is_read: bool = True) -> tuple[str, ...]:
        """Return an issue's `Document.access`.

        Args:
            issue: With `ACCESS_FIELDS`, and the custom fields that hold people.
            is_read: Whether it becomes a document; only then a gap counts it.
        """
        fields = as_object(issue.get("fields"))
        parts = [self._of_project(project_key(issue), project_id(issue), fields)]
        parts += self._of_limits(issue, fields)
        if is_read:
            for subject, readers in parts:
                self._note(subject, readers, issue)
        readers = reduce(and_, (readers for _, readers in parts))
        return (PUBLIC,) if readers.is_everyone else (RESTRICTED, *sorted(readers.emails))

    def is_open(self, key: str, project_id: str) -> bool:
        """Tell whether everyone may browse a project."""
        _, readers = self._of_project(key, project_id, {})
        return readers.is_everyone

    def _of_limits(self, issue: Json, fields: Json) -> Iterator[tuple[str, _Readers]]:
        """Yield the readers that an issue itself is limited to.

        A limit that cannot be read is one of which nobody is told.
        """
        level, roles = fields.get("security"), _roles(fields)
        if level is not None:
            level_id, name = as_object(level).get("id"), scalar_text(as_object(level).get("name"))
            readers = self._of_level(scalar_text(level_id), project_id(issue), fields)
            yield f"readers of the security level {name}".strip(), readers
        elif roles:
            readers = self._all(roles, project_id(issue), fields)
            yield f"readers of issues limited to roles in {project_key(issue)}", readers

    def gaps(self) -> Iterator[Gap]:
        """Yield a gap for each level, and each project, whose readers could not all be named."""
        for subject, unnamed in self._unnamed.items():
            reason = f"not named: {', '.join(sorted(unnamed))}"
            advice = self._advice.get(subject, _ADVICE)
            yield Gap(subject, reason, advice, len(self._issue_ids[subject]), is_private=True)

    def _note(self, subject: str, readers: _Readers, issue: Json) -> None:
        """Record the readers of an issue who could not be named, unless it is known to be open."""
        if readers.unnamed and not readers.is_everyone:
            self._unnamed.setdefault(subject, set()).update(readers.unnamed)
            self._issue_ids.setdefault(subject, set()).add(scalar_text(issue.get("id")))

    def _of_project(self, key: str, project_id: str, fields: Json) -> tuple[str, _Readers]:
        """Return the readers of a project, after the subject of their gap."""
        subject = f"readers of the project {key}"
        if {EVERY_PROJECT, key} & set(self._public_projects):
            return subject, _Readers(is_everyone=True)
        if project_id not in self._projects:
            what = "who may browse it"
            told = self._told(what, lambda: self._api.browsers(project_id))
            self._projects[project_id] = told or _unnamed(f"{what} (nobody is told)")
        known = self._projects[project_id]
        if isinstance(known, _Readers):
            self._advice[subject] = _ADVICE_FOR_UNTOLD_PROJECTS
            return subject, known
        self._advice[subject] = _ADVICE_FOR_PROJECTS
        return subject, self._all(known, project_id, fields)

    def _of_level(self, level_id: str, project_id: str, fields: Json) -> _Readers:
        if not level_id:
            return _unnamed("its members (Jira gives no id of it)")
        if level_id not in self._levels:
            self._levels[level_id] = self._told("its members", lambda: self._holders(level_id))
        known = self._levels[level_id]
        return known if isinstance(known, _Readers) else self._all(known, project_id, fields)

    def _holders(self, level_id: str) -> list[Json]:
        return [as_object(member.get("holder")) for member in self._api.level_members(level_id)]

    def _all(self, holders: list[Json], project_id: str, fields: Json) -> _Readers:
        if not holders:
            # The API lists no members for a level of a team-managed project.
            return _unnamed("its members (none are told)")
        return _union(self._of_holder(holder, project_id, fields) for holder in holders)

    def _of_holder(self, holder: Json, project_id: str, fields: Json) -> _Readers:
        """Return the people that a permission is granted to ("Permission schemes", holders)."""
        kind = scalar_text(holder.get("type"))
        value = scalar_text(holder.get("value")) or scalar_text(holder.get("parameter"))
        match kind:
            case "anyone":
                return _Readers(is_everyone=True)
            case "applicationRole" if not value:
                return _Readers(is_everyone=True)
            case "user":
                return self._user(value)
            case "group":
                return self._group(value)
            case "projectRole":
                return self._role(project_id, value)
            case "reporter" | "assignee":
                return _people(fields.get(kind))
            case "userCustomField":
                return _people(fields.get(value))
        return _unnamed(f"{kind} {value}".strip() or "a holder that Jira does not name")

    def _user(self, account_id: str) -> _Readers:
        def ask() -> _Readers:
            return _person(self._api.user(account_id))

        return self._once(("user", account_id), "a user", ask)

    def _group(self, group_id: str) -> _Readers:
        def ask() -> _Readers:
            return _people(self._api.group_members(group_id))

        return self._once(("group", group_id), f"group {group_id}", ask)

    def _role(self, project_id: str, role_id: str) -> _Readers:
        def ask() -> _Readers:
            return _union(map(self._of_actor, self._api.role_actors(project_id, role_id)))

        return self._once(("role", project_id, role_id), f"project role {role_id}", ask)

    def _of_actor(self, actor: Json) -> _Readers:
        if group_id := scalar_text(as_object(actor.get("actorGroup")).get("groupId")):
            return self._group(group_id)
        if account_id := scalar_text(as_object(actor.get("actorUser")).get("accountId")):
            return self._user(account_id)
        return _unnamed("an actor of a role that Jira does not name")

    def _once(self, key: tuple[str, ...], subject: str, ask: Callable[[], _Readers]) -> _Readers:
        if key not in self._asked:
            self._asked[key] = self._told(subject, ask)
        return self._asked[key]

    def _told(self, subject: str, ask: Callable[[], _T]) -> _T | _Readers:
        """Return an answer, or unnamed readers when the vendor refuses it.

        Raises:
            VectorAssetsError: Any other error, such as a passing one: it says nothing of readers.
        """
        try:
            return ask()
        except (CredentialsError, ContractError) as error:
            if not self._api.is_refusal(error):
                raise
            return _unnamed(f"{subject} ({error.seen[: len('HTTP 403')]})")


def _union(readers: Iterable[_Readers]) -> _Readers:
    return reduce(or_, readers, _Readers())


def _unnamed(who: str) -> _Readers:
    return _Readers(unnamed=frozenset([who]))


def _people(value: Any) -> _Readers:
    """Return the people that a field of an issue, or a listing, names."""
    return _union(map(_person, as_list(value)))


def _person(person: Any) -> _Readers:
    if email := scalar_text(as_object(person).get("emailAddress")).lower():
        return _Readers(emails=frozenset([email]))
    return _unnamed("people whose profile hides their e-mail")


def _roles(fields: Json) -> list[Json]:
    """Return the roles that an issue of a team-managed project is limited to, as holders.

    Limits of another kind, and those that cannot be read, count as well: a limited issue never
    counts as open.
    """
    restriction = fields.get("issuerestriction")
    limits = as_object(restriction).get("issuerestrictions")
    if restriction is None or (isinstance(restriction, dict) and limits is None):
        return []
    if not isinstance(limits, dict):
        return [{"type": "a limit that cannot be read"}]
    return [
        {"type": "projectRole", "value": as_object(limit).get("id")}
        if kind == "projectrole"
        else {"type": f"limit by {kind}", "value": as_object(limit).get("id")}
        for kind, of_kind in limits.items()
        for limit in as_list(of_kind)
    ]
