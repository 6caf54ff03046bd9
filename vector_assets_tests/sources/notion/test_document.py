"""What a page says beside its body, over real HTTP: properties as people see them, comments."""

from typing import Any

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.notion.objects import data_source_object, data_sources_of
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.notion.source import NotionSource
from vector_assets_tests.sources.notion.pages import (
    BO,
    Json,
    comment,
    database,
    identity,
    page,
    row_of,
    text,
)
from vector_assets_tests.support.tiny import utc

SCHEMA = {
    "Share": {"type": "number", "number": {"format": "percent"}},
    "Price": {"type": "number", "number": {"format": "euro"}},
    "Odd": {"type": "number", "number": {"format": "number"}},
}
STRANGER = {"object": "user", "id": identity("a stranger")}
OLD = "2020-01-01T00:00:00.000Z"


def documents(sandbox: Sandbox) -> list[Document]:
    values = {k.lower(): v for k, v in sandbox.environment.items()}
    source = NotionSource.from_settings(Settings.model_validate(values), Meter())
    yielded = source.documents(Window(utc("2026-03-02"), None))
    return [item for item in yielded if isinstance(item, Document)]


def facts(sandbox: Sandbox) -> list[str]:
    [document] = documents(sandbox)
    return document.sections[0].text.split("\n")


def number(value: Any) -> Json:
    return {"type": "number", "number": value}


@pytest.mark.parametrize("is_hidden", [False, True])
def test_numbers_read_as_the_format_of_their_data_source_says(
    sandbox: Sandbox, is_hidden: bool
) -> None:
    table = database("Table") | {"schema": SCHEMA}
    numbers = {"Share": number(0.25), "Price": number(1200), "Odd": number(3), "New": number(4.5)}
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [page("Row", parent=row_of(table), **numbers)]
    sandbox.workspace.site.notion_hidden_page_ids = [table["id"]] if is_hidden else []
    assert facts(sandbox) == ["- Share: 25%", "- Price: €1,200", "- Odd: 3", "- New: 4.5"]
    # The data source is listed anyway, or asked for once.
    paths = sandbox.faults.requests("/notion/v1/data_sources")
    assert sum(not path.endswith("/query") for path in paths.elements()) == is_hidden


def test_a_page_outside_of_databases_has_plain_numbers(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("Loose", Share=number(0.25))]
    assert facts(sandbox) == ["- Share: 0.25"]


def test_links_of_texts_and_titles_are_kept(sandbox: Sandbox) -> None:
    parts = [text("see "), text("the spec", href="https://specs.example/refund-v2")]
    linked = page("One", Spec={"type": "rich_text", "rich_text": parts})
    linked["properties"]["Name"]["title"] = [text("On "), text("it", href="https://it.example")]
    sandbox.workspace.pages = [linked]
    assert facts(sandbox) == [
        "- Name: On [it](https://it.example)",
        "- Spec: see [the spec](https://specs.example/refund-v2)",
    ]
    assert documents(sandbox)[0].title == "On it"


def test_what_is_not_shared_and_who_left_have_readable_names_and_no_ids(sandbox: Sandbox) -> None:
    secret = page("Secret plan", edited=OLD)
    untitled = page("Untitled one", edited=OLD)
    untitled["properties"]["Name"]["title"] = []
    sandbox.workspace.pages = [
        secret,
        untitled,
        page(
            "One",
            See={"type": "relation", "relation": [{"id": secret["id"]}, {"id": untitled["id"]}]},
            Also={"type": "relation", "relation": [{"id": "../users"}, {"id": 7}]},
            Who={"type": "people", "people": [BO, STRANGER]},
            By={"type": "created_by", "created_by": STRANGER},
        ),
    ]
    sandbox.workspace.site.notion_unshared_ids = [secret["id"]]
    assert facts(sandbox) == [
        "- See: Untitled, a page that is not shared",
        "- Also: 2 pages that are not shared",
        "- Who: Person b000, someone whose name is not shown",
        "- By: someone whose name is not shown",
    ]


@pytest.mark.parametrize(
    "odd",
    [
        *(None, True, 7, "words", [], [None], {}, {"type": None}, {"type": ["x"]}),
        *({"type": "mood"}, {"type": "number", "number": {"a": 1}}),
        *(
            {"type": kind, kind: 7}
            for kind in ("title", "rich_text", "relation", "people", "files")
        ),
        *({"type": kind, kind: ["x", None, 7, [], {}]} for kind in ("rich_text", "relation")),
        *({"type": kind, kind: [{"a": 1}] * 30} for kind in ("people", "rich_text", "relation")),
        *(
            {"type": kind, kind: ["x"]}
            for kind in ("select", "date", "formula", "rollup", "status")
        ),
    ],
    ids=str,
)
def test_an_odd_property_costs_no_other(sandbox: Sandbox, odd: Any) -> None:
    row = page("One", Before={"type": "email", "email": "a@example.com"})
    answer = _page_answer(sandbox, row)
    answer["properties"] = {
        "Odd": odd,
        **answer["properties"],
        "After": {"id": "z", "type": "phone_number", "phone_number": "555"},
    }
    listed = {"object": "list", "results": [answer], "next_cursor": None, "has_more": False}
    sandbox.faults.fail("/notion/v1/search", contains='"page"', status=200, body=listed)
    lines = facts(sandbox)
    assert [line for line in lines if not line.startswith("- Odd:")] == [
        "- Before: a@example.com",
        "- After: 555",
    ]
    assert documents(sandbox)[0].title == "One"


def _page_answer(sandbox: Sandbox, row: Json) -> Json:
    """Put a page into the workspace and return it as the API gives it."""
    sandbox.workspace.pages = [row]
    return {name: value for name, value in row.items() if name != "blocks"}


def attached(name: str, category: str = "pdf") -> Json:
    url = f"https://files.example/space/1/{name}?X-Amz-Signature=0123"
    return {"category": category, "file": {"url": url, "expiry_time": "2026-03-02T11:00:00Z"}}


def test_a_comment_of_attachments_alone_names_them(sandbox: Sandbox) -> None:
    alone = {**comment(""), "attachments": [attached("my%20plan.pdf"), attached("", "image")]}
    both = {**comment("Look at it."), "attachments": [attached("logo.png", "image")]}
    sandbox.workspace.pages = [{**page("One"), "comments": [alone, both]}]
    [document] = documents(sandbox)
    assert [section.text for section in document.sections] == [
        "Attached: my plan.pdf\n\nAttached: image",
        "Look at it.\n\nAttached: logo.png",
    ]


@pytest.mark.parametrize("odd", [None, True, 7, "x", [], [None], ["x"], {}, {"Price": 7}], ids=str)
@pytest.mark.parametrize("field", ["title", "name", "parent", "properties", "in_trash", "archived"])
def test_an_odd_data_source_costs_no_row(sandbox: Sandbox, field: str, odd: Any) -> None:
    table = database("Table") | {"schema": SCHEMA}
    row = page("Row", parent=row_of(table), Price=number(1200))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [row]
    sandbox.workspace.site.notion_hidden_page_ids = [row["id"]]
    whole = data_source_object(table, data_sources_of(table)[0])
    answer: Json = {"object": "list", "next_cursor": None, "has_more": False}
    answer["results"] = [{**whole, field: odd}]
    sandbox.faults.fail("/notion/v1/search", contains='"data_source"', status=200, body=answer)
    assert [document.title for document in documents(sandbox)] == ["Row"]
