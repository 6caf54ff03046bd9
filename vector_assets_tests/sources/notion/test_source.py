"""The Notion source over real HTTP, against a sandbox that has the vendor's traps.

Every test runs twice: where Notion gives pages as Markdown, and where it gives blocks alone.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from vector_assets.core.days import Days, Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    SettingsError,
    SkippableError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.notion.objects import (
    data_source_id,
    data_source_object,
    data_sources_of,
    database_object,
)
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Workspace
from vector_assets.sources.base import ConnectionCheck
from vector_assets.sources.http import httpx_transport as httpx_retries
from vector_assets.sources.items import Checkpoint, DocumentFailure, Gap, SourceItem
from vector_assets.sources.notion.source import NotionSource
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.sources.notion.pages import (
    ANN,
    BO,
    Json,
    block,
    child_database,
    child_page,
    comment,
    copy_of,
    database,
    identity,
    mention,
    page,
    paragraph,
    row_of,
    synced,
    text,
)
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

EVER = Window(utc("2000-01-01"), None)
MARCH_2 = Window(utc("2026-03-02"), utc("2026-03-03"))
SEARCH = "/notion/v1/search"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once."""
    monkeypatch.setattr(httpx_retries, "BACKOFF_SECONDS", 0.0)


@pytest.fixture(params=["as Markdown", "block by block"], autouse=True)
def way(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    """How pages are read."""
    if request.param == "block by block":
        sandbox.workspace.site.notion_newest_version = "2025-09-03"
    return str(request.param)


def source(sandbox: Sandbox, meter: Meter | None = None, **changes: str) -> NotionSource:
    values = {k.lower(): v for k, v in sandbox.environment.items()} | changes
    return NotionSource.from_settings(Settings.model_validate(values), meter or Meter())


def items(sandbox: Sandbox, window: Window = EVER) -> list[SourceItem]:
    return list(source(sandbox).documents(window))


def documents(sandbox: Sandbox, window: Window = EVER) -> list[Document]:
    return [item for item in items(sandbox, window) if isinstance(item, Document)]


def titles(sandbox: Sandbox, window: Window = EVER) -> list[str]:
    return [document.title for document in documents(sandbox, window)]


def gaps(sandbox: Sandbox, window: Window = EVER) -> list[Gap]:
    return [item for item in items(sandbox, window) if isinstance(item, Gap)]


def failures(sandbox: Sandbox, window: Window = EVER) -> list[DocumentFailure]:
    return [item for item in items(sandbox, window) if isinstance(item, DocumentFailure)]


def children_of(thing: Json) -> str:
    return f"/notion/v1/blocks/{thing['id']}/children"


def break_body(sandbox: Sandbox, of: Json, **fault: Any) -> None:
    """Let no way lead to what stands on a page."""
    sandbox.faults.fail(f"/notion/v1/pages/{of['id']}/markdown", **fault)
    sandbox.faults.fail(children_of(of), **fault)


# What is found


def test_a_past_window_finds_its_pages_though_newer_ones_exist(sandbox: Sandbox) -> None:
    newer = [page(f"Newer {n}", edited="2026-04-01T00:00:00.000Z") for n in range(150)]
    older = [page(f"Older {n}", edited="2026-02-01T00:00:00.000Z") for n in range(3)]
    sandbox.workspace.pages = [*newer, page("Then"), *older]
    assert titles(sandbox, MARCH_2) == ["Then"]


def test_a_listing_stops_at_pages_that_are_older_than_the_window(sandbox: Sandbox) -> None:
    old = [page(f"Old {n}", edited="2026-01-01T00:00:00.000Z") for n in range(350)]
    sandbox.workspace.pages = [page("New"), *old]
    assert titles(sandbox, MARCH_2) == ["New"]
    # One page of pages, and one of data sources.
    assert sandbox.faults.requests(SEARCH)[f"POST {SEARCH}"] == 2


@pytest.mark.parametrize(
    ("edited", "is_found"),
    [
        ("2026-03-01T23:59:59.999Z", False),
        ("2026-03-02T00:00:00.000Z", True),
        ("2026-03-02T23:59:59.999Z", True),
        ("2026-03-03T00:00:00.000Z", False),
    ],
)
@pytest.mark.parametrize("is_row", [False, True])
def test_a_window_begins_with_its_start_and_ends_before_its_end(
    sandbox: Sandbox, edited: str, is_found: bool, is_row: bool
) -> None:
    table = database("Table")
    sandbox.workspace.databases = [table]
    edge = page("Edge", edited=edited, parent=row_of(table) if is_row else None)
    sandbox.workspace.pages = [edge]
    sandbox.workspace.site.notion_hidden_page_ids = [edge["id"]] if is_row else []
    assert titles(sandbox, MARCH_2) == (["Edge"] if is_found else [])


def test_an_edit_whose_time_is_floored_to_before_the_start_is_not_lost(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("Edge", edited="2026-03-02T10:00:50.000Z")]
    assert titles(sandbox, Window(utc("2026-03-02T10:00") + timedelta(seconds=30), None)) == [
        "Edge"
    ]


def test_a_page_that_search_hides_is_found_through_its_database(sandbox: Sandbox) -> None:
    table = database("Table")
    hidden = page("Hidden", parent=row_of(table))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [hidden, page("Shown", parent=row_of(table))]
    sandbox.workspace.site.notion_hidden_page_ids = [hidden["id"]]
    assert sorted(titles(sandbox)) == ["Hidden", "Shown"]


def test_a_page_that_search_hides_is_found_below_the_pages_that_hold_it(sandbox: Sandbox) -> None:
    grandchild = page("Grandchild")
    child = page("Child", child_page(grandchild))
    top = page("Top", block("toggle", "More", child_page(child)))
    sandbox.workspace.pages = [grandchild, child, top]
    sandbox.workspace.site.notion_hidden_page_ids = [child["id"], grandchild["id"]]
    assert titles(sandbox) == ["Top", "Child", "Grandchild"]


def test_rows_of_a_database_that_search_hides_are_found_below_the_page_that_holds_it(
    sandbox: Sandbox,
) -> None:
    table = database("Table")
    row = page("Row", parent=row_of(table))
    held = {**block("child_database", title="Table"), "id": table["id"]}
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [row, page("Top", held)]
    sandbox.workspace.site.notion_hidden_page_ids = [table["id"], row["id"]]
    assert [(document.title, document.container) for document in documents(sandbox)] == [
        ("Top", "Notion"),
        ("Row", "Table"),
    ]


def test_a_linked_view_of_a_database_elsewhere_is_no_failure(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("Top", block("child_database", title="A view"))]
    assert titles(sandbox) == ["Top"]
    assert failures(sandbox) == []
    assert [(gap.subject, gap.count) for gap in gaps(sandbox)] == [("databases shown on pages", 1)]


def test_a_database_that_three_pages_show_is_read_once(sandbox: Sandbox) -> None:
    table = database("Table")
    row = page("Row", parent=row_of(table))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [row, *(page(f"P{n}", child_database(table)) for n in range(3))]
    sandbox.workspace.site.notion_hidden_page_ids = [table["id"], row["id"]]
    assert sorted(titles(sandbox)) == ["P0", "P1", "P2", "Row"]
    sandbox.faults.log.clear()
    documents(sandbox)
    assert sandbox.faults.requests("/notion/v1/databases").total() == 1
    assert sandbox.faults.requests("/notion/v1/data_sources").total() == 1


@pytest.mark.parametrize("hidden", ["nothing", "a data source's rows", "the whole database"])
def test_a_database_with_two_data_sources_is_read_whole(sandbox: Sandbox, hidden: str) -> None:
    table = database("Tasks", "Open", "Done")
    rows = [page(f"In {name}", parent=row_of(table, name)) for name in ("Open", "Done")]
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [*rows, page("Top", child_database(table))]
    sandbox.workspace.site.notion_hidden_page_ids = {
        "nothing": [],
        "a data source's rows": [rows[1]["id"]],
        "the whole database": [table["id"], *(row["id"] for row in rows)],
    }[hidden]
    containers = {document.title: document.container for document in documents(sandbox)}
    assert containers == {"In Open": "Open", "In Done": "Done", "Top": "Notion"}


def test_of_a_database_search_may_know_one_data_source_alone(sandbox: Sandbox) -> None:
    table = database("Tasks", "Open", "Done")
    rows = [page(f"In {name}", parent=row_of(table, name)) for name in ("Open", "Done")]
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = rows
    sandbox.workspace.site.notion_hidden_page_ids = [row["id"] for row in rows]
    known = data_source_object(table, data_sources_of(table)[0])
    listed = {"object": "list", "results": [known], "next_cursor": None, "has_more": False}
    sandbox.faults.fail(SEARCH, contains="data_source", status=200, body=listed)
    assert sorted(titles(sandbox)) == ["In Done", "In Open"]


def test_pages_that_hold_each_other_are_read_once(sandbox: Sandbox) -> None:
    first, other = page("One"), page("Other")
    first["blocks"], other["blocks"] = [child_page(other)], [child_page(first)]
    sandbox.workspace.pages = [first, other]
    sandbox.workspace.site.notion_hidden_page_ids = [other["id"]]
    assert titles(sandbox) == ["One", "Other"]


def test_pages_that_hold_themselves_come_to_an_end(sandbox: Sandbox) -> None:
    top = page("One")
    top["blocks"] = [child_page(top), paragraph("Words")]
    sandbox.workspace.pages = [top]
    assert titles(sandbox) == ["One"]


def test_only_what_is_shared_is_read_and_what_is_not_is_told(sandbox: Sandbox) -> None:
    secrets = [page(f"Secret {n}", paragraph("Words")) for n in range(2)]
    sandbox.workspace.pages = [*secrets, page("Top", *map(child_page, secrets))]
    sandbox.workspace.site.notion_unshared_ids = [secret["id"] for secret in secrets]
    assert titles(sandbox) == ["Top"]
    assert [(gap.subject, gap.count) for gap in gaps(sandbox)] == [
        ("pages and databases below shared ones", 2)
    ]


def test_a_database_in_the_trash_is_left_out(sandbox: Sandbox) -> None:
    table = {**database("Table"), "in_trash": True}
    row = page("Row", parent=row_of(table))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [row, page("Top", child_database(table))]
    sandbox.workspace.site.notion_hidden_page_ids = [row["id"]]
    assert titles(sandbox) == ["Top"]


VIEW = {
    "object": "error",
    "status": 400,
    "code": "validation_error",
    "message": "Database with ID {} does not contain any data sources accessible by this API bot.",
}
"""What Notion answers to the id of a view of a database that is not shared, or a list of none."""


@pytest.mark.parametrize("is_refused", [True, False], ids=["is refused", "has no data sources"])
def test_a_view_of_a_database_that_is_not_shared_is_told_and_fails_nothing(
    sandbox: Sandbox, is_refused: bool
) -> None:
    view = database("View")
    sandbox.workspace.pages = [page("Top", child_database(view))]
    empty = {**database_object(view), "data_sources": []}
    sandbox.faults.fail(
        f"/notion/v1/databases/{view['id']}",
        status=400 if is_refused else 200,
        body=VIEW if is_refused else empty,
    )
    assert titles(sandbox) == ["Top"]
    assert failures(sandbox) == []
    assert [(gap.subject, gap.count) for gap in gaps(sandbox)] == [("databases shown on pages", 1)]
    # Else no listing would count as complete, and nothing would ever be pruned.
    assert list(source(sandbox).ids(EVER)) == [f"notion:{identity('Top')}"]


def test_a_data_source_of_more_rows_than_a_query_gives_is_read_in_parts(sandbox: Sandbox) -> None:
    table = database("Table")
    rows = [
        page(f"Row {n}", parent=row_of(table), edited=f"2026-03-02T0{n}:00:00.000Z")
        for n in range(6)
    ]
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = rows
    sandbox.workspace.site.notion_hidden_page_ids = [row["id"] for row in rows]
    cut = {
        "object": "list",
        "results": [],
        "next_cursor": None,
        "has_more": False,
        "request_status": {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"},
    }
    sandbox.faults.fail("/notion/v1/data_sources", status=200, body=cut, times=2)
    assert titles(sandbox, MARCH_2) == [f"Row {n}" for n in reversed(range(6))]


def test_a_page_that_is_found_in_three_ways_comes_once(sandbox: Sandbox) -> None:
    table = database("Table")
    row = page("Row", parent=row_of(table))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [row, page("Top", child_page(row))]
    assert sorted(titles(sandbox)) == ["Row", "Top"]


def test_a_child_that_has_not_changed_costs_no_request(sandbox: Sandbox) -> None:
    old = [page(f"Old {n}", edited="2026-01-01T00:00:00.000Z") for n in range(30)]
    sandbox.workspace.pages = [*old, page("Hub", *map(child_page, old))]
    assert titles(sandbox, MARCH_2) == ["Hub"]
    asked = sandbox.faults.requests("/notion/v1/pages")
    assert [path for path in asked if not path.endswith("/markdown")] == []
    # Markdown names pages and no times, which a list of blocks tells for all of them.
    assert sandbox.faults.requests(children_of({"id": identity("Hub")})).total() == 1


def test_a_page_that_vanishes_between_its_parent_and_itself_is_passed_over(
    sandbox: Sandbox,
) -> None:
    child = page("Child")
    sandbox.workspace.pages = [child, page("Top", child_page(child))]
    sandbox.workspace.site.notion_hidden_page_ids = [child["id"]]
    sandbox.faults.fail(f"/notion/v1/pages/{child['id']}", status=404)
    assert titles(sandbox) == ["Top"]


@pytest.mark.parametrize("mark", ["in_trash", "archived"])
def test_a_page_in_the_trash_is_left_out(sandbox: Sandbox, mark: str) -> None:
    gone = {**page("Gone"), mark: True}
    sandbox.workspace.pages = [gone, page("Top", child_page(gone))]
    assert titles(sandbox) == ["Top"]


def test_an_empty_workspace_is_an_empty_window(sandbox: Sandbox) -> None:
    [only] = items(sandbox, MARCH_2)
    assert only == Checkpoint(MARCH_2.start)


# Order and checkpoints


def test_pages_come_newest_first_with_a_checkpoint_after_each_day(sandbox: Sandbox) -> None:
    days = {"C": 4, "A": 2, "B2": 3, "B1": 3}
    sandbox.workspace.pages = [
        page(name, edited=f"2026-03-0{day}T{10 + len(name)}:0{int(name[1:] or 0)}:00.000Z")
        for name, day in days.items()
    ]
    in_window = items(sandbox, Window(utc("2026-03-01"), utc("2026-03-09")))
    assert [item.title if isinstance(item, Document) else item for item in in_window] == [
        "C",
        Checkpoint(utc("2026-03-04")),
        "B2",
        "B1",
        Checkpoint(utc("2026-03-03")),
        "A",
        Checkpoint(utc("2026-03-01")),
    ]


def test_a_window_that_reaches_the_present_ends_with_its_start(
    sandbox: Sandbox,
) -> None:
    *_, last = items(sandbox, Window(utc("2026-03-01"), None))
    assert isinstance(last, Checkpoint)
    assert last.since == utc("2026-03-01")


def test_days_after_an_outage_are_checkpointed(sandbox: Sandbox) -> None:
    good = page("Good", edited="2026-03-04T10:00:00.000Z")
    bad = [page(f"Bad {n}") for n in range(9)]
    sandbox.workspace.pages = [good, *bad]
    for bad_page in bad:
        break_body(sandbox, bad_page, status=503)
    seen: list[SourceItem] = []
    with pytest.raises(UnavailableError, match="notion did not answer: HTTP 503"):
        seen.extend(source(sandbox).documents(EVER))
    assert Checkpoint(utc("2026-03-04")) in seen


# What a document is


def test_a_document_says_what_the_page_says(sandbox: Sandbox, way: str) -> None:
    table = database("Runbooks")
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [
        page(
            "Rotate the keys",
            paragraph("Every 90 days."),
            block("heading_1", "Before"),
            paragraph("Tell people."),
            block("heading_2", "Whom"),
            paragraph("Everybody."),
            block("heading_1", "After"),
            parent=row_of(table),
            Area={"type": "select", "select": {"name": "Security"}},
            Due={"type": "date", "date": None},
        )
    ]
    [document] = documents(sandbox)
    assert document.id == f"notion:{identity('Rotate the keys')}"
    assert [(section.heading, section.text) for section in document.sections] == [
        ("Properties", "- Area: Security"),
        ("", "Every 90 days."),
        ("Before", "Tell people."),
        ("Before > Whom", "Everybody."),
        ("After", ""),
    ]
    assert document.url == f"https://www.notion.so/{identity('Rotate the keys').replace('-', '')}"
    has_link = document.sections[2].url.startswith(f"{document.url}#")
    # Markdown knows of no link to a heading.
    assert has_link is (way == "block by block")
    assert document.container == "Runbooks"
    assert document.authors == ("Person a000", "Person b000")
    assert document.created_at == utc("2026-01-01T08:00")
    assert document.updated_at == utc("2026-03-02T10:00")
    assert document.extra == {"page_id": identity("Rotate the keys"), "database": "Runbooks"}


def test_a_page_without_a_title_is_untitled(sandbox: Sandbox) -> None:
    blank = page("Blank")
    blank["properties"]["Name"]["title"] = []
    sandbox.workspace.pages = [blank]
    assert titles(sandbox) == ["Untitled"]


@pytest.mark.parametrize(
    ("kind", "name", "container"),
    [
        ("page_id", "Top", "Top"),
        ("block_id", "inner", "Top"),
        ("page_id", "not shared", "Notion"),
        ("block_id", "not shared", "Notion"),
    ],
)
def test_the_container_of_a_page_is_what_it_stands_in(
    sandbox: Sandbox, kind: str, name: str, container: str
) -> None:
    inner = {**paragraph("Inner"), "id": identity("inner")}
    top = page("Top", paragraph("Words", inner), edited="2020-01-01T00:00:00.000Z")
    sandbox.workspace.pages = [top, page("Below", parent={"type": kind, kind: identity(name)})]
    [document] = documents(sandbox, MARCH_2)
    assert (document.container, document.extra["database"]) == (container, "")


def test_a_page_is_the_same_document_whatever_else_is_in_the_window(sandbox: Sandbox) -> None:
    other = page("Other", edited="2026-03-01T10:00:00.000Z")
    sandbox.workspace.pages = [
        other,
        page(
            "One",
            parent={"type": "page_id", "page_id": other["id"]},
            See={"type": "relation", "relation": [{"id": other["id"]}]},
        ),
    ]
    [alone] = documents(sandbox, MARCH_2)
    assert alone.sections[0].text == "- See: Other"
    assert alone == documents(sandbox)[0]


def test_authors_are_left_empty_where_users_may_not_be_read(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    sandbox.workspace.site.notion_capabilities.remove("users")
    [document] = documents(sandbox)
    assert document.authors == ()
    assert [gap.subject for gap in gaps(sandbox)] == ["names of people"]


def test_all_of_a_property_is_read_though_a_page_shows_25_of_it(sandbox: Sandbox) -> None:
    others = [page(f"Other {n}", edited="2020-01-01T00:00:00.000Z") for n in range(120)]
    related = [{"id": other["id"]} for other in others]
    sandbox.workspace.pages = [
        *others,
        page("One", See={"type": "relation", "relation": related}),
    ]
    [document] = documents(sandbox, MARCH_2)
    assert document.sections[0].text == "- See: " + ", ".join(f"Other {n}" for n in range(120))


PLAN = page("Plan", edited="2020-01-01T00:00:00.000Z")
VALUES: dict[str, tuple[Json, str]] = {
    "Note": (
        {"type": "rich_text", "rich_text": [text("See "), mention("@Ann", user=ANN)]},
        "See @Ann",
    ),
    "Points": ({"type": "number", "number": 0}, "0"),
    "Size": ({"type": "select", "select": {"name": "Large"}}, "Large"),
    "Tags": ({"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]}, "a, b"),
    "State": ({"type": "status", "status": {"name": "Done"}}, "Done"),
    "When": (
        {
            "type": "date",
            "date": {"start": "2026-03-02", "end": "2026-03-04", "time_zone": None},
        },
        "2026-03-02 to 2026-03-04",
    ),
    "Owner": ({"type": "people", "people": [ANN]}, "Person a000"),
    "Ready": ({"type": "checkbox", "checkbox": False}, "no"),
    "Site": ({"type": "url", "url": "https://u.example"}, "https://u.example"),
    "Mail": ({"type": "email", "email": "a@example.com"}, "a@example.com"),
    "Phone": ({"type": "phone_number", "phone_number": "+1-555-0100"}, "+1-555-0100"),
    "Sum": ({"type": "formula", "formula": {"type": "number", "number": 3}}, "3"),
    "Late": ({"type": "formula", "formula": {"type": "boolean", "boolean": True}}, "yes"),
    "See": ({"type": "relation", "relation": [{"id": PLAN["id"]}]}, "Plan"),
    "Hours": (
        {"type": "rollup", "rollup": {"type": "number", "number": 7, "function": "sum"}},
        "7",
    ),
    "Made by": ({"type": "created_by", "created_by": ANN}, "Person a000"),
    "Number": ({"type": "unique_id", "unique_id": {"prefix": "TASK", "number": 12}}, "TASK-12"),
}


def test_numbers_checkboxes_relations_formulas_and_mentions_are_not_dropped(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.pages = [
        PLAN,
        page("One", **{name: value for name, (value, _) in VALUES.items()}),
    ]
    [document] = documents(sandbox, MARCH_2)
    assert document.sections[0].text.split("\n") == [
        f"- {name}: {wanted}" for name, (_, wanted) in VALUES.items()
    ]


def test_all_of_a_rollup_is_read_though_a_page_shows_25_of_it(sandbox: Sandbox) -> None:
    array = [{"type": "number", "number": n} for n in range(120)]
    rolled = {"type": "array", "array": array, "function": "show_original"}
    sandbox.workspace.pages = [page("One", All={"type": "rollup", "rollup": rolled})]
    [document] = documents(sandbox)
    assert document.sections[0].text == "- All: " + ", ".join(map(str, range(120)))


# Pages that cannot be read, and a Notion that does not answer


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_page_whose_blocks_cannot_all_be_fetched_fails_and_is_never_cut_short(
    sandbox: Sandbox, status: int
) -> None:
    toggle = block("toggle", "More", paragraph("Inside"))
    bad = page("Bad", paragraph("Start"), toggle)
    sandbox.workspace.pages = [page("Good", edited="2026-03-01T10:00:00.000Z"), bad]
    sandbox.faults.fail(f"/notion/v1/pages/{bad['id']}/markdown", status=status)
    sandbox.faults.fail(children_of(toggle), status=status)
    window_items = items(sandbox)
    assert [item.title for item in window_items if isinstance(item, Document)] == ["Good"]
    [failure] = [item for item in window_items if isinstance(item, DocumentFailure)]
    assert failure.document_id == f"notion:{identity('Bad')}"
    assert failure.day == utc("2026-03-02").date()


def test_a_failed_fetch_of_children_keeps_the_old_vectors(sandbox: Sandbox, tmp_path: Path) -> None:
    toggle = block("toggle", "More", paragraph("Inside"))
    sandbox.workspace.pages = [page("One", toggle)]
    store = LanceDBStore(str(tmp_path / "lancedb"))

    def sync() -> SyncReport:
        pipeline = Pipeline(
            source=source(sandbox), target=target_of(store, TinyEmbedder()), meter=Meter()
        )
        day = Days(utc("2026-03-02").date(), utc("2026-03-02").date())
        return write(pipeline.embedded_documents(day, now=utc("2026-03-10")))

    sync()
    held = store.chunk_ids("notion", f"notion:{identity('One')}")
    sandbox.workspace.pages = [page("One", toggle, edited="2026-03-02T12:00:00.000Z")]
    break_body(sandbox, page("One"), status=404)
    report = sync()
    assert [failure.document_id for failure in report.failures] == [f"notion:{identity('One')}"]
    assert store.chunk_ids("notion", f"notion:{identity('One')}") == held != []


def test_a_block_without_what_its_type_names_costs_its_page_alone(sandbox: Sandbox) -> None:
    bad = page("Bad")
    sandbox.workspace.pages = [bad, page("Good")]
    odd: Json = {"object": "block", "id": "b", "type": "paragraph", "heading": ["odd words"]}
    listed = {"object": "list", "results": [odd], "next_cursor": None, "has_more": False}
    sandbox.faults.fail(f"/notion/v1/pages/{bad['id']}/markdown", status=404)
    sandbox.faults.fail(children_of(bad), status=200, body=listed)
    assert titles(sandbox) == ["Good"]
    assert [failure.cause.split(":")[0] for failure in failures(sandbox)] == [
        "a field is not as documented"
    ]
    odd["paragraph"] = odd.pop("heading")
    assert sorted(titles(sandbox)) == ["Bad", "Good"]


def test_a_page_without_a_time_is_a_failure(sandbox: Sandbox) -> None:
    timeless = {"object": "page", "id": identity("One")}
    listed = {"object": "list", "results": [timeless], "next_cursor": None, "has_more": False}
    sandbox.faults.fail(SEARCH, status=200, body=listed)
    [failure] = failures(sandbox)
    assert failure.document_id == f"notion:{identity('One')}"
    assert "its 'last_edited_time'" in failure.cause


def test_nothing_is_asked_before_the_first_document_is_wanted(sandbox: Sandbox) -> None:
    source(sandbox).documents(EVER)
    assert sandbox.faults.log == []


def test_a_few_bad_pages_are_no_outage(sandbox: Sandbox) -> None:
    pages = [page(f"Page {n:02}", edited=f"2026-03-02T10:{n:02}:00.000Z") for n in range(20)]
    sandbox.workspace.pages = pages
    for bad in pages[::2]:
        break_body(sandbox, bad, status=500)
    assert titles(sandbox) == [f"Page {n:02}" for n in range(19, 0, -2)]
    assert len(failures(sandbox)) == 10


def test_a_data_source_that_is_refused_is_named_and_the_others_go_on(sandbox: Sandbox) -> None:
    lost, kept = database("Lost"), database("Kept")
    row = page("Row", parent=row_of(kept))
    sandbox.workspace.databases = [lost, kept]
    sandbox.workspace.pages = [row]
    sandbox.workspace.site.notion_hidden_page_ids = [row["id"]]
    refused = f"/notion/v1/data_sources/{data_source_id(lost['id'])}/query"
    rule = sandbox.faults.fail(refused, status=404)
    assert titles(sandbox) == ["Row"]
    assert [(gap.subject, gap.count) for gap in gaps(sandbox)] == [("rows of databases", 1)]
    assert failures(sandbox) == []
    # What nobody can give by sharing is tried again.
    rule.status = 400
    [failure] = failures(sandbox)
    assert failure.document_id == f"notion:{data_source_id(lost['id'])}"
    assert titles(sandbox) == ["Row"]


def test_a_token_that_is_refused_half_way_ends_the_run(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    break_body(sandbox, page("One"), status=401)
    with pytest.raises(CredentialsError, match=r"unauthorized.*NOTION_TOKEN"):
        items(sandbox)


@pytest.mark.parametrize(
    "verb", [NotionSource.check, NotionSource.newest, lambda notion: list(notion.documents(EVER))]
)
def test_a_wrong_token_is_called_wrong(
    sandbox: Sandbox, verb: Callable[[NotionSource], object]
) -> None:
    with pytest.raises(CredentialsError, match="notion refuses the credentials: unauthorized"):
        verb(source(sandbox, notion_token="ntn_of_someone_else"))


def test_an_integration_that_may_not_read_content_is_told_so(sandbox: Sandbox) -> None:
    sandbox.faults.fail(SEARCH, status=403)
    with pytest.raises(CredentialsError, match=r"restricted_resource.*may read content"):
        items(sandbox)


def test_a_token_is_wanted() -> None:
    with pytest.raises(SettingsError, match="NOTION_TOKEN"):
        NotionSource.from_settings(Settings(), Meter())


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503},
        {"status": 429, "retry_after_seconds": 0},
        {"break_connection": "drop"},
        {"break_connection": "truncate"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [SEARCH, "/notion/v1/blocks", "/notion/v1/data_sources"])
def test_a_run_survives_faults_that_pass(
    sandbox: Sandbox, fault: dict[str, Any], path: str
) -> None:
    table = database("Table")
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [page("One", paragraph("Words"), parent=row_of(table))]
    sandbox.faults.fail(path, times=3, **fault)
    [document] = documents(sandbox)
    assert document.sections[0].text == "Words"


def test_a_notion_that_does_not_answer_is_unavailable(sandbox: Sandbox) -> None:
    sandbox.faults.fail(SEARCH, status=502, body="<html>")
    with pytest.raises(UnavailableError, match="HTTP 502"):
        items(sandbox)


def test_a_notion_that_cannot_be_reached_is_unavailable(sandbox: Sandbox) -> None:
    with pytest.raises(UnavailableError, match=r"ConnectError.*NOTION_BASE_URL"):
        source(sandbox, notion_base_url="http://127.0.0.1:9").check()


def test_a_rate_limit_beyond_the_ceiling_ends_the_run_by_name(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    break_body(sandbox, page("One"), status=429, retry_after_seconds=3600)
    with pytest.raises(RateLimitedError, match="notion is rate limited"):
        items(sandbox)


@pytest.mark.parametrize("path", [SEARCH, "/notion/v1/data_sources"])
def test_a_list_that_says_that_it_is_incomplete_never_passes_for_complete(
    sandbox: Sandbox, path: str
) -> None:
    sandbox.workspace.databases = [database("Table")]
    cut = {
        "object": "list",
        "results": [],
        "next_cursor": None,
        "has_more": False,
        "request_status": {
            "type": "incomplete",
            "incomplete_reason": "query_result_limit_reached",
        },
    }
    sandbox.faults.fail(path, status=200, body=cut)
    with pytest.raises(ContractError, match=r"incomplete .query_result_limit_reached"):
        items(sandbox)


def test_a_cursor_that_comes_twice_is_refused(sandbox: Sandbox) -> None:
    again = {"object": "list", "results": [], "next_cursor": "c", "has_more": True}
    sandbox.faults.fail(SEARCH, status=200, body=again)
    with pytest.raises(ContractError, match="a cursor for the second time"):
        items(sandbox)


@pytest.mark.parametrize("body", [{}, {"message": "soon back"}])
def test_an_answer_that_is_no_list_is_refused(sandbox: Sandbox, body: Json) -> None:
    sandbox.faults.fail(SEARCH, status=200, body=body)
    with pytest.raises(ContractError, match="'results'"):
        items(sandbox)


# The other verbs


def test_the_newest_edit_is_known_after_one_request(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [
        page("Old"),
        page("New", edited="2026-03-05T11:22:33.000Z"),
    ]
    meter = Meter()
    assert source(sandbox, meter).newest() == utc("2026-03-05T11:22")
    assert meter.requests == {"notion search": 1}


def test_nothing_is_newest_where_nothing_is_shared(sandbox: Sandbox) -> None:
    assert source(sandbox).newest() is None


def test_a_check_says_who_we_are_and_that_nothing_is_missing(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    assert source(sandbox).check() == ConnectionCheck("Sandbox in Sandbox")


def test_a_check_says_that_nothing_is_shared(sandbox: Sandbox) -> None:
    [gap] = source(sandbox).check().gaps
    assert (gap.subject, gap.reason) == ("pages", "nothing is shared with the integration")
    assert "add the integration" in gap.advice


@pytest.mark.parametrize(
    ("capability", "subject"), [("comments", "comments"), ("users", "names of people")]
)
def test_a_check_says_what_the_integration_may_not_read(
    sandbox: Sandbox, capability: str, subject: str
) -> None:
    sandbox.workspace.pages = [page("One")]
    sandbox.workspace.site.notion_capabilities.remove(capability)
    assert [gap.subject for gap in source(sandbox).check().gaps] == [subject]
    assert [gap.subject for gap in gaps(sandbox)] == [subject]


# Comments


def test_comments_on_a_page_are_sections_of_their_own(sandbox: Sandbox) -> None:
    talk = [comment("Is it so?", ANN), comment("It is.", BO, "2026-03-02T11:00:00.000Z")]
    sandbox.workspace.pages = [{**page("One", paragraph("Words")), "comments": talk}]
    [document] = documents(sandbox)
    assert [(section.heading, section.text) for section in document.sections] == [
        ("", "Words"),
        ("Comment by Person a000, 2026-03-02 10:15", "Is it so?"),
        ("Comment by Person b000, 2026-03-02 11:00", "It is."),
    ]
    assert document.authors == ("Person a000", "Person b000")


def test_more_comments_than_a_page_of_a_list_are_all_read(sandbox: Sandbox) -> None:
    talk = [comment(f"Word {n}") for n in range(130)]
    sandbox.workspace.pages = [{**page("One"), "comments": talk}]
    [document] = documents(sandbox)
    assert [section.text for section in document.sections] == [f"Word {n}" for n in range(130)]


def test_comments_are_asked_for_once_where_they_may_not_be_read(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page(f"Page {n}") for n in range(9)]
    sandbox.workspace.site.notion_capabilities.remove("comments")
    assert len(documents(sandbox)) == 9
    assert sandbox.faults.requests("/notion/v1/comments").total() == 1


def test_comments_are_not_asked_for_when_they_are_not_wanted(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [{**page("One"), "comments": [comment("Aside")]}]
    yielded = list(source(sandbox, notion_comments="false").documents(EVER))
    assert [item.sections for item in yielded if isinstance(item, Document)] == [()]
    assert sandbox.faults.requests("/notion/v1/comments").total() == 0


def test_a_page_whose_comments_are_refused_fails_and_is_never_cut_short(sandbox: Sandbox) -> None:
    pages = [page(f"Page {n}", edited=f"2026-03-02T10:0{n}:00.000Z") for n in range(9)]
    sandbox.workspace.pages = pages
    sandbox.faults.fail("/notion/v1/comments", contains=pages[0]["id"], status=404)
    assert titles(sandbox) == [f"Page {n}" for n in reversed(range(1, 9))]
    [failure] = failures(sandbox)
    assert failure.document_id == f"notion:{pages[0]['id']}"


def test_comments_on_passages_are_counted_where_markdown_shows_them(
    sandbox: Sandbox, way: str
) -> None:
    passages = [{**paragraph(f"Passage {n}"), "comments": [comment("Aside")]} for n in range(3)]
    sandbox.workspace.pages = [page("One", *passages)]
    [document] = documents(sandbox)
    assert document.sections[0].text == "Passage 0\n\nPassage 1\n\nPassage 2"
    expected = [("comments on passages", 3)] if way == "as Markdown" else []
    assert [(gap.subject, gap.count) for gap in gaps(sandbox)] == expected


# What is told of what is not read


def test_blocks_that_the_api_does_not_show_are_counted(sandbox: Sandbox) -> None:
    odd = [{**block("unsupported", block_type="form"), "id": identity(f"odd {n}")} for n in (1, 2)]
    sandbox.workspace.pages = [page("One", paragraph("Words"), *odd)]
    assert [document.sections[0].text for document in documents(sandbox)] == ["Words"]
    [gap] = gaps(sandbox)
    assert (gap.subject, gap.count) == ("blocks that the API does not show", 2)


def test_a_copy_whose_original_is_not_shared_is_told(sandbox: Sandbox) -> None:
    original = synced("original", paragraph("Shared words"))
    copy = copy_of(original, "copy")
    secret = page("Secret", original)
    sandbox.workspace.pages = [secret, page("One", paragraph("Words"), copy)]
    sandbox.workspace.site.notion_unshared_ids = [secret["id"]]
    sandbox.faults.fail(children_of(copy), status=404)
    assert [document.sections[0].text for document in documents(sandbox)] == ["Words"]
    assert [gap.count for gap in gaps(sandbox)] == [1]


@pytest.mark.parametrize("place", ["below a page", "by itself"])
def test_a_page_that_search_hides_and_that_changed_alone_is_seen_by_the_rescan(
    sandbox: Sandbox, tmp_path: Path, place: str
) -> None:
    child = page("Child", paragraph("Before"))
    top = page("Top", child_page(child))
    sandbox.workspace.pages = [child, top] if place == "below a page" else [child]
    sandbox.workspace.site.notion_hidden_page_ids = [child["id"]]
    store = LanceDBStore(str(tmp_path / "lancedb"))

    def texts_after(days: Days, *, is_rescan: bool = False) -> str:
        pipeline = Pipeline(
            source=source(sandbox), target=target_of(store, TinyEmbedder()), meter=Meter()
        )
        now = utc("2026-03-10")
        write(pipeline.embedded_documents(days, now=now, is_rescan=is_rescan))
        hits = store.lookup("notion", where=Filter(), limit=10)
        return "\n".join(str(hit.metadata["text"]) for hit in hits)

    if place == "by itself":
        # Found once, while search still knew it.
        sandbox.workspace.site.notion_hidden_page_ids = []
    assert "Before" in texts_after(Days(utc("2026-03-02").date(), utc("2026-03-02").date()))
    sandbox.workspace.site.notion_hidden_page_ids = [child["id"]]
    after = page("Child", paragraph("After"), edited="2026-03-05T00:00:00.000Z")
    sandbox.workspace.pages = [after, *([top] if place == "below a page" else [])]
    week = Days(utc("2026-03-05").date(), utc("2026-03-09").date())
    assert "After" not in texts_after(week)
    assert "After" in texts_after(week, is_rescan=True)


# Ids


def everything(sandbox: Sandbox) -> None:
    """Fill a workspace with pages that are found in every way."""
    table = database("Tasks", "Open", "Done")
    rows = [page(f"In {name}", parent=row_of(table, name)) for name in ("Open", "Done")]
    grandchild = page("Grandchild")
    child = page("Child", child_page(grandchild), block("toggle", "More", child_database(table)))
    gone = {**page("Gone"), "in_trash": True}
    old = page("Old", edited="2020-01-01T00:00:00.000Z")
    top = page("Top", *map(child_page, (child, gone, old)))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [*rows, grandchild, child, gone, old, top, page("Loose")]
    hidden = [table, *rows, child, grandchild, old]
    sandbox.workspace.site.notion_hidden_page_ids = [thing["id"] for thing in hidden]


@pytest.mark.parametrize(
    ("window", "count"),
    [(EVER, 7), (MARCH_2, 6), (Window(utc("2026-03-05"), None), 0)],
    ids=["ever", "a day", "a day without a page"],
)
def test_ids_are_those_of_the_documents_and_read_no_more_than_bodies(
    sandbox: Sandbox, window: Window, count: int
) -> None:
    everything(sandbox)
    of_documents = [document.id for document in documents(sandbox, window)]
    sandbox.faults.log.clear()
    assert list(source(sandbox).ids(window)) == of_documents
    assert len(of_documents) == count
    for verb in ("users", "comments"):
        assert sandbox.faults.requests(f"/notion/v1/{verb}").total() == 0


@pytest.mark.parametrize("status", [400, 404, 500])
def test_ids_that_may_not_be_complete_are_refused(sandbox: Sandbox, status: int) -> None:
    everything(sandbox)
    break_body(sandbox, page("Top"), status=status)
    with pytest.raises(VectorAssetsError, match="notion"):
        list(source(sandbox).ids(EVER))


def test_ids_are_refused_when_a_database_is(sandbox: Sandbox) -> None:
    everything(sandbox)
    sandbox.faults.fail("/notion/v1/data_sources", status=400)
    with pytest.raises(VectorAssetsError, match="rows of a data source"):
        list(source(sandbox).ids(EVER))


def test_ids_are_refused_when_a_body_has_a_shape_that_nobody_documented(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    odd = {"object": "block", "id": "b", "type": "paragraph", "heading": ["odd"]}
    listed = {"object": "list", "results": [odd], "next_cursor": None, "has_more": False}
    sandbox.faults.fail("/notion/v1/pages", status=404)
    sandbox.faults.fail("/notion/v1/blocks", status=200, body=listed)
    with pytest.raises(SkippableError, match="a field is not as documented"):
        list(source(sandbox).ids(EVER))


# What it costs


def test_requests_are_counted_by_endpoint(sandbox: Sandbox, way: str) -> None:
    table = database("Table")
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [
        page("One", *[paragraph(f"Words {n}") for n in range(250)], parent=row_of(table))
    ]
    meter = Meter()
    list(source(sandbox, meter).documents(EVER))
    # Where Notion refuses to give Markdown, it is asked just once whether it would.
    body = {"notion pages.markdown": 1}
    if way == "block by block":
        body["notion blocks.children"] = 3
    assert meter.requests == {
        **body,
        "notion comments": 1,
        "notion data_sources.query": 1,
        "notion databases": 1,
        "notion search": 2,
        "notion users": 1,
    }


# Real pages


def letters(text: str) -> str:
    """Return a text without all that Markdown adds to it, and without all space."""
    return re.sub(r"[\W_]", "", text)


def without_targets(text: str, addresses: set[str]) -> str:
    """Return Markdown whose links to these addresses lead nowhere."""
    for address in sorted(addresses, key=len, reverse=True):
        text = text.replace(f"]({address})", "]").replace(f"](https://www.notion.so{address})", "]")
    return text.replace("<br>", "\n")


def addresses_in(blocks: list[Json]) -> set[str]:
    return set(re.findall(r'"href": "((?:[^"\\]|\\.)*)"', json.dumps(blocks, ensure_ascii=False)))


def texts(blocks: list[Json]) -> Iterator[str]:
    """Yield what each block, caption and cell says."""
    for raw_block in blocks:
        body = raw_block[raw_block["type"]]
        rich = [body.get("rich_text"), body.get("caption"), *(body.get("cells") or [])]
        yield from ("".join(part["plain_text"] for part in parts or []) for parts in rich)
        yield from texts(body.get("children") or [])


def test_every_page_of_the_real_data_comes_once_with_every_word(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path, way: str
) -> None:
    workspace = Workspace.load(workspace_data)
    newest = {"as Markdown": "2026-03-11", "block by block": "2025-09-03"}[way]
    workspace.site.notion_newest_version = newest
    sandbox = serve(workspace)
    by_id = {document.native_id: document for document in documents(sandbox)}
    assert sorted(by_id) == sorted(raw_page["id"] for raw_page in workspace.pages)
    lost: list[str] = []
    for raw_page in workspace.pages:
        document = by_id[raw_page["id"]]
        said = "\n".join(f"{part.heading}\n{part.text}" for part in document.sections)
        said = letters(without_targets(said, addresses_in(raw_page["blocks"])))
        wanted = Counter(
            letters(without_targets(text, set())) for text in texts(raw_page["blocks"])
        )
        lost += [text for text, count in wanted.items() if text and said.count(text) < count]
        assert document.title == " ".join(raw_page["title"].split())
    assert lost == []
    paths = [path.rpartition("/")[2] for path in sandbox.faults.requests().elements()]
    # Markdown: one request a page; blocks: three are refused, and one for each that has others.
    bodies = (len(workspace.pages), 0) if way == "as Markdown" else (3, 618)
    assert (paths.count("markdown"), paths.count("children")) == bodies
    assert list(source(sandbox).ids(EVER)) == [document.id for document in by_id.values()]


def test_the_same_pages_come_whether_asked_for_by_day_or_at_once(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path
) -> None:
    workspace = Workspace.load(workspace_data)
    workspace.pages.sort(key=lambda raw_page: str(raw_page["last_edited_time"]))
    del workspace.pages[:-20]
    tables = {raw_page["parent"]["database_id"] for raw_page in workspace.pages}
    workspace.databases = [table for table in workspace.databases if table["id"] in tables]
    sandbox = serve(workspace)
    at_once = documents(sandbox)
    days = sorted({document.day for document in at_once})
    by_day = [
        document
        for day in reversed(days)
        for document in documents(
            sandbox, Window(utc(day.isoformat()), utc(day.isoformat()) + timedelta(days=1))
        )
    ]
    assert by_day == at_once


def test_a_document_depends_on_nothing_that_is_signed_anew(sandbox: Sandbox) -> None:
    def at(signature: str) -> Document:
        file = {
            "url": f"https://prod-files-secure.s3.amazonaws.com/a/b?X-Amz-Signature={signature}",
            "expiry_time": "2026-03-02T11:00:00Z",
        }
        image = block("image", type="file", file=file, caption=[])
        upload = {"type": "file", "name": "plan.zip", "file": file}
        signed_page = page("One", image, Files={"type": "files", "files": [upload]})
        signed_page["blocks"][0]["id"] = identity("image")
        sandbox.workspace.pages = [signed_page]
        return documents(sandbox)[0]

    assert at("first") == at("second")
    assert at("first").sections[0].text == "- Files: plan.zip"


def test_no_answer_of_ours_holds_the_token(sandbox: Sandbox) -> None:
    token = "ntn_very_private"
    with pytest.raises(CredentialsError, match="NOTION_TOKEN") as caught:
        source(sandbox, notion_token=token).check()
    assert not re.search(token, json.dumps([str(caught.value), repr(caught.value.__cause__)]))


def test_a_person_is_named_as_the_workspace_names_them(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One", Owner={"type": "people", "people": [ANN]})]
    [document] = documents(sandbox)
    assert document.sections[0].text == "- Owner: Person a000"
