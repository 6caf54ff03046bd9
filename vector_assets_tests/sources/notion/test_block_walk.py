"""Walks over trees of blocks that have broken other readers."""

import pytest

from vector_assets.core.errors import SkippableError, UnavailableError
from vector_assets.sources.notion.block_walk import walk
from vector_assets.sources.notion.blocks import Placed, parts_of
from vector_assets.sources.notion.refusals import RefusedError
from vector_assets.sources.notion.sections import sections_of
from vector_assets_tests.sources.notion.pages import Json, block, child_page, page, paragraph, text

PAGE = "page"


class Tree:
    """Blocks as the API lists them, level by level.

    Attributes:
        children: By id of what holds them; an exception is raised when they are asked for.
        asked: The ids whose children were asked for.
    """

    def __init__(self, *top: Json) -> None:
        self.children: dict[str, list[Json] | Exception] = {}
        self.asked: list[str] = []
        waiting: list[tuple[str, list[Json]]] = [(PAGE, list(top))]
        while waiting:
            holder, blocks = waiting.pop()
            below = {
                raw_block["id"]: raw_block[raw_block["type"]].get("children") or []
                for raw_block in blocks
            }
            waiting += [(block_id, children) for block_id, children in below.items() if children]
            self.children[holder] = [
                {"has_children": bool(below[raw_block["id"]]), **raw_block} for raw_block in blocks
            ]

    def ask(self, block_id: str) -> list[Json]:
        self.asked.append(block_id)
        children = self.children[block_id]
        if isinstance(children, Exception):
            raise children
        return children

    def walked(self) -> list[tuple[int, str]]:
        """Return depth and text of each block that the walk yields and that has a text."""
        return [(placed.depth, spoken(placed)) for placed in walk(PAGE, self.ask) if spoken(placed)]


def spoken(placed: Placed) -> str:
    body = placed.block[placed.block["type"]]
    return "".join(part["plain_text"] for part in body.get("rich_text") or [])


def test_blocks_come_in_reading_order_with_their_depths() -> None:
    tree = Tree(
        block("toggle", "A", paragraph("A1", paragraph("A11")), paragraph("A2")),
        paragraph("B"),
    )
    assert tree.walked() == [(0, "A"), (1, "A1"), (2, "A11"), (1, "A2"), (0, "B")]


def test_forty_sibling_toggles_are_all_opened() -> None:
    tree = Tree(*[block("toggle", f"T{n}", paragraph(f"Inside {n}")) for n in range(40)])
    assert tree.walked() == [
        placed for n in range(40) for placed in [(0, f"T{n}"), (1, f"Inside {n}")]
    ]


def test_a_chain_of_a_thousand_levels_is_walked_to_its_end() -> None:
    chain = paragraph("Level 999")
    for level in reversed(range(999)):
        chain = block("toggle", f"Level {level}", chain)
    tree = Tree(chain)
    assert tree.walked() == [(level, f"Level {level}") for level in range(1000)]
    [section] = sections_of(parts_of(walk(PAGE, tree.ask), ""))
    assert "Level 999" in section.text
    assert len(section.text) < 40_000


@pytest.mark.parametrize("kind", ["column_list", "column", "synced_block", "tab", "heading_2"])
def test_what_only_holds_others_makes_them_no_deeper(kind: str) -> None:
    assert Tree(block(kind, "", paragraph("Inside"))).walked() == [(0, "Inside")]


def test_numbered_items_are_counted_list_by_list() -> None:
    def item(words: str, *below: Json) -> Json:
        return block("numbered_list_item", words, *below)

    tree = Tree(item("One", item("Inner one"), item("Inner two")), item("Two"),
                paragraph("Between"), item("Again one"))  # fmt: skip
    numbers = {spoken(placed): placed.number for placed in walk(PAGE, tree.ask)}
    assert numbers == {
        "One": 1,
        "Inner one": 1,
        "Inner two": 2,
        "Two": 2,
        "Between": 1,
        "Again one": 1,
    }


