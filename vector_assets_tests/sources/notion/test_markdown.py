"""Enhanced Markdown, line by line; and over HTTP, where a page says the same in both ways."""

from collections.abc import Mapping

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, Section
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import httpx_transport as httpx_retries
from vector_assets.sources.notion.body import MARKDOWN_REFUSALS
from vector_assets.sources.notion.inline import id_in
from vector_assets.sources.notion.markdown import read_markdown
from vector_assets.sources.notion.sections import sections_of
from vector_assets.sources.notion.source import NotionSource
from vector_assets_tests.sources.notion.pages import (
    ANN,
    Json,
    block,
    child_database,
    child_page,
    copy_of,
    database,
    identity,
    meeting,
    mention,
    page,
    paragraph,
    synced,
    text,
)
from vector_assets_tests.support.tiny import utc

EVER = Window(utc("2000-01-01"), None)
PAGE = "0123abcd000040008000000000000000"
BLOCK = "ffff0000-1111-4222-8333-444455556666"


class Directory:
    """Knows Ann, and one page."""

    def user(self, user: Mapping[str, str]) -> str:
        return "Ann Lee" if user.get("id") == ANN["id"] else ""

    def page(self, page_id: str) -> str:
        return "Launch" if page_id.replace("-", "") == PAGE else ""


