"""Blocks to Markdown, type by type, and the sections that headings make of them."""

from typing import Any

import pytest

from vector_assets.core.documents import Section
from vector_assets.sources.notion.blocks import Placed, block_markdown, parts_of
from vector_assets.sources.notion.sections import sections_of
from vector_assets_tests.sources.notion.pages import Json, block, identity, mention, text

URL = "https://www.notion.so/page"
FILE = {"type": "file", "file": {"url": "https://signed.example/x?sig=1", "expiry_time": "soon"}}
ID = "0123abcd-0000-4000-8000-000000000000"


def external(**fields: Any) -> Json:
    return {"type": "external", "external": {"url": "https://e.example/a.png"}, **fields}


def row(*cells: list[Json]) -> Json:
    return block("table_row", cells=list(cells))


CASES: list[tuple[str, Json, str]] = [
    ("a paragraph", block("paragraph", "Words"), "Words"),
    ("a paragraph of two lines", block("paragraph", "One\nTwo"), "One\nTwo"),
    ("an empty paragraph", block("paragraph"), ""),
    ("a bullet", block("bulleted_list_item", "Item"), "- Item"),
    ("a number", block("numbered_list_item", "Item"), "3. Item"),
    ("an open task", block("to_do", "Task", checked=False), "- [ ] Task"),
    ("a task that is done", block("to_do", "Task", checked=True), "- [x] Task"),
    ("a toggle", block("toggle", "More"), "More"),
    ("a quote of two lines", block("quote", "One\nTwo"), "> One\n> Two"),
    (
        "a callout",
        block("callout", "Careful", icon={"type": "emoji", "emoji": "⚠️"}),
        "> ⚠️ Careful",
    ),
    (
        "a callout with an icon that is a file",
        block("callout", "Careful", icon=FILE),
        "> Careful",
    ),
    (
        "code with its language and caption",
        block("code", "a < b", language="python", caption=[text("compare")]),
        "```python\na < b\n```\ncompare",
    ),
    (
        "code of no language",
        block("code", "ls", language="plain text", caption=[]),
        "```\nls\n```",
    ),
    (
        "code that holds a fence",
        block("code", "```\nx\n```", language="markdown", caption=[]),
        "````markdown\n```\nx\n```\n````",
    ),
    ("marks do not reach into code", block("code", [text("x", "bold")]), "```\nx\n```"),
    ("an equation", block("equation", expression="e = mc^2"), "$$\ne = mc^2\n$$"),
    (
        "an image elsewhere",
        block("image", **external(caption=[text("The yard")])),
        "[The yard](https://e.example/a.png)",
    ),
    ("an image without a caption", block("image", **external(caption=[])), "https://e.example/a.png"),
    ("an image in Notion", block("image", **FILE, caption=[text("The yard")]), "The yard"),
    ("a file", block("file", **FILE, name="plan.pdf", caption=[text("Ours")]), "plan.pdf Ours"),
    ("a video", block("video", **external(caption=[])), "https://e.example/a.png"),
    ("audio", block("audio", **external(caption=[])), "https://e.example/a.png"),
    ("a PDF", block("pdf", **external(caption=[text("Map")])), "[Map](https://e.example/a.png)"),
    (
        "a bookmark",
        block("bookmark", url="https://b.example", caption=[text("Read")]),
        "[Read](https://b.example)",
    ),
    ("an embed", block("embed", url="https://b.example", caption=[]), "https://b.example"),
    ("a link's preview", block("link_preview", url="https://b.example"), "https://b.example"),
    (
        "a page below",
        {**block("child_page", title="Child"), "id": ID},
        "[Child](https://www.notion.so/0123abcd000040008000000000000000)",
    ),
    (
        "a database below",
        {**block("child_database", title=""), "id": ID},
        "[Untitled](https://www.notion.so/0123abcd000040008000000000000000)",
    ),
    (
        "a link to a page",
        block("link_to_page", type="page_id", page_id=ID),
        "[Linked page](https://www.notion.so/0123abcd000040008000000000000000)",
    ),
    (
        "a link to a database",
        block("link_to_page", type="database_id", database_id=ID),
        "[Linked database](https://www.notion.so/0123abcd000040008000000000000000)",
    ),
    ("a template", block("template", "New task"), "New task"),
    ("notes of a meeting", block("meeting_notes", title=[text("Standup")]), "Standup"),
    ("the same before it was renamed", block("transcription", title=[text("Standup")]), "Standup"),
    ("a divider", block("divider"), ""),
    ("a table of contents", block("table_of_contents", color="default"), ""),
    ("a breadcrumb", block("breadcrumb"), ""),
    ("columns", block("column_list"), ""),
    ("a synced block", block("synced_block", synced_from=None), ""),
    ("what the API does not show", block("unsupported", block_type="button"), ""),
    ("a type of tomorrow with text", block("hologram", "Words"), "Words"),
    ("a type of tomorrow with a title", block("hologram", title="Words"), "Words"),
    ("a type of tomorrow with an address", block("hologram", url="https://h.example"), "https://h.example"),
    ("a type of tomorrow with nothing", block("hologram", depth=3), ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_block_becomes_markdown(what: str, given: Json, wanted: str) -> None:
    assert block_markdown(Placed(given, number=3)) == wanted


RICH: list[tuple[str, list[Json], str]] = [
    ("bold", [text("a", "bold")], "**a**"),
    ("all marks", [text("a", "bold", "italic", "strikethrough", "code")], "***~~`a`~~***"),
    ("space stays outside of marks", [text(" a ", "bold"), text("b")], " **a** b"),
    ("space alone is not marked", [text("a"), text(" ", "bold"), text("b")], "a b"),
    ("a link", [text("docs", href="https://d.example")], "[docs](https://d.example)"),
    ("a bare address", [text("https://d.example", href="https://d.example")], "https://d.example"),
    ("a link within the workspace", [text("it", href="/0123#45")], "[it](https://www.notion.so/0123#45)"),
    ("a link in bold", [text("docs", "bold", href="https://d.example")], "[**docs**](https://d.example)"),
    ("a person", [mention("@Ann Lee", user={"object": "user", "id": ID})], "@Ann Lee"),
    ("a day", [mention("2026-03-02", date={"start": "2026-03-02", "end": None})], "2026-03-02"),
    (
        "a page",
        [mention("Runbook", "https://www.notion.so/1", page={"id": ID})],
        "[Runbook](https://www.notion.so/1)",
    ),
    (
        "a database",
        [mention("Tasks", "https://www.notion.so/2", database={"id": ID})],
        "[Tasks](https://www.notion.so/2)",
    ),
    (
        "an equation",
        [{"type": "equation", "equation": {"expression": "x^2"}, "plain_text": "x^2"}],
        "$x^2$",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "wanted"), RICH, ids=[case[0] for case in RICH])
def test_rich_text_becomes_markdown(what: str, given: list[Json], wanted: str) -> None:
    assert block_markdown(Placed(block("paragraph", given))) == wanted


def table(*rows: Json, has_column_header: bool) -> str:
    head = {"table_width": 2, "has_column_header": has_column_header, "has_row_header": False}
    return block_markdown(Placed(block("table", **head), rows=rows))


def test_a_table_has_its_header() -> None:
    rows = (row([text("Key")], [text("Value")]), row([text("a", "bold")], [text("1 | 2\n3")]))
    assert table(*rows, has_column_header=True) == (
        "| Key | Value |\n| --- | --- |\n| **a** | 1 \\| 2<br>3 |"
    )


def test_a_table_without_a_header_gets_an_empty_one() -> None:
    assert table(row([text("a")], []), has_column_header=False) == (
        "|  |  |\n| --- | --- |\n| a |  |"
    )


def test_an_empty_table_says_nothing() -> None:
    assert table(has_column_header=True) == ""


def test_what_stands_deeper_is_indented_up_to_a_point() -> None:
    list_item = block("bulleted_list_item", "Item\nmore")
    assert block_markdown(Placed(list_item, depth=2)) == "    - Item\n    more"
    assert block_markdown(Placed(list_item, depth=900)) == block_markdown(
        Placed(list_item, depth=8)
    )


def sections(*blocks: Json) -> list[Section]:
    return list(sections_of(parts_of(map(Placed, blocks), URL)))


def linked(kind: str, words: str) -> str:
    return f"{URL}#{block(kind, words)['id'].replace('-', '')}"


def test_headings_begin_sections_and_name_the_way_to_them() -> None:
    page_sections = sections(
        block("paragraph", "Intro"),
        block("heading_1", "A"),
        block("heading_3", "A3"),
        block("paragraph", "Deep"),
        block("heading_4", "A34"),
        block("heading_2", "A2"),
        block("paragraph", "Less deep"),
        block("heading_1", "B"),
    )
    assert page_sections == [
        Section("Intro", "", ""),
        Section("", "A", linked("heading_1", "A")),
        Section("Deep", "A > A3", linked("heading_3", "A3")),
        Section("", "A > A3 > A34", linked("heading_4", "A34")),
        Section("Less deep", "A > A2", linked("heading_2", "A2")),
        Section("", "B", linked("heading_1", "B")),
    ]


def test_links_of_a_heading_stand_below_it() -> None:
    # Addresses would be noise above each chunk of the section, and are lost nowhere.
    about = text("the wiki", href="https://wiki.example/A_(b)")
    home = text("home", "bold", href="/0123")
    (section,) = sections(
        block("heading_2", [text("See "), about, text(" or "), home]), block("paragraph", "Words")
    )
    assert section.heading == "See the wiki or home"
    assert section.text == (
        "[the wiki](https://wiki.example/A_(b)), [**home**](https://www.notion.so/0123)\n\nWords"
    )


def test_items_of_a_list_stand_close_and_everything_else_apart() -> None:
    [section] = sections(
        block("paragraph", "Before"),
        block("bulleted_list_item", "One"),
        block("bulleted_list_item", "Two"),
        block("to_do", "Three"),
        block("paragraph", "After"),
        block("bulleted_list_item", "Four"),
    )
    assert section.text == "Before\n\n- One\n- Two\n- [ ] Three\n\nAfter\n\n- Four"


def test_a_page_of_nothing_has_no_section() -> None:
    assert sections() == []
    assert sections(block("divider"), block("paragraph")) == []


def test_an_id_of_a_test_is_always_the_same() -> None:
    assert identity("x") == identity("x")


ODD: list[tuple[str, Any, list[str]]] = [
    ("paragraph", "odd words", ["odd words"]),
    ("paragraph", {"rich_text": [None, "odd", text("words")]}, ["odd", "words"]),
    ("paragraph", {"rich_text": [text("odd words") | {"plain_text": 7}]}, ["odd words"]),
    ("heading_1", {"rich_text": [text("odd words") | {"plain_text": None}]}, ["odd words"]),
    ("code", {"rich_text": [text("odd words") | {"plain_text": [1]}]}, ["odd words"]),
    ("heading_2", {"rich_text": ["odd words"]}, ["odd words"]),
    ("callout", {"rich_text": "odd words", "icon": "x"}, ["odd words"]),
    ("image", {"caption": "odd words"}, ["odd words"]),
    ("file", [text("odd words")], ["odd words"]),
    ("table_row", {"cells": [[text("odd words")]]}, ["odd words"]),
    ("child_page", {"title": ["odd words"]}, ["odd words"]),
    ("new_block", {"title": [text("odd words")]}, ["odd words"]),
    ("new_block", {"rich_text": [text("first")], "items": [{"text": [text("odd words")]}],
                   "caption": [text("last")], "is_open": False}, ["first", "odd words", "last"]),
    ("new_block", {"rich_text": None, "prompt": "odd words", "color": "red"}, ["odd words"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "words"), ODD)
def test_a_block_that_is_not_as_documented_keeps_its_words_and_costs_no_other(
    kind: str, body: Any, words: list[str]
) -> None:
    odd = {"type": kind, "id": ID, kind: body}
    before, after = block("paragraph", "before"), block("paragraph", "after")
    shown = "\n".join(f"{s.heading}\n{s.text}" for s in sections(before, odd, after))
    assert [word for word in (*words, "before", "after") if word not in shown] == []
    assert "{'" not in shown
    assert "['" not in shown
    assert "red" not in shown


def test_a_link_to_a_page_has_its_title_where_it_is_shared() -> None:
    links = [block("link_to_page", type="page_id", page_id=page_id) for page_id in ("p1", "p2")]
    parts = parts_of(map(Placed, links), URL, {"p1": "Launch", "p2": ""}.__getitem__)
    assert [part.text for part in parts] == [
        "[Launch](https://www.notion.so/p1)", "[Linked page](https://www.notion.so/p2)",
    ]  # fmt: skip


def test_code_that_holds_a_longer_fence_stays_in_its_own() -> None:
    assert block_markdown(Placed(block("code", "````", language="markdown", caption=[]))) == (
        "`````markdown\n````\n`````"
    )
