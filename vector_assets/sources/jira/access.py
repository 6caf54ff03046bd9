"""Who may read an issue, as far as Jira tells the account.

The readers of an issue may browse its project, and pass its security level or, in a team-managed
project, its roles. A project is open when every logged-in user may browse it, when
JIRA_PUBLIC_PROJECTS names it, and when Jira does not tell the account who may, which a `Gap`
reports. A limited issue's `access` holds the e-mails of its readers; a `Gap` reports readers who
cannot be named, and who therefore do not find it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TypeVar

from vector_assets.core.documents import PUBLIC, RESTRICTED
from vector_assets.core.errors import ContractError, CredentialsError
from vector_assets.sources.items import Gap
from vector_assets.sources.jira.client import JiraApi
from vector_assets.sources.jira.fields import Json

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
    "Its issues are taken for open to everyone who may search. Name it in JIRA_PUBLIC_PROJECTS if "
    "that is right; if not, give the account the permission to administer the project, or leave "
    "it out of JIRA_PROJECTS."
)
EVERY_PROJECT = "*"
"""In JIRA_PUBLIC_PROJECTS: every project that the account may browse is open."""


@dataclass(frozen=True, slots=True)
class _Readers:
    """A set of people, as far as they could be named.

    Attributes:
        emails: In lower case.
        unnamed: What could not be turned into e-mails, and why.
        is_everyone: Whether it is everyone on the site.
        is_assumed: Whether everyone is assumed because Jira does not tell.
    """

    emails: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()
    is_everyone: bool = False
    is_assumed: bool = False

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

    def access_of(self, issue: Json) -> tuple[str, ...]:
        """Return an issue's `Document.access`.

        Args:
            issue: With the fields `security`, `issuerestriction`, `project`, and those of people.
        """
        fields = issue["fields"]
        level, roles = fields.get("security"), _roles(fields)
        readers = self._of_project(fields)
        self._note(_of_the_project(fields), readers, issue)
        if level:
            limited = self._of_level(str(level["id"]), fields)
            self._note(f"readers of the security level {level.get('name')}", limited, issue)
            readers &= limited
        elif roles:
            limited = self._all(roles, fields)
            subject = f"readers of issues limited to roles in {fields['project']['key']}"
            self._note(subject, limited, issue)
            readers &= limited
        return (PUBLIC,) if readers.is_everyone else (RESTRICTED, *sorted(readers.emails))

    def is_open(self, key: str, project_id: str) -> bool:
        """Tell whether everyone may browse a project."""
        readers = self._of_project({"project": {"key": key, "id": project_id}})
        return readers.is_everyone

    def gaps(self) -> Iterator[Gap]:
        """Yield a gap for each level, and each project, whose readers could not all be named."""
        for subject, unnamed in self._unnamed.items():
            reason = f"not named: {', '.join(sorted(unnamed))}"
            advice = self._advice.get(subject, _ADVICE)
            yield Gap(subject, reason, advice, len(self._issue_ids[subject]), is_private=True)

    def _note(self, subject: str, readers: _Readers, issue: Json) -> None:
        """Record the readers of an issue who could not be named, unless it is known to be open."""
        if readers.unnamed and (readers.is_assumed or not readers.is_everyone):
            self._unnamed.setdefault(subject, set()).update(readers.unnamed)
            self._issue_ids.setdefault(subject, set()).add(str(issue["id"]))

    def _of_project(self, fields: Json) -> _Readers:
        key, project_id = str(fields["project"]["key"]), str(fields["project"]["id"])
        if {EVERY_PROJECT, key} & set(self._public_projects):
            return _Readers(is_everyone=True)
        if project_id not in self._projects:
            what = "who may browse it"
            told = _told(what, lambda: self._api.browsers(project_id))
            nobody = _Readers(unnamed=frozenset([f"{what} (nobody is told)"]))
            self._projects[project_id] = told or nobody
        known = self._projects[project_id]
        if isinstance(known, _Readers):
            self._advice[_of_the_project(fields)] = _ADVICE_FOR_UNTOLD_PROJECTS
            return replace(known, is_everyone=True, is_assumed=True)
        self._advice[_of_the_project(fields)] = _ADVICE_FOR_PROJECTS
        return self._all(known, fields)

    def _of_level(self, level_id: str, fields: Json) -> _Readers:
        if level_id not in self._levels:
            self._levels[level_id] = _told("its members", lambda: self._holders(level_id))
        known = self._levels[level_id]
        return known if isinstance(known, _Readers) else self._all(known, fields)

    def _holders(self, level_id: str) -> list[Json]:
        return [member["holder"] for member in self._api.level_members(level_id)]

    def _all(self, holders: list[Json], fields: Json) -> _Readers:
        if not holders:
            # The API lists no members for a level of a team-managed project.
            return _Readers(unnamed=frozenset(["its members (none are told)"]))
        return _union(self._of_holder(holder, fields) for holder in holders)

    def _of_holder(self, holder: Json, fields: Json) -> _Readers:
        """Return the people that a permission is granted to ("Permission schemes", holders)."""
        kind, value = str(holder["type"]), str(holder.get("value") or holder.get("parameter") or "")
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
                return self._role(str(fields["project"]["id"]), value)
            case "reporter" | "assignee":
                return self._people(fields.get(kind))
            case "userCustomField":
                return self._people(fields.get(value))
        return _Readers(unnamed=frozenset([f"{kind} {value}".strip()]))

    def _people(self, value: Json | list[Json] | None) -> _Readers:
        """Return the people that a field of an issue names."""
        return _union(map(_person, value if isinstance(value, list) else filter(None, [value])))

    def _user(self, account_id: str) -> _Readers:
        def ask() -> _Readers:
            return _person(self._api.user(account_id))

        return self._once(("user", account_id), "a user", ask)

    def _group(self, group_id: str) -> _Readers:
        def ask() -> _Readers:
            return self._people(self._api.group_members(group_id))

        return self._once(("group", group_id), f"group {group_id}", ask)

    def _role(self, project_id: str, role_id: str) -> _Readers:
        def ask() -> _Readers:
            return _union(
                self._group(str(actor["actorGroup"]["groupId"]))
                if actor.get("actorGroup")
                else self._user(str(actor["actorUser"]["accountId"]))
                for actor in self._api.role_actors(project_id, role_id)
            )

        return self._once(("role", project_id, role_id), f"project role {role_id}", ask)

    def _once(self, key: tuple[str, ...], subject: str, ask: Callable[[], _Readers]) -> _Readers:
        if key not in self._asked:
            self._asked[key] = _told(subject, ask)
        return self._asked[key]


def _told(subject: str, ask: Callable[[], _T]) -> _T | _Readers:
    """Return an answer, or unnamed readers when the vendor answers 403 or 404."""
    try:
        return ask()
    except (CredentialsError, ContractError) as error:
        status = error.seen[: len("HTTP 403")]
        if error.seen != "HTTP 403" and status != "HTTP 404":
            raise
        return _Readers(unnamed=frozenset([f"{subject} ({status})"]))


def _union(readers: Iterable[_Readers]) -> _Readers:
    return reduce(or_, readers, _Readers())


def _of_the_project(fields: Json) -> str:
    return f"readers of the project {fields['project']['key']}"


def _person(person: Json) -> _Readers:
    if email := str(person.get("emailAddress") or "").lower():
        return _Readers(emails=frozenset([email]))
    return _Readers(unnamed=frozenset(["people whose profile hides their e-mail"]))


def _roles(fields: Json) -> list[Json]:
    """Return the roles that an issue of a team-managed project is limited to, as holders.

    Limits of another kind count as well, so that a limited issue never counts as open.
    """
    limits = (fields.get("issuerestriction") or {}).get("issuerestrictions") or {}
    return [
        {"type": "projectRole" if kind == "projectrole" else kind, "value": str(limit.get("id"))}
        for kind, of_kind in limits.items()
        for limit in of_kind
    ]
