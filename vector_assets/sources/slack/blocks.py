"""A message's whole text, from its mark-up, blocks, attachments and files.

Blocks follow docs.slack.dev/reference/block-kit/blocks (2026-11).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from vector_assets.sources.slack.mrkdwn import Names, emoji, fenced, link, markdown, unescape

Json = dict[str, Any]

_INDENT = "    "


def message_text(message: Json, names: Names) -> str:
    """Return a message as Markdown; empty when it holds no words.

    Bots put their words into blocks and leave `text` empty or short, for notifications; so the
    longer of the two is taken.
    """
    text = markdown(message.get("text") or "", names).strip()
    blocks = message.get("blocks") or []
    # What people type comes with one rich_text block that repeats the text.
    is_typed = not message.get("bot_id") and all(b.get("type") == "rich_text" for b in blocks)
    if not text or not is_typed:
        from_blocks = blocks_text(blocks, names)
        text = max(text, from_blocks, key=len)
    parts = [text]
    parts += (_attachment(attachment, names) for attachment in message.get("attachments") or [])
    parts += (_file(file) for file in message.get("files") or [])
    return "\n\n".join(part for part in parts if part)


def blocks_text(blocks: Iterable[Json], names: Names) -> str:
    """Return the words of blocks, a paragraph each."""
    parts = (_BLOCKS.get(block.get("type", ""), _other)(block, names) for block in blocks)
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _other(block: Json, names: Names) -> str:
    """Return the words of an unknown type of block, or of `markdown`."""
    text = block.get("text")
    return _text_object(text, names) if isinstance(text, dict) else str(text or "")


def _string(value: Json, key: str) -> str:
    return str(value.get(key) or "")


def _text_object(value: Json | None, names: Names) -> str:
    """Return the words of a text object: `mrkdwn`, or `plain_text`, which stays as it is."""
    if not value:
        return ""
    text = _string(value, "text")
    return markdown(text, names) if value.get("type") == "mrkdwn" else text


def _section(block: Json, names: Names) -> str:
    texts = [_text_object(block.get("text"), names)]
    texts += (_text_object(field, names) for field in block.get("fields") or [])
    return "\n".join(text for text in texts if text)


def _header(block: Json, names: Names) -> str:
    words = _text_object(block.get("text"), names)
    return f"**{words}**" if words else ""


def _context(block: Json, names: Names) -> str:
    return " ".join(_text_object(element, names) for element in block.get("elements") or [])


def _title(block: Json, names: Names) -> str:
    return _text_object(block.get("title"), names) or _string(block, "alt_text")


def _video(block: Json, names: Names) -> str:
    title, url = _title(block, names), _string(block, "title_url")
    description = _text_object(block.get("description"), names)
    video = "Video: " + (link(url, title) if url else title)
    return f"{video}\n{description}" if description else video


def _image(block: Json, names: Names) -> str:
    title = _title(block, names)
    return f"Image: {title}" if title else ""


def _rich_text(block: Json, names: Names) -> str:
    return "\n".join(_rich_part(part, names) for part in block.get("elements") or [])


def _table(block: Json, names: Names) -> str:
    rows = [
        [
            blocks_text([cell], names) if cell.get("type") == "rich_text" else _string(cell, "text")
            for cell in row
        ]
        for row in block.get("rows") or []
    ]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in rows)


_BLOCKS: dict[str, Callable[[Json, Names], str]] = {
    "context": _context,
    "header": _header,
    "image": _image,
    "rich_text": _rich_text,
    "section": _section,
    "table": _table,
    "video": _video,
}


def _rich_part(part: Json, names: Names) -> str:
    elements = part.get("elements") or []
    match part.get("type"):
        case "rich_text_preformatted":
            return fenced("".join(_rich_element(e, names, in_code=True) for e in elements))
        case "rich_text_quote":
            return _quoted("".join(_rich_element(element, names) for element in elements))
        case "rich_text_list":
            mark = "1. " if part.get("style") == "ordered" else "- "
            lead = _INDENT * int(part.get("indent") or 0) + mark
            return "\n".join(lead + _rich_part(item, names) for item in elements)
        case _:
            return "".join(_rich_element(element, names) for element in elements)


def _rich_element(element: Json, names: Names, *, in_code: bool = False) -> str:
    match element.get("type"):
        case "text":
            text = _string(element, "text")
            return text if in_code else _styled(text, element.get("style") or {})
        case "link":
            url, label = _string(element, "url"), _string(element, "text")
            return (label or url) if in_code else link(url, label)
        case "user":
            return f"@{names.user(str(element.get('user_id')))}"
        case "usergroup":
            return f"@{names.usergroup(str(element.get('usergroup_id')))}"
        case "channel":
            return f"#{names.channel(str(element.get('channel_id')))}"
        case "broadcast":
            return f"@{element.get('range')}"
        case "emoji":
            return emoji(str(element.get("name")))
        case "date":
            return str(element.get("fallback") or _day_and_time(element))
        case _:
            return _string(element, "fallback") or _string(element, "value")


def _day_and_time(date: Json) -> str:
    at = datetime.fromtimestamp(int(date.get("timestamp") or 0), UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _styled(text: str, style: Json) -> str:
    """Return a run of text with its marks, which Markdown wants next to a character."""
    words = text.strip()
    if not words:
        return text
    before, _, after = text.partition(words)
    for name, mark in (("code", "`"), ("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if style.get(name):
            words = f"{mark}{words}{mark}"
    return f"{before}{words}{after}"


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
        *(_field(field, names) for field in attachment.get("fields") or []),
        *(_file(file) for file in attachment.get("files") or []),
        read("footer"),
    ]
    text = "\n".join(word.strip() for word in words if word.strip()) or read("fallback").strip()
    is_unfurl = attachment.get("from_url") or attachment.get("original_url")
    return _quoted(text) if is_unfurl else text


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _attached_blocks(attachment: Json) -> Iterator[Json]:
    yield from attachment.get("blocks") or []
    for shared in attachment.get("message_blocks") or []:
        yield from (shared.get("message") or {}).get("blocks") or []


def _field(field: Json, names: Names) -> str:
    title = markdown(_string(field, "title"), names)
    value = markdown(_string(field, "value"), names)
    return f"{title}: {value}" if title and value else title or value


def _file(file: Json) -> str:
    name, title = _string(file, "name"), _string(file, "title")
    if name and title and name != title:
        return f"File: {title} ({name})"
    return f"File: {name or title}" if name or title else ""
