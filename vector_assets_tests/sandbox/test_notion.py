"""The sandbox's Notion refuses what the vendor refuses; its answers fit the contract."""

from typing import Any

import httpx
import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.notion_pages import (
    Json,
    block,
    database,
    identity,
    page,
    paragraph,
    row_of,
)

HEADERS = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2025-09-03"}


def answer(sandbox: Sandbox, method: str, path: str, **request: Any) -> httpx.Response:
    url = f"{sandbox.url}/notion/v1/{path}"
    return httpx.request(method, url, **{"headers": HEADERS, **request})


def get(sandbox: Sandbox, path: str, **query: object) -> Json:
    found: Json = answer(sandbox, "GET", path, params=query).raise_for_status().json()
    return found


def post(sandbox: Sandbox, path: str, **body: object) -> Json:
    found: Json = answer(sandbox, "POST", path, json=body).raise_for_status().json()
    return found


def names(listed: Json) -> list[str]:
    return [one["properties"]["Name"]["title"][0]["plain_text"] for one in listed["results"]]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Notion-Version": "2025-09-03"}, 401, "unauthorized"),
        ({**HEADERS, "Authorization": "Bearer ntn_other"}, 401, "unauthorized"),
        ({"Authorization": HEADERS["Authorization"]}, 400, "missing_version"),
        ({**HEADERS, "Notion-Version": "2022-06-28"}, 400, "validation_error"),
        ({**HEADERS, "Notion-Version": "2099-01-01"}, 400, "validation_error"),
    ],
)
def test_a_request_without_token_or_version_is_refused(
    sandbox: Sandbox, headers: dict[str, str], status: int, code: str
) -> None:
    refused = answer(sandbox, "GET", "users/me", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "path",
    ["pages/x", "blocks/x", "blocks/x/children", "databases/x", "data_sources/x",
     "pages/x/properties/y"],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(sandbox: Sandbox, path: str) -> None:
    refused = answer(sandbox, "GET", path)
    assert (refused.status_code, refused.json()["code"]) == (404, "object_not_found")


@pytest.mark.parametrize("asked", [{"page_size": 101}, {"start_cursor": "nonsense"}])
def test_a_list_takes_at_most_100_and_only_its_own_cursors(
    sandbox: Sandbox, asked: dict[str, object]
) -> None:
    refused = answer(sandbox, "POST", "search", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")


def test_times_are_floored_to_the_minute(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One", edited="2026-03-02T10:00:59.999Z")]
    found = get(sandbox, f"pages/{identity('One')}")
    assert found["last_edited_time"] == "2026-03-02T10:00:00.000Z"


def test_search_pages_through_everything_but_what_is_hidden_or_gone(sandbox: Sandbox) -> None:
    pages = [
        page(f"P{n:03}", edited=f"2026-03-02T{n // 60:02}:{n % 60:02}:00Z") for n in range(130)
    ]
    hidden, gone = pages[3], pages[7]
    gone["in_trash"] = True
    sandbox.workspace.pages = pages
    sandbox.workspace.site.notion_hidden_page_ids = [hidden["id"]]
    sort = {"timestamp": "last_edited_time", "direction": "descending"}
    first = post(sandbox, "search", sort=sort)
    last = post(sandbox, "search", sort=sort, start_cursor=first["next_cursor"])
    assert [first["has_more"], last["has_more"], last["next_cursor"]] == [True, False, None]
    found = names(first) + names(last)
    assert found == [f"P{n:03}" for n in reversed(range(130)) if n not in (3, 7)]


def test_search_finds_data_sources_beside_pages(sandbox: Sandbox) -> None:
    sandbox.workspace.databases = [database("Table")]
    sandbox.workspace.pages = [page("One")]
    only = {"property": "object", "value": "data_source"}
    assert [one["object"] for one in post(sandbox, "search", filter=only)["results"]] == [
        "data_source"
    ]
    assert len(post(sandbox, "search")["results"]) == 2


def test_a_database_is_queried_through_its_data_source(sandbox: Sandbox) -> None:
    table = database("Table")
    sandbox.workspace.databases = [table, database("Other")]
    sandbox.workspace.pages = [
        page("Early", parent=row_of(table), edited="2026-03-01T10:00:00.000Z"),
        page("Late", parent=row_of(table), edited="2026-03-03T10:00:59.000Z"),
        page("Elsewhere"),
    ]
    [source] = get(sandbox, f"databases/{table['id']}")["data_sources"]
    query = f"data_sources/{source['id']}/query"
    newest_first = [{"timestamp": "last_edited_time", "direction": "descending"}]
    assert names(post(sandbox, query, sorts=newest_first)) == ["Late", "Early"]

    def edited(**bounds: str) -> list[str]:
        condition = {"timestamp": "last_edited_time", "last_edited_time": bounds}
        return names(post(sandbox, query, filter={"and": [condition]}))

    assert edited(on_or_after="2026-03-03T10:00:00Z") == ["Late"]
    assert edited(after="2026-03-03T10:00:00Z") == []
    assert edited(before="2026-03-03T10:00:00Z") == ["Early"]
    assert get(sandbox, f"data_sources/{source['id']}")["parent"]["database_id"] == table["id"]
    assert get(sandbox, f"pages/{identity('Late')}")["parent"]["data_source_id"] == source["id"]


def test_children_come_one_level_at_a_time(sandbox: Sandbox) -> None:
    inner = paragraph("Inner")
    outer = block("toggle", "Outer", inner)
    sandbox.workspace.pages = [page("One", outer, *[paragraph(f"P{n}") for n in range(120)])]
    first = get(sandbox, f"blocks/{identity('One')}/children", page_size=100)
    rest = get(sandbox, f"blocks/{identity('One')}/children", start_cursor=first["next_cursor"])
    assert [len(first["results"]), len(rest["results"])] == [100, 21]
    assert first["results"][0]["has_children"]
    assert "children" not in first["results"][0]["toggle"]
    [found] = get(sandbox, f"blocks/{outer['id']}/children")["results"]
    assert found["id"] == inner["id"]
    assert get(sandbox, f"blocks/{inner['id']}")["parent"]["block_id"] == outer["id"]


def test_a_page_shows_25_relations_and_its_property_the_rest(sandbox: Sandbox) -> None:
    related = [{"id": identity(f"R{n}")} for n in range(130)]
    sandbox.workspace.pages = [page("One", See={"type": "relation", "relation": related})]
    see = get(sandbox, f"pages/{identity('One')}")["properties"]["See"]
    assert (len(see["relation"]), see["has_more"]) == (25, True)
    path = f"pages/{identity('One')}/properties/{see['id']}"
    first = get(sandbox, path)
    rest = get(sandbox, path, start_cursor=first["next_cursor"])
    assert [one["relation"] for one in first["results"] + rest["results"]] == related


def test_people_have_names(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    assert [one["name"] for one in get(sandbox, "users")["results"]] == [
        "Person a000",
        "Person b000",
    ]
