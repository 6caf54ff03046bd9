"""One line of Notion's enhanced Markdown to plain Markdown, without tags and escapes.

Format: developers.notion.com/guides/data-apis/enhanced-markdown, "Rich text formatting", 2026-11.
"""

import re

from vector_assets.sources.notion.rich_text import Namer, absolute

ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_ID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def _nested(levels: int) -> str:
    """Return a pattern for an address with balanced brackets."""
    return rf"[^()\s]*(?:\({_nested(levels - 1)}\)[^()\s]*)*" if levels else r"[^()\s]*"


TAG = r'<(?P<close>/?)(?P<tag>[a-z][\w-]*)(?P<attributes>(?:\s+[\w-]+="[^"]*")*)\s*/?>'
_TOKEN = re.compile(
    rf"""
      \\(?P<escaped>[\\*~`$\[\]<>{{}}|^])
    | (?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)
    | \$`(?P<math>[^`]*)`\$
    | (?P<tex>\$[^\s$](?:[^$]*[^\s$])?\$)
    | \]\((?P<target>{_nested(6)})\)
    | {TAG}
    | (?P<mark>\*+|~~|\[)
    """,
    re.VERBOSE,
)
_LINK_TO_ITSELF = re.compile(r"\[([^\[\]]+)\]\(\1\)")


def is_id(text: str) -> bool:
    """Tell whether a text is the id of an object."""
    return _ID.fullmatch(text) is not None


def id_in(address: str) -> str:
    """Return the last id in an address, with hyphens; empty when it has none."""
    ids = _ID.findall(address)
    if not ids:
        return ""
    digits = ids[-1].replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def inline(text: str, names: Namer) -> str:
    """Return a line as Markdown; line breaks in it are real ones."""
    said = _TOKEN.sub(_Reader(names, is_plain=False), text)
    return _LINK_TO_ITSELF.sub(r"\1", said)


def plain_inline(text: str, names: Namer) -> str:
    """Return a line without marks and addresses, for headings."""
    return _TOKEN.sub(_Reader(names, is_plain=True), text)


class _Reader:
    """Replaces tokens in order; remembers the addresses of open mentions."""

    def __init__(self, names: Namer, *, is_plain: bool) -> None:
        self._names = names
        self._is_plain = is_plain
        self._addresses: list[str] = []

    def __call__(self, token: re.Match[str]) -> str:
        if token["escaped"]:
            return token["escaped"]
        if token["code"] is not None:
            ticks = "" if self._is_plain else token["ticks"]
            return f"{ticks}{token['code']}{ticks}"
        if token["math"] is not None:
            return f"${token['math']}$"
        if token["target"] is not None:
            return "" if self._is_plain else f"]({absolute(token['target'])})"
        if token["tag"]:
            return self._tag(token["tag"], token)
        if token["mark"]:
            return "" if self._is_plain else token["mark"]
        return token[0]

    def _tag(self, tag: str, token: re.Match[str]) -> str:
        if tag == "br":
            return " " if self._is_plain else "\n"
        attributes = dict(ATTRIBUTE.findall(token["attributes"]))
        if tag == "mention-date":
            return _date(attributes)
        if tag.startswith("mention-"):
            return self._mention(tag, token, attributes)
        # A mark such as a colour, or an unknown tag: its text stays.
        return ""

    def _mention(self, tag: str, token: re.Match[str], attributes: dict[str, str]) -> str:
        is_person = tag in ("mention-user", "mention-agent")
        if token["close"]:
            address = self._addresses.pop() if self._addresses else ""
            return "" if is_person or self._is_plain or not address else f"]({address})"
        address = attributes.get("url", "").strip("{}")
        if token[0].endswith("/>"):
            if is_person:
                return f"@{self._names.user({'id': id_in(address)}) or 'someone'}"
            title = self._names.page(id_in(address)) if tag == "mention-page" else ""
            return title if self._is_plain else f"[{title or address}]({absolute(address)})"
        self._addresses.append(absolute(address))
        if is_person:
            return "@"
        return "" if self._is_plain or not address else "["


def _date(attributes: dict[str, str]) -> str:
    start, end = (
        " ".join(filter(None, (attributes.get(edge, ""), attributes.get(f"{edge}Time", ""))))
        for edge in ("start", "end")
    )
    zone = attributes.get("timeZone", "")
    return " to ".join(filter(None, (start, end))) + (f" ({zone})" if zone else "")