LINES: list[tuple[str, str, str]] = [
    (
        "what is escaped",
        r"a \< b \*c\* \`d\` \[e\] \{f\} \| \^ \$5 \\ \~",
        "a < b *c* `d` [e] {f} | ^ $5 \\ ~",
    ),
    ("a backslash that escapes nothing", r"C:\temp", r"C:\temp"),
    ("marks", "**a** *b* ~~c~~ `d`", "**a** *b* ~~c~~ `d`"),
    ("code, which is literal", r"`{{a}} \* <b> [c](d)`", r"`{{a}} \* <b> [c](d)`"),
    ("code that holds a tick", "``a`b``", "``a`b``"),
    ("a colour", '<span color="red_bg">a</span> b', "a b"),
    ("an underline", '<span underline="true">a</span>', "a"),
    ("a block's colour", 'Words {color="blue_bg"}', "Words"),
    ("braces that are words", r"Words \{color=\"blue\"\}", 'Words {color=\\"blue\\"}'),
    ("a break", "a<br>b", "a\nb"),
    ("a link", "[docs](https://d.example/a_(b))", "[docs](https://d.example/a_(b))"),
    (
        "a link within the workspace",
        "[it](/0123?pvs=25)",
        "[it](https://www.notion.so/0123?pvs=25)",
    ),
    ("a bare address", "[https://d.example](https://d.example)", "https://d.example"),
    ("an equation", "is $`x_1 \\alpha`$ here", "is $x_1 \\alpha$ here"),
    ("an equation between dollars", r"is $x_1 \alpha$ here", r"is $x_1 \alpha$ here"),
    ("a person", '<mention-user url="user://x">Ann</mention-user> left', "@Ann left"),
    ("a person by id", f'<mention-user url="user://{ANN["id"]}"/> left', "@Ann Lee left"),
    ("a person in braces", f'<mention-user url="{{{{user://{ANN["id"]}}}}}"/>', "@Ann Lee"),
    ("a person nobody may name", f'<mention-user url="user://{BLOCK}"/> left', "@someone left"),
    ("an agent", '<mention-agent url="agent://x">Bot</mention-agent>', "@Bot"),
    (
        "a page that is mentioned",
        f'see <mention-page url="https://www.notion.so/{PAGE}">Plan \\[1\\]</mention-page>.',
        f"see [Plan [1]](https://www.notion.so/{PAGE}).",
    ),
    (
        "a page by address",
        f'<mention-page url="https://www.notion.so/{PAGE}"/>',
        f"[Launch](https://www.notion.so/{PAGE})",
    ),
    (
        "a database that is mentioned",
        '<mention-database url="https://n.example/1">Tasks</mention-database>',
        "[Tasks](https://n.example/1)",
    ),
    ("a day", '<mention-date start="2026-03-02"/>', "2026-03-02"),
    (
        "a span with its zone",
        (
            '<mention-date start="2026-03-02" startTime="10:00" end="2026-03-03" endTime="11:30" '
            'timeZone="Europe/Berlin"/>'
        ),
        "2026-03-02 10:00 to 2026-03-03 11:30 (Europe/Berlin)",
    ),
    ("a mark of tomorrow", '<blink speed="9">a</blink> b', "a b"),
    ("less than, unescaped", "a < b and c > d", "a < b and c > d"),
    ("two paragraphs", "One\nTwo", "One\n\nTwo"),
    ("items of a list", "- One\n- Two\n1. Three\n- [x] Four", "- One\n- Two\n1. Three\n- [x] Four"),
    ("an item below another", "- One\n\t- Two\n\t\tThree", "- One\n  - Two\n\n    Three"),
    ("a quote of two lines", "> One<br>Two", "> One\n> Two"),
    ("what says nothing", "<empty-block/>\n---\n<table_of_contents/>\n\nWords", "Words"),
    (
        "code in a fence",
        "```python\n# a {b}\n\n- c\n```\nafter",
        "```python\n# a {b}\n\n- c\n```\n\nafter",
    ),
    ("code of no language", "```plain text\n<td>\n```", "```\n<td>\n```"),
    (
        "code in a longer fence",
        "````\n```\nx\n```\n````\nafter",
        "````\n```\nx\n```\n````\n\nafter",
    ),
    ("code below an item", "- One\n\t```\n\tx\n\t\ty\n\t```", "- One\n\n  ```\n  x\n  \ty\n  ```"),
    ("an equation of its own", "$$\nE = mc^2\n$$", "$$\nE = mc^2\n$$"),
    (
        "a toggle",
        '<details color="red">\n<summary>**More**</summary>\n\tInside\n</details>\nAfter',
        "**More**\n\n  Inside\n\nAfter",
    ),
    (
        "a callout and what stands in it",
        '<callout icon="⚠️" color="gray_bg">\n\tCareful\n\t- really\n</callout>\nAfter',
        "> ⚠️ Careful\n\n> - really\n\nAfter",
    ),
    ("a callout with a picture", '<callout icon="https://i.example">\n\tA\n</callout>', "> A"),
    (
        "columns",
        "<columns>\n\t<column>\n\t\tLeft\n\t</column>\n\t<column>\n\t\tRight\n\t</column>\n</columns>\nAfter",
        "Left\n\nRight\n\nAfter",
    ),
    (
        "a table",
        (
            '<table header-row="true">\n<colgroup>\n<col width="9">\n</colgroup>\n'
            "<tr>\n<td>Key</td>\n<td>**V**</td>\n</tr>\n"
            '<tr color="red">\n<td>a \\| `</td>`</td>\n<td></td>\n</tr>\n</table>\nAfter'
        ),
        "| Key | **V** |\n| --- | --- |\n| a \\| `</td>` |  |\n\nAfter",
    ),
    (
        "a table without a header, as the reference indents it",
        "<table>\n\t<tr>\n\t\t<td>a<br>b</td>\n\t</tr>\n</table>",
        "|  |\n| --- |\n| a<br>b |",
    ),
    (
        "an image",
        "![The \\[yard\\]](https://e.example/a.png)",
        "[The [yard]](https://e.example/a.png)",
    ),
    (
        "an image of Notion's own",
        "![Yard](https://s3.example/a/yard.png?X-Amz-Signature=1)",
        "Yard",
    ),
    (
        "an image at what is no address",
        "![Yard](https://[s3.example/a/yard.png?X-Amz-Signature=1)",
        "Yard",
    ),
    ("an image without words", "![](https://e.example/a.png)", "https://e.example/a.png"),
    (
        "a file elsewhere",
        '<file src="https://e.example/p.pdf">Plan</file>',
        "[Plan](https://e.example/p.pdf)",
    ),
    (
        "a file of Notion's own",
        '<pdf src="https://s3.example/a/plan%20b.pdf?X-Amz-Signature=1"></pdf>',
        "plan b.pdf",
    ),
    (
        "a file that is named in its address",
        '<file src="file://%7B%22source%22%3A%22attachment%3Ae686%3Atest-file.txt%22%2C%22x%22%7D"></file>',
        "test-file.txt",
    ),
    (
        "notes of a meeting",
        (
            "<meeting-notes>\n\tStandup\n\t<summary>\n\t\tIn short\n\t</summary>\n"
            "\t<notes>\n\t\tNoted\n\t</notes>\n"
            "\t<transcript>\n\t\tSaid\n\t</transcript>\n</meeting-notes>\nAfter"
        ),
        "Standup\n\nIn short\n\nNoted\n\nSaid\n\nAfter",
    ),
    (
        "a page below",
        f'<page url="https://www.notion.so/{PAGE}">A \\* b</page>',
        f"[A * b](https://www.notion.so/{PAGE})",
    ),
    (
        "a block of tomorrow",
        '<hologram url="https://h.example">Words</hologram>',
        "[Words](https://h.example)",
    ),
    ("a fence that never ends", "```\nx", "```\nx"),
    ("a table that never ends", "<table>\nWords", "Words"),
]


