"""A value that nobody expects costs no other field its words, and no issue its place."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.estimate import as_if_failed
from vector_assets.sources.items import DocumentFailure, Gap, Resolved, SourceItem
from vector_assets.sources.jira.document import FIELDS
from vector_assets.sources.jira.source import JiraSource
from vector_assets_tests.sources.jira.issues import (
    ANN,
    BO,
    FIRST,
    SYSTEM,
    Json,
    adf,
    comment,
    custom_field,
    issue,
    linked,
    reference,
)
from vector_assets_tests.support.tiny import utc

SEARCH = "/jira/rest/api/3/search/jql"
EVER = Window(utc("2000-01-01"), utc("2027-01-01"))

CUSTOM = [
    custom_field(1, "Carrier", "string", f"{SYSTEM}:textfield"),
    custom_field(2, "Seen at", "datetime", f"{SYSTEM}:datetime"),
    custom_field(3, "Sprint", "array of json", "com.pyxis.greenhopper.jira:gh-sprint"),
    custom_field(4, "Cause", "string", f"{SYSTEM}:textarea"),
]


def full_issue() -> Json:
    """Return an issue that fills in every field, each with a word of its own."""
    return issue(
        1,
        summary="wordsummary",
        description=adf("worddescription"),
        environment=adf("wordenvironment"),
        labels=["wordlabel"],
        components=[{"id": "1", "name": "wordcomponent"}],
        versions=[{"id": "1", "name": "wordversion"}],
        fixVersions=[{"id": "1", "name": "wordfixversion"}],
        resolution={"id": "1", "name": "wordresolution"},
        duedate="2026-03-09",
        assignee=BO | {"displayName": "wordassignee"},
        reporter=ANN | {"displayName": "wordreporter"},
        parent=reference(issue(7)),
        subtasks=[reference(issue(8))],
        issuelinks=linked(issue(9)),
        attachment=[{"id": "1", "filename": "wordfile.pdf"}],
        comments=(comment(1, "wordcomment"),),
        customfield_1="wordcarrier",
        customfield_2="2026-03-02T10:00:00.000+0000",
        customfield_3=[{"id": 4, "name": "wordsprint"}],
        customfield_4=adf("wordcause"),
    )


WORD_OF = {
    "summary": "wordsummary", "description": "worddescription", "environment": "wordenvironment",
    "labels": "wordlabel", "components": "wordcomponent", "versions": "wordversion",
    "fixVersions": "wordfixversion", "resolution": "wordresolution", "duedate": "2026-03-09",
    "assignee": "wordassignee", "reporter": "wordreporter", "parent": "HAR-7",
    "subtasks": "HAR-8", "issuelinks": "blocks HAR-9", "attachment": "wordfile.pdf",
    "comment": "wordcomment", "status": "In Progress", "issuetype": "Bug", "priority": "High",
    "customfield_1": "wordcarrier", "customfield_2": "2026-03-02 10:00",
    "customfield_3": "wordsprint", "customfield_4": "wordcause",
}  # fmt: skip

KEYS = st.sampled_from(
    [
        "id", "key", "name", "value", "child", "displayName", "accountId", "emailAddress", "fields",
        "summary", "type", "content", "text", "attrs", "marks", "comments", "total", "body",
        "created", "author", "visibility", "outwardIssue", "inwardIssue", "inward", "filename",
        "issuerestrictions", "requestType", "currentStatus", "hasEpicLinkFieldDependency", "data",
        "colspan", "rowspan", "timestamp", "level", "order", "state", "url", "href", "parameters",
    ]
)  # fmt: skip
NODES = st.sampled_from(
    [
        "doc", "paragraph", "text", "table", "tableRow", "tableCell", "mention", "date", "heading",
        "orderedList", "taskList", "panel", "codeBlock", "inlineCard", "media", "extension", "new",
    ]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | NODES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ODD_FIELDS = st.dictionaries(
    st.sampled_from([*(name for name in FIELDS if name != "updated"), *(f["id"] for f in CUSTOM)]),
    VALUES,
    min_size=1,
    max_size=3,
)


def read(sandbox: Sandbox, odd: Json) -> list[SourceItem]:
    """Read an issue as Jira would send it, whatever it holds."""
    sandbox.faults.clear()
    sandbox.workspace.site.jira_custom_fields = CUSTOM
    sandbox.workspace.issues = [full_issue()]
    page = {"issues": [_finite(odd)], "isLast": True}
    sandbox.faults.fail(SEARCH, status=200, body=page, times=1)
    return list(jira_of(sandbox).documents(EVER))


def jira_of(sandbox: Sandbox) -> JiraSource:
    values = {name.lower(): value for name, value in sandbox.environment.items()}
    return JiraSource.from_settings(Settings.model_validate(values), Meter())


def _finite(value: Any) -> Any:
    """Return a value without the numbers that JSON does not know."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, dict):
        return {key: _finite(below) for key, below in value.items()}
    return [_finite(below) for below in value] if isinstance(value, list) else value


def text_of(document: Document) -> str:
    parts = [document.title, *(f"{part.heading}\n{part.text}" for part in document.sections)]
    return "\n".join(parts)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ODD_FIELDS)
@example({"comment": {"comments": [None, None]}})
@example({"comment": {"comments": [{}, {}, "words"]}})
def test_any_value_in_any_field_leaves_the_words_of_all_others(
    sandbox: Sandbox, values: dict[str, Any]
) -> None:
    odd = full_issue()
    odd["fields"] |= copy.deepcopy(values)
    [item] = [item for item in read(sandbox, odd) if isinstance(item, Document | DocumentFailure)]
    assert isinstance(item, Document), item
    shown = text_of(item)
    lost = [word for name, word in WORD_OF.items() if name not in values and word not in shown]
    assert lost == []


