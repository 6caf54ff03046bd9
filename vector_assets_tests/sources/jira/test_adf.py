"""Atlassian Document Format as a person reads it: no word is lost, whatever node carries it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vector_assets.sources.jira.adf import to_markdown

Node = dict[str, Any]


def node(kind: str, *content: Node, **attrs: Any) -> Node:
    return {"type": kind, "content": list(content), "attrs": attrs}


def text(words: str, *marks: str, **link: str) -> Node:
    all_marks: list[Node] = [{"type": mark} for mark in marks]
    if link:
        all_marks.append({"type": "link", "attrs": link})
    return {"type": "text", "text": words, "marks": all_marks}


def linking(href: str, linked: Node) -> Node:
    return linked | {"marks": [{"type": "link", "attrs": {"href": href}}]}


def p(*content: Node | str) -> Node:
    return node("paragraph", *(text(part) if isinstance(part, str) else part for part in content))


def li(*content: Node) -> Node:
    return node("listItem", *content)


def row(kind: str, *cells: str) -> Node:
    return node("tableRow", *(node(kind, p(cell)) for cell in cells))


CASES: list[tuple[str, Node, str]] = [
    ("paragraphs stand apart", node("doc", p("One."), p("Two.")), "One.\n\nTwo."),
    ("a heading has its level", node("heading", text("Why"), level=3), "### Why"),
    ("a break is a line", p("one", node("hardBreak"), "two"), "one\ntwo"),
    ("a rule is a rule", node("doc", p("a"), node("rule"), p("b")), "a\n\n---\n\nb"),
    ("bullets", node("bulletList", li(p("a")), li(p("b"))), "- a\n- b"),
    (
        "a list within a list",
        node("bulletList", li(p("a"), node("bulletList", li(p("a1")), li(p("a2")))), li(p("b"))),
        "- a\n  - a1\n  - a2\n- b",
    ),
    ("numbers from 1", node("orderedList", li(p("a")), li(p("b"))), "1. a\n2. b"),
    ("numbers from 7", node("orderedList", li(p("a")), li(p("b")), order=7), "7. a\n8. b"),
    (
        "bullets within numbers",
        node("orderedList", li(p("a"), node("bulletList", li(p("x"))))),
        "1. a\n   - x",
    ),
    (
        "code within a list",
        node("bulletList", li(p("run"), node("codeBlock", text("make"), language="sh"))),
        "- run\n  ```sh\n  make\n  ```",
    ),
    (
        "tasks and their state",
        node(
            "taskList",
            node("taskItem", text("ask"), state="TODO"),
            node("taskItem", text("tell"), state="DONE"),
            node("taskList", node("taskItem", text("below"), state="TODO")),
        ),
        "- [ ] ask\n- [x] tell\n  - [ ] below",
    ),
    (
        "decisions",
        node("decisionList", node("decisionItem", text("We ship."), state="DECIDED")),
        "- [x] We ship.",
    ),
    (
        "a table with a head",
        node("table", row("tableHeader", "Port", "Fee"), row("tableCell", "Oslo", "12")),
        "| Port | Fee |\n| --- | --- |\n| Oslo | 12 |",
    ),
    (
        "a cell of two paragraphs and a bar",
        node("table", node("tableRow", node("tableCell", p("a|b"), p("c")))),
        "| a\\|b<br><br>c |\n| --- |",
    ),
    (
        "a cell over two columns",
        node("table", node("tableRow", node("tableHeader", p("Fees"), colspan=2)),
             row("tableCell", "Oslo", "12")),
        "| Fees |  |\n| --- | --- |\n| Oslo | 12 |",
    ),
    (
        "lists and code in a cell",
        node("table", node("tableRow", node("tableCell", node("bulletList", li(p("a")), li(p("b"))),
             node("codeBlock", text("x"))))),
        "| - a<br>- b<br><br>```<br>x<br>``` |\n| --- |",
    ),
    (
        "a row that is too short",
        node("table", row("tableCell", "a", "b"), row("tableCell", "c")),
        "| a | b |\n| --- | --- |\n| c |  |",
    ),
    (
        "code keeps its language and lines",
        node("codeBlock", text("x = 1\n\nprint(x)"), language="python"),
        "```python\nx = 1\n\nprint(x)\n```",
    ),
    ("code with a fence in it", node("codeBlock", text("```")), "````\n```\n````"),
    ("code with a longer fence", node("codeBlock", text("`````")), "``````\n`````\n``````"),
    ("a quote", node("blockquote", p("a"), p("b")), "> a\n>\n> b"),
    ("a panel says its kind", node("panel", p("Hot"), panelType="warning"), "> **Warning:** Hot"),
    ("an expand", node("expand", p("inside"), title="More"), "**More**\n\ninside"),
    ("a nested expand", node("nestedExpand", p("inside"), title="More"), "**More**\n\ninside"),
    ("an expand without a title", node("expand", p("inside")), "inside"),
    (
        "columns of a layout",
        node("layoutSection", node("layoutColumn", p("l")), node("layoutColumn", p("r"))),
        "l\n\nr",
    ),
    ("strong, em and strike", p(text("a", "strong"), text("b", "em"), text("c", "strike")),
     "**a***b*~~c~~"),
    ("code in a line", p("run ", text("ls", "code")), "run `ls`"),
    ("marks leave spaces outside", p("a", text(" b ", "strong"), "c"), "a **b** c"),
    ("a link", p(text("here", href="https://a.example")), "[here](https://a.example)"),
    (
        "a link that shows itself",
        p(text("https://a.example", href="https://a.example")),
        "https://a.example",
    ),
    ("a mention", p(node("mention", id="7", text="@Ann Lee")), "@Ann Lee"),
    ("a mention without a name", p(node("mention", id="7")), "@7"),
    ("an emoji", p(node("emoji", shortName=":tada:", text="🎉")), "🎉"),
    ("an emoji of the site's own", p(node("emoji", shortName=":harbor:")), ":harbor:"),
    ("a date", p("due ", node("date", timestamp="1772409600000")), "due 2026-03-02"),
    ("a status", p(node("status", text="Blocked", color="red")), "[Blocked]"),
    ("a card in a line", p(node("inlineCard", url="https://a.example/1")), "https://a.example/1"),
    (
        "a card of data",
        p(node("inlineCard", data={"name": "Plan", "url": "https://a.example/2"})),
        "[Plan](https://a.example/2)",
    ),
    (
        "a card that has a name alone",
        p(node("inlineCard", data={"name": "Plan"})),
        "Plan",
    ),
    (
        "a card of its own with data",
        node("blockCard", data={"name": "Plan", "url": "https://a.example/2"}),
        "[Plan](https://a.example/2)",
    ),
    ("a card of its own", node("blockCard", url="https://a.example/3"), "https://a.example/3"),
    ("an embedded card", node("embedCard", url="https://a.example/4"), "https://a.example/4"),
    (
        "a picture with a caption",
        node("mediaSingle", node("media", type="file", alt="crane.png"),
             node("caption", text("The crane"))),
        "[file: crane.png]\n\nThe crane",
    ),
    (
        "files in a group",
        node("mediaGroup", node("media", type="file", __fileName="log.txt")),
        "[file: log.txt]",
    ),
    ("a picture from elsewhere", node("media", type="external", url="https://a.example/p.png"),
     "[image: https://a.example/p.png]"),
    ("a picture without a name", node("mediaSingle", node("media", type="file", id="1")), ""),
    ("a file in a line", p("see ", node("mediaInline", type="file", alt="a.pdf")),
     "see [file: a.pdf]"),
    ("an unknown block", node("newBlock", p("still here")), "still here"),
    ("an unknown node in a line", p("a ", node("newInline", text("b"))), "a b"),
    ("an unknown node of attributes", p(node("newInline", title="named")), "named"),
    ("an unknown block of attributes and content", node("newBlock", p("b"), title="A"), "A\n\nb"),
    ("an unknown node of text and content", p({"type": "newInline", "text": "a ",
     "content": [text("b")]}), "a b"),
    ("an unknown node of attributes and content", p(node("newInline", text("b"), title="a ")),
     "a b"),
    ("an extension in a line", p("see ", node("inlineExtension", text="macro")), "see macro"),
    ("an extension of several bodies",
     node("multiBodiedExtension", node("extensionFrame", p("a")), node("extensionFrame", p("b"))),
     "a\n\nb"),
    ("a task of blocks", node("taskList", node("blockTaskItem", p("ask"), state="DONE")),
     "- [x] ask"),
    ("a list within a panel", node("panel", node("bulletList", li(p("a"))), panelType="info"),
     "> **Info:**\n>\n> - a"),
    ("marks without a sign of their own",
     p(text("a", "underline"), text("b", "subsup"), text("c", "textColor")), "abc"),
    ("an extension with a text", node("extension", text="macro output"), "macro output"),
    ("a bodied extension", node("bodiedExtension", p("body")), "body"),
    (
        "a cell over two rows",
        node("table", row("tableHeader", "Area", "Item", "Units"),
             node("tableRow", node("tableCell", p("EU"), rowspan=2), node("tableCell", p("Cable")),
                  node("tableCell", p("12"))),
             row("tableCell", "Hub", "7")),
        "| Area | Item | Units |\n| --- | --- | --- |\n| EU | Cable | 12 |\n| EU | Hub | 7 |",
    ),
    (
        "a table of what is no row and no cell",
        node("table", row("tableHeader", "a", "b"), p("between"),
             node("tableRow", p("c"), node("tableCell", p("d")))),
        "| a | b |\n| --- | --- |\n| between |  |\n| c | d |",
    ),
    ("a picture from elsewhere with a name", node("media", type="external", alt="The crane",
     url="https://a.example/p.png"), "[image: The crane](https://a.example/p.png)"),
    ("a file with a name and a description", node("media", type="file", alt="The crane",
     __fileName="crane.png"), "[file: The crane, crane.png]"),
    ("a card with a summary", p(node("inlineCard", data={"name": "Plan", "summary": "What we do",
     "url": "https://a.example/2"})), "[Plan](https://a.example/2): What we do"),
    ("a picture that links", node("mediaSingle", linking("https://a.example/d",
     node("media", type="file", alt="graph.png"))), "[file: graph.png](https://a.example/d)"),
    ("a picture whose frame links", linking("https://a.example/d",
     node("mediaSingle", node("media", type="file", alt="graph.png"))),
     "[file: graph.png](https://a.example/d)"),
    ("a picture without a name that links", node("mediaSingle", linking("https://a.example/d",
     node("media", type="file", id="1"))), "https://a.example/d"),
    ("a file in a line that links", p("see ", linking("https://a.example/d",
     node("mediaInline", type="file", alt="a.pdf"))), "see [file: a.pdf](https://a.example/d)"),
    ("a status that links", p(linking("https://a.example/d", node("status", text="Blocked"))),
     "[Blocked](https://a.example/d)"),
    ("a card that links to itself", p(linking("https://a.example/1",
     node("inlineCard", url="https://a.example/1"))), "https://a.example/1"),
    ("a link with a title", p(text("here", href="https://a.example", title="The plan")),
     '[here](https://a.example "The plan")'),
    ("a macro with a title", node("bodiedExtension", p("drain the queue first"),
     extensionKey="excerpt", extensionType="com.x",
     parameters={"macroParams": {"title": {"value": "Rollback steps"}}}),
     "Rollback steps\n\ndrain the queue first"),
    ("a macro with parameters", node("extension", extensionKey="toc", layout="wide",
     parameters={"macroParams": {"": {"value": "2026"}, "jql": {"value": "project = HAR"}},
                 "macroMetadata": {"macroId": {"value": "x1"}, "schemaVersion": {"value": "1"},
                                   "title": "Issues"}}),
     "2026\n\nproject = HAR\n\nIssues"),
    ("a macro of an app", p(node("inlineExtension", extensionKey="ari:cloud:x",
     parameters={"guestParams": {"cell": {"label": "North quay"}, "open": "true"},
                 "extensionId": "ari:cloud:ecosystem::x",
                 "localId": "0b7f9c1e-5a0f-4c57-9f0e-1c1f2d3e4a5b"})), "North quay"),
    ("a table within a macro", node("extension", extensionKey="nested-table",
     parameters={"adf": json.dumps(node("doc", node("table", row("tableCell", "key", "value"))))}),
     "| key | value |\n| --- | --- |"),
    ("a document within a macro that is no JSON", node("extension", parameters={"adf": "{not it"}),
     "{not it"),
    ("a table of a data source", node("blockCard", datasource={"id": "d1",
     "parameters": {"cloudId": "c1", "jql": "project = HAR"}}), "project = HAR"),
    ("a list of what is no item", node("bulletList", p("a"), node("codeBlock", text("b"))),
     "- a\n- ```\n  b\n  ```"),
    ("code with what is no text", node("codeBlock", text("ask "), node("mention", text="@Ann"),
     node("hardBreak"), text("now")), "```\nask @Ann\nnow\n```"),
    ("a block within a line", p("a", node("bulletList", li(p("b"))), "c"), "a\n- b\nc"),
    ("what a leaf contains", p(node("status", text("inside"), text="Blocked")), "[Blocked]inside"),
    ("a block with a text of its own", node("newBlock", p("b")) | {"text": "a"}, "a\n\nb"),
    ("an unknown node of other keys", {"type": "new", "caption": {"words": ["a", {"of": "b"}]}},
     "a\n\nb"),
    ("a status without words", p("a", node("status", text="")), "a"),
    ("a date that is none", p("due ", node("date", timestamp="soon")), "due soon"),
    ("a date of no calendar", p(node("date", timestamp="99999999999999999999")),
     "99999999999999999999"),
    ("a date as a number", p(node("date", timestamp=1772409600000)), "2026-03-02"),
    ("a level that is none", node("heading", text("a"), level="two"), "# a"),
    ("a number that is none", node("orderedList", li(p("a")), order="first"), "1. a"),
    ("a span that is none", node("table", node("tableRow", node("tableCell", p("a"), colspan="x",
     rowspan=None), node("tableCell", p("b"), colspan=-1))), "| a | b |\n| --- | --- |"),
    ("children that are texts", {"type": "paragraph", "content": ["a ", ["b ", 7]]}, "a b 7"),
    ("a child that is no list", {"type": "paragraph", "content": text("a")}, "a"),
    ("content that is a text", {"type": "paragraph", "content": "a"}, "a"),
    ("marks and attributes that are none", {"type": "text", "text": "a", "marks": "strong",
     "attrs": ["x"]}, "a"),
    ("marks that are texts", {"type": "text", "text": "a", "marks": ["strong", None, {}]}, "a"),
    ("a text that is a number", p({"type": "text", "text": 7}), "7"),
    ("a task of blocks and lines", node("taskList", node("taskItem", p("a"), text("b"), text("c"),
     node("codeBlock", text("d")), text("e"))),
     "- [ ] a\n      bc\n      ```\n      d\n      ```\n      e"),
    ("a table within a macro of Confluence", node("extension", extensionKey="nested-table",
     extensionType="com.atlassian.confluence.migration", parameters={"adf": json.dumps({
         "type": "doc", "version": 1, "content": [node("table", row("tableCell", "nestedkey",
         "nestedvalue"))]})}), "| nestedkey | nestedvalue |\n| --- | --- |"),
    ("a node within an attribute", node("unsupportedBlock", originalValue=p("hello ",
     text("words", "strong"))), "hello **words**"),
    ("nodes within an attribute", node("extension", parameters={"rows": [p("a"), p("b")]}),
     "a\n\nb"),
    ("nodes as JSON without a document", node("extension", parameters={"adf": json.dumps([p("a"),
     node("mention", text="@Ann")])}), "a\n\n@Ann"),
    ("a leaf within an attribute", p(node("unsupportedInline", originalValue={"type": "status",
     "attrs": {"text": "Blocked"}})), "[Blocked]"),
    ("the picture and the type of a macro", node("extension", parameters={"macroMetadata": {
     "title": "Contents", "placeholder": [{"type": "image", "data": {"url": "//a.example/p"}}]},
     "fields": [{"label": "Laptop", "value": "Mac", "type": "string"}]}),
     "Contents\n\nLaptop\n\nMac"),
    ("a panel of the writer's own", node("panel", p("body"), panelType="custom",
     panelIcon=":rocket:", panelIconText="🚀"), "> 🚀 body"),
    ("a panel of the writer's own without an icon", node("panel", p("body"), panelType="custom"),
     "> body"),
    ("a mention whose text is its id", p(node("mention", id="7", text="@7")), "@7"),
    ("a mention of everybody", p(node("mention", id="all", userType="SPECIAL")), "@all"),
    ("numbers from 0", node("orderedList", li(p("a")), order=0), "0. a"),
    ("a power", p("10", {"type": "text", "text": "5", "marks": [{"type": "subsup",
     "attrs": {"type": "sup"}}]}), "10^5"),
    ("a subscript", p("H", {"type": "text", "text": "2", "marks": [{"type": "subsup",
     "attrs": {"type": "sub"}}]}, "O"), "H2O"),
    ("the summary of an issue as a link's title", p(text("HAR-9",
     href="https://a.example/browse/HAR-9", title="Sell the pier")),
     "[HAR-9](https://a.example/browse/HAR-9)"),
    *((f"a card of an issue, as {url}", p(node("inlineCard", data={"name": "Sell the pier",
       "summary": "Sell the pier", "url": f"https://a.example{url}"})), f"https://a.example{url}")
      for url in ("/browse/HAR-9", "/servicedesk/customer/portal/3/HAR-9",
                  "/jira/servicedesk/projects/HAR/queues/custom/3/HAR-9",
                  "/jira/software/projects/HAR/boards/1?selectedIssue=HAR-9",
                  "/jira/core/projects/HAR/board?issueKey=HAR-9")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "markdown"), [(d, m) for _, d, m in CASES], ids=[name for name, _, _ in CASES]
)
def test_a_node_reads_as(document: Node, markdown: str) -> None:
    assert to_markdown(node("doc", document)) == markdown


def test_nothing_is_nothing() -> None:
    assert to_markdown(None) == ""
    assert to_markdown({"type": "doc", "version": 1}) == ""


@pytest.mark.parametrize("document", ["words", ["words"], 7, True, {"odd": "words"}, {"type": 7}])
def test_a_document_that_is_none_reads_as_it_is(document: Any) -> None:
    shown = {7: "7", True: "yes"}.get(document) if isinstance(document, int) else "words"
    assert to_markdown(document) == ("" if document == {"type": 7} else shown)


def test_a_mention_without_a_name_is_named_by_who_knows_it() -> None:
    document = node("doc", p(node("mention", id="7"), " and ", node("mention", id="8")))
    assert to_markdown(document, {"7": "Ann Lee", "8": ""}.__getitem__) == "@Ann Lee and @8"


@pytest.mark.parametrize("shown", ["", " ", "@", "7", "@7"])
@pytest.mark.parametrize("is_in_a_macro", [False, True])
def test_a_mention_without_a_name_never_shows_an_id(shown: str, is_in_a_macro: bool) -> None:
    mention = p(node("mention", id="7", text=shown))
    document = node("extension", parameters={"adf": mention}) if is_in_a_macro else mention
    assert to_markdown(document, {"7": "Ann Lee"}.__getitem__) == "@Ann Lee"


def test_a_document_that_is_nested_without_end_keeps_its_words() -> None:
    deep = p("words")
    for _ in range(5000):
        deep = node("blockquote", deep)
    assert to_markdown(deep) == "words"


KINDS = [
    "doc", "paragraph", "heading", "bulletList", "orderedList", "listItem", "taskList", "taskItem",
    "decisionList", "decisionItem", "codeBlock", "blockquote", "panel", "expand", "nestedExpand",
    "table", "tableRow", "tableCell", "tableHeader", "mediaSingle", "mediaGroup", "media",
    "mediaInline", "caption", "rule", "hardBreak", "mention", "emoji", "date", "status",
    "inlineCard", "blockCard", "embedCard", "placeholder", "extension", "bodiedExtension",
    "inlineExtension", "multiBodiedExtension", "extensionFrame", "layoutSection", "layoutColumn",
    "text", "newNode",
]  # fmt: skip


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> Node:
    """Draw nodes of any kind within any other; each leaf is a text with a word of its own."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return text(f"word{draw(st.integers(0, 10**9))}end")
    kind = draw(st.sampled_from(KINDS))
    spans = {"colspan": draw(st.integers(0, 3)), "rowspan": draw(st.integers(0, 3))}
    return node(kind, *draw(st.lists(trees(depth - 1), max_size=3)), **spans)


