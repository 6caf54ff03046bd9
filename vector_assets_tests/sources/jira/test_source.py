"""The Jira source over real HTTP, against a sandbox that has the vendor's traps."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources.http import requests_retries as http_retries
from vector_assets.sources.items import Checkpoint, DocumentFailure, Gap, SourceItem
from vector_assets.sources.jira.source import JiraSource
from vector_assets_tests.sources.jira.issues import (
    AGILE,
    FIRST,
    SYSTEM,
    Json,
    adf,
    comment,
    custom_field,
    issue,
    lost_words,
    person,
    reference,
    stamp,
)
from vector_assets_tests.support.tiny import utc

SEARCH = "/jira/rest/api/3/search/jql"
EVER = Window(utc("2000-01-01"), None)


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after one repeat, so that a test of giving up is quick."""
    monkeypatch.setattr(http_retries, "_ATTEMPTS", 1)


def source(sandbox: Sandbox, **changes: str) -> JiraSource:
    values = {k.lower(): v for k, v in sandbox.environment.items()} | changes
    return JiraSource.from_settings(Settings.model_validate(values), Meter())


def documents(items: list[SourceItem]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def keys(sandbox: Sandbox, window: Window = EVER, **changes: str) -> list[object]:
    items = list(source(sandbox, **changes).documents(window))
    return [document.extra["issue_key"] for document in documents(items)]


def gaps(items: list[SourceItem]) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap)]


def texts(document: Document) -> list[str]:
    return [
        document.title,
        *(part for section in document.sections for part in (section.heading, section.text)),
    ]


def details(document: Document) -> list[str]:
    return document.sections[0].text.splitlines()


def only(sandbox: Sandbox) -> Document:
    [document] = documents(list(source(sandbox).documents(EVER)))
    return document


# The window


