"""Random trees of blocks: whatever people see is read, once, in order, and nothing else."""

from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

import pytest

from vector_assets.sources.slack.blocks import message_text
from vector_assets_tests.sources.slack.test_mrkdwn import FewNames

Json = dict[str, Any]


class Tree:
    """Makes blocks, and notes the words that people see, in order."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seen: list[str] = []
        self._numbers = count()

    def words(self) -> str:
        """Return words that occur nowhere else."""
        self.seen.append(f"Word{next(self._numbers)}x")
        return self.seen[-1]

    def plain(self) -> Json:
        return {"type": "plain_text", "text": self.words(), "emoji": True}

    def mrkdwn(self) -> Json:
        return {"type": "mrkdwn", "text": f"*{self.words()}*", "verbatim": False}

    def text(self) -> Json:
        return self.random.choice((self.plain, self.mrkdwn))()

    def many(self, make: Callable[[], Any], at_most: int = 3) -> list[Any]:
        return [make() for _ in range(self.random.randint(1, at_most))]

    def run(self) -> Json:
        kind = self.random.choice(("text", "link", "date", "color", "something_new"))
        match kind:
            case "link":
                return {"type": kind, "url": "https://noise.example/1", "text": self.words()}
            case "date":
                return {"type": kind, "timestamp": 1, "format": "{x}", "fallback": self.words()}
            case "color":
                return {"type": kind, "value": self.words()}
            case _:
                style = {self.random.choice(("bold", "italic", "strike", "code")): True}
                return {"type": kind, "text": f"{self.words()} ", "style": style}

    def section(self) -> Json:
        return {"type": "rich_text_section", "elements": self.many(self.run)}

    def nested_list(self, depth: int = 0) -> Json:
        def item() -> Json:
            if depth < 3 and self.random.random() < 0.3:
                return self.nested_list(depth + 1)
            return self.section()

        return {
            "type": "rich_text_list",
            "style": self.random.choice(("ordered", "bullet")),
            "indent": depth,
            "offset": self.random.randint(0, 9),
            "elements": self.many(item),
        }

    def rich(self) -> Json:
        def part() -> Json:
            kind = self.random.choice(("section", "list", "quote", "preformatted"))
            if kind == "section":
                return self.section()
            if kind == "list":
                return self.nested_list()
            return {"type": f"rich_text_{kind}", "elements": self.many(self.run)}

        return {"type": "rich_text", "block_id": "B1NOISE99", "elements": self.many(part)}

    def button(self) -> Json:
        return {
            "type": "button", "action_id": "noise", "value": "noise", "style": "primary",
            "text": self.plain(), "url": "https://kept.example/1",
        }  # fmt: skip

    def image(self) -> Json:
        return {
            "type": "image", "image_url": "https://noise.example/2.png", "alt_text": self.words(),
        }  # fmt: skip

    def element(self) -> Json:
        kind = self.random.choice(("button", "image", "select", "workflow_button", "new"))
        match kind:
            case "image":
                return self.image()
            case "select":
                return {
                    "type": "static_select", "action_id": "noise", "placeholder": self.plain(),
                    "options": self.many(lambda: {"text": self.plain(), "value": "noise"}),
                }  # fmt: skip
            case "new":
                return {"type": "new_element", "element_id": "noise", "hint": self.text()}
            case _:
                return {**self.button(), "type": kind}

    def cell(self) -> Json:
        match self.random.choice(("raw_text", "raw_number", "rich")):
            case "rich":
                return self.rich()
            case "raw_number":
                return {"type": "raw_number", "value": 1200, "text": self.words()}
            case kind:
                return {"type": kind, "text": self.words()}

    def task(self) -> Json:
        return {
            "type": "task_card", "task_id": "noise", "status": "complete", "title": self.words(),
            "details": self.rich(), "output": self.rich(),
            "sources": self.many(
                lambda: {"type": "url", "url": "https://kept.example/2", "text": self.words()}
            ),
        }  # fmt: skip

    def card(self) -> Json:
        return {
            "type": "card", "icon": {**self.plain_icon()}, "hero_image": self.image(),
            "title": self.text(), "subtitle": self.text(), "body": self.text(),
            "actions": self.many(self.button),
        }  # fmt: skip

    def plain_icon(self) -> Json:
        return {"type": "image", "image_url": "https://noise.example/i.png", "alt_text": "noise"}

    def unknown(self, depth: int) -> Json:
        def anything() -> Any:
            makers: list[Callable[[], Any]] = [self.words, self.text, self.rich, self.element]
            if depth < 3:
                makers += [
                    lambda: self.block(depth + 1),
                    lambda: self.many(lambda: self.unknown(depth + 1)),
                    lambda: self.many(self.words),
                ]
            return self.random.choice(makers)()

        keys = self.random.sample(
            ("question", "choices", "body", "footer", "blocks", "children", "title", "note"), 3
        )
        noise = {
            "block_id": "noise", "image_url": "https://noise.example/3.png", "style": "noise",
            "external_id": "noise", "ts": "noise", "is_open": True, "count": 3, "color": "#ff0000",
            "owner": "U0NOISE99", "icon": "noise", "nothing": None,
        }  # fmt: skip
        fields = {**{key: anything() for key in keys}, **noise}
        return {"type": f"new_block_{depth}", **fields}

    def block(self, depth: int = 0) -> Json:
        kind = self.random.choice((
            "section", "header", "context", "actions", "image", "markdown", "rich", "table",
            "data_table", "card", "carousel", "container", "plan", "task_card", "alert", "video",
            "divider", "context_actions", "input", "unknown", "unknown",
        ))  # fmt: skip
        block: Json = {"type": kind, "block_id": "noise"}
        match kind:
            case "section":
                block |= {"text": self.text(), "fields": self.many(self.text)}
                block |= {"accessory": self.element()}
            case "header":
                block |= {"text": self.plain()}
            case "context":
                block |= {"elements": self.many(self.random.choice((self.text, self.image)))}
            case "actions":
                block |= {"elements": self.many(self.element)}
            case "image":
                block |= self.image()
            case "markdown":
                block |= {"text": f"# {self.words()}\n\n{self.words()}"}
            case "rich":
                return self.rich()
            case "table":
                block |= {"rows": self.many(lambda: self.many(self.cell))}
            case "data_table":
                block |= {"caption": self.words(), "rows": self.many(lambda: self.many(self.cell))}
            case "card":
                return self.card()
            case "carousel":
                block |= {"elements": self.many(self.card)}
            case "container":
                block |= {"title": self.plain(), "subtitle": self.text(), "width": "wide"}
                block |= {"child_blocks": self.many(lambda: self.block(depth + 1))}
            case "plan":
                block |= {"title": self.words(), "tasks": self.many(self.task)}
            case "task_card":
                return self.task()
            case "alert":
                block |= {"text": self.text(), "level": "warning"}
            case "video":
                block |= {"title": self.plain(), "title_url": "https://kept.example/3"}
                block |= {"description": self.plain(), "alt_text": "noise"}
                block |= {"author_name": self.words(), "provider_name": self.words()}
                block |= {"thumbnail_url": "https://noise.example/4.png"}
            case "context_actions":
                good, bad = ({"text": self.plain(), "value": "noise"} for _ in range(2))
                block["elements"] = [
                    {"type": "feedback_buttons", "positive_button": good, "negative_button": bad}
                ]
            case "input":
                block |= {"label": self.plain(), "element": self.element(), "hint": self.plain()}
            case "unknown" if depth < 3:
                return self.unknown(depth)
            case "unknown":
                block |= {"note": self.words()}
        return block


@pytest.mark.parametrize("is_attached", [False, True])
@pytest.mark.parametrize("first", range(0, 2_000, 500))
def test_every_text_of_a_random_tree_is_read_once_and_in_order(
    first: int, is_attached: bool
) -> None:
    for seed in range(first, first + 500):
        tree = Tree(seed)
        blocks = tree.many(tree.block, 6)
        message: Json = {"bot_id": "B1", "text": "", "blocks": blocks}
        if is_attached:
            message = {"bot_id": "B1", "text": "", "attachments": [{"blocks": blocks}]}
        read = message_text(message, FewNames())
        positions = [read.find(words) for words in tree.seen]
        assert -1 not in positions, (seed, tree.seen, read)
        assert positions == sorted(positions), (seed, read)
        assert [words for words in tree.seen if read.count(words) != 1] == [], (seed, read)
        assert "noise" not in read.lower().replace("https://noise.example/1", ""), (seed, read)


@pytest.mark.parametrize("text", ["Fallback", "Fallback " * 500])
@pytest.mark.parametrize("seed", range(20))
def test_blocks_win_over_a_text_that_is_only_for_notifications(seed: int, text: str) -> None:
    tree = Tree(seed)
    blocks = [tree.rich(), *tree.many(tree.block)]
    message = {"bot_id": "B1", "text": text, "blocks": blocks}
    assert "Fallback" not in message_text(message, FewNames())


@pytest.mark.parametrize(
    "blocks",
    [[], [{"type": "divider"}], [{"type": "image"}], [{"type": "actions", "elements": []}]],
)
def test_a_text_is_read_where_blocks_say_nothing(blocks: list[Json]) -> None:
    message = {"bot_id": "B1", "text": "Deployed", "blocks": blocks}
    assert message_text(message, FewNames()) == "Deployed"


def test_buttons_alone_leave_the_text_and_keep_their_addresses() -> None:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Open"},
        "url": "https://x.io",
    }
    message = {
        "bot_id": "B1",
        "text": "Paid",
        "blocks": [{"type": "actions", "elements": [button]}],
    }
    assert message_text(message, FewNames()) == "Paid\n\n[Open](https://x.io)"
    attached = {"attachments": [{"text": "Paid", "actions": [{**button, "text": "Open"}]}]}
    assert message_text(attached, FewNames()) == "Paid\n[Open](https://x.io)"


def rich_list(style: str, indent: int, *items: str, **fields: int) -> Json:
    sections = [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": item}]}
        for item in items
    ]
    return {
        "type": "rich_text_list", "style": style, "indent": indent, "elements": sections, **fields,
    }  # fmt: skip


def test_ordered_lists_count_on_and_nest() -> None:
    parts = [
        rich_list("ordered", 0, "one", "two"),
        rich_list("bullet", 1, "a"),
        rich_list("ordered", 2, "deep"),
        rich_list("ordered", 0, "three", offset=2),
    ]
    block = {"type": "rich_text", "elements": parts}
    assert message_text({"bot_id": "B1", "blocks": [block]}, FewNames()) == (
        "1. one\n2. two\n    - a\n        1. deep\n3. three"
    )
