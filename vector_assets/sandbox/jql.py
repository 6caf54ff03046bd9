"""The part of Jira's query language that a reader of changes needs.

`updated` against an instant, `project in (…)` or `=`, `AND`, and `ORDER BY updated`.
Keep out: HTTP (`jira.py`).
"""

import re
from collections.abc import Set
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from zoneinfo import ZoneInfo

from vector_assets.sandbox.workspace import Json, Workspace

Place = tuple[float, int]
"""Where an issue stands in every order here: epoch seconds of its last update, then its id."""

_CLAUSE = re.compile(
    r"""^(?:updated\s*(?P<operator>>=|<=|>|<)\s*(?P<instant>"[^"]+"|'[^']+'|-?\d+)
        |project\s+in\s*\((?P<projects>[^)]*)\)
        |project\s*=\s*(?P<project>\S+))$""",
    re.IGNORECASE | re.VERBOSE,
)
_ORDER = re.compile(r"\s*ORDER\s+BY\s+updated\s*(ASC|DESC)?\s*$", re.IGNORECASE)


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
    is_descending = order is not None and (order.group(1) or "").upper() == "DESC"
    clauses = re.split(r"\s+AND\s+", _ORDER.sub("", jql).strip(), flags=re.IGNORECASE)
    if not any(clauses):
        raise BadQueryError("Unbounded JQL queries are not allowed here.")
    found = list(workspace.issues)
    for clause in clauses:
        found = _filtered(found, clause, workspace)
    found = sorted(found, key=place, reverse=is_descending)
    if after is not None:
        found = [
            one for one in found if (place(one) < after if is_descending else place(one) > after)
        ]
    return found


def place(issue: Json) -> Place:
    """Return where an issue stands when ordered by its last update."""
    return datetime.fromisoformat(issue["fields"]["updated"]).timestamp(), int(issue["id"])


def _filtered(issues: list[Json], clause: str, workspace: Workspace) -> list[Json]:
    parsed = _CLAUSE.match(clause)
    if parsed is None:
        raise BadQueryError(f"Error in the JQL Query: cannot read {clause!r}.")
    named = parsed.group("projects") or parsed.group("project")
    if named:
        wanted = {part.strip().strip("\"'") for part in named.split(",")}
        _require_projects(wanted, workspace)
        return [issue for issue in issues if wanted & _names_of_project(issue)]
    bound = _instant(parsed.group("instant"), workspace.site.jira_time_zone).timestamp()
    compare = _COMPARISONS[parsed.group("operator")]
    return [issue for issue in issues if compare(place(issue)[0], bound)]


def _require_projects(wanted: Set[str], workspace: Workspace) -> None:
    known = set().union(*map(_names_of_project, workspace.issues))
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
