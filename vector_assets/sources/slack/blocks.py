"""A message's whole text, from its mark-up, blocks, attachments and files.

Blocks follow docs.slack.dev/reference/block-kit/blocks (2026-11). Of a block that is not known here
every text is taken, in the order in which it was sent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from vector_assets.sources.slack.files import file_text
from vector_assets.sources.slack.json_values import items_in, object_in, text_in
from vector_assets.sources.slack.mrkdwn import HIDDEN_CHANNEL, Names, link, markdown, unescape
from vector_assets.sources.slack.rich_text import quoted, rich_part, rich_text
from vector_assets.sources.slack.words import every_word, is_noise, shown

Json = dict[str, Any]

_CONTROLS = frozenset({"actions", "context_actions", "divider", "input"})
"""Blocks that only offer something to do."""

_ODD_SHAPE = (
    AttributeError, KeyError, OSError, OverflowError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""Raised over a value that is not as Slack documents it; `OSError` by a time out of range."""


def message_text(message: Json, names: Names) -> str:
    """Return a message as Markdown; empty when it holds no words.

    Where a message has blocks, Slack shows these, and `text` is only for notifications
    (docs.slack.dev/reference/methods/chat.postMessage, 2026-11). What people type has both: one
    block `rich_text` that repeats the text.
    """
    text = markdown(shown(message.get("text")), names).strip()
    blocks = items_in(message.get("blocks"))
    kinds = [text_in(object_in(block).get("type")) for block in blocks]
    is_typed = not message.get("bot_id") and all(kind == "rich_text" for kind in kinds)
    if not text or not is_typed:
        said = (b for b, kind in zip(blocks, kinds, strict=True) if kind not in _CONTROLS)
        from_blocks = blocks_text(blocks, names)
        is_shown = bool(blocks_text(said, names))
        text = from_blocks if is_shown else "\n\n".join(filter(None, (text, from_blocks)))
    parts = [text]
    parts += (_read(_attachment, item, names) for item in items_in(message.get("attachments")))
    parts += (_read(file_text, item, names) for item in items_in(message.get("files")))
    return "\n\n".join(part for part in parts if part)


def blocks_text(blocks: Iterable[Json], names: Names) -> str:
    """Return the words of blocks, a paragraph each."""
    parts = (_read(_block, block, names) for block in blocks)
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _read(read: Callable[[Any, Names], str], value: Any, names: Names) -> str:
    """Return what a function reads; all words of a value that is not as Slack documents it."""
    try:
        return read(value, names)
    except _ODD_SHAPE:
        # Mark-up holds ids, and names of channels that not everybody may know.
        return "\n".join(markdown(word, names) for word in every_word(value))


def _block(block: Any, names: Names) -> str:
    return "\n".join(_walked(block, names))


def _walked(value: Any, names: Names) -> Iterator[str]:
    """Yield the texts of a block, of an element, or of whatever else a block holds, in order."""
    if isinstance(value, str):
        yield markdown(value, names) if "<#" in value else value
    elif isinstance(value, list):
        for item in value:
            yield from _walked(item, names)
    elif isinstance(value, dict):
        handler = _HANDLERS.get(str(value.get("type")), _other)
        if words := handler(value, names):
            yield words


def _other(value: Json, names: Names) -> str:
    """Return all texts of a block or object of an unknown type, a line each."""
    texts = list(_fields(value, value, names))
    url = value.get("url")
    if isinstance(url, str) and url:
        texts[:1] = [link(url, texts[0] if texts else "")]
    return "\n".join(texts)


def _fields(value: Json, keys: Iterable[str], names: Names) -> Iterator[str]:
    """Yield the texts of some fields, each once where a field repeats the one before it."""
    before = ""
    for key in keys:
        if not is_noise(key, value[key], value):
            for text in _walked(value[key], names):
                if text.strip() and text != before:
                    yield text
                    before = text


def _string(value: Json, key: str) -> str:
    return shown(value.get(key))


def _text_of(value: Any, names: Names) -> str:
    """Return the words of a text object, of a bare text, or of a block in place of one."""
    return "\n".join(_walked(value, names)) if value else ""


def _mrkdwn(value: Json, names: Names) -> str:
    return markdown(_string(value, "text"), names)


def _plain(value: Json, names: Names) -> str:
    return _string(value, "text")


def _number(value: Json, names: Names) -> str:
    """Return a number as it is shown."""
    return _string(value, "text") or _string(value, "value")


def _in_order(*keys: str) -> Callable[[Json, Names], str]:
    """Return a function that joins the texts of these fields, then of all others, a line each."""

    def joined(block: Json, names: Names) -> str:
        first = [key for key in keys if key in block]
        rest = (key for key in block if key not in keys)
        return "\n".join(_fields(block, chain(first, rest), names))

    return joined