def said(given: str) -> str:
    page = read_markdown(given, Directory())
    return "\n\n".join(section.text for section in sections_of(page.parts))


@pytest.mark.parametrize(("what", "given", "wanted"), LINES, ids=[case[0] for case in LINES])
def test_enhanced_markdown_becomes_markdown(what: str, given: str, wanted: str) -> None:
    assert said(given) == wanted


def test_headings_begin_sections_wherever_they_stand() -> None:
    given = (
        'Intro\n# **A** [b](https://b.example) {color="red"}\n'
        '## Folded {toggle="true"}\n\tInside\n\t- Item\nOutside\n'
        "<columns>\n\t<column>\n\t\t### In `column`\n\t\tDeep\n\t</column>\n</columns>\n#### Last"
    )
    assert list(sections_of(read_markdown(given, Directory()).parts)) == [
        Section("Intro"),
        Section("[b](https://b.example)", "A b"),
        Section("Inside\n\n- Item\n\nOutside", "A b > Folded"),
        Section("Deep", "A b > Folded > In column"),
        Section("", "A b > Folded > In column > Last"),
    ]


def test_a_synced_block_and_its_copy_on_a_page_are_read_once() -> None:
    url = f'url="https://www.notion.so/{PAGE}#{BLOCK.replace("-", "")}"'
    given = (
        f"<synced_block {url}>\n\tShared\n</synced_block>\nBetween\n"
        f"<synced_block_reference {url}>\n\tShared\n</synced_block_reference>\nAfter"
    )
    assert said(given) == "Shared\n\nBetween\n\nAfter"


def test_what_a_page_holds_is_told_by_its_tags() -> None:
    markdown_page = read_markdown(
        f'<page url="https://app.notion.com/p/{PAGE}">A</page>\n'
        "<columns>\n\t<column>\n"
        f'\t\t<database url="https://www.notion.so/{BLOCK}" inline="true">B</database>\n'
        "\t</column>\n</columns>\n"
        f'<mention-page url="https://www.notion.so/{"9" * 32}">not held</mention-page>\n'
        f'\t<unknown url="https://www.notion.so/{PAGE}#{"a" * 32}" alt="bookmark"/>\n'
        'A <span discussion-urls="discussion://1">passage</span>',
        Directory(),
    )
    assert markdown_page.pages == [id_in(PAGE)]
    assert markdown_page.databases == [BLOCK]
    assert list(markdown_page.unknown) == [id_in("a" * 32)]
    assert markdown_page.parts[markdown_page.unknown[id_in("a" * 32)]].depth == 1
    assert markdown_page.discussions == 1


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        (f"https://www.notion.so/{PAGE}", "0123abcd-0000-4000-8000-000000000000"),
        (f"https://www.notion.so/t/Title-{PAGE}?pvs=4", "0123abcd-0000-4000-8000-000000000000"),
        (f"https://www.notion.so/{PAGE}#{BLOCK.replace('-', '')}", BLOCK),
        (f"user://{BLOCK}", BLOCK),
        ("https://example.com", ""),
    ],
)  # fmt: skip
def test_an_id_is_read_from_an_address(address: str, wanted: str) -> None:
    assert id_in(address) == wanted


