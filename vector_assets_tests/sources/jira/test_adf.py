"""Atlassian Document Format as a person reads it: no word is lost, whatever node carries it."""

import json
from pathlib import Path
from typing import Any

import pytest

from vector_assets.sources.jira.adf import to_markdown

Node = dict[str, Any]


def node(kind: str, *content: Node, **attrs: Any) -> Node:
    return {"type": kind, "content": list(content), "attrs": attrs}


def text(words: str, *marks: str, **link: str) -> Node:
    all_marks: list[Node] = [{"type": mark} for mark in marks]
    if link:
        all_marks.append({"type": "link", "attrs": link})
    return {"type": "text", "text": words, "marks": all_marks}


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
]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "markdown"), [(d, m) for _, d, m in CASES], ids=[name for name, _, _ in CASES]
)
def test_a_node_reads_as(document: Node, markdown: str) -> None:
    assert to_markdown(node("doc", document)) == markdown


def test_nothing_is_nothing() -> None:
    assert to_markdown(None) == ""
    assert to_markdown({"type": "doc", "version": 1}) == ""


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
