"""All that real people wrote in Slack is in the documents, word for word.

Not compared is what a person does not read: ids behind names, mark-up, the shortcodes of emoji that
have a character, and the `https` of a link whose label is its address without it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.sandbox.server import Sandbox
from vector_assets.sandbox.workspace import Json, Workspace
from vector_assets.sources.items import DocumentFailure
from vector_assets.sources.slack.messages import NOISE_SUBTYPES
from vector_assets.sources.slack.mrkdwn import emoji
from vector_assets_tests.sources.slack.team import source
from vector_assets_tests.support.tiny import utc

EVERYTHING = Window(utc("2015-01-01"), None)

_TOKEN = re.compile(r"<([@#!])?([^<>|\n]+)(?:\|([^<>\n]*))?>")
_SHORTCODE = re.compile(r":([a-z0-9_+'-]+):(?::skin-tone-\d:)?")


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def shown(raw: str) -> str:
    """Return what of a text in mark-up a person reads, without names that stand behind ids."""

    def of_token(match: re.Match[str]) -> str:
        sign, target, label = match.groups()
        if not sign and not re.match(r"\w+:", target):
            return match[0]
        if sign or label in (target.partition("://")[2], target.partition(":")[2]):
            return f" {label or ''} "
        return f" {label or ''} {target} "

    text = _SHORTCODE.sub(
        lambda match: " " if emoji(match[1]) != f":{match[1]}:" else match[0],
        _TOKEN.sub(of_token, raw),
    )
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def texts_of(message: Json) -> Iterator[str]:
    """Yield every text of a message that Slack shows."""
    yield message.get("text") or ""
    for attachment in message.get("attachments") or []:
        for name in ("pretext", "author_name", "title", "text", "footer"):
            yield attachment.get(name) or ""
        yield from (
            str(f.get(key) or "")
            for f in attachment.get("fields") or []
            for key in ("title", "value")
        )
    for file in message.get("files") or []:
        yield from (str(file.get(name) or "") for name in ("title", "name"))


def typed_in(element: Json) -> str:
    """Return the words of a rich text, whatever its nesting; a word may have several runs."""
    if "elements" not in element:
        words_of_run = str(element.get("text") or "")
        is_marked = element["type"] != "text" or "code" in (element.get("style") or {})
        return f" {words_of_run} " if is_marked else words_of_run
    between = "\n" if element["type"] in ("rich_text", "rich_text_list") else ""
    return between.join(map(typed_in, element["elements"]))


@pytest.fixture
def served(
    serve: Callable[[Workspace], Sandbox], workspace_data: Path
) -> tuple[Workspace, list[Document]]:
    """The real workspace, and all documents of it."""
    workspace = Workspace.load(workspace_data)
    sandbox = serve(workspace)
    items = list(source(sandbox, SLACK_INCLUDE_BOTS="true").documents(EVERYTHING))
    assert [item for item in items if isinstance(item, DocumentFailure)] == []
    return workspace, [item for item in items if isinstance(item, Document)]


def test_no_word_of_a_real_workspace_is_lost(served: tuple[Workspace, list[Document]]) -> None:
    workspace, documents = served
    text_by_link = {
        section.url: section.text for document in documents for section in document.sections
    }
    lost: dict[str, list[str]] = {}
    compared = 0
    for channel_id, messages in workspace.messages.items():
        for message in messages:
            if message.get("subtype") in NOISE_SUBTYPES:
                continue
            place = (
                f"https://sandbox.slack.com/archives/{channel_id}/p{message['ts'].replace('.', '')}"
            )
            root = message.get("thread_ts", message["ts"])
            query = f"?thread_ts={root}&cid={channel_id}" if root != message["ts"] else ""
            read = words(text_by_link.get(place + query, ""))
            raw = [shown(text) for text in texts_of(message)]
            wanted = words(" ".join(raw))
            # A file's title and name, or a link's label and address, may be one and the same.
            missing = [word for word in wanted if word not in read]
            compared += wanted.total()
            if missing:
                lost[place] = missing
    assert lost == {}
    assert compared > 80_000


def test_what_people_typed_is_as_often_in_the_document_as_in_the_message(
    served: tuple[Workspace, list[Document]],
) -> None:
    workspace, documents = served
    read = words(" ".join(section.text for document in documents for section in document.sections))
    typed = words(
        " ".join(
            typed_in(block)
            for messages in workspace.messages.values()
            for message in messages
            if message.get("subtype") not in NOISE_SUBTYPES
            for block in message.get("blocks") or []
        )
    )
    assert typed.total() > 10_000
    assert {word: count for word, count in (typed - read).items() if word.isalpha()} == {}
