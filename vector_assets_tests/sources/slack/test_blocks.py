"""Messages whose words are not in their text."""

from typing import Any

import pytest

from vector_assets.sources.slack.blocks import message_text
from vector_assets_tests.sources.slack.test_mrkdwn import FewNames


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def rich(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(parts)}


def run(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, "style": style}


@pytest.mark.parametrize(
    ("blocks", "read"),
    [
        ([{"type": "header", "text": plain("Deploy")}], "**Deploy**"),
        (
            [{"type": "section", "text": mrkdwn("*Up*"), "fields": [mrkdwn("a"), plain("*b*")]}],
            "**Up**\na\n*b*",
        ),
        (
            [{"type": "context", "elements": [mrkdwn("by <@U1>"), {"type": "image"}]}],
            "by @Ann Lee",
        ),
        ([{"type": "divider"}, {"type": "image", "alt_text": "a graph"}], "Image: a graph"),
        ([{"type": "markdown", "text": "# Title"}], "# Title"),
        ([{"type": "something_new", "text": plain("new?")}], "new?"),
        ([{"type": "something_newer", "text": "newer?"}], "newer?"),
        ([{"type": "something_odd", "words": [1]}], ""),
        (
            [
                {
                    "type": "video",
                    "title": plain("Demo"),
                    "title_url": "https://x.io/v",
                    "description": plain("of March"),
                    "alt_text": "a video",
                }
            ],
            "Video: [Demo](https://x.io/v)\nof March",
        ),
        (
            [
                rich(
                    {
                        "type": "rich_text_section",
                        "elements": [
                            run("very ", bold=True),
                            run("x", code=True),
                            {"type": "link", "url": "https://x.io", "text": "site"},
                            {"type": "user", "user_id": "U1"},
                            {"type": "channel", "channel_id": "C1"},
                            {"type": "usergroup", "usergroup_id": "S1"},
                            {"type": "broadcast", "range": "here"},
                            {"type": "emoji", "name": "wave"},
                            {"type": "date", "fallback": "today"},
                            {"type": "text", "text": " "},
                            {"type": "date", "timestamp": 1772446500, "format": "{time}"},
                            {"type": "emoji", "name": "shipit"},
                        ],
                    }
                )
            ],
            (
                "**very** `x`[site](https://x.io)@Ann Lee#billing@platform@here👋"
                "today 2026-03-02 10:15 UTC:shipit:"
            ),
        ),
        (
            [
                rich(
                    {
                        "type": "rich_text_list",
                        "style": "bullet",
                        "indent": 1,
                        "elements": [{"type": "rich_text_section", "elements": [run("item")]}],
                    },
                    {"type": "rich_text_quote", "elements": [run("said\ntwice")]},
                    {"type": "rich_text_preformatted", "elements": [run("*x*", bold=True)]},
                )
            ],
            "- item\n> said\n> twice\n```\n*x*\n```",
        ),
        (
            [
                {
                    "type": "table",
                    "rows": [
                        [
                            {"type": "raw_text", "text": "a"},
                            rich({"type": "rich_text_section", "elements": [run("b")]}),
                        ]
                    ],
                }
            ],
            "| a | b |",
        ),
        (
            [
                {
                    "type": "card",
                    "title": {"type": "mrkdwn", "text": "INC-42 Checkout down"},
                    "subtitle": {"type": "mrkdwn", "text": "SEV1 capybara"},
                    "body": {"type": "mrkdwn", "text": "Gateway refuses EU cards"},
                }
            ],
            "INC-42 Checkout down\nSEV1 capybara\nGateway refuses EU cards",
        ),
        (
            [
                {
                    "type": "container",
                    "title": {"type": "plain_text", "text": "Release notes"},
                    "child_blocks": [
                        {
                            "type": "section",
                            "text": {"type": "mrkdwn", "text": "Fixed *refund* rounding"},
                        }
                    ],
                }
            ],
            "Release notes\nFixed **refund** rounding",
        ),
        (
            [
                {
                    "type": "data_table",
                    "caption": "Quota by team",
                    "rows": [
                        [
                            {"type": "raw_text", "text": "Team"},
                            {"type": "raw_text", "text": "Quota"},
                        ],
                        [
                            {"type": "raw_text", "text": "Axolotl"},
                            {"type": "raw_number", "value": 1200, "text": "1,200"},
                        ],
                    ],
                }
            ],
            "Quota by team\n| Team | Quota |\n| Axolotl | 1,200 |",
        ),
    ],
)
def test_a_bots_message_of_blocks_alone_is_read(blocks: list[Any], read: str) -> None:
    assert message_text({"bot_id": "B1", "text": "", "blocks": blocks}, FewNames()) == read


def test_blocks_that_say_more_than_the_notifications_text_are_taken() -> None:
    blocks = [{"type": "section", "text": mrkdwn("Disk full on db-1, 2 GB left")}]
    message = {"bot_id": "B1", "text": "Disk full", "blocks": blocks}
    assert message_text(message, FewNames()) == "Disk full on db-1, 2 GB left"


def test_what_a_person_typed_is_not_doubled_by_its_block() -> None:
    block = rich({"type": "rich_text_section", "elements": [run("hello world, and more")]})
    assert message_text({"text": "hello", "blocks": [block]}, FewNames()) == "hello"


@pytest.mark.parametrize(
    ("attachment", "read"),
    [
        ({"fallback": "only this"}, "only this"),
        (
            {"pretext": "New:", "title": "HAR-1", "title_link": "https://x.io/1", "text": "*Hi*"},
            "New:\n[HAR-1](https://x.io/1)\n**Hi**",
        ),
        (
            {"fields": [{"title": "State", "value": "down"}, {"title": "", "value": "db"}]},
            "State: down\ndb",
        ),
        ({"blocks": [{"type": "section", "text": mrkdwn("within")}]}, "within"),
        (
            {"from_url": "https://x.io", "title": "Page", "text": "w" * 4_000},
            f"> Page\n> {'w' * 4_000}",
        ),
        (
            {"title": "Clip", "title_link": "https://x.io/?a=1&amp;t=2"},
            "[Clip](https://x.io/?a=1&t=2)",
        ),
        (
            {"author_name": "ann", "text": "Fix it", "footer": "web/app", "fallback": "[app] Fix"},
            "ann\nFix it\nweb/app",
        ),
        ({"text": "See", "files": [{"name": "a.png"}]}, "See\nFile: a.png"),
        ({}, ""),
    ],
)
def test_attachments_are_read_whole_and_those_of_links_are_quotations(
    attachment: dict[str, Any], read: str
) -> None:
    assert message_text({"text": "", "attachments": [attachment]}, FewNames()) == read


@pytest.mark.parametrize(
    ("file", "read"),
    [
        ({"name": "a.png", "title": "a.png"}, "File: a.png"),
        ({"name": "a.png", "title": "The graph"}, "File: The graph (a.png)"),
        ({"id": "F1", "mode": "tombstone"}, ""),
    ],
)
def test_files_are_named(file: dict[str, Any], read: str) -> None:
    assert message_text({"text": "", "files": [file]}, FewNames()) == read
