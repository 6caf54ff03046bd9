"""The part of Jira's query language that a reader of changes needs.

`updated` against an instant, `project in (…)` or `=`, `level is not EMPTY`, `AND`, and `ORDER BY`
`updated` or `created`. What the account may not browse is not there.
"""

import re
from collections.abc import Set
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from zoneinfo import ZoneInfo

from vector_assets.sandbox.workspace import Json, Workspace

Place = tuple[float, int]
"""Where an issue stands in an order: epoch seconds of the field it goes by, then its id."""

_CLAUSE = re.compile(
    r"""^(?:updated\s*(?P<operator>>=|<=|>|<)\s*(?P<instant>"[^"]+"|'[^']+'|-?\d+)
        |project\s+in\s*\((?P<projects>[^)]*)\)
        |project\s*=\s*(?P<project>\S+)
        |(?P<limited>level\s+is\s+not\s+empty))$""",
    re.IGNORECASE | re.VERBOSE,
)
_ORDER = re.compile(
    r"\s*ORDER\s+BY\s+(?P<field>updated|created)\s*(?P<way>ASC|DESC)?\s*$", re.IGNORECASE
)


class BadQueryError(ValueError):
    """JQL that the vendor would refuse; the text is what it answers."""


def select(workspace: Workspace, jql: str, *, after: Place | None = None) -> list[Json]:
    """Return the issues that a query finds, in its order.

    Args:
        workspace: Where to look.
        jql: The query.
        after: Only what stands behind this place; all when None.

    Raises:
        BadQueryError: It is unbounded, or not of the part of JQL that is served here.
    """
    order = _ORDER.search(jql)
    is_descending = order is not None and (order["way"] or "").upper() == "DESC"
    clauses = re.split(r"\s+AND\s+", _ORDER.sub("", jql).strip(), flags=re.IGNORECASE)
    if not any(clauses):
        raise BadQueryError("Unbounded JQL queries are not allowed here.")
    found = [one for one in visible(workspace) if one["id"] not in unindexed(workspace)]
    for clause in clauses:
        found = _filtered(found, clause, workspace)

    def place_of(issue: Json) -> Place:
        return place(issue, jql)

    found = sorted(found, key=place_of, reverse=is_descending)
    if after is None:
        return found
    return [
        one for one in found if (place_of(one) < after if is_descending else place_of(one) > after)
    ]


def visible(workspace: Workspace) -> list[Json]:
    """Return the issues of the projects that the account may browse."""
    hidden = workspace.site.jira_hidden_projects
    return [one for one in workspace.issues if one["fields"]["project"]["key"] not in hidden]


def unindexed(workspace: Workspace) -> Set[str]:
    """Return the ids of the issues that are there, and that the search does not show yet."""
    return set(workspace.site.jira_unindexed_issue_ids)


def place(issue: Json, jql: str) -> Place:
    """Return where an issue stands in the order of a query; by its last update when it has none."""
    order = _ORDER.search(jql)
    field = order["field"].lower() if order else "updated"
    return _seconds(issue, field), int(issue["id"])


def _seconds(issue: Json, field: str) -> float:
    return datetime.fromisoformat(issue["fields"][field]).timestamp()


def _filtered(issues: list[Json], clause: str, workspace: Workspace) -> list[Json]:
    parsed = _CLAUSE.match(clause)
    if parsed is None:
        raise BadQueryError(f"Error in the JQL Query: cannot read {clause!r}.")
    if parsed.group("limited"):
        return [issue for issue in issues if issue["fields"].get("security")]
    named = parsed.group("projects") or parsed.group("project")
    if named:
        wanted = {part.strip().strip("\"'") for part in named.split(",")}
        _require_projects(wanted, workspace)
        return [issue for issue in issues if wanted & _names_of_project(issue)]
    bound = _instant(parsed.group("instant"), workspace.site.jira_time_zone).timestamp()
    compare = _COMPARISONS[parsed.group("operator")]
    return [issue for issue in issues if compare(_seconds(issue, "updated"), bound)]


def _require_projects(wanted: Set[str], workspace: Workspace) -> None:
    known = set(workspace.site.jira_projects).union(*map(_names_of_project, visible(workspace)))
    for name in sorted(wanted - known):
        raise BadQueryError(f"The value '{name}' does not exist for the field 'project'.")


def _names_of_project(issue: Json) -> set[str]:
    project = issue["fields"]["project"]
    return {project["key"], project["id"], project.get("name", "")}


def _instant(text: str, time_zone: str) -> datetime:
    """Return what JQL means by a date: epoch milliseconds, or a time of the account's zone."""
    bare = text.strip("\"'")
    if re.fullmatch(r"-?\d+", bare):
        return datetime.fromtimestamp(int(bare) / 1000, UTC)
    for shape in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(bare, shape).replace(tzinfo=ZoneInfo(time_zone))
        except ValueError:
            continue
    raise BadQueryError(f"Date value '{bare}' for field 'updated' is invalid.")


_COMPARISONS = {">=": ge, "<=": le, ">": gt, "<": lt}