# Over HTTP, in both ways


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once."""
    monkeypatch.setattr(httpx_retries, "BACKOFF_SECONDS", 0.0)


def read(sandbox: Sandbox, meter: Meter | None = None) -> list[Document]:
    values = {k.lower(): v for k, v in sandbox.environment.items()} | {"notion_comments": "false"}
    notion = NotionSource.from_settings(Settings.model_validate(values), meter or Meter())
    return [item for item in notion.documents(EVER) if isinstance(item, Document)]


def body(sandbox: Sandbox, version: str = "2026-03-11") -> list[tuple[str, str]]:
    sandbox.workspace.site.notion_newest_version = version
    top = next(document for document in read(sandbox) if document.title == "Top")
    return [(section.heading, section.text) for section in top.sections]


def cells(*words: str) -> Json:
    return block("table_row", cells=[[text(word)] for word in words])


FILE = {"url": "https://s3.example/a/b?X-Amz-Signature=1", "expiry_time": "2026-03-02T11:00:00Z"}
OUTSIDE = {"type": "external", "external": {"url": "https://e.example/a.png"}}
USER = {**ANN, "type": "person", "name": "Ann Lee", "avatar_url": None, "person": {}}
MENTIONS = [
    text("Ask "),
    mention("@Ann Lee", user=USER),
    text(" by "),
    mention("2026-03-02", date={"start": "2026-03-02", "end": None, "time_zone": None}),
    text(" about "),
    mention("Plan", f"https://www.notion.so/{PAGE}", page={"id": id_in(PAGE)}),
]
EQUATION = {
    **text("x^2"),
    "type": "equation",
    "equation": {"expression": "x^2"},
}
FOLDED = block("heading_2", "Fold", paragraph("Inside"), block("bulleted_list_item", "Item"))
FOLDED["heading_2"]["is_toggleable"] = True
ORIGINAL = synced("original", paragraph("Synced words"))

BODIES: list[tuple[str, list[Json]]] = [
    (
        "paragraphs",
        [paragraph("One *not* <marked> $5 [x] {y} a_b"), paragraph(""), paragraph("Two\nlines")],
    ),
    (
        "marks",
        [
            paragraph(
                [text("a", "bold"), text(" b "), text("c", "code", "bold"), text("d", "underline")]
            )
        ],
    ),
    ("code in a line", [paragraph([text("run "), text("a | <b> \\* {c}", "code")])]),
    ("links", [paragraph([text("see "), text("docs", href="https://d.example/x"), text(".")])]),
    ("mentions", [paragraph(MENTIONS)]),
    ("an equation in a line", [paragraph([text("is "), EQUATION])]),
    (
        "headings",
        [
            paragraph("Intro"),
            block("heading_1", "A"),
            paragraph("In A"),
            block("heading_3", "A3"),
            block("heading_4", "A34"),
            paragraph("In A34"),
            block("heading_2", "B"),
        ],
    ),
    ("a heading that folds", [FOLDED, paragraph("After")]),
    (
        "lists",
        [
            block("bulleted_list_item", "One", block("bulleted_list_item", "Below")),
            block("numbered_list_item", "First"),
            block("numbered_list_item", "Second"),
            block("to_do", "Open", checked=False),
            block("to_do", "Done", checked=True),
        ],
    ),
    (
        "toggles",
        [
            block(
                "toggle",
                "More",
                paragraph("Inside"),
                block("toggle", "Even more", paragraph("Deep")),
            )
        ],
    ),
    ("a quote", [block("quote", "One\nTwo")]),
    ("a callout", [block("callout", "Careful", icon={"type": "emoji", "emoji": "⚠️"})]),
    ("code", [block("code", "a\n\n\tb <c> {d}\n```\ne", language="python", caption=[])]),
    ("an equation", [block("equation", expression="e = mc^2")]),
    (
        "columns",
        [
            block(
                "column_list",
                "",
                block("column", "", paragraph("Left")),
                block("column", "", block("heading_2", "Right"), paragraph("Words")),
            )
        ],
    ),
    (
        "a table",
        [
            block(
                "table",
                "",
                cells("Key", "a | b"),
                cells("c\nd", ""),
                table_width=2,
                has_column_header=True,
                has_row_header=False,
            )
        ],
    ),
    (
        "media",
        [
            block("image", **OUTSIDE, caption=[text("Yard")]),
            block("video", **OUTSIDE, caption=[]),
            block("pdf", type="file", file=FILE, caption=[text("Map")]),
        ],
    ),
    (
        "what Markdown leaves out",
        [
            paragraph("Before"),
            block("bookmark", url="https://b.example", caption=[text("Read")]),
            block("toggle", "In", block("embed", url="https://e.example", caption=[])),
            paragraph("After"),
        ],
    ),
    ("a template and its blocks", [block("template", "New", paragraph("Step"))]),
    (
        "silent blocks",
        [
            block("divider"),
            block("table_of_contents", color="default"),
            block("breadcrumb"),
            paragraph("Words"),
        ],
    ),
    ("a synced block and its copy", [ORIGINAL, paragraph("Between"), copy_of(ORIGINAL, "copy")]),
    (
        "notes of a meeting",
        [meeting("Standup", paragraph("In short"), paragraph("Noted"), paragraph("Said"))],
    ),
]


def nested_alike(page_sections: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return sections without indents: a meeting's parts stand one level deeper as blocks."""
    return [
        (heading, "\n".join(line.strip() for line in said.split("\n")))
        for heading, said in page_sections
    ]


