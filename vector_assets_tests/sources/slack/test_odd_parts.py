"""A part of a message that is not as documented costs no other part its words."""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from vector_assets.sources.slack.blocks import message_text
from vector_assets_tests.sources.slack.test_mrkdwn import FewNames
from vector_assets_tests.sources.slack.test_random_blocks import Tree

Json = dict[str, Any]
Path = tuple[str | int, ...]

ODD: list[Any] = [
    None, 7, True, 1.5, -1, 10**20, "", "odd words", [], {}, ["odd words"], [None], [[7]], [{}],
    {"odd": "odd words"}, {"text": 7}, {"type": ["x"]}, [{"type": {}}], {"type": None, "text": []},
]  # fmt: skip


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """Yield where each value below a value stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inner:
        yield (*above, key)
        if isinstance(below, dict | list):
            yield from paths(below, (*above, key))


def replaced(value: Any, path: Path, odd: Any) -> Any:
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return changed


def message_of(tree: Tree) -> Json:
    """Return a message of which each part has words of its own."""
    file = {"id": "F1NOISE99", "name": tree.words(), "preview": tree.words()}
    shared = {
        "author_name": tree.words(), "pretext": tree.words(), "title": tree.words(),
        "title_link": "https://kept.example/9", "blocks": tree.many(tree.block),
        "message_blocks": [{"message": {"blocks": tree.many(tree.block)}}],
        "fields": [{"title": tree.words(), "value": tree.words()}], "actions": [tree.button()],
        "files": [file], "attachments": [{"text": tree.words()}], "footer": tree.words(),
    }  # fmt: skip
    blocks = tree.many(tree.block)
    return {"bot_id": "B1", "text": "", "blocks": blocks, "attachments": [shared], "files": [file]}


@pytest.mark.parametrize("seed", range(4))
def test_an_odd_part_leaves_the_words_of_all_others(seed: int) -> None:
    tree, chance = Tree(seed), Random(seed)
    message = message_of(tree)
    assert [words for words in tree.seen if words not in message_text(message, FewNames())] == []
    for path in paths(message):
        odd = chance.choice(ODD)
        changed = replaced(message, path, odd)
        read, sent = message_text(changed, FewNames()), json.dumps(changed)
        lost = [words for words in tree.seen if words in sent and words not in read]
        assert lost == [], (path, odd)


def rich(*elements: Any, **fields: Any) -> Json:
    part = {"type": "rich_text_section", "elements": list(elements), **fields}
    return {"type": "rich_text", "elements": [part]}


ANN = {"type": "user", "user_id": "U1"}


@pytest.mark.parametrize(
    ("block", "read"),
    [
        (rich(ANN, None, {"type": "text", "text": " asks"}), "@Ann Lee asks"),
        (rich(ANN, " odd ", 7, ["words"]), "@Ann Lee odd 7words"),
        (rich(ANN, {"type": "text", "text": ["odd"], "style": ["bold"]}), "@Ann Leeodd"),
        (rich({"type": "user", "user_id": None}, {"type": "emoji"}, ANN), "@Ann Lee"),
        (rich({"type": "broadcast", "range": 7}, {"type": "channel"}), "@7"),
        (rich({"type": "date", "timestamp": 10**20}, ANN), "@Ann Lee"),
        (rich({"type": "date", "timestamp": "soon"}, ANN), "soon@Ann Lee"),
        (rich({"type": ["text"], "text": "odd"}, ANN), "odd@Ann Lee"),
        ({"type": "rich_text", "elements": "odd words"}, "odd words"),
        ({"type": "context", "elements": {"a": "odd", "b": "words"}}, "odd\nwords"),
        ({"type": "context", "elements": "odd words"}, "odd words"),
        ({"type": "table", "rows": {"a": "odd words"}}, "| odd words |"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": ["odd", "<@U1>"]}}, "odd @Ann Lee"),
        ({"type": {"a": 1}, "text": "odd"}, "odd"),
    ],
)
def test_an_odd_part_of_a_block_shows_the_words_that_it_has(block: Json, read: str) -> None:
    assert message_text({"bot_id": "B1", "blocks": [block]}, FewNames()) == read


@pytest.mark.parametrize("number", [-1, 10**8, 10**12, 10**20, 1.5, "2", True, [], None])
def test_a_list_of_any_indent_and_offset_is_as_long_as_its_words(number: Any) -> None:
    part = {"type": "rich_text_list", "style": "ordered", "indent": number, "offset": number}
    item = {"type": "rich_text_section", "elements": [{"type": "text", "text": "item"}]}
    block = {"type": "rich_text", "elements": [part | {"elements": [item]}]}
    read = message_text({"bot_id": "B1", "blocks": [block]}, FewNames())
    assert read.strip().endswith(". item")
    assert len(read) < 60


@pytest.mark.parametrize("odd", [7, [[[]]], {"type": 7}])
def test_an_odd_part_shows_no_name_of_a_private_channel(odd: Any) -> None:
    # What is shared from a private channel tells its name in several places.
    shared = {
        "channel_id": "C9SECRET1", "channel_name": "secret", "footer": "Posted in #secret",
        "text": "see <#C9SECRET1|secret>, <@U1>", "fields": odd, "actions": odd, "files": odd,
        "attachments": odd, "message_blocks": odd, "blocks": odd, "author_name": odd,
    }  # fmt: skip
    block = {"type": ["odd"], "text": "<#C9SECRET1|secret>", "channel_name": "secret"}
    for message in ({"attachments": [shared]}, {"attachments": [[shared]]}, {"blocks": [block]}):
        assert "secret" not in message_text(message, FewNames())
    assert "@Ann Lee" in message_text({"attachments": [shared]}, FewNames())


def test_a_block_that_is_nested_too_deeply_shows_no_name_of_a_private_channel() -> None:
    deep: Any = "see <#C9SECRET1|secret>, <@U1>"
    for _ in range(2_000):
        deep = {"type": "new", "inside": deep}
    read = message_text({"bot_id": "B1", "blocks": [deep]}, FewNames())
    assert read == "see #private-channel, @Ann Lee"
