"""The sandbox's Notion refuses what the vendor refuses and answers as the contract says."""

from typing import Any

import httpx
import pytest

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.notion.pages import (
    ANN,
    Json,
    block,
    child_page,
    comment,
    copy_of,
    database,
    identity,
    meeting,
    mention,
    page,
    paragraph,
    row_of,
    synced,
    text,
)

NEWEST = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2026-03-11"}
HEADERS = {"Authorization": "Bearer ntn_sandbox", "Notion-Version": "2025-09-03"}


def answer(sandbox: Sandbox, method: str, path: str, **request: Any) -> httpx.Response:
    url = f"{sandbox.url}/notion/v1/{path}"
    return httpx.request(method, url, **{"headers": HEADERS, **request})


def get(sandbox: Sandbox, path: str, **query: object) -> Json:
    body: Json = answer(sandbox, "GET", path, params=query).raise_for_status().json()
    return body


def post(sandbox: Sandbox, path: str, **asked: object) -> Json:
    body: Json = answer(sandbox, "POST", path, json=asked).raise_for_status().json()
    return body


def names(listed: Json) -> list[str]:
    return [raw["properties"]["Name"]["title"][0]["plain_text"] for raw in listed["results"]]


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
     "pages/x/properties/y", "comments?block_id=x"],
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
    shown = get(sandbox, f"pages/{identity('One')}")
    assert shown["last_edited_time"] == "2026-03-02T10:00:00.000Z"


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
    listed = names(first) + names(last)
    assert listed == [f"P{n:03}" for n in reversed(range(130)) if n not in (3, 7)]


def test_search_finds_data_sources_beside_pages(sandbox: Sandbox) -> None:
    sandbox.workspace.databases = [database("Table")]
    sandbox.workspace.pages = [page("One")]
    only = {"property": "object", "value": "data_source"}
    [hit] = post(sandbox, "search", filter=only)["results"]
    assert hit["object"] == "data_source"
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
    [child] = get(sandbox, f"blocks/{outer['id']}/children")["results"]
    assert child["id"] == inner["id"]
    assert get(sandbox, f"blocks/{inner['id']}")["parent"]["block_id"] == outer["id"]


def test_a_page_shows_25_relations_and_its_property_the_rest(sandbox: Sandbox) -> None:
    related = [{"id": identity(f"R{n}")} for n in range(130)]
    sandbox.workspace.pages = [page("One", See={"type": "relation", "relation": related})]
    see = get(sandbox, f"pages/{identity('One')}")["properties"]["See"]
    assert (len(see["relation"]), see["has_more"]) == (25, True)
    path = f"pages/{identity('One')}/properties/{see['id']}"
    first = get(sandbox, path)
    rest = get(sandbox, path, start_cursor=first["next_cursor"])
    assert [item["relation"] for item in first["results"] + rest["results"]] == related