@pytest.mark.parametrize(("what", "blocks"), BODIES, ids=[case[0] for case in BODIES])
def test_a_page_says_the_same_as_markdown_and_block_by_block(
    sandbox: Sandbox, what: str, blocks: list[Json]
) -> None:
    sandbox.workspace.pages = [page("Top", *blocks)]
    as_markdown = body(sandbox)
    assert nested_alike(as_markdown) == nested_alike(body(sandbox, "2025-09-03"))
    assert as_markdown != []


def test_a_synced_block_of_another_page_is_read_where_its_copy_stands(sandbox: Sandbox) -> None:
    elsewhere = page("Elsewhere", ORIGINAL)
    sandbox.workspace.pages = [elsewhere, page("Top", copy_of(ORIGINAL, "copy"))]
    assert body(sandbox) == body(sandbox, "2025-09-03") == [("", "Synced words")]


def levels(count: int) -> Json:
    chain = paragraph(f"Level {count}")
    for level in reversed(range(1, count)):
        chain = block("toggle", f"Level {level}", chain)
    return chain


@pytest.mark.parametrize(
    ("version", "requests"),
    [
        ("2026-03-11", {"notion pages.markdown": 1}),
        ("2025-09-03", {"notion pages.markdown": 1, "notion blocks.children": 6}),
    ],
)
def test_a_page_of_six_levels_costs_one_request_instead_of_six(
    sandbox: Sandbox, version: str, requests: dict[str, int]
) -> None:
    sandbox.workspace.pages = [page("Top", levels(6))]
    sandbox.workspace.site.notion_newest_version = version
    meter = Meter()
    [document] = read(sandbox, meter)
    assert "Level 6" in document.sections[0].text
    listing = {"notion search": 2, "notion users": 1}
    assert meter.requests == requests | listing


def test_a_version_that_notion_refuses_is_asked_for_three_times_a_run(sandbox: Sandbox) -> None:
    sandbox.workspace.pages = [page(f"Page {n}", paragraph("Words")) for n in range(12)]
    sandbox.workspace.site.notion_newest_version = "2025-09-03"
    meter = Meter()
    assert len(read(sandbox, meter)) == 12
    assert meter.requests["notion pages.markdown"] == MARKDOWN_REFUSALS
    assert meter.requests["notion blocks.children"] == 12


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_page_that_notion_does_not_write_down_is_walked_and_the_others_are_not(
    sandbox: Sandbox, status: int
) -> None:
    bad = page("Bad", paragraph("Words"), edited="2026-03-03T10:00:00.000Z")
    # More than are read at the same time, so that the bad one is not the first to be answered.
    sandbox.workspace.pages = [*(page(f"Good {n}", paragraph("Words")) for n in range(9)), bad]
    sandbox.faults.fail(f"/notion/v1/pages/{bad['id']}/markdown", status=status)
    documents = read(sandbox)
    assert [document.sections[0].text for document in documents] == ["Words"] * 10
    assert sandbox.faults.requests("/notion/v1/blocks") == {
        f"GET /notion/v1/blocks/{bad['id']}/children": 1
    }