def test_a_table_takes_its_rows_along() -> None:
    rows = [block("table_row", cells=[[text(words)]]) for words in ("Key", "Value")]
    [placed] = walk(PAGE, Tree(block("table", "", *rows, has_column_header=True)).ask)
    assert [row["table_row"] for row in placed.rows] == [row["table_row"] for row in rows]


def synced(original: str | None, **fields: str) -> Json:
    source = {"type": "block_id", "block_id": original} if original else None
    return {**block("synced_block", synced_from=source), "has_children": True, **fields}


def test_a_synced_block_that_contains_itself_is_read_once() -> None:
    tree = Tree(synced(None, id="original"))
    tree.children["original"] = [paragraph("Words"), synced(None, id="original")]
    assert tree.walked() == [(0, "Words")]
    assert tree.asked == [PAGE, "original"]


def test_a_synced_block_that_contains_a_copy_of_itself_is_read_once() -> None:
    tree = Tree(synced(None, id="original"))
    tree.children["original"] = [paragraph("Words"), synced("original", id="copy")]
    assert tree.walked() == [(0, "Words")]
    assert "copy" not in tree.asked


def test_of_two_copies_of_one_original_the_first_is_read() -> None:
    tree = Tree(synced("elsewhere", id="first"), synced("elsewhere", id="second"))
    tree.children["first"] = [paragraph("Words")]
    assert tree.walked() == [(0, "Words")]
    assert tree.asked == [PAGE, "first"]


def test_a_copy_whose_original_is_not_shared_leaves_the_page_whole() -> None:
    tree = Tree(synced("elsewhere", id="copy"), paragraph("Words"))
    tree.children["copy"] = RefusedError("object_not_found", "Not shared.", 404)
    assert tree.walked() == [(0, "Words")]


def test_a_copy_that_is_refused_for_another_reason_ends_the_walk() -> None:
    tree = Tree(synced("elsewhere", id="copy"), paragraph("Words"))
    tree.children["copy"] = RefusedError("validation_error", "No.", 400)
    with pytest.raises(RefusedError, match="validation_error"):
        tree.walked()


def test_a_copy_that_notion_does_not_give_is_no_copy_of_nothing() -> None:
    tree = Tree(synced("elsewhere", id="copy"), paragraph("Words"))
    tree.children["copy"] = UnavailableError("notion", "HTTP 503")
    with pytest.raises(UnavailableError, match="HTTP 503"):
        tree.walked()


def test_a_refusal_of_what_is_no_copy_ends_the_walk() -> None:
    toggle = block("toggle", "More", paragraph("Inside"))
    tree = Tree(toggle)
    tree.children[toggle["id"]] = SkippableError("notion refuses it, object_not_found")
    with pytest.raises(SkippableError, match="object_not_found"):
        tree.walked()


def test_pages_and_databases_below_are_documents_of_their_own() -> None:
    held = {**block("child_database", title="Tasks"), "has_children": True}
    tree = Tree(child_page(page("Child")), held, paragraph("Words"))
    assert [placed.block["type"] for placed in walk(PAGE, tree.ask)] == [
        "child_page",
        "child_database",
        "paragraph",
    ]
    assert tree.asked == [PAGE]


def test_what_the_api_does_not_show_is_not_opened() -> None:
    tree = Tree({**block("unsupported", block_type="button"), "has_children": True})
    assert tree.walked() == []
    assert tree.asked == [PAGE]


@pytest.mark.parametrize("kind", ["meeting_notes", "transcription"])
def test_a_meeting_is_read_with_its_summary_notes_and_transcript(kind: str) -> None:
    parts = {f"{name}_block_id": name for name in ("transcript", "notes", "summary")}
    tree = Tree(block(kind, title=[text("Standup")], parts=parts))
    [meeting] = tree.ask(PAGE)
    meeting[kind]["children"] = meeting[kind].pop("parts")
    tree.children |= {name: [paragraph(f"The {name}")] for name in parts.values()}
    assert tree.walked() == [(1, "The summary"), (1, "The notes"), (1, "The transcript")]


