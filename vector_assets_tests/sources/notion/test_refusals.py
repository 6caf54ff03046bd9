"""What counts as a refusal of Notion, and what may pass: one odd answer, endpoint by endpoint.

Every test is a table over statuses, error codes and bodies, over real HTTP.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.base import Missing, RemoteState
from vector_assets.sources.http import httpx_transport
from vector_assets.sources.items import DocumentFailure, Gap, Quarantined, Resolved, SourceItem
from vector_assets.sources.notion.source import NotionSource
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.notion.pages import (
    ANN,
    Json,
    child_page,
    comment,
    copy_of,
    identity,
    page,
    paragraph,
    synced,
    text,
)
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

EVER = Window(utc("2000-01-01"), None)
COMMENTS, USERS = "/notion/v1/comments", "/notion/v1/users"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once."""
    monkeypatch.setattr(httpx_transport, "BACKOFF_SECONDS", 0.0)


def error(status: int, code: str) -> Json:
    """Return a fault with Notion's body for an error."""
    body = {"object": "error", "status": status, "code": code, "message": "No."}
    return {"status": status, "body": body}


def listed(results: Any, **fields: Any) -> Json:
    """Return a fault with a list that is not as documented."""
    whole = {"object": "list", "results": results, "next_cursor": None, "has_more": False}
    return {"status": 200, "body": {**whole, **fields}}


PASSING: list[Json] = [
    error(409, "conflict_error"),
    error(409, "validation_error"),
    error(408, "request_timeout"),
    error(429, "rate_limited"),
    error(500, "internal_server_error"),
    error(502, "bad_gateway"),
    error(503, "service_unavailable"),
    error(503, "database_connection_unavailable"),
    error(504, "gateway_timeout"),
    error(529, "overloaded"),
    {"status": 502, "text": "<html>Bad gateway</html>"},
    {"break_connection": "drop"},
    {"break_connection": "truncate"},
]
"""Asked again; the run ends as if nothing had happened."""

ODD: list[Json] = [
    error(400, "validation_error"),
    error(400, "invalid_json"),
    error(400, "invalid_request_url"),
    error(400, "invalid_request"),
    error(400, "missing_version"),
    error(400, "restricted_resource"),
    error(403, "forbidden_by_a_proxy"),
    error(403, "object_not_found"),
    error(404, "restricted_resource"),
    error(405, "method_not_allowed"),
    error(410, "gone"),
    error(412, "precondition_failed"),
    error(422, "unprocessable"),
    {"status": 403, "text": "<html>Forbidden</html>"},
    {"status": 404, "text": "<html>Not found</html>"},
    {"status": 302, "text": "<html>Log in</html>"},
    {"status": 200, "text": "<html>Log in</html>"},
    *({"status": 200, "body": body} for body in ([], "", "soon", 0, False, [[]], {}, {"a": 1})),
    {"status": 200, "text": "null"},
    error(200, "restricted_resource"),
]
"""Neither documented as a refusal nor as passing: what the index holds stays."""

ODD_LISTS: list[Json] = [
    *(listed(results) for results in (None, {}, "", 0, [None], [[]], ["a"], [{}], [{"id": 1}])),
    listed([], has_more=True),
    listed([], has_more=None),
    listed([], has_more="no"),
    listed([], has_more=True, next_cursor=7),
    listed([], request_status={"type": "incomplete"}),
]
"""A list that is not one, or says that there is more."""


def source(sandbox: Sandbox) -> NotionSource:
    values = {k.lower(): v for k, v in sandbox.environment.items()}
    return NotionSource.from_settings(Settings.model_validate(values), Meter())


def items(sandbox: Sandbox) -> list[SourceItem]:
    return list(source(sandbox).documents(EVER))


def documents(yielded: list[SourceItem]) -> list[Document]:
    return [item for item in yielded if isinstance(item, Document)]


def failures(yielded: list[SourceItem]) -> list[DocumentFailure]:
    return [item for item in yielded if isinstance(item, DocumentFailure)]


def gaps(yielded: list[SourceItem]) -> list[str]:
    return [item.subject for item in yielded if isinstance(item, Gap)]