@pytest.mark.parametrize("max_blocks", [1, 2, 3, 5, 9])
def test_a_page_that_is_truncated_is_completed_block_by_block(
    sandbox: Sandbox, max_blocks: int
) -> None:
    inner = [block("bulleted_list_item", f"Item {n}") for n in range(6)]
    blocks = [paragraph("One"), block("toggle", "Two", *inner), paragraph("Three")]
    sandbox.workspace.pages = [page("Top", *blocks)]
    whole = body(sandbox)
    sandbox.workspace.site.notion_markdown_max_blocks = max_blocks
    assert [said.split() for _, said in body(sandbox)] == [said.split() for _, said in whole]


def test_a_page_of_which_much_is_left_out_is_walked_instead(sandbox: Sandbox) -> None:
    marks = [block("bookmark", url=f"https://{n}.example", caption=[]) for n in range(20)]
    sandbox.workspace.pages = [page("Top", *marks)]
    [(_, body_text)] = body(sandbox)
    assert body_text.split() == [f"https://{n}.example" for n in range(20)]
    assert list(sandbox.faults.requests("/notion/v1/blocks")) == [
        f"GET /notion/v1/blocks/{identity('Top')}/children"
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"markdown": "Some", "truncated": True, "unknown_block_ids": []},
        {"markdown": "Some", "truncated": True, "unknown_block_ids": [identity("hole")]},
    ],
    ids=["without telling what", "without a tag in its place"],
)
def test_a_page_that_is_cut_short_is_never_taken_for_a_whole_one(
    sandbox: Sandbox, answer: Json
) -> None:
    hole = {**paragraph("Rest"), "id": identity("hole")}
    sandbox.workspace.pages = [page("Top", paragraph("Some"), hole)]
    cut = {"object": "page_markdown", "id": identity("Top"), **answer}
    sandbox.faults.fail(f"/notion/v1/pages/{identity('Top')}/markdown", status=200, body=cut)
    assert body(sandbox) == [("", "Some\n\nRest")]


@pytest.mark.parametrize("version", ["2026-03-11", "2025-09-03"])
def test_a_chain_of_a_thousand_levels_survives(sandbox: Sandbox, version: str) -> None:
    sandbox.workspace.pages = [page("Top", levels(1000))]
    [(_, body_text)] = body(sandbox, version)
    assert body_text.split() == [word for n in range(1, 1001) for word in ("Level", str(n))]


@pytest.mark.parametrize("version", ["2026-03-11", "2025-09-03"])
def test_forty_sibling_toggles_are_all_read(sandbox: Sandbox, version: str) -> None:
    toggles = [block("toggle", f"T{n}", paragraph(f"Inside {n}")) for n in range(40)]
    sandbox.workspace.pages = [page("Top", *toggles)]
    [(_, body_text)] = body(sandbox, version)
    assert body_text.split() == [w for n in range(40) for w in (f"T{n}", "Inside", str(n))]


@pytest.mark.parametrize("version", ["2026-03-11", "2025-09-03"])
def test_a_synced_block_that_contains_its_own_copy_is_read_once(
    sandbox: Sandbox, version: str
) -> None:
    original = synced("original", paragraph("Words"))
    original["synced_block"]["children"].append(copy_of(original, "copy"))
    sandbox.workspace.pages = [page("Top", original, paragraph("After"))]
    assert body(sandbox, version) == [("", "Words\n\nAfter")]


def test_pages_and_databases_in_columns_and_toggles_are_followed(sandbox: Sandbox) -> None:
    child, table = page("Child"), database("Table")
    row = page("Row", parent={"type": "database_id", "database_id": table["id"]})
    columns = block("column_list", "", block("column", "", child_page(child)))
    folded = block("toggle", "More", child_database(table))
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [child, row, page("Top", columns, folded)]
    sandbox.workspace.site.notion_hidden_page_ids = [child["id"], row["id"], table["id"]]
    assert sorted(document.title for document in read(sandbox)) == ["Child", "Row", "Top"]