@pytest.mark.parametrize("odd", [None, 7, "odd", ["odd"], {"odd": 1}, {"type": 7}], ids=str)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("meeting_notes", "children"), ("meeting_notes", "summary_block_id"),
        ("meeting_notes", ""), ("synced_block", "synced_from"), ("synced_block", "block_id"),
        ("synced_block", ""), ("toggle", "synced_block"),
    ],
)  # fmt: skip
def test_an_odd_field_of_a_block_with_children_costs_no_other(
    kind: str, name: str, odd: object
) -> None:
    """A body of another type, too, leaves the children that the block has as its own."""
    children = {"summary_block_id": "summary", "notes_block_id": None}
    bodies: dict[str, object] = {
        "children": {"children": odd},
        "summary_block_id": {
            "children": children | {"summary_block_id": odd, "notes_block_id": "n"}
        },
        "synced_from": {"synced_from": odd},
        "block_id": {"synced_from": {"type": "block_id", "block_id": odd}},
    }
    holder = {"type": kind, "id": "holder", "has_children": True, kind: bodies.get(name, odd)}
    holder |= {name: odd} if name == "synced_block" else {}
    asked: list[str] = []

    def ask(block_id: str) -> list[Json]:
        asked.append(block_id)
        return [holder, paragraph("After")] if block_id == PAGE else [paragraph("Inside")]

    placed = list(walk(PAGE, ask))
    said = ["paragraph" for holder_id in asked if holder_id != PAGE]
    assert [each.block.get("type") for each in placed] == [kind, *said, "paragraph"]
    assert said
    assert {*asked} <= {PAGE, "holder", "n", "odd"}


ODD: list[object] = [None, 7, "odd", ["odd"], {"odd": 1}, [], "", 1.5]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_a_block_of_an_odd_type_is_read_as_what_it_holds(odd: object) -> None:
    blocks = [
        block("heading_2", "Head"), paragraph("Said"), block("to_do", "Do", checked=True),
        block("new_block", "New"),
    ]  # fmt: skip
    listed = [*({**each, "type": odd} for each in blocks[:3]), blocks[3]]
    placed = list(walk(PAGE, lambda _: listed))
    assert [each.block["type"] for each in placed] == [each["type"] for each in blocks]
    [below] = sections_of(parts_of(placed, ""))
    assert (below.heading, below.text) == ("Head", "Said\n\n- [x] Do\n\nNew")


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_the_children_of_a_block_that_does_not_deny_them_are_read(odd: object) -> None:
    toggle = block("toggle", "Open") | {"id": "toggle", "has_children": odd}
    children = {PAGE: [toggle], "toggle": [paragraph("Inside")]}
    assert [spoken(placed) for placed in walk(PAGE, children.__getitem__)] == ["Open", "Inside"]


WORDS: list[object] = ["odd", ["odd"], {"cells": "odd"}, {"cells": [7, None, "odd"]}, {"a": "odd"}]


@pytest.mark.parametrize("odd", [*ODD, *WORDS], ids=str)
def test_an_odd_part_of_a_table_leaves_its_other_rows(odd: object) -> None:
    row = {"type": "table_row", "table_row": {"cells": [[text("First")], [text("Second")]]}}
    table = {"type": "table", "table": {"has_column_header": True}}

    def said(body: Json, *rows: Json) -> str:
        [section] = sections_of(parts_of([Placed(body, rows=rows)], ""))
        return section.text

    assert "First | Second" in said(table | {"table": odd}, row, row)
    with_odd_row = said(table, row, row | {"table_row": odd})
    assert "First | Second" in with_odd_row
    assert odd not in WORDS or "odd" in with_odd_row