def test_people_have_names(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    users = get(sandbox, "users")["results"]
    assert [user["name"] for user in users] == ["Sandbox", "Person a000", "Person b000"]


def test_a_database_may_have_several_data_sources(sandbox: Sandbox) -> None:
    table = database("Table", "Open", "Done")
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [
        page("A", parent=row_of(table, "Open")),
        page("B", parent=row_of(table, "Done")),
    ]
    first, second = get(sandbox, f"databases/{table['id']}")["data_sources"]
    assert (first["name"], second["name"]) == ("Open", "Done")
    assert names(post(sandbox, f"data_sources/{first['id']}/query")) == ["A"]
    assert names(post(sandbox, f"data_sources/{second['id']}/query")) == ["B"]
    only = {"property": "object", "value": "data_source"}
    assert len(post(sandbox, "search", filter=only)["results"]) == 2


@pytest.mark.parametrize(
    ("capability", "path"),
    [
        ("users", "users"),
        ("comments", "comments?block_id=x"),
        ("content", "pages/x"),
        ("content", "pages/x/markdown"),
    ],
)
def test_what_the_integration_may_not_do_is_forbidden(
    sandbox: Sandbox, capability: str, path: str
) -> None:
    sandbox.workspace.site.notion_capabilities.remove(capability)
    refused = answer(sandbox, "GET", path)
    assert (refused.status_code, refused.json()["code"]) == (403, "restricted_resource")


def test_what_is_not_shared_is_in_no_list_and_not_found(sandbox: Sandbox) -> None:
    table = database("Table")
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [page("One")]
    sandbox.workspace.site.notion_unshared_ids = [table["id"], identity("One")]
    assert post(sandbox, "search")["results"] == []
    for path in (f"pages/{identity('One')}", f"databases/{table['id']}"):
        assert answer(sandbox, "GET", path).status_code == 404


def test_a_page_lists_its_own_comments_and_a_block_its_own(sandbox: Sandbox) -> None:
    passage = {**paragraph("Passage"), "comments": [comment("On the passage")]}
    top = {**page("One", passage), "comments": [comment("On the page")]}
    sandbox.workspace.pages = [top]

    def said_on(thing: Json) -> list[str]:
        comments = get(sandbox, "comments", block_id=thing["id"])["results"]
        return [comment["rich_text"][0]["plain_text"] for comment in comments]

    assert (said_on(top), said_on(passage)) == (["On the page"], ["On the passage"])


def test_notes_of_a_meeting_are_called_as_the_version_says(sandbox: Sandbox) -> None:
    notes = meeting("Standup", paragraph("In short"), paragraph("Noted"), paragraph("Said"))
    sandbox.workspace.pages = [page("One", notes)]
    path = f"blocks/{notes['id']}"
    assert get(sandbox, path)["type"] == "transcription"
    newest = answer(sandbox, "GET", path, headers=NEWEST).json()
    assert newest["type"] == "meeting_notes"
    summary = newest["meeting_notes"]["children"]["summary_block_id"]
    [inside] = get(sandbox, f"blocks/{summary}/children")["results"]
    assert inside["paragraph"]["rich_text"][0]["plain_text"] == "In short"


# Markdown


def markdown(sandbox: Sandbox, of: str = "One", **query: str) -> Json:
    path = f"pages/{identity(of)}/markdown"
    response = answer(sandbox, "GET", path, headers=NEWEST, params=query)
    body: Json = response.raise_for_status().json()
    return body


def link(identity: str) -> str:
    return f"https://www.notion.so/{identity.replace('-', '')}"


def link_in_page(block: Json) -> str:
    return f"{link(identity('One'))}#{block['id'].replace('-', '')}"


ORIGINAL = synced("original", paragraph("Shared"))
COPY = copy_of(ORIGINAL, "copy")
REFERENCE = f'<synced_block_reference url="{link_in_page(ORIGINAL)}">\n\tShared\n'
BOOKMARK = block("bookmark", url="https://b.example", caption=[])
CHILD = page("Child")
PICTURE = {"type": "external", "external": {"url": "https://e.example/a.png"}}
HEAD = {"table_width": 2, "has_column_header": True, "has_row_header": False}
ROW = block("table_row", cells=[[text("a | b")], [text("c\nd")]])

MARKDOWN: list[tuple[str, list[Json], str]] = [
    ("paragraphs without a line between", [paragraph("A"), paragraph("B")], "A\nB"),
    ("an empty line", [paragraph("")], "<empty-block/>"),
    ("a break in a line", [paragraph("A\nB")], "A<br>B"),
    ("escapes", [paragraph("* [a] <b> {c} $d | ^")], r"\* \[a\] \<b\> \{c\} \$d \| \^"),
    ("marks", [paragraph([text("a", "bold", "italic"), text("b|", "code")])], "***a***`b|`"),
    ("a link", [paragraph([text("a", href="https://d.example")])], "[a](https://d.example)"),
    (
        "a person",
        [paragraph([mention("@Ann", user=ANN)])],
        f'<mention-user url="user://{ANN["id"]}">Ann</mention-user>',
    ),
    (
        "a day with its time and zone",
        [
            paragraph(
                [
                    mention(
                        "then",
                        date={
                            "start": "2026-03-02T10:00:00.000",
                            "end": None,
                            "time_zone": "Europe/Berlin",
                        },
                    )
                ]
            )
        ],
        '<mention-date start="2026-03-02" startTime="10:00" timeZone="Europe/Berlin"/>',
    ),
    (
        "lists and what stands below",
        [
            block("bulleted_list_item", "A", block("to_do", "B", checked=True)),
            block("numbered_list_item", "C"),
        ],
        "- A\n\t- [x] B\n1. C",
    ),
    (
        "a toggle",
        [block("toggle", "A", paragraph("B"))],
        "<details>\n<summary>A</summary>\n\tB\n</details>",
    ),
    (
        "a callout",
        [block("callout", "A", icon={"type": "emoji", "emoji": "⚠️"})],
        '<callout icon="⚠️">\n\tA\n</callout>',
    ),
    (
        "columns",
        [block("column_list", "", block("column", "", paragraph("A")))],
        "<columns>\n\t<column>\n\t\tA\n\t</column>\n</columns>",
    ),
    (
        "a table",
        [block("table", "", ROW, **HEAD)],
        '<table header-row="true">\n<tr>\n<td>a \\| b</td>\n<td>c<br>d</td>\n</tr>\n</table>',
    ),
    (
        "code, which is literal",
        [block("code", "<a>\n```", language="xml", caption=[])],
        "````xml\n<a>\n```\n````",
    ),
    ("an image", [block("image", **PICTURE, caption=[text("A")])], "![A](https://e.example/a.png)"),
    (
        "a video",
        [block("video", **PICTURE, caption=[])],
        '<video src="https://e.example/a.png"></video>',
    ),
    ("a page below", [child_page(CHILD)], f'<page url="{link(CHILD["id"])}">Child</page>'),
    (
        "what it cannot write down",
        [BOOKMARK],
        f'<unknown url="{link_in_page(BOOKMARK)}" alt="bookmark"/>',
    ),
    (
        "a synced block",
        [ORIGINAL],
        f'<synced_block url="{link_in_page(ORIGINAL)}">\n\tShared\n</synced_block>',
    ),
]


@pytest.mark.parametrize(("what", "blocks", "wanted"), MARKDOWN, ids=[case[0] for case in MARKDOWN])
def test_a_page_is_rendered_as_the_reference_says(
    sandbox: Sandbox, what: str, blocks: list[Json], wanted: str
) -> None:
    sandbox.workspace.pages = [page("One", *blocks), CHILD]
    shown = markdown(sandbox)
    assert shown["markdown"] == wanted
    assert (shown["truncated"], shown["unknown_block_ids"]) == (False, [])


def test_a_copy_of_a_synced_block_is_rendered_with_the_children_of_its_original(
    sandbox: Sandbox,
) -> None:
    sandbox.workspace.pages = [page("Elsewhere", ORIGINAL), page("One", COPY)]
    assert markdown(sandbox)["markdown"] == f"{REFERENCE}</synced_block_reference>"
    [inside] = get(sandbox, f"blocks/{COPY['id']}/children")["results"]
    assert inside["paragraph"]["rich_text"][0]["plain_text"] == "Shared"


def test_markdown_is_not_given_in_an_older_version(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One")]
    refused = answer(sandbox, "GET", f"pages/{identity('One')}/markdown")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request_url")


def test_blocks_beyond_the_limit_are_unknown_and_are_rendered_by_their_id(sandbox: Sandbox) -> None:
    folded = block("toggle", "Two", paragraph("Inside"))
    sandbox.workspace.pages = [page("One", paragraph("First"), folded)]
    sandbox.workspace.site.notion_markdown_max_blocks = 1
    shown = markdown(sandbox)
    assert (shown["truncated"], shown["unknown_block_ids"]) == (True, [folded["id"]])
    assert shown["markdown"].startswith("First\n<unknown url=")
    sandbox.workspace.site.notion_markdown_max_blocks = 9
    rest = answer(sandbox, "GET", f"pages/{folded['id']}/markdown", headers=NEWEST).json()
    assert rest["markdown"] == "<details>\n<summary>Two</summary>\n\tInside\n</details>"


def test_a_page_below_that_is_not_shared_is_unknown(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page("One", child_page(CHILD)), CHILD]
    sandbox.workspace.site.notion_unshared_ids = [CHILD["id"]]
    shown = markdown(sandbox)
    assert shown["markdown"] == f'<unknown url="{link(CHILD["id"])}" alt="page"/>'
    assert (shown["truncated"], shown["unknown_block_ids"]) == (True, [CHILD["id"]])


@pytest.mark.parametrize(("asked", "is_said"), [("true", True), ("false", False)])
def test_a_transcript_is_rendered_on_request(sandbox: Sandbox, asked: str, is_said: bool) -> None:
    notes = meeting("Standup", paragraph("In short"), paragraph("Noted"), paragraph("Said"))
    sandbox.workspace.pages = [page("One", notes)]
    text = markdown(sandbox, include_transcript=asked)["markdown"]
    assert ("\t\tSaid" in text) is is_said
    assert "\t<summary>\n\t\tIn short\n\t</summary>" in text