def with_comments(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [
        {**page(f"Page {n}", paragraph("Words")), "comments": [comment(f"Aside {n}")]}
        for n in range(4)
    ]


def asides(yielded: list[SourceItem]) -> list[str]:
    return sorted(document.sections[-1].text for document in documents(yielded))


@pytest.mark.parametrize("fault", PASSING, ids=str)
@pytest.mark.parametrize("path", [COMMENTS, USERS])
def test_an_error_that_passes_changes_nothing(sandbox: Sandbox, path: str, fault: Json) -> None:
    with_comments(sandbox)
    undisturbed = items(sandbox)
    sandbox.faults.fail(path, times=2, **fault)
    assert items(sandbox) == undisturbed
    assert asides(undisturbed) == [f"Aside {n}" for n in range(4)]


@pytest.mark.parametrize("fault", [*ODD, *ODD_LISTS, error(404, "object_not_found")], ids=str)
def test_an_odd_answer_for_comments_costs_one_page_and_no_comment(
    sandbox: Sandbox, fault: Json
) -> None:
    with_comments(sandbox)
    sandbox.faults.fail(COMMENTS, times=1, **fault)
    yielded = items(sandbox)
    [failure] = failures(yielded)
    assert failure.document_id.startswith("notion:")
    assert len(set(asides(yielded))) == 3
    assert all(aside.startswith("Aside") for aside in asides(yielded))
    assert gaps(yielded) == []


@pytest.mark.parametrize("fault", [*ODD, *ODD_LISTS, listed([])], ids=str)
def test_an_odd_answer_for_users_costs_one_page_and_no_author(
    sandbox: Sandbox, fault: Json
) -> None:
    with_comments(sandbox)
    sandbox.faults.fail(USERS, times=1, **fault)
    yielded = items(sandbox)
    assert len(failures(yielded)) == 1
    assert [document.authors for document in documents(yielded)] == [
        ("Person a000", "Person b000")
    ] * 3
    assert gaps(yielded) == []


@pytest.mark.parametrize(
    ("path", "gap"), [(COMMENTS, "comments"), (USERS, "names of people")], ids=str
)
def test_a_missing_capability_is_told_and_asked_for_once(
    sandbox: Sandbox, path: str, gap: str
) -> None:
    with_comments(sandbox)
    sandbox.faults.fail(path, **error(403, "restricted_resource"))
    yielded = items(sandbox)
    assert len(documents(yielded)) == 4
    assert failures(yielded) == []
    assert gaps(yielded) == [gap]
    assert sandbox.faults.requests(path).total() == 1


def sync(sandbox: Sandbox, store: LanceDBStore) -> SyncReport:
    """Bring the day of the pages into an index."""
    pipeline = Pipeline(
        source=source(sandbox), target=target_of(store, TinyEmbedder()), meter=Meter()
    )
    day = Days(utc("2026-03-02").date(), utc("2026-03-02").date())
    return write(pipeline.embedded_documents(day, now=utc("2026-03-10")))


@pytest.mark.parametrize("fault", [*PASSING[:2], *ODD[:2]], ids=str)
@pytest.mark.parametrize("path", [COMMENTS, USERS])
def test_comments_and_authors_stay_in_the_index_over_an_odd_answer(
    sandbox: Sandbox, tmp_path: Path, path: str, fault: Json
) -> None:
    with_comments(sandbox)
    store = LanceDBStore(str(tmp_path / "lancedb"))

    def held() -> list[tuple[Any, Any]]:
        hits = store.lookup("notion", where=Filter(), limit=50)
        return sorted((hit.metadata["text"], str(hit.metadata["authors"])) for hit in hits)

    sync(sandbox, store)
    before = held()
    sandbox.faults.fail(path, times=1, **fault)
    sync(sandbox, store)
    assert held() == before
    assert sum("Aside" in text for text, _ in before) == 4


@pytest.mark.parametrize("status", [400, 409])
def test_a_first_request_for_comments_that_is_refused_in_passing_deletes_no_comment(
    sandbox: Sandbox, tmp_path: Path, status: int
) -> None:
    with_comments(sandbox)
    store = LanceDBStore(str(tmp_path / "lancedb"))

    def count(words: str) -> int:
        hits = store.lookup("notion", where=Filter(), limit=50)
        return sum(str(hit.metadata["text"]).count(words) for hit in hits)

    sync(sandbox, store)
    for each in sandbox.workspace.pages:
        each["last_edited_time"] = "2026-03-02T11:00:30.000Z"
        each["blocks"] = [paragraph("Edited")]
    code = "conflict_error" if status == 409 else "validation_error"
    sandbox.faults.fail(COMMENTS, times=1, **error(status, code))
    report = sync(sandbox, store)
    assert [gap for gap in report.gaps if gap.subject == "comments"] == []
    failed_count = 1 if status == 400 else 0
    assert len(report.failures) == failed_count
    assert (count("Aside"), count("Edited")) == (4, 4 - failed_count)
    sync(sandbox, store)
    assert (count("Aside"), count("Edited")) == (4, 4)


@pytest.mark.parametrize("value", [None, 7, "odd", ["odd"], {"odd": 1}], ids=str)
def test_an_odd_field_of_a_listed_page_costs_no_other_page(sandbox: Sandbox, value: Any) -> None:
    sandbox.workspace.pages = [page(name, paragraph(f"Words {name}")) for name in ("One", "Two")]
    two, one = source(sandbox)._api.search("page")
    for field in ("object", "created_time", "created_by", "parent", "url", "properties"):
        sandbox.faults.clear()
        sandbox.faults.fail(
            "/notion/v1/search", contains="page", **listed([two | {field: value}, one])
        )
        yielded = items(sandbox)
        assert failures(yielded) == [], field
        texts = [document.sections[-1].text for document in documents(yielded)]
        assert sorted(texts) == ["Words One", "Words Two"], field
    for kind in ("page_id", "data_source_id", "block_id", "database_id"):
        sandbox.faults.clear()
        parent = {"type": kind, kind: value}
        sandbox.faults.fail(
            "/notion/v1/search", contains="page", **listed([two | {"parent": parent}, one])
        )
        yielded = items(sandbox)
        assert failures(yielded) == [], kind
        assert len(documents(yielded)) == 2, kind
    sandbox.faults.clear()
    unplaced = two | {"last_edited_time": value}
    sandbox.faults.fail("/notion/v1/search", contains="page", **listed([unplaced, one]))
    yielded = items(sandbox)
    assert [document.title for document in documents(yielded)] == [str(one["properties"]["Name"][
        "title"][0]["plain_text"])]  # fmt: skip
    assert [failure.document_id for failure in failures(yielded)] == [f"notion:{two['id']}"]


COMMENT_PARTS: list[Any] = [None, "", "odd words", 7, [], ["odd words"], {}, {"odd": "odd words"}]


@pytest.mark.parametrize("value", COMMENT_PARTS, ids=str)
@pytest.mark.parametrize(
    "name", ["rich_text", "created_time", "created_by", "display_name", "attachments"]
)
def test_an_odd_part_of_a_comment_costs_neither_its_page_nor_the_others(
    sandbox: Sandbox, name: str, value: Any
) -> None:
    sandbox.workspace.pages = [page("One", paragraph("Words"))]
    comments = [
        {
            "object": "comment", "id": identity(words), "rich_text": [text(words)],
            "created_time": "2026-03-02T10:15:30.000Z", "created_by": ANN,
        }
        for words in ("First", "Second", "Third")
    ]  # fmt: skip
    comments[1][name] = value
    sandbox.faults.fail(COMMENTS, **listed(comments))
    [document] = documents(items(sandbox))
    shown = "\n".join(section.text for section in document.sections)
    wanted = ["Words", "First", "Third"] + (["Second"] if name != "rich_text" else [])
    wanted += ["odd words"] if name == "rich_text" and "odd words" in str(value) else []
    assert [words for words in wanted if words not in shown] == []


@pytest.mark.parametrize("fault", [*ODD, *ODD_LISTS], ids=str)
def test_an_odd_answer_for_a_synced_block_never_empties_it(sandbox: Sandbox, fault: Json) -> None:
    sandbox.workspace.site.notion_newest_version = "2025-09-03"
    original = synced("original", paragraph("Shared words"))
    copy = copy_of(original, "copy")
    sandbox.workspace.pages = [page("Holder", original), page("One", copy)]
    sandbox.faults.fail(f"/notion/v1/blocks/{copy['id']}/children", **fault)
    yielded = items(sandbox)
    assert [document.title for document in documents(yielded)] == ["Holder"]
    assert [failure.document_id for failure in failures(yielded)] == [f"notion:{identity('One')}"]
    assert gaps(yielded) == []


@pytest.mark.parametrize("fault", [*ODD, {"status": 200, "body": {"object": "page"}}], ids=str)
def test_an_odd_answer_for_one_page_is_its_failure_and_no_gap(
    sandbox: Sandbox, fault: Json
) -> None:
    child = page("Child")
    sandbox.workspace.pages = [child, page("Top", child_page(child))]
    sandbox.workspace.site.notion_hidden_page_ids = [child["id"]]
    sandbox.faults.fail(f"/notion/v1/pages/{child['id']}", **fault)
    yielded = items(sandbox)
    assert [document.title for document in documents(yielded)] == ["Top"]
    assert [failure.document_id for failure in failures(yielded)] == [f"notion:{child['id']}"]
    assert gaps(yielded) == []


@pytest.mark.parametrize("status", [409, 500])
def test_objects_that_never_answer_cost_themselves_until_there_are_five_in_a_row(
    sandbox: Sandbox, status: int
) -> None:
    children = [page(f"Child {n}") for n in range(5)]
    top = page("Top", *map(child_page, children))
    sandbox.workspace.pages = [*children, top]
    sandbox.workspace.site.notion_hidden_page_ids = [child["id"] for child in children]
    for child in children[1:]:
        sandbox.faults.fail(f"/notion/v1/pages/{child['id']}", status=status)
    yielded = items(sandbox)
    assert [document.title for document in documents(yielded)] == ["Top", "Child 0"]
    assert len(failures(yielded)) == 4
    sandbox.faults.fail(f"/notion/v1/pages/{children[0]['id']}", status=status)
    with pytest.raises(VectorAssetsError, match=f"notion did not answer: HTTP {status}"):
        items(sandbox)


def failed(name: str) -> Quarantined:
    now = utc("2026-03-03")
    return Quarantined(f"notion:{identity(name)}", "It failed.", None, EVER, now, now)


@pytest.mark.parametrize("fault", [*ODD, error(403, "restricted_resource")], ids=str)
def test_only_what_is_not_found_counts_as_gone(sandbox: Sandbox, fault: Json) -> None:
    sandbox.workspace.pages = [page("One", paragraph("Words"))]
    rule = sandbox.faults.fail(f"/notion/v1/pages/{identity('One')}", **fault)
    [again] = source(sandbox).retry([failed("One")])
    assert isinstance(again, DocumentFailure)
    missing = [Missing(f"notion:{identity('One')}", "Notion", utc("2026-03-02"))]
    with pytest.raises(VectorAssetsError, match="notion"):
        list(source(sandbox).remote_states(missing))
    sandbox.faults.rules.remove(rule)
    sandbox.workspace.pages = []
    assert list(source(sandbox).retry([failed("One")])) == [Resolved(missing[0].document_id)]
    assert list(source(sandbox).remote_states(missing)) == [
        (missing[0].document_id, RemoteState.NOT_SHOWN)
    ]


def marks() -> Iterator[Any]:
    yield from ("yes", "false", 1, [], None)


@pytest.mark.parametrize("mark", list(marks()), ids=str)
def test_only_a_true_mark_puts_a_page_into_the_trash(sandbox: Sandbox, mark: Any) -> None:
    sandbox.workspace.pages = [{**page("One"), "in_trash": mark}]
    missing = [Missing(f"notion:{identity('One')}", "Notion", utc("2026-03-02"))]
    assert [state for _, state in source(sandbox).remote_states(missing)] == [RemoteState.THERE]


@pytest.mark.parametrize(
    "body",
    [
        *([], "", {}, {"markdown": ""}, {"markdown": "", "truncated": False}),
        {"markdown": "", "truncated": None, "unknown_block_ids": []},
        {"markdown": "", "truncated": False, "unknown_block_ids": None},
        {"markdown": "", "truncated": False, "unknown_block_ids": [None]},
        {"markdown": None, "truncated": False, "unknown_block_ids": []},
    ],
    ids=str,
)
def test_markdown_that_does_not_say_that_it_is_complete_is_not_believed(
    sandbox: Sandbox, body: Any
) -> None:
    sandbox.workspace.pages = [page("One", paragraph("Words"))]
    sandbox.faults.fail(f"/notion/v1/pages/{identity('One')}/markdown", status=200, body=body)
    [document] = documents(items(sandbox))
    assert [section.text for section in document.sections] == ["Words"]


@pytest.mark.parametrize("fault", ODD, ids=str)
def test_a_check_does_not_call_an_odd_answer_a_missing_capability(
    sandbox: Sandbox, fault: Json
) -> None:
    sandbox.workspace.pages = [page("One")]
    sandbox.faults.fail(COMMENTS, **fault)
    with pytest.raises(VectorAssetsError, match="notion"):
        source(sandbox).check()
