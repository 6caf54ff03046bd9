"""Executes the part of JQL that our Jira source uses.

It knows `updated` against an instant, `project in (…)` or `=`, `level is not EMPTY`, `AND`, and
`ORDER BY` `updated` or `created`. It omits issues that the account may not browse.
"""

import re
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from zoneinfo import ZoneInfo

from vector_assets.sandbox.workspace import Json, Workspace

Place = tuple[float, int]
"""Sort key of an issue: epoch seconds of the `ORDER BY` field, then its id."""

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
    """JQL that the vendor refuses; the text is its answer."""


def select(workspace: Workspace, jql: str, *, after: Place | None = None) -> list[Json]:
    """Return the issues that a query matches and that follow a place, in the query's order.

    Raises:
        BadQueryError: The query is unbounded, or uses JQL that the sandbox does not know.
    """
    order = _ORDER.search(jql)
    is_descending = order is not None and (order["way"] or "").upper() == "DESC"
    clauses = re.split(r"\s+AND\s+", _ORDER.sub("", jql).strip(), flags=re.IGNORECASE)
    if not any(clauses):
        raise BadQueryError("Unbounded JQL queries are not allowed here.")
    unindexed = workspace.site.jira_unindexed_issue_ids
    issues = [issue for issue in visible(workspace) if issue["id"] not in unindexed]
    for clause in clauses:
        issues = _filtered(issues, clause, workspace)

    issues = sorted(issues, key=lambda issue: place(issue, jql), reverse=is_descending)
    is_after = lt if is_descending else gt
    return [issue for issue in issues if after is None or is_after(place(issue, jql), after)]


def visible(workspace: Workspace) -> list[Json]:
    """Return the issues that the account may see."""
    hidden, hidden_ids = workspace.site.jira_hidden_projects, workspace.site.jira_hidden_issue_ids
    return [
        issue
        for issue in workspace.issues
        if issue["fields"]["project"]["key"] not in hidden and issue["id"] not in hidden_ids
    ]


def place(issue: Json, jql: str) -> Place:
    """Return the sort key of an issue in a query; without `ORDER BY` it goes by last update."""
    order = _ORDER.search(jql)
    field = order["field"].lower() if order else "updated"
    return _seconds(issue, field), int(issue["id"])


def _seconds(issue: Json, field: str) -> float:
    """Return the epoch seconds of a date; 0 for what is none, so that it sorts first."""
    try:
        return datetime.fromisoformat(issue["fields"][field]).timestamp()
    except (TypeError, ValueError):
        return 0.0


def _filtered(issues: list[Json], clause: str, workspace: Workspace) -> list[Json]:
    parsed = _CLAUSE.match(clause)
    if parsed is None:
        raise BadQueryError(f"Error in the JQL Query: cannot read {clause!r}.")
    if parsed.group("limited"):
        return [issue for issue in issues if issue["fields"].get("security")]
    named = parsed.group("projects") or parsed.group("project")
    if named:
        wanted = {part.strip().strip("\"'") for part in named.split(",")}
        known = set(workspace.site.jira_projects).union(*map(_names_of_project, visible(workspace)))
        for name in sorted(wanted - known):
            raise BadQueryError(f"The value '{name}' does not exist for the field 'project'.")
        return [issue for issue in issues if wanted & _names_of_project(issue)]
    bound = _instant(parsed.group("instant"), workspace.site.jira_time_zone).timestamp()
    compare = _COMPARISONS[parsed.group("operator")]
    return [issue for issue in issues if compare(_seconds(issue, "updated"), bound)]


def _names_of_project(issue: Json) -> set[str]:
    project = issue["fields"]["project"]
    return {project["key"], project["id"], project.get("name", "")}


def _instant(text: str, time_zone: str) -> datetime:
    """Parse a JQL date: epoch milliseconds, or a time in the account's time zone."""
    bare = text.strip("\"'")
    if re.fullmatch(r"-?\d+", bare):
        return datetime.fromtimestamp(int(bare) / 1000, UTC)
    for date_format in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(bare, date_format).replace(tzinfo=ZoneInfo(time_zone))
        except ValueError:
            continue
    raise BadQueryError(f"Date value '{bare}' for field 'updated' is invalid.")


_COMPARISONS = {">=": ge, "<=": le, ">": gt, "<": lt}