@pytest.mark.parametrize(
    ("value", "line"), [("01/Mar/24 10:00 AM", "- Seen at: 01/Mar/24 10:00 AM"), ("", "")]
)
def test_a_time_that_an_app_writes_in_its_own_way_is_shown_as_it_is(
    sandbox: Sandbox, value: str, line: str
) -> None:
    odd = full_issue()
    odd["fields"]["customfield_2"] = value
    [document] = [item for item in read(sandbox, odd) if isinstance(item, Document)]
    shown = text_of(document).splitlines()
    assert [told for told in shown if "Seen at" in told] == [line] * bool(line)
    assert "worddescription" in shown


JSON_TYPES: list[Any] = ["", "odd words", "odd words \ud83d", 7, 2.5, True, False,
                         [], {}, ["odd words"], [[None]],
                         {"odd": "words"}, {"id": "1"}, [7, {"a": ["odd words"]}]]  # fmt: skip


@pytest.mark.parametrize("value", JSON_TYPES, ids=json.dumps)
def test_every_type_of_json_in_every_field_is_shown_as_it_is(sandbox: Sandbox, value: Any) -> None:
    names = [*WORD_OF, "created", "creator", "project", "security", "issuerestriction"]
    said = "words" if "words" in json.dumps(value) else ""
    for name in names:
        odd = full_issue()
        odd["fields"][name] = value
        [document] = [item for item in read(sandbox, odd) if isinstance(item, Document)]
        shown = text_of(document)
        kept = {other: word for other, word in WORD_OF.items() if other != name}
        assert [word for word in kept.values() if word not in shown] == [], name
        if name in WORD_OF and name != "comment":
            assert said in shown, name


def lost_words(sandbox: Sandbox, odd: dict[str, Any], words: list[str]) -> list[str]:
    """Return the words that the one document of an issue does not show."""
    [document] = [item for item in read(sandbox, odd) if isinstance(item, Document)]
    shown = text_of(document)
    return [word for word in words if word not in shown]


@pytest.mark.parametrize("value", JSON_TYPES, ids=json.dumps)
@pytest.mark.parametrize("name", ["id", "filename", "mimeType", "size", "content", "author"])
def test_an_odd_part_of_an_attachment_leaves_the_others(
    sandbox: Sandbox, name: str, value: Any
) -> None:
    odd = full_issue()
    files = [{"id": str(n), "filename": f"wordfile{n}.pdf"} for n in (1, 2, 3)]
    odd["fields"]["attachment"] = [files[0], files[1] | {name: value}, files[2]]
    assert lost_words(sandbox, odd, ["wordfile1", "wordfile3"]) == []


@pytest.mark.parametrize("value", JSON_TYPES, ids=json.dumps)
@pytest.mark.parametrize("name", ["author", "body", "created", "id", "updateAuthor", "jsdPublic"])
def test_an_odd_part_of_a_comment_leaves_the_other_comments(
    sandbox: Sandbox, name: str, value: Any
) -> None:
    odd = full_issue()
    comments = [comment(1, "wordfirst"), comment(2, "wordsecond") | {name: value}, "wordthird"]
    odd["fields"]["comment"] = {"comments": comments, "total": 3}
    wanted = ["wordfirst", "wordthird", *(["wordsecond"] if name != "body" else [])]
    assert lost_words(sandbox, odd, wanted) == []


IDENTIFYING = {
    "id": "id",
    "key": "key",
    "updated": "time of the last update",
    "fields": "time of the last update",
}
UNIDENTIFIED = [
    (name, value)
    for name in IDENTIFYING
    for value in [*JSON_TYPES, None]
    # A text or number is a name, though an odd one.
    if name in ("updated", "fields")
    or value in ("", [], {}, None)
    or isinstance(value, list | dict)
]


@pytest.mark.parametrize(("name", "value"), UNIDENTIFIED)
def test_an_issue_that_cannot_be_identified_is_a_failure_without_its_words(
    sandbox: Sandbox, name: str, value: Any
) -> None:
    odd = full_issue()
    if name == "updated":
        odd["fields"]["updated"] = value
    else:
        odd[name] = value
    items = read(sandbox, odd)
    [failure] = [item for item in items if isinstance(item, DocumentFailure)]
    assert f"cannot be read: Jira gives no readable {IDENTIFYING[name]}" in failure.cause
    assert "word" not in failure.cause


def test_an_issue_that_failed_without_its_id_is_read_again_by_its_key(sandbox: Sandbox) -> None:
    [failure] = read(sandbox, full_issue() | {"id": None})
    assert isinstance(failure, DocumentFailure)
    assert failure.document_id == "jira:HAR-1"
    again = list(jira_of(sandbox).retry(as_if_failed([failure.document_id], EVER)))
    assert [item.id for item in again if isinstance(item, Document)] == ["jira:10001"]
    others = [item for item in again if not isinstance(item, Document | Gap)]
    assert others == [Resolved("jira:HAR-1")]


def test_a_field_catalogue_with_odd_entries_still_names_the_others(sandbox: Sandbox) -> None:
    entries: list[Any] = [None, "x", {}, {"id": 5, "custom": True}, {"id": "customfield_9",
        "custom": True, "name": None, "schema": "string"}, *CUSTOM]  # fmt: skip
    sandbox.workspace.issues = [full_issue()]
    sandbox.faults.fail("/jira/rest/api/3/field", status=200, body=entries)
    [document] = [item for item in jira_of(sandbox).documents(EVER) if isinstance(item, Document)]
    assert "- Carrier: wordcarrier" in text_of(document)
    assert document.updated_at > FIRST
