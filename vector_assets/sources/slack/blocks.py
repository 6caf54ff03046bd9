"""A message's whole text: its mark-up, or the blocks and attachments that say what it does not.

Blocks follow docs.slack.dev/reference/block-kit/blocks (2026-11).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from vector_assets.sources.slack.mrkdwn import Names, emoji, fenced, link, markdown, unescape

Json = dict[str, Any]

_INDENT = "    "


def message_text(message: Json, names: Names) -> str:
    """Return a message as Markdown; empty when it holds no words at all.

    Bots put their words into blocks or attachments and leave `text` empty, or as the short form
    that a notification shows; so whichever of the two says more is taken.
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
    """Return the words of blocks, a paragraph each; blocks without words add nothing."""
    parts = (_BLOCKS.get(block.get("type", ""), _other)(block, names) for block in blocks)
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _other(block: Json, names: Names) -> str:
    """Return the words of a kind of block that is not known here, where they stand as usual."""
    text = block.get("text")
    return _text_object(text, names) if isinstance(text, dict) else str(text or "")


def _text_object(value: Json | None, names: Names) -> str:
    """Return a text object's words: `mrkdwn`, or `plain_text`, which is taken as it is."""
    if not value:
        return ""
    text = str(value.get("text") or "")
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


def _markdown_block(block: Json, names: Names) -> str:
    return str(block.get("text") or "")


def _video(block: Json, names: Names) -> str:
    title = _text_object(block.get("title"), names) or str(block.get("alt_text") or "")
    url = str(block.get("title_url") or "")
    words = [
        "Video: " + (link(url, title) if url else title),
        _text_object(block.get("description"), names),
    ]
    return "\n".join(word for word in words if word)


def _image(block: Json, names: Names) -> str:
    title = _text_object(block.get("title"), names) or str(block.get("alt_text") or "")
    return f"Image: {title}" if title else ""


def _rich_text(block: Json, names: Names) -> str:
    return "\n".join(_rich_part(part, names) for part in block.get("elements") or [])


def _table(block: Json, names: Names) -> str:
    rows = [
        [
            blocks_text([cell], names) if cell.get("type") == "rich_text" else _raw(cell)
            for cell in row
        ]
        for row in block.get("rows") or []
    ]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in rows)


def _raw(cell: Json) -> str:
    return str(cell.get("text") or "")


_BLOCKS: dict[str, Callable[[Json, Names], str]] = {
    "context": _context,
    "header": _header,
    "image": _image,
    "markdown": _markdown_block,
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
            quoted = "".join(_rich_element(element, names) for element in elements)
            return "\n".join(f"> {line}" for line in quoted.splitlines())
        case "rich_text_list":
            mark = "1. " if part.get("style") == "ordered" else "- "
            lead = _INDENT * int(part.get("indent") or 0) + mark
            return "\n".join(lead + _rich_part(item, names) for item in elements)
        case _:
            return "".join(_rich_element(element, names) for element in elements)


def _rich_element(element: Json, names: Names, *, in_code: bool = False) -> str:
    match element.get("type"):
        case "text":
            text = str(element.get("text") or "")
            return text if in_code else _styled(text, element.get("style") or {})
        case "link":
            url, label = str(element.get("url") or ""), str(element.get("text") or "")
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
            return str(element.get("fallback") or element.get("value") or "")


def _day_and_time(date: Json) -> str:
    at = datetime.fromtimestamp(int(date.get("timestamp") or 0), UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _styled(text: str, style: Json) -> str:
    """Return a run of text with its marks, which Markdown wants next to a letter."""
    words = text.strip()
    if not words:
        return text
    before, _, after = text.partition(words)
    for name, mark in (("code", "`"), ("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if style.get(name):
            words = f"{mark}{words}{mark}"
    return f"{before}{words}{after}"


def _attachment(attachment: Json, names: Names) -> str:
    """Return an attachment's words, of which those of an unfurled link are a quotation."""
    title = markdown(str(attachment.get("title") or ""), names)
    target = str(attachment.get("title_link") or "")
    text = blocks_text(_attached_blocks(attachment), names) or markdown(
        str(attachment.get("text") or ""), names
    )
    is_unfurl = any(attachment.get(key) for key in ("from_url", "original_url"))
    words = [
        str(attachment.get("author_name") or ""),
        markdown(str(attachment.get("pretext") or ""), names),
        link(unescape(target), title) if target and title else title,
        text,
        *(_field(field, names) for field in attachment.get("fields") or []),
        *(_file(file) for file in attachment.get("files") or []),
        markdown(str(attachment.get("footer") or ""), names),
    ]
    text = "\n".join(word.strip() for word in words if word.strip())
    text = text or markdown(str(attachment.get("fallback") or ""), names).strip()
    return "\n".join(f"> {line}" for line in text.splitlines()) if is_unfurl else text


def _attached_blocks(attachment: Json) -> Iterator[Json]:
    yield from attachment.get("blocks") or []
    for shared in attachment.get("message_blocks") or []:
        yield from (shared.get("message") or {}).get("blocks") or []


def _field(field: Json, names: Names) -> str:
    title = markdown(str(field.get("title") or ""), names)
    value = markdown(str(field.get("value") or ""), names)
    return f"{title}: {value}" if title and value else title or value


def _file(file: Json) -> str:
    name, title = str(file.get("name") or ""), str(file.get("title") or "")
    if not (name or title):
        return ""
    return (
        f"File: {title} ({name})" if name and title and name != title else f"File: {name or title}"
    )