def _container(block: Json, names: Names) -> str:
    # A title of rich text takes the place of the other.
    title = _text_of(block.get("rich_text_title") or block.get("title"), names)
    inside = blocks_text(items_in(block.get("child_blocks")), names)
    texts = (title, _text_of(block.get("subtitle"), names), inside)
    return "\n".join(text for text in texts if text)


def _paragraphs(block: Json, names: Names) -> str:
    return blocks_text(items_in(block.get("elements")), names)


def _header(block: Json, names: Names) -> str:
    words = _text_of(block.get("text"), names)
    return f"**{words}**" if words else ""


def _line(block: Json, names: Names) -> str:
    elements = items_in(block.get("elements"))
    return " ".join(chain.from_iterable(_walked(element, names) for element in elements))


def _button(button: Json, names: Names) -> str:
    label, url = _text_of(button.get("text"), names), _string(button, "url")
    return link(url, label) if url else label


def _title(block: Json, names: Names) -> str:
    return _text_of(block.get("title"), names) or _string(block, "alt_text")


def _video(block: Json, names: Names) -> str:
    title, url = _title(block, names), _string(block, "title_url")
    video = "Video: " + (link(url, title) if url else title)
    keys = ("description", "author_name", "provider_name")
    texts = (video, *(_text_of(block.get(key), names) for key in keys))
    return "\n".join(text for text in texts if text)


def _image(block: Json, names: Names) -> str:
    title = _title(block, names)
    return f"Image: {title}" if title else ""


def _file_block(block: Json, names: Names) -> str:
    return file_text(block.get("file") or {}, names)


def _table(block: Json, names: Names) -> str:
    lines = [_text_of(block.get("caption"), names)]
    for row in items_in(block.get("rows")):
        cells = (" ".join(_text_of(cell, names).split()) for cell in items_in(row))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(line for line in lines if line)


_HANDLERS: Mapping[str, Callable[[Json, Names], str]] = {
    "actions": _line,
    "broadcast": rich_part,
    "button": _button,
    "card": _in_order("hero_image", "title", "subtitle", "body", "subtext", "actions"),
    "carousel": _paragraphs,
    "channel": rich_part,
    "container": _container,
    "context": _line,
    "data_table": _table,
    "date": rich_part,
    "emoji": rich_part,
    "file": _file_block,
    "header": _header,
    "icon": lambda block, names: "",
    "image": _image,
    "input": _in_order("label", "element", "hint"),
    "markdown": _plain,
    "mrkdwn": _mrkdwn,
    "plain_text": _plain,
    "plan": _in_order("title", "tasks"),
    "raw_number": _number,
    "raw_text": _plain,
    "rich_text": rich_text,
    "rich_text_list": rich_part,
    "rich_text_preformatted": rich_part,
    "rich_text_quote": rich_part,
    "rich_text_section": rich_part,
    "section": _in_order("text", "fields", "accessory"),
    "table": _table,
    "task_card": _in_order("title", "details", "output", "sources"),
    "text": rich_part,
    "user": rich_part,
    "usergroup": rich_part,
    "video": _video,
    "workflow_button": _button,
}


def _attachment(attachment: Json, names: Names) -> str:
    """Return an attachment's words; those of an unfurled link are quoted."""

    def read(key: str) -> str:
        return markdown(_string(attachment, key), names)

    title, target = read("title"), _string(attachment, "title_link")
    words = [
        _string(attachment, "author_name"),
        read("pretext"),
        link(unescape(target), title) if target and title else title,
        blocks_text(_attached_blocks(attachment), names) or read("text"),
        *(_read(_field, field, names) for field in items_in(attachment.get("fields"))),
        *(_read(_button, button, names) for button in items_in(attachment.get("actions"))),
        *(_read(file_text, file, names) for file in items_in(attachment.get("files"))),
        *(_read(_attachment, item, names) for item in items_in(attachment.get("attachments"))),
        "" if _is_from_hidden(attachment, names) else read("footer"),
    ]
    text = "\n".join(word.strip() for word in words if word.strip()) or read("fallback").strip()
    is_unfurl = attachment.get("from_url") or attachment.get("original_url")
    return quoted(text) if is_unfurl else text


def _is_from_hidden(attachment: Json, names: Names) -> bool:
    """Tell whether a shared message is from a channel whose name its footer must not tell."""
    channel_id = _string(attachment, "channel_id")
    return bool(channel_id) and names.channel(channel_id) == HIDDEN_CHANNEL


def _attached_blocks(attachment: Json) -> Iterator[Any]:
    yield from items_in(attachment.get("blocks"))
    for shared in items_in(attachment.get("message_blocks")):
        message = shared.get("message") if isinstance(shared, dict) else shared
        yield from items_in(message.get("blocks") if isinstance(message, dict) else message)


def _field(field: Json, names: Names) -> str:
    title = markdown(_string(field, "title"), names)
    value = markdown(_string(field, "value"), names)
    return f"{title}: {value}" if title and value else title or value
