"""One issue asked for by id or key, and the links that people paste."""

from datetime import timedelta

import pytest

from vector_assets.core.errors import CredentialsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.jira.source import JiraSource
from vector_assets_tests.sources.jira.issues import FIRST, issue

ISSUE = "/jira/rest/api/3/issue"


def source(sandbox: Sandbox, **changes: str) -> JiraSource:
    values = {k.lower(): v for k, v in sandbox.environment.items()} | changes
    return JiraSource.from_settings(Settings.model_validate(values), Meter())


def probe(jira: JiraSource, document_id: str = "jira:10001", container: str = "HAR") -> Probed:
    return jira.probe(Missing(document_id, container, FIRST))


def test_an_issue_that_is_there_tells_its_last_update_by_one_request(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2)]
    jira = source(sandbox)
    assert probe(jira) == Probed(RemoteState.THERE, FIRST + timedelta(minutes=1))
    later = FIRST + timedelta(days=3)
    sandbox.workspace.issues[0] = issue(1, updated=later)
    assert probe(jira).updated_at == later
    assert sandbox.faults.requests() == {f"GET {ISSUE}/10001": 2}


def test_a_key_is_completed_to_the_id_of_the_index(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    probed = probe(source(sandbox), "jira:HAR-1", "")
    assert (probed.state, probed.document_id) == (RemoteState.THERE, "jira:10001")


def test_deleted_issues_of_a_project_cost_a_request_each_and_one_for_the_project(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.issues = [issue(9)]
    jira = source(sandbox)
    for number in range(4):
        assert probe(jira, f"jira:1000{number}").state is RemoteState.DELETED
    assert probe(jira, "jira:HAR-1", "").state is RemoteState.DELETED
    assert sandbox.faults.requests("/jira").total() == 5 + 1


def test_issues_of_a_project_that_shows_none_are_not_shown(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="OPS")]
    sandbox.workspace.site.jira_hidden_projects = ["HAR"]
    probed = probe(source(sandbox))
    assert probed.state is RemoteState.NOT_SHOWN
    assert "Browse projects" in probed.advice


def test_an_account_that_sees_no_project_says_nothing_about_an_issue(sandbox: Sandbox) -> None:
    with pytest.raises(CredentialsError, match="sees no project"):
        probe(source(sandbox))


def test_a_project_that_the_settings_leave_out_is_named(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    probed = probe(source(sandbox, jira_projects="OPS"))
    assert probed.state is RemoteState.THERE
    assert probed.left_out == "JIRA_PROJECTS leaves out its project HAR"
    assert "Add HAR" in probed.advice


def test_what_is_no_id_is_not_sent(sandbox: Sandbox) -> None:
    assert probe(source(sandbox), "jira:../field", "").state is RemoteState.NOT_SHOWN
    assert not sandbox.faults.log


SITE = "https://acme.atlassian.net"


@pytest.mark.parametrize(
    ("text", "document_id"),
    [
        ("jira:10001", "jira:10001"),
        ("jira:ops-1", "jira:OPS-1"),
        ("OPS-1", "jira:OPS-1"),
        (" ops-12 ", "jira:OPS-12"),
        (f"{SITE}/browse/OPS-1", "jira:OPS-1"),
        (f"{SITE}/browse/OPS-1?focusedCommentId=5001#comment-5001", "jira:OPS-1"),
        (f"{SITE}/jira/software/c/projects/OPS/boards/3?selectedIssue=OPS-7", "jira:OPS-7"),
        (f"{SITE}/jira/software/c/projects/OPS/issues/OPS-7?jql=text", "jira:OPS-7"),
        (f"{SITE}/issues/OPS-7/", "jira:OPS-7"),
        (f"{SITE}/jira/servicedesk/projects/OPS/queues/custom/12/OPS-8", "jira:OPS-8"),
        (f"{SITE}/servicedesk/customer/portal/2/OPS-8", "jira:OPS-8"),
        (f"{SITE}/rest/api/3/issue/10001", "jira:10001"),
        ("http://127.0.0.1:9/jira/browse/OPS-1", "jira:OPS-1"),
        (f"{SITE}/jira/software/c/projects/OPS/boards/3", None),
        (f"{SITE}/wiki/spaces/OPS/pages/12", None),
        ("https://github.com/acme/OPS-1", None),
        ("https://[broken/browse/OPS-1", None),
        ("10001", None),
        ("jira:", None),
        ("Which port does OPS-1 use?", None),
        ("slack:C012AB3CD", None),
        ("", None),
    ],
)
def test_a_link_a_key_or_an_id_names_an_issue(text: str, document_id: str | None) -> None:
    assert JiraSource.document_id_of(text) == document_id
