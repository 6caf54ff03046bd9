"""One issue, asked for by its id or key; and which issue a link or key names."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from vector_assets.core.errors import ContractError
from vector_assets.core.remembered import Remembered
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.jira.client import JiraApi
from vector_assets.sources.jira.document import instant, project_key
from vector_assets.sources.jira.jql import EVER, query, quoted
from vector_assets.sources.jira.json_values import Json, as_object, scalar_text

PROJECT_SECONDS = 60.0
"""How long it is believed that a project shows issues."""

_KEY = r"[A-Za-z][A-Za-z0-9_]+-[1-9][0-9]*"
_BARE = re.compile(_KEY)
_NATIVE_ID = re.compile(rf"[0-9]+|{_KEY}")
_PLACE = re.compile(
    rf"/(?:browse|issues|portal/[0-9]+|queues(?:/[^/]+)*|rest/api/[0-9]+/issue)/({_KEY}|[0-9]+)/?$"
)
_PARAMETERS = ("selectedIssue", "issueKey")

_ASK_FOR_ACCESS = (
    "Ask in Jira whether it was deleted. If not, give the account of JIRA_EMAIL the permission "
    '"Browse projects", and a place in the security level of the issue.'
)


class IssueProbe:
    """Asks for single issues; safe to share between threads.

    Args:
        api: Of the site.
        is_wanted: Tells whether an issue, with its project, is in a project that is read.
    """

    def __init__(self, api: JiraApi, is_wanted: Callable[[Json], bool]) -> None:
        self._api = api
        self._is_wanted = is_wanted
        self._shows_some = Remembered(self._ask_for_some, seconds=PROJECT_SECONDS)

    def __call__(self, document: Missing) -> Probed:
        """Ask for an issue: a request, and one more a project when Jira does not show it.

        Jira answers 404 for an issue that was deleted, and for one that the account may not see
        (developer.atlassian.com/cloud/jira/platform/rest/v3, "Get issue", 2026-11). Where it still
        shows others of the same project, it was deleted.

        Raises:
            CredentialsError: It shows nothing at all, as to an expired token.
        """
        name = document.document_id.partition(":")[2]
        if not _NATIVE_ID.fullmatch(name):
            return Probed(RemoteState.NOT_SHOWN, advice="This is neither an id nor a key of Jira.")
        issue = self._api.issue(name, ["updated", "project"])
        if issue is None:
            project = document.container or name.rpartition("-")[0].upper()
            is_gone = self._shows_some(project)
            state = RemoteState.DELETED if is_gone else RemoteState.NOT_SHOWN
            return Probed(state, advice=_ASK_FOR_ACCESS)
        left_out = advice = ""
        if not self._is_wanted(issue):
            key = project_key(issue)
            left_out = f"JIRA_PROJECTS leaves out its project {key}"
            advice = f"Add {key} to JIRA_PROJECTS, and read the days of its issues."
        document_id = f"jira:{scalar_text(issue.get('id')) or name}"
        return Probed(
            RemoteState.THERE,
            instant(as_object(issue.get("fields")).get("updated")),
            left_out,
            advice,
            document_id if document_id != document.document_id else "",
        )

    def _ask_for_some(self, project: str) -> bool:
        """Tell whether the account sees any issue of a project; False for no project.

        Raises:
            CredentialsError: It sees no project at all.
        """
        jql = query(EVER, "created ASC", f"project = {quoted(project)}")
        try:
            if project and any(self._api.search(jql, ["id"], maximum=1)["issues"]):
                return True
        except ContractError as error:
            if not error.seen.startswith("HTTP 400") or "'project'" not in error.seen:
                raise
        self._api.require_projects()
        return False


def document_id_in(text: str) -> str | None:
    """Return the id of the issue that a link, a key or an id names; None for anything else."""
    text = text.strip()
    if text.startswith("jira:"):
        name = text.removeprefix("jira:")
    elif text.startswith(("https://", "http://")):
        name = _name_in_link(text)
    else:
        name = text if _BARE.fullmatch(text) else ""
    if not name:
        return None
    return f"jira:{name.upper() if _BARE.fullmatch(name) else name}"


def _name_in_link(link: str) -> str:
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    asked = parse_qs(parts.query)
    for parameter in _PARAMETERS:
        for value in asked.get(parameter, ()):
            if _BARE.fullmatch(value):
                return value
    match = _PLACE.search(parts.path)
    return match[1] if match else ""