def test_the_search_lags_so_a_night_looks_back_12_hours_and_finds_what_the_last_one_missed(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.issues = [issue(1, updated=utc("2026-03-02T12:30"))]
    sandbox.workspace.site.jira_unindexed_issue_ids = ["10001"]
    sandbox.workspace.site.jira_projects = ["HAR"]
    second, third = (
        Window.of_days(day, day, overlap=JiraSource.overlap, now=utc("2026-03-09"))
        for day in (utc("2026-03-02").date(), utc("2026-03-03").date())
    )
    assert keys(sandbox, second) == []
    sandbox.workspace.site.jira_unindexed_issue_ids = []
    assert keys(sandbox, third) == ["HAR-1"]


def test_paging_goes_by_token_so_that_every_item_comes_once(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(1050)]
    issue_keys = keys(sandbox)
    assert sorted(map(str, issue_keys)) == sorted(f"HAR-{n}" for n in range(1050))
    assert sandbox.faults.requests() == {
        "GET /jira/rest/api/3/serverInfo": 1,
        "GET /jira/rest/api/3/field": 1,
        f"POST {SEARCH}": 12,  # one for what was edited meanwhile
        "GET /jira/rest/api/3/project/93/permissionscheme": 1,
    }


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_accounts_in_any_time_zone_see_the_same_issues_for_bounds_are_no_dates(
    sandbox: Sandbox, zone: str
) -> None:
    sandbox.workspace.site.jira_time_zone = zone
    sandbox.workspace.issues = [
        issue(1, updated=utc("2026-03-01T23:59:59.999")),
        issue(2, updated=utc("2026-03-02T00:00")),
        issue(3, updated=utc("2026-03-02T23:59:59.999")),
        issue(4, updated=utc("2026-03-03T00:00")),
    ]
    assert keys(sandbox, Window(utc("2026-03-02"), utc("2026-03-03"))) == ["HAR-3", "HAR-2"]


def test_an_issue_that_is_edited_every_minute_lands(sandbox: Sandbox) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    window = Window.of_days(yesterday, yesterday, overlap=JiraSource.overlap, now=datetime.now(UTC))
    sandbox.workspace.issues = [issue(1, updated=datetime.now(UTC) + timedelta(minutes=1))]
    assert keys(sandbox, window) == ["HAR-1"]


def test_an_issue_that_is_edited_while_it_is_listed_comes_as_it_stands_then(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(550)]
    listing = source(sandbox).documents(EVER)
    first = next(listing)
    # Neither is where it was: one moves to the front unread, the other was read already.
    later = FIRST + timedelta(days=1)
    for number in (0, 549):
        sandbox.workspace.issues[number] = issue(number, updated=later, summary="Edited")
    yielded = documents([first, *listing])
    assert [document.title for document in yielded if document.native_id == "10000"] == [
        "HAR-0 Edited"
    ]
    assert [document.title for document in yielded if document.native_id == "10549"] == [
        "HAR-549 Issue 549",
        "HAR-549 Edited",
    ]
    assert {document.native_id for document in yielded} == {str(10_000 + n) for n in range(550)}


def test_issues_come_newest_first_and_a_checkpoint_follows_each_page(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(n) for n in reversed(range(120))]
    items = list(source(sandbox).documents(EVER))
    assert [item.updated_at for item in documents(items)] == [
        FIRST + timedelta(minutes=n) for n in reversed(range(120))
    ]
    assert [(place, item.since) for place, item in enumerate(items)
            if isinstance(item, Checkpoint)] == [
        (100, FIRST + timedelta(minutes=20, microseconds=1)),
        (121, FIRST + timedelta(microseconds=1)),
    ]  # fmt: skip


def test_only_the_projects_that_are_named_are_read(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY"), issue(3, project="MOLE")]
    assert keys(sandbox, jira_projects="HAR,MOLE") == ["MOLE-3", "HAR-1"]


def test_a_project_that_does_not_exist_is_named_and_is_no_empty_night(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    with pytest.raises(SettingsError, match=r"JIRA_PROJECTS is HAR,TYPO.*'TYPO' does not exist"):
        keys(sandbox, jira_projects="HAR,TYPO")


def test_every_issue_of_the_real_data_is_found_once(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    sandbox = serve(workspace)
    items = list(source(sandbox).documents(EVER))
    yielded = documents(items)
    assert sorted(document.native_id for document in yielded) == sorted(
        issue["id"] for issue in workspace.issues
    )
    assert not [item for item in items if isinstance(item, DocumentFailure | Gap)]
    assert list(source(sandbox).ids(EVER)) == [
        f"jira:{issue['id']}"
        for issue in sorted(
            workspace.issues, key=lambda issue: (issue["fields"]["created"], issue["id"])
        )
    ]


def test_no_word_of_the_real_data_is_lost(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    by_id = {
        document.native_id: document
        for document in documents(list(source(serve(workspace)).documents(EVER)))
    }
    lost = {
        raw["key"]: dict(missing)
        for raw in workspace.issues
        if (missing := lost_words(raw, texts(by_id[raw["id"]])))
    }
    assert lost == {}


# The document


def test_an_issue_reads_as_a_document(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [
        issue(
            41,
            summary="Labels print blank",
            labels=["labels", "norway"],
            components=[{"name": "Printing"}],
            versions=[{"name": "2026.1"}, {"name": "2026.2"}],
            fixVersions=[{"name": "2026.3"}],
            resolution={"name": "Done"},
            duedate="2026-03-09",
            subtasks=[reference(issue(50, summary="Buy paper"))],
            assignee={"displayName": "Cy Oh"},
            parent=reference(issue(7, summary="Parcels abroad")),
            environment="Depot printers",
            attachment=[
                {"id": "1", "filename": "label.pdf"},
                {"id": "2", "filename": "printer.log"},
            ],
            issuelinks=[
                {
                    "id": "1",
                    "type": {"inward": "is blocked by", "outward": "blocks"},
                    "inwardIssue": reference(issue(9, summary="New printers")),
                },
                {
                    "id": "2",
                    "type": {"inward": "is cloned by", "outward": "clones"},
                    "outwardIssue": reference(issue(8, summary="Old labels")),
                },
            ],
            comments=(comment(1, "Seen in Bergen too."),),
        ),
        *(issue(number, updated=FIRST) for number in (7, 8, 9, 50)),
    ]
    document = documents(list(source(sandbox).documents(EVER)))[0]
    assert (document.id, document.title) == ("jira:10041", "HAR-41 Labels print blank")
    assert (document.container, document.authors) == ("HAR", ("Ann Lee", "Bo Ek"))
    assert document.url == f"{sandbox.url}/jira/browse/HAR-41"
    assert document.updated_at == FIRST + timedelta(minutes=41)
    assert document.created_at == FIRST - timedelta(days=1)
    assert document.extra == {
        "issue_key": "HAR-41",
        "status": "In Progress",
        "issue_type": "Bug",
        "priority": "High",
        "assignee": "Cy Oh",
        "labels": ["labels", "norway"],
    }
    assert document.sections[0].heading == "Details"
    assert details(document) == [
        "- Type: Bug",
        "- Status: In Progress",
        "- Priority: High",
        "- Resolution: Done",
        "- Project: Project HAR",
        "- Components: Printing",
        "- Affects versions: 2026.1, 2026.2",
        "- Fix versions: 2026.3",
        "- Labels: labels, norway",
        "- Due: 2026-03-09",
        "- Assignee: Cy Oh",
        "- Reporter: Ann Lee",
        "- Parent: HAR-7 Parcels abroad",
        "- Sub-tasks: HAR-50 Buy paper",
        "- Links: is blocked by HAR-9 New printers; clones HAR-8 Old labels",
        "- Attachments: label.pdf, printer.log",
    ]
    assert [(section.heading, section.text, section.url) for section in document.sections[1:]] == [
        ("Description", "Words of issue 41.", ""),
        ("Environment", "Depot printers", ""),
        (
            "Comment by Bo Ek, 2026-03-02 10:01",
            "Seen in Bergen too.",
            f"{document.url}?focusedCommentId=5001",
        ),
    ]


def test_an_issue_that_moves_to_another_project_stays_one_document_with_its_new_key_and_link(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.issues = [issue(1)]
    before = only(sandbox)
    sandbox.workspace.issues = [issue(1, project="QUAY")]
    after = only(sandbox)
    assert (before.id, before.extra["issue_key"]) == ("jira:10001", "HAR-1")
    assert (after.id, after.extra["issue_key"]) == ("jira:10001", "QUAY-1")
    assert (after.container, after.title) == ("QUAY", "QUAY-1 Issue 1")
    assert after.url == f"{sandbox.url}/jira/browse/QUAY-1"


CUSTOM_FIELDS: list[tuple[str, Json, object, str]] = [
    ("a line of text", custom_field(1, "Carrier", "string", f"{SYSTEM}:textfield"),
     "Bring", "- Carrier: Bring"),
    ("a text area of one paragraph", custom_field(1, "Cause", "string", f"{SYSTEM}:textarea"),
     adf("Wrong port."), "- Cause: Wrong port."),
    ("a choice", custom_field(1, "Team", "option", f"{SYSTEM}:select"),
     {"id": "1", "value": "Depot"}, "- Team: Depot"),
    ("a choice and one below it", custom_field(1, "Site", "option-with-child",
     f"{SYSTEM}:cascadingselect"), {"value": "Norway", "child": {"value": "Bergen"}},
     "- Site: Norway > Bergen"),
    ("several choices", custom_field(1, "Ports", "array of option", f"{SYSTEM}:multiselect"),
     [{"value": "Oslo"}, {"value": "Bergen"}], "- Ports: Oslo, Bergen"),
    ("labels", custom_field(1, "Tags", "array of string", f"{SYSTEM}:labels"),
     ["a", "b"], "- Tags: a, b"),
    ("a whole number", custom_field(1, "Story Points", "number", f"{SYSTEM}:float"),
     5.0, "- Story Points: 5"),
    ("a fraction", custom_field(1, "Weight", "number", f"{SYSTEM}:float"), 2.5, "- Weight: 2.5"),
    ("nought", custom_field(1, "Damages", "number", f"{SYSTEM}:float"), 0.0, "- Damages: 0"),
    ("a day", custom_field(1, "Launch", "date", f"{SYSTEM}:datepicker"),
     "2026-05-01", "- Launch: 2026-05-01"),
    ("a time, in UTC", custom_field(1, "Seen at", "datetime", f"{SYSTEM}:datetime"),
     "2026-03-02T23:30:00.000-0800", "- Seen at: 2026-03-03 07:30"),
    ("a person", custom_field(1, "Tester", "user", f"{SYSTEM}:userpicker"),
     person("dee", None), "- Tester: Dee"),
    ("several people", custom_field(1, "Testers", "array of user", f"{SYSTEM}:multiuserpicker"),
     [person("dee", None), person("eve", None)], "- Testers: Dee, Eve"),
    ("a group", custom_field(1, "Crew", "group", f"{SYSTEM}:grouppicker"),
     {"name": "drivers", "groupId": "g1"}, "- Crew: drivers"),
    ("a version", custom_field(1, "Found in", "version", f"{SYSTEM}:version"),
     {"id": "1", "name": "2026.1"}, "- Found in: 2026.1"),
    ("the epic of a classic project", custom_field(1, "Epic Link", "any", f"{AGILE}:gh-epic-link"),
     "HAR-7", "- Epic Link: HAR-7"),
    ("a sprint", custom_field(1, "Sprint", "array of json", f"{AGILE}:gh-sprint"),
     [{"id": 4, "name": "Spring tide", "state": "active"}], "- Sprint: Spring tide"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [(field, value, line) for _, field, value, line in CUSTOM_FIELDS],
    ids=[name for name, *_ in CUSTOM_FIELDS],
)
def test_a_field_of_the_sites_own_is_read_by_its_name(
    sandbox: Sandbox, field: Json, value: object, line: str
) -> None:
    sandbox.workspace.site.jira_custom_fields = [field]
    sandbox.workspace.issues = [issue(1, customfield_1=value)]
    assert details(only(sandbox))[-1] == line


def test_a_long_text_of_the_sites_own_is_a_section_under_its_name(sandbox: Sandbox) -> None:
    field = custom_field(1, "Acceptance criteria", "string", f"{SYSTEM}:textarea")
    sandbox.workspace.site.jira_custom_fields = [field]
    sandbox.workspace.issues = [issue(1, customfield_1=adf("It prints.", "It cuts."))]
    assert [(section.heading, section.text) for section in only(sandbox).sections[1:]] == [
        ("Description", "Words of issue 1."),
        ("Acceptance criteria", "It prints.\n\nIt cuts."),
    ]


REQUEST_TYPE = custom_field(1, "Request Type", "sd-customerrequesttype",
                            "com.atlassian.servicedesk:vp-origin")  # fmt: skip
PARENT_LINK = custom_field(1, "Parent Link", "any", "com.atlassian.jpo:jpo-custom-field-parent")
ASSETS = custom_field(1, "Laptop", "array of cmdb-object-field",
                      "com.atlassian.jira.plugins.cmdb:cmdb-object-cftype")  # fmt: skip

OBJECTS_WITHOUT_A_NAME: list[tuple[str, Json, object, list[str]]] = [
    ("the type of a request, and its status in the portal", REQUEST_TYPE,
     {"_links": {"web": "https://a.example/servicedesk/customer/portal/2/HAR-1"},
      "requestType": {"id": "72", "name": "Get hardware help", "portalId": "2"},
      "currentStatus": {"status": "Waiting for vendor", "statusCategory": "INDETERMINATE"}},
     ["- Request Type: Get hardware help", "- Status in the portal: Waiting for vendor"]),
    ("a request without a status", REQUEST_TYPE, {"requestType": {"name": "Get help"}},
     ["- Request Type: Get help"]),
    ("a request whose type is gone", REQUEST_TYPE,
     {"requestType": None, "currentStatus": {"status": "Done"}}, ["- Status in the portal: Done"]),
    ("a rating", custom_field(1, "Satisfaction", "sd-feedback",
     "com.atlassian.servicedesk:sd-request-feedback"), {"rating": 4}, ["- Satisfaction: 4"]),
    ("a rating with words", custom_field(1, "Satisfaction", "sd-feedback",
     "com.atlassian.servicedesk:sd-request-feedback"), {"rating": 4, "comment": "Quick help"},
     ["- Satisfaction: rating: 4; comment: Quick help"]),
    ("objects of Assets", ASSETS, [{"workspaceId": "w", "id": "w:7", "objectId": "7",
     "label": "MacBook 14", "objectKey": "IT-7"}, {"objectId": "8", "label": "Dock"}],
     ["- Laptop: MacBook 14 (IT-7), Dock"]),
    ("approvals", custom_field(1, "Approvals", "sd-approvals",
     "com.atlassian.servicedesk.approvals-plugin:sd-approvals"), [{"id": "1", "name": "Board",
     "finalDecision": "approved", "canAnswerApproval": False, "approvers": [
     {"approver": person("dee", None), "approverDecision": "approved"}, {"approver": None}]}],
     ["- Approvals: Board; approved; Dee: approved"]),
    ("an object of an app", custom_field(1, "Berth", "object", "com.example:berth"),
     {"id": "9", "self": "https://a.example/9", "quay": "North", "at": {"pier": 3, "deep": True}},
     ["- Berth: quay: North; at: pier: 3; deep: yes"]),
    ("a parent of a plan", PARENT_LINK, {"hasEpicLinkFieldDependency": False, "showField": True,
     "data": {"id": 7, "key": "HAR-7", "summary": "Sell the pier"}}, ["- Parent Link: HAR-7"]),
    ("a parent that a plan lacks", PARENT_LINK, {"hasEpicLinkFieldDependency": False,
     "showField": False, "nonEditableReason": {"reason": "PLUGIN_LICENSE_ERROR",
     "message": "Only for Premium."}}, []),
    ("an issue that an app picks", custom_field(1, "Cause", "object", "com.example:pick"),
     {"key": "HAR-7", "fields": {"summary": "Sell the pier"}}, ["- Cause: HAR-7"]),
    ("choices within choices", custom_field(1, "Site", "option-with-child", f"{SYSTEM}:x"),
     {"value": "Norway", "child": {"value": "Bergen", "child": {"value": "Quay"}}},
     ["- Site: Norway > Bergen > Quay"]),
    ("a parent of a plan without its key", PARENT_LINK, {"hasEpicLinkFieldDependency": False,
     "showField": True, "data": {"id": 7, "summary": "Sell the pier"}}, ["- Parent Link: issue 7"]),
    ("issues that an app picks by id", custom_field(1, "Cause", "array", "com.example:pick"),
     [{"id": "7", "fields": {"summary": "Sell the pier"}}, {"issueId": 8, "summary": "Sell"},
      {"issue": {"key": "HAR-9", "summary": "Sell"}}], ["- Cause: issue 7, issue 8, HAR-9"]),
    ("a choice within none", custom_field(1, "Site", "option-with-child", f"{SYSTEM}:x"),
     {"value": None, "child": {"value": "Bergen"}}, ["- Site: Bergen"]),
    ("a paragraph that is no document", custom_field(1, "Cause", "any", "com.example:text"),
     adf("Rust.")["content"][0], ["- Cause: Rust."]),
    ("an interval", custom_field(1, "Start", "string", "jira.polaris:interval"),
     '{"start":"2026-01-01","end":"2026-03-31"}', ["- Start: 2026-01-01 to 2026-03-31"]),
    ("a mention in older mark-up", custom_field(1, "Ask", "string", f"{SYSTEM}:textfield"),
     "[~accountid:a1] knows", ["- Ask: @Ann Lee knows"]),
    ("a very great number", custom_field(1, "Weight", "number", f"{SYSTEM}:float"), 1e300,
     ["- Weight: 1e+300"]),
    ("a sprint as text", custom_field(1, "Sprint", "array of string", f"{AGILE}:gh-sprint"),
     ["com.atlassian.greenhopper.service.sprint.Sprint@1f3[id=1,state=ACTIVE,name=Spring,goal=]"],
     ["- Sprint: Spring"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "lines"),
    [(field, value, lines) for _, field, value, lines in OBJECTS_WITHOUT_A_NAME],
    ids=[name for name, *_ in OBJECTS_WITHOUT_A_NAME],
)
def test_an_object_without_a_name_reads_as_people_see_it(
    sandbox: Sandbox, field: Json, value: object, lines: list[str]
) -> None:
    sandbox.workspace.issues = [issue(1)]
    before = details(only(sandbox))
    sandbox.workspace.site.jira_custom_fields = [field]
    sandbox.workspace.issues = [issue(1, customfield_1=value)]
    assert details(only(sandbox)) == before + lines


def test_objects_of_which_jira_gives_ids_alone_are_told_as_a_gap(sandbox: Sandbox) -> None:
    sandbox.workspace.site.jira_custom_fields = [ASSETS]
    nameless = [{"workspaceId": "w", "id": "w:7", "objectId": "7"}]
    sandbox.workspace.issues = [
        issue(1, customfield_1=nameless),
        issue(2, customfield_1=nameless),
        issue(3, customfield_1=[]),
    ]
    [gap] = gaps(list(source(sandbox).documents(EVER)))
    assert (gap.subject, gap.count) == ("values of the field Laptop", 2)


MACHINE_FIELDS = [
    ("a rank", custom_field(1, "Rank", "any", f"{AGILE}:gh-lexo-rank"), "0|i0001:"),
    ("the JSON of branches and commits", custom_field(1, "Development", "any",
     "com.atlassian.jira.plugins.jira-development-integration-plugin:devsummarycf"),
     "{pullrequest={dataType=pullrequest, state=OPEN}}"),
    ("a colour on a board", custom_field(1, "Epic Colour", "string", f"{AGILE}:gh-epic-color"),
     "color_4"),
    ("a figure of a chart", custom_field(1, "[CHART] Time in Status", "any",
     "com.atlassian.jira.ext.charting:timeinstatus"), "3_*:*_1_*:*_0"),
    ("the clock of a service desk", custom_field(1, "To reply", "sd-servicelevelagreement",
     "com.atlassian.servicedesk:sd-sla-field"), {"id": "1", "name": "To reply"}),
    ("an object without a name", custom_field(1, "Asset", "any", "com.example:asset"),
     {"objectId": "7"}),
    ("nothing", custom_field(1, "Carrier", "string", f"{SYSTEM}:textfield"), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for _, field, value in MACHINE_FIELDS],
    ids=[name for name, *_ in MACHINE_FIELDS],
)
def test_what_is_no_text_for_people_is_left_out(
    sandbox: Sandbox, field: Json, value: object
) -> None:
    sandbox.workspace.issues = [issue(1)]
    before = texts(only(sandbox))
    sandbox.workspace.site.jira_custom_fields = [field]
    sandbox.workspace.issues = [issue(1, customfield_1=value)]
    assert texts(only(sandbox)) == before


def test_a_field_of_the_sites_own_that_is_called_like_the_systems_hides_nothing(
    sandbox: Sandbox,
) -> None:
    field = custom_field(1, "priority", "string", f"{SYSTEM}:textfield")
    sandbox.workspace.site.jira_custom_fields = [field]
    sandbox.workspace.issues = [issue(1, customfield_1="soon")]
    assert "- Priority: High" in details(only(sandbox))
    assert "- priority: soon" in details(only(sandbox))


def test_a_site_of_500_fields_of_its_own_is_asked_for_them_in_one_request(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.site.jira_custom_fields = [
        custom_field(n, f"Field {n}", "string", f"{SYSTEM}:textfield") for n in range(500)
    ]
    sandbox.workspace.issues = [issue(1, customfield_499="last")]
    assert details(only(sandbox))[-1] == "- Field 499: last"


def test_a_description_is_kept_whole_however_long(sandbox: Sandbox) -> None:
    paragraphs = [f"Paragraph {n} says something of its own." for n in range(2000)]
    sandbox.workspace.issues = [issue(1, description=adf(*paragraphs))]
    assert only(sandbox).sections[1].text == "\n\n".join(paragraphs)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "paragraph", "content": [{"type": "mention", "attrs": {"text": "@Ann"}}]},
         "@Ann"),
        ({"type": "blockCard", "attrs": {"url": "https://a.example/1"}}, "https://a.example/1"),
        ({"type": "table", "content": [{"type": "tableRow", "content": [
            {"type": "tableCell", "content": [{"type": "text", "text": "Oslo"}]}]}]},
         "| Oslo |\n| --- |"),
        ({"type": "codeBlock", "attrs": {"language": "sql"},
          "content": [{"type": "text", "text": "SELECT 1"}]}, "```sql\nSELECT 1\n```"),
        ({"type": "panel", "attrs": {"panelType": "note"},
          "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hot"}]}]},
         "> **Note:** Hot"),
        ({"type": "taskList", "content": [{"type": "taskItem", "attrs": {"state": "DONE"},
          "content": [{"type": "text", "text": "ask"}]}]}, "- [x] ask"),
    ],
    ids=["mentions", "cards", "tables", "code blocks", "panels", "task lists"],
)  # fmt: skip
def test_text_that_is_no_text_node_of_a_paragraph_does_not_vanish(
    sandbox: Sandbox, node: Json, words: str
) -> None:
    rich = {"type": "doc", "version": 1, "content": [node]}
    commented = comment(1, "", body=rich)
    sandbox.workspace.issues = [issue(1, description=rich, comments=(commented,))]
    assert [section.text for section in only(sandbox).sections[1:]] == [words, words]


def test_an_issue_almost_without_fields_is_a_document(sandbox: Sandbox) -> None:
    bare = issue(1, description=None, reporter=None, creator=None, priority=None)
    del bare["fields"]["issuelinks"], bare["fields"]["labels"]
    sandbox.workspace.issues = [bare]
    document = only(sandbox)
    assert [section.heading for section in document.sections] == ["Details"]
    assert (document.authors, document.extra["priority"], document.extra["labels"]) == ((), "", [])


@pytest.mark.parametrize("count", [20, 21, 45, 100, 101, 230])
def test_all_comments_of_an_issue_are_there_though_a_result_carries_a_few(
    sandbox: Sandbox, count: int
) -> None:
    comments = tuple(comment(n, f"Comment {n}.") for n in range(count))
    sandbox.workspace.issues = [issue(1, comments=comments)]
    shown = [(section.heading, section.text) for section in only(sandbox).sections if section.url]
    assert shown == [
        (f"Comment by Bo Ek, {FIRST + timedelta(minutes=n):%Y-%m-%d %H:%M}", f"Comment {n}.")
        for n in range(count)
    ]


def test_comments_that_are_fewer_than_their_count_fail_the_issue_and_cut_it_not(
    sandbox: Sandbox,
) -> None:
    comments = tuple(comment(n, "Words.") for n in range(30))
    sandbox.workspace.issues = [issue(1, comments=comments)]
    path = "/jira/rest/api/3/issue/10001/comment"
    page = {"comments": list(comments[:20]), "total": 30, "startAt": 0, "maxResults": 100}
    sandbox.faults.fail(path, status=200, body=page, times=1)
    sandbox.faults.fail(path, status=200, body=page | {"comments": []}, times=1)
    [failure] = list(source(sandbox).documents(EVER))
    assert isinstance(failure, DocumentFailure)
    assert "20 of 30 comments" in failure.cause


def test_a_count_of_comments_that_is_below_those_of_the_search_is_no_loss_of_them(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.issues = [issue(1, comments=tuple(comment(n, "Words.") for n in range(30)))]
    page = {"comments": [], "total": 0, "startAt": 0, "maxResults": 100}
    sandbox.faults.fail("/jira/rest/api/3/issue/10001/comment", status=200, body=page)
    [failure] = list(source(sandbox).documents(EVER))
    assert isinstance(failure, DocumentFailure)
    assert "0 of 20 comments" in failure.cause


@pytest.mark.parametrize(
    "page",
    [{"comments": "none", "total": 30}, {"comments": [], "total": "30"}, {"total": 30}, {}],
)
def test_comments_in_another_shape_fail_the_issue_and_cut_it_not(
    sandbox: Sandbox, page: Json
) -> None:
    comments = tuple(comment(n, "Words.") for n in range(30))
    sandbox.workspace.issues = [issue(1, comments=comments), issue(2)]
    sandbox.faults.fail("/jira/rest/api/3/issue/10001/comment", status=200, body=page)
    items = list(source(sandbox).documents(EVER))
    assert [document.native_id for document in documents(items)] == ["10002"]
    [failure] = [item for item in items if isinstance(item, DocumentFailure)]
    assert "HAR-1 has comments that cannot be read" in failure.cause


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_failure_names_the_issue_by_its_key_and_quotes_nothing_of_it(
    sandbox: Sandbox, status: int
) -> None:
    secret = "Sell the pier"
    comments = tuple(comment(n, secret) for n in range(30))
    sandbox.workspace.issues = [issue(1, summary=secret, comments=comments), issue(2)]
    said = {"errorMessages": [f"Issue '{secret}' is not for you."], "errors": {}}
    path = "/jira/rest/api/3/issue/10001/comment"
    sandbox.faults.fail(path, status=status, body=said)
    items = list(source(sandbox).documents(EVER))
    assert [document.native_id for document in documents(items)] == ["10002"]
    [failure] = [item for item in items if isinstance(item, DocumentFailure)]
    assert failure.cause == f"HAR-1 has comments that cannot be read: HTTP {status}"


def test_comments_that_a_result_leaves_out_altogether_are_asked_for(sandbox: Sandbox) -> None:
    bare = issue(1)
    del bare["fields"]["comment"]
    sandbox.workspace.issues = [issue(1, comments=(comment(1, "Seen."),))]
    page = {"issues": [bare], "isLast": True}
    sandbox.faults.fail(SEARCH, status=200, body=page, times=1)
    assert only(sandbox).sections[-1].text == "Seen."


ROLE = {"type": "role", "value": "Administrators", "identifier": "Administrators"}


def test_comments_that_only_a_role_may_read_are_left_out_and_counted_in_one_gap(
    sandbox: Sandbox,
) -> None:
    secret = (comment(2, "Secret.", visibility=ROLE), comment(3, "Secret.", visibility=ROLE))
    sandbox.workspace.issues = [
        issue(1, comments=(comment(1, "Open."), *secret)),
        issue(2, comments=(comment(4, "Secret.", visibility=ROLE),)),
    ]
    items = list(source(sandbox).documents(EVER))
    text = "\n".join(part for document in documents(items) for part in texts(document))
    assert "Open." in text
    assert "Secret." not in text
    assert "- Comments left out: 2, kept to a group or role" in text
    [gap] = gaps(items)
    assert (gap.subject, gap.count) == ("comments kept to a group or role", 3)


# Who may read it

STAFF = {"id": "7", "name": "Staff"}


def level_of(sandbox: Sandbox, *holders: tuple[str, str], **fields: object) -> list[SourceItem]:
    """Return what comes of an issue whose security level has these holders, as type and value."""
    site = sandbox.workspace.site
    site.jira_level_holders = {"7": [{"type": kind, "value": value} for kind, value in holders]}
    site.jira_group_members = {
        "g1": [person(f"m{n}", f"M{n}@Harbor.example") for n in range(2)],
        "g2": [person("shy", None), person("eve", "eve@harbor.example")],
        "big": [person(f"b{n}", f"b{n}@harbor.example") for n in range(120)],
    }
    site.jira_role_actors = {
        "93/5": [
            {"type": "atlassian-group-role-actor", "actorGroup": {"groupId": "g1"}},
            {"type": "atlassian-user-role-actor", "actorUser": {"accountId": "eve"}},
        ]
    }
    sandbox.workspace.issues = [issue(1, **{"security": STAFF, **fields})]
    return list(source(sandbox).documents(EVER))


M0, M1, EVE = "m0@harbor.example", "m1@harbor.example", "eve@harbor.example"

READERS = [
    ("a user", [("user", "eve")], (EVE,)),
    ("the users of a group", [("group", "g1")], (M0, M1)),
    ("the users of a large group", [("group", "big")],
     tuple(sorted(f"b{n}@harbor.example" for n in range(120)))),
    ("the groups and users of a project role", [("projectRole", "5")], (EVE, M0, M1)),
    ("the reporter", [("reporter", "")], ("rep@harbor.example",)),
    ("the assignee", [("assignee", "")], ("ass@harbor.example",)),
    ("whom a field names", [("userCustomField", "customfield_1")], ("dee@harbor.example",)),
    ("all of them together", [("user", "eve"), ("group", "g1")], (EVE, M0, M1)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("holders", "emails"), [case[1:] for case in READERS], ids=[name for name, *_ in READERS]
)
def test_an_issue_with_a_security_level_is_for_its_readers(
    sandbox: Sandbox, holders: list[tuple[str, str]], emails: tuple[str, ...]
) -> None:
    sandbox.workspace.site.jira_custom_fields = [
        custom_field(1, "Tester", "user", f"{SYSTEM}:userpicker")
    ]
    items = level_of(
        sandbox,
        *holders,
        reporter=person("rep", "Rep@harbor.example"),
        assignee=person("ass", "ass@harbor.example"),
        customfield_1=person("dee", "dee@harbor.example"),
    )
    [document] = documents(items)
    assert document.access == ("restricted", *emails)
    assert gaps(items) == []


@pytest.mark.parametrize("kind", ["anyone", "applicationRole"])
def test_a_security_level_that_everyone_has_restricts_nothing(sandbox: Sandbox, kind: str) -> None:
    [document] = documents(level_of(sandbox, (kind, "")))
    assert document.access == ("public",)


def test_an_issue_without_a_security_level_is_for_everyone_who_searches(sandbox: Sandbox) -> None:
    [document] = documents(level_of(sandbox, security=None))
    assert document.access == ("public",)


UNNAMED = [
    ("nobody is told", [], (), "its members (none are told)"),
    ("a group that is gone", [("group", "gone"), ("user", "eve")], (EVE,), "group gone (HTTP 404)"),
    ("a role of no project", [("projectRole", "6")], (), "project role 6 (HTTP 404)"),
    ("a user who left", [("user", "left")], (), "a user (HTTP 404)"),
    ("a hidden e-mail", [("group", "g2")], (EVE,), "people whose profile hides their e-mail"),
    ("a kind of holder that cannot be listed", [("projectLead", "")], (), "projectLead"),
]


@pytest.mark.parametrize(
    ("holders", "emails", "unnamed"), [case[1:] for case in UNNAMED],
    ids=[name for name, *_ in UNNAMED],
)  # fmt: skip
def test_readers_who_cannot_be_named_read_nothing_and_are_told_of(
    sandbox: Sandbox, holders: list[tuple[str, str]], emails: tuple[str, ...], unnamed: str
) -> None:
    items = level_of(sandbox, *holders)
    [document] = documents(items)
    assert document.access == ("restricted", *emails)
    [gap] = gaps(items)
    assert gap.subject == "readers of the security level Staff"
    assert gap.reason == f"not named: {unnamed}"


def test_levels_that_only_an_administrator_may_read_leave_an_issue_to_nobody_and_one_gap(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.site.jira_is_admin = False
    sandbox.workspace.issues = [issue(1, security=STAFF), issue(2, security=STAFF), issue(3)]
    items = list(source(sandbox, jira_public_projects="HAR").documents(EVER))
    assert [document.access for document in documents(items)] == [
        ("public",),
        ("restricted",),
        ("restricted",),
    ]
    [gap] = gaps(items)
    assert (gap.reason, gap.count) == ("not named: its members (HTTP 403)", 2)
    assert "Administer Jira" in gap.advice
    member = "GET /jira/rest/api/3/issuesecurityschemes/level/member"
    assert sandbox.faults.requests()[member] == 1


def test_the_roles_that_a_team_managed_project_limits_an_issue_to_are_its_readers(
    sandbox: Sandbox,
) -> None:
    limits = {"issuerestrictions": {"projectrole": [{"id": "5"}]}, "shouldDisplay": True}
    [document] = documents(level_of(sandbox, security=None, issuerestriction=limits))
    assert document.access == ("restricted", EVE, M0, M1)
    limits = {"issuerestrictions": {}, "shouldDisplay": True}
    [document] = documents(level_of(sandbox, security=None, issuerestriction=limits))
    assert document.access == ("public",)


# The ids


@pytest.mark.parametrize(
    "window", [EVER, Window(utc("2026-03-02T10:03"), utc("2026-03-02T10:07"))],
    ids=["ever", "four minutes"],
)  # fmt: skip
@pytest.mark.parametrize("projects", ["", "QUAY"])
def test_ids_are_those_of_the_documents(sandbox: Sandbox, window: Window, projects: str) -> None:
    sandbox.workspace.issues = [
        *(issue(n, project="QUAY" if n % 2 else "HAR") for n in range(10)),
        issue(20, project="QUAY", updated=utc("2026-03-02T10:05")) | {"key": ""},
    ]
    jira = source(sandbox, jira_projects=projects)
    items = [
        item for item in jira.documents(window) if isinstance(item, Document | DocumentFailure)
    ]
    wanted = [item.id if isinstance(item, Document) else item.document_id for item in items]
    assert sorted(jira.ids(window)) == sorted(wanted)
    assert len(wanted) > 2


def test_7556_issues_are_two_requests_of_ids(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(7556)]
    assert len(set(source(sandbox).ids(EVER))) == 7556
    assert sandbox.faults.requests(SEARCH) == {f"POST {SEARCH}": 2}


def test_an_id_comes_once_though_its_issue_is_edited_while_it_is_listed(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(n, created=stamp(FIRST)) for n in range(5001)]
    listing = source(sandbox).ids(EVER)
    first = next(listing)
    # Were the listing ordered by last update, its second page would show the first issue alone.
    sandbox.workspace.issues[0] = issue(0, updated=FIRST + timedelta(days=9), created=stamp(FIRST))
    del sandbox.workspace.issues[5000]
    assert sorted([first, *listing]) == sorted(f"jira:{10_000 + n}" for n in range(5000))


def test_ids_of_an_issue_that_was_deleted_and_of_one_that_may_not_be_seen_are_both_gone(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.issues = [issue(1), issue(2), issue(3, project="QUAY")]
    del sandbox.workspace.issues[0]
    sandbox.workspace.site.jira_hidden_projects = ["QUAY"]
    assert list(source(sandbox).ids(EVER)) == ["jira:10002"]


@pytest.mark.parametrize("ask", ["documents", "ids", "newest", "check"])
def test_an_account_that_sees_no_project_any_more_is_an_error_and_nothing_is_gone(
    sandbox: Sandbox, ask: str
) -> None:
    sandbox.workspace.issues = [issue(1)]
    sandbox.workspace.site.jira_hidden_projects = ["HAR"]
    with pytest.raises(CredentialsError, match="its account sees no project"):
        answers(source(sandbox), ask)


@pytest.mark.parametrize("ask", ["documents", "ids", "newest", "check"])
def test_a_project_that_is_named_and_not_to_be_seen_is_an_error_and_nothing_is_gone(
    sandbox: Sandbox, ask: str
) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY")]
    sandbox.workspace.site.jira_hidden_projects = ["QUAY"]
    with pytest.raises(SettingsError, match=r"JIRA_PROJECTS is HAR,QUAY.*'QUAY' does not exist"):
        answers(source(sandbox, jira_projects="HAR,QUAY"), ask)


def answers(jira: JiraSource, ask: str) -> object:
    match ask:
        case "documents":
            return list(jira.documents(EVER))
        case "ids":
            return list(jira.ids(EVER))
        case "newest":
            return jira.newest()
        case _:
            return jira.check()


# One bad issue


def test_an_issue_that_cannot_be_read_is_named_and_the_others_go_on(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2) | {"key": ""}, issue(3)]
    items = list(source(sandbox).documents(EVER))
    assert [document.native_id for document in documents(items)] == ["10003", "10001"]
    [failure] = [item for item in items if isinstance(item, DocumentFailure)]
    assert (failure.document_id, failure.day) == ("jira:10002", FIRST.date())
    assert failure.cause == "10002 cannot be read: Jira gives no readable key"


def test_an_issue_that_vanishes_before_its_comments_are_read_is_named(sandbox: Sandbox) -> None:
    comments = tuple(comment(n, "Words.") for n in range(30))
    sandbox.workspace.issues = [issue(1, comments=comments), issue(2)]
    sandbox.faults.fail("/jira/rest/api/3/issue/10001/comment", status=404)
    items = list(source(sandbox).documents(EVER))
    assert [document.native_id for document in documents(items)] == ["10002"]
    [failure] = [item for item in items if isinstance(item, DocumentFailure)]
    assert "HAR-1 has comments that cannot be read: HTTP 404" in failure.cause


# The vendor


@pytest.mark.parametrize("ask", ["documents", "ids"])
@pytest.mark.parametrize(
    ("pages", "seen"),
    [
        ([(1, "same"), (2, "same"), (3, "same")], "a page token for the second time"),
        ([(1, "a"), (2, "b"), (3, "a")], "a page token for the second time"),
        ([(1, "a"), (1, "b")], "issues that it had shown before"),
        ([(1, None)], "no token after a page"),
    ],
    ids=["the token before", "a token of long ago", "new tokens, old pages", "an end that is none"],
)
def test_a_listing_that_goes_round_or_breaks_off_fails_by_name(
    sandbox: Sandbox, pages: list[tuple[int, str | None]], seen: str, ask: str
) -> None:
    for number, token in pages:
        page = {"issues": [issue(number)], "isLast": False}
        body = page | ({"nextPageToken": token} if token else {})
        sandbox.faults.fail(SEARCH, status=200, body=body, times=1)
    with pytest.raises(ContractError, match=seen):
        answers(source(sandbox), ask)


@pytest.mark.parametrize("ask", ["documents", "ids", "newest", "check"])
def test_a_site_that_is_not_cloud_is_refused_by_name_and_is_no_empty_night(
    sandbox: Sandbox, ask: str
) -> None:
    sandbox.workspace.site.jira_deployment = "Server"
    with pytest.raises(ContractError, match=r"deploymentType 'Server'.*'Cloud'"):
        answers(source(sandbox), ask)


def test_a_wrong_token_is_refused_and_never_shown(sandbox: Sandbox) -> None:
    wrong = source(sandbox, jira_api_token="wrong-secret")
    with pytest.raises(CredentialsError, match=r"HTTP 401.*JIRA_API_TOKEN") as caught:
        list(wrong.documents(EVER))
    assert "wrong-secret" not in f"{caught.value!r} {caught.value.__cause__}"


@pytest.mark.parametrize("ask", ["documents", "ids", "newest"])
def test_an_empty_listing_of_a_token_that_has_expired_is_no_empty_night(
    sandbox: Sandbox, ask: str
) -> None:
    sandbox.faults.fail("/jira/rest/api/3/myself", status=401)
    with pytest.raises(CredentialsError, match="HTTP 401"):
        answers(source(sandbox), ask)


def test_a_site_whose_projects_are_empty_is_empty(sandbox: Sandbox) -> None:
    sandbox.workspace.site.jira_projects = ["HAR"]
    assert keys(sandbox) == []
    assert list(source(sandbox).ids(EVER)) == []
    assert source(sandbox).newest() is None


def test_a_rate_limit_is_waited_for_and_counted(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    sandbox.faults.fail(SEARCH, status=429, retry_after_seconds=1, times=1)
    meter = Meter()
    jira = JiraSource(
        sandbox.environment["JIRA_SERVER"], "sandbox@example.com", "sandbox-jira-token", (), meter
    )
    assert len(documents(list(jira.documents(EVER)))) == 1
    assert meter.throttled_seconds == 1
    assert meter.requests == {
        "jira field": 1,
        "jira search/jql": 2,
        "jira serverInfo": 1,
        "jira project": 1,
    }


def test_a_rate_limit_that_stays_fails_by_name(sandbox: Sandbox, few_attempts: None) -> None:
    sandbox.faults.fail(SEARCH, status=429, retry_after_seconds=0)
    with pytest.raises(RateLimitedError, match="jira is rate limited"):
        keys(sandbox)


def test_a_rate_limit_beyond_the_ceiling_fails_at_once(sandbox: Sandbox) -> None:
    sandbox.faults.fail(SEARCH, status=429, retry_after_seconds=86_400)
    with pytest.raises(RateLimitedError, match="at most 900 s are allowed"):
        keys(sandbox)


def test_an_error_in_passing_is_not_noticed(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    sandbox.faults.fail(SEARCH, status=503, times=1)
    assert keys(sandbox) == ["HAR-1"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"status": 502}, "HTTP 502"),
        ({"break_connection": "truncate"}, "ChunkedEncodingError"),
        ({"break_connection": "drop"}, "HTTP 500|ConnectionError"),
    ],
)
def test_a_page_that_fails_is_no_end_of_the_listing(
    sandbox: Sandbox, few_attempts: None, fault: dict[str, object], seen: str
) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(150)]
    sandbox.faults.fail(SEARCH, skip=1, **fault)
    listing = source(sandbox).documents(EVER)
    assert len([next(listing) for _ in range(101)]) == 101
    with pytest.raises(UnavailableError, match=f"jira did not answer: ({seen})"):
        next(listing)


def test_comments_that_do_not_come_end_the_run_and_cut_no_issue(
    sandbox: Sandbox, few_attempts: None
) -> None:
    sandbox.workspace.issues = [issue(1, comments=tuple(comment(n, "x") for n in range(30)))]
    sandbox.faults.fail("/jira/rest/api/3/issue/", status=503)
    with pytest.raises(UnavailableError, match="HTTP 503"):
        keys(sandbox)


def test_a_site_that_is_not_there_is_unavailable(few_attempts: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    jira = JiraSource(f"http://127.0.0.1:{port}", "a@example.com", "t", (), Meter())
    with pytest.raises(UnavailableError, match="Check JIRA_SERVER"):
        jira.check()


# The small questions


def test_newest_is_one_request(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(n) for n in range(3)]
    assert source(sandbox).newest() == FIRST + timedelta(minutes=2)
    assert sandbox.faults.requests() == {f"POST {SEARCH}": 1}


def test_newest_minds_the_projects(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY")]
    assert source(sandbox, jira_projects="HAR").newest() == FIRST + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("projects", "said"),
    [("", "2 projects to browse"), ("HAR", "2 projects to browse, reads HAR alone")],
)
def test_check_says_who_we_are_and_how_much_we_see(
    sandbox: Sandbox, projects: str, said: str
) -> None:
    sandbox.workspace.issues = [issue(1), issue(2, project="QUAY")]
    reach = source(sandbox, jira_projects=projects).check()
    assert reach.identity == f"{sandbox.url}/jira as Sandbox: {said}"
    assert reach.gaps == ()


def test_check_tells_of_a_security_level_that_cannot_be_read(sandbox: Sandbox) -> None:
    sandbox.workspace.site.jira_is_admin = False
    sandbox.workspace.issues = [issue(1), issue(2, security=STAFF)]
    of_project, of_level = source(sandbox).check().gaps
    assert of_project.subject == "readers of the project HAR"
    assert "JIRA_PUBLIC_PROJECTS" in of_project.advice
    assert of_level.subject == "readers of the security level Staff"
    sandbox.workspace.site.jira_is_admin = True
    sandbox.workspace.site.jira_level_holders = {"7": [{"type": "anyone"}]}
    assert source(sandbox).check().gaps == ()


def test_check_works_where_a_site_has_no_security_levels(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    said = "Field 'level' does not exist or you do not have permission to view it."
    refusal = {"errorMessages": [said], "errors": {}}
    sandbox.faults.fail(SEARCH, contains="level is not EMPTY", status=400, body=refusal)
    assert source(sandbox).check().gaps == ()


def test_times_of_any_offset_become_utc(sandbox: Sandbox) -> None:
    sandbox.workspace.issues = [issue(1)]
    sandbox.workspace.issues[0]["fields"]["updated"] = "2026-03-02T23:30:00.250-0800"
    assert only(sandbox).updated_at == utc("2026-03-03T07:30:00.250")
    assert stamp(only(sandbox).updated_at) == "2026-03-03T07:30:00.250+0000"
