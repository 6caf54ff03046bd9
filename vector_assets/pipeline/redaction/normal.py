"""Normalizes a text for matching, and maps places back to the original.

No-break spaces, typographic quotes, entities and tags of HTML, accents that stand apart and
characters of no width would otherwise hide a name from its value.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

MARK = "\x01"
"""Stands for markup that is not shown: `<b>`, `</td>`."""

_SPACES = (
    "\t\x0b\x0c\x1f\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000"
)
_SAME_LENGTH = str.maketrans(
    {
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys("\r\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
        **dict.fromkeys("“”„‟«»″「」『』〝〞〟", '"'),
        **dict.fromkeys("‘’‚‛‹›′´", "'"),
        **dict.fromkeys("‐‑‒–—―−﹣", "-"),
        **dict.fromkeys("：﹕꞉∶", ":"),
        **dict.fromkeys("→➜➔⇒➡⟶⟹►▶▸☞👉", "→"),
        "│": "|", "┃": "|", "║": "|", "。": ".", "İ": "I",
    }
)  # fmt: skip
"""The İ is the only letter whose lower case is longer than itself."""

_TYPOGRAPHIC = re.compile(f"[{re.escape(''.join(map(chr, _SAME_LENGTH)))}]")

_ENTITY = r"&(?:amp;){0,2}(?:[a-z]{2,8}|\#\d{1,7}|\#x[0-9a-f]{1,6});"
_TAG_NAMES = (
    "a|abbr|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|"
    "li|mark|ol|p|pre|s|samp|small|span|strike|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|tt|"
    "u|ul|var|wbr"
)
_NO_WIDTH = (
    "\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufe00-\ufe0f\ufeff"
)
_ACCENT = "\u0300-\u034e\u0350-\u036f\u3099\u309a"

_NOT_AS_READ = re.compile(
    rf"(?P<entity>{_ENTITY}) | (?P<tag></?(?:{_TAG_NAMES})(?:\s[^<>]{{0,300}})?/?>)"
    rf" | (?P<none>[{_NO_WIDTH}]+) | (?P<accents>\w[{_ACCENT}]{{1,8}})",
    re.IGNORECASE | re.VERBOSE,
)

_NO_WIDTH_OR_ACCENT = re.compile(f"[{_NO_WIDTH}{_ACCENT}]")

_SHOWN_TAGS = {
    **dict.fromkeys(("code", "kbd", "samp", "tt", "pre"), "`"),
    **dict.fromkeys(("br", "div", "dt", "hr", "li", "p", "tr"), "\n"),
    "wbr": "",
}
_SHOWN_OPENINGS = {**_SHOWN_TAGS, "td": "|", "th": "|", "dd": "|"}


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as a person reads it.

    Attributes:
        text: What is shown.
        starts: Where each piece that was kept or replaced begins in `text`, in order.
        originals: `(start, end, is_kept)` of each piece in the original.
        unseen: Where tags with attributes stand in the original; these may hold links.
    """

    text: str
    starts: tuple[int, ...]
    originals: tuple[tuple[int, int, bool], ...]
    unseen: tuple[tuple[int, int], ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters from `start` up to `end` stand in the original.

        Args:
            start: Index in `text` of the first.
            end: Index in `text` after the last; more than `start`.
        """
        return self._place(start, is_end=False), self._place(end - 1, is_end=True)

    def _place(self, index: int, *, is_end: bool) -> int:
        piece = bisect_right(self.starts, index) - 1
        start, end, is_kept = self.originals[piece]
        if not is_kept:
            return end if is_end else start
        return start + index - self.starts[piece] + is_end


def as_kept(text: str) -> str:
    """Return a text with common signs in place of typographic ones; every index stays right."""
    if text.isascii():
        # Of ASCII, only control characters have other signs.
        return text if text.isprintable() else text.translate(_SAME_LENGTH)
    return text.translate(_SAME_LENGTH) if _TYPOGRAPHIC.search(text) else text


def is_kept(text: str) -> bool:
    """Tell whether a person reads a text as it is: it has nothing that `as_kept` does not do."""
    return (
        ("&" not in text or ";" not in text)
        and "<" not in text
        and (text.isascii() or _NO_WIDTH_OR_ACCENT.search(text) is None)
    )


def read_text(text: str) -> ReadText:
    """Return a text as a person reads it; where all is shown, the text itself."""
    if is_kept(text):
        return ReadText(as_kept(text), (0,), ((0, len(text), True),))
    parts: list[str] = []
    starts: list[int] = []
    originals: list[tuple[int, int, bool]] = []
    shown_characters = at = 0

    def add(shown: str, start: int, end: int, *, is_kept: bool) -> None:
        nonlocal shown_characters
        if shown:
            parts.append(shown)
            starts.append(shown_characters)
            originals.append((start, end, is_kept))
            shown_characters += len(shown)

    unseen = []
    for match in _NOT_AS_READ.finditer(text):
        add(text[at : match.start()], at, match.start(), is_kept=True)
        add(_shown(match), *match.span(), is_kept=False)
        at = match.end()
        if match["tag"] and "=" in match["tag"]:
            unseen.append(match.span())
    add(text[at:], at, len(text), is_kept=True)
    return ReadText(as_kept("".join(parts)), tuple(starts), tuple(originals), tuple(unseen))


def _shown(match: re.Match[str]) -> str:
    """Return what a person sees of an entity, a tag, or a letter with accents that stand apart."""
    piece = match[0]
    if match["entity"]:
        for _ in range(3):
            piece = html.unescape(piece)
        return piece
    if match["tag"]:
        name = piece.strip("</>").split(maxsplit=1)[0].lower()
        shown = _SHOWN_TAGS if piece.startswith("</") else _SHOWN_OPENINGS
        return shown.get(name, MARK)
    return "" if match["none"] else unicodedata.normalize("NFC", piece)