@settings(max_examples=300, deadline=None)
@given(trees())
def test_no_word_is_lost_and_all_are_in_order_whatever_node_stands_in_which(
    document: Node,
) -> None:
    shown = to_markdown(document)
    places = [shown.find(word) for word in dict.fromkeys(words(document))]
    assert -1 not in places
    assert places == sorted(places)


@settings(max_examples=100, deadline=None)
@given(trees(), st.sampled_from(["unsupportedBlock", "extension", "bodiedExtension", "newNode"]))
def test_a_node_in_an_attribute_reads_as_it_does_elsewhere(tree: Node, kind: str) -> None:
    document = node("doc", tree)
    for value in (document, {"deep": [document]}, json.dumps(document), [document]):
        assert to_markdown(node(kind, value=value)).strip() == to_markdown(document)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "xtension" in kind] + ["newNode"])
def test_words_in_any_attribute_of_a_macro_are_kept(kind: str) -> None:
    attrs = {"parameters": {"deep": [{"title": "deep"}]}, "text": "own", "title": "name"}
    shown = to_markdown(node(kind, p("body"), **attrs))
    assert [word for word in ("deep", "own", "name", "body") if word not in shown] == []


def test_every_word_of_the_real_data_is_kept(workspace_data: Path) -> None:
    lost: list[str] = []
    for line in (workspace_data / "jira" / "issues.jsonl").open(encoding="utf-8"):
        fields = json.loads(line)["fields"]
        bodies = [fields["description"], *(c["body"] for c in fields["comment"]["comments"])]
        for body in filter(None, bodies):
            shown = to_markdown(body)
            lost += [word for word in words(body) if word not in shown]
    assert lost == []


def words(parsed: Node) -> list[str]:
    own = parsed.get("text", "").split() if isinstance(parsed.get("text"), str) else []
    return own + [word for child in parsed.get("content") or () for word in words(child)]
