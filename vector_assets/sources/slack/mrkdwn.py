"""Slack's mark-up to Markdown: what a person reads, from what the API sends.

Follows docs.slack.dev/messaging/formatting-message-text (2026-11).
"""

import re
from datetime import UTC, datetime
from typing import Protocol

from rich.emoji import Emoji

_CODE = re.compile(r"(```.+?```|`[^`\n]+`)", re.DOTALL)
_TOKEN = re.compile(r"<([^<>\n]+)>")
# As in Slack, a mark next to a word or a second mark is none: `2*3*4`, `a~b~c`.
_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_STRIKE = re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])")
_BULLETS = "•◦▪"
_BULLET = re.compile(rf"^([ \t]*)[{_BULLETS}] ?", re.MULTILINE)
# Not within a time or an address: `10:100:20`.
_EMOJI = re.compile(r"(?<!\w):([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?(?!\w)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_STASHED = re.compile("\x00(\\d+)\x00(?=(\\w?))")


HIDDEN_CHANNEL = "private-channel"
"""Stands for the name of a channel that not everybody may know, as Slack itself shows it."""


class Names(Protocol):
    """Names behind ids, without `@` and `#`; of people and groups, an unknown id itself."""

    def user(self, user_id: str) -> str:
        """Return the name of a member or bot."""

    def channel(self, channel_id: str) -> str:
        """Return the name of a channel; `HIDDEN_CHANNEL` where not all readers may know it."""

    def usergroup(self, usergroup_id: str) -> str:
        """Return the handle of a user group."""


def markdown(text: str, names: Names) -> str:
    """Return a text in Slack's mark-up as Markdown; code stays as it is."""
    parts = _CODE.split(text.replace("\x00", ""))
    # Split by one group: the odd parts are code.
    return "".join(
        _code(part, names, "".join(parts[:n])) if n % 2 else _prose(part, names)
        for n, part in enumerate(parts)
    )


def unescape(text: str) -> str:
    """Return a text with the three entities that Slack escapes undone, and no other."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def link(url: str, label: str = "") -> str:
    """Return a Markdown link; the bare address where the label adds nothing."""
    label = " ".join(label.split())
    if label in ("", url, url.partition("://")[2], url.removeprefix("mailto:")):
        return label or url
    target = f"<{url}>" if re.search(r"[() ]", url) else url
    return f"[{label.replace('[', '(').replace(']', ')')}]({target})"


def emoji(name: str) -> str:
    """Return the character of an emoji; `:name:` for one that only this workspace has."""
    return Emoji.replace(f":{name}:")


def fenced(code: str) -> str:
    """Return code as a fenced Markdown block."""
    return f"```\n{code.strip(chr(10))}\n```"


def first_line(text: str, max_characters: int) -> str:
    """Return the first line with words, without marks, cut at a word."""
    lines = (_plain(line) for line in text.splitlines())
    line = next((line for line in lines if line), "")
    if len(line) <= max_characters:
        return line
    cut = line[: max_characters - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[max_characters // 2 :] else cut}…"


def _plain(line: str) -> str:
    line = re.sub(r"\[([^\]]+)\]\(<?[^)>]*>?\)", r"\1", line)
    return re.sub(r"\*\*|~~|`+|^[>\s]+|^#+ ", "", line).strip()


def _prose(text: str, names: Names) -> str:
    # Links are put aside, so that a `*` or `~` in an address is no mark.
    stash: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        stash.append(_reading(match[1], names))
        return f"\x00{len(stash) - 1}\x00"

    # For speed, each expression runs only where its mark occurs: most messages have none.
    if "<" in text:
        text = _TOKEN.sub(put_aside, text)
    if ":" in text:
        text = _EMOJI.sub(lambda match: emoji(match[1]), text)
    text = unescape(text)
    if "*" in text:
        text = _BOLD.sub(r"**\1**", text)
    if "~" in text:
        text = _STRIKE.sub(r"~~\1~~", text)
    if any(mark in text for mark in _BULLETS):
        text = _BULLET.sub(r"\1- ", text)

    def put_back(match: re.Match[str]) -> str:
        reading = stash[int(match[1])]
        # Slack shows a mention apart from a word that follows it without a space.
        return f"{reading} " if match[2] and reading.startswith(("@", "#")) else reading

    return _STASHED.sub(put_back, text) if stash else text


def _code(part: str, names: Names, before: str) -> str:
    part = unescape(_TOKEN.sub(lambda match: _reading(match[1], names, in_code=True), part))
    if not part.startswith("```") or "\n" not in part:
        return part
    # Markdown reads a word right after the opening fence as the name of a language.
    lead = "" if not before or before.endswith("\n") else "\n"
    return f"{lead}{fenced(part[3:-3])}\n"


def _reading(token: str, names: Names, *, in_code: bool = False) -> str:
    """Return what stands for the inside of `<…>`: a mention, a command, or a link."""
    target, _, label = token.partition("|")
    label = unescape(label)
    match target[:1], target[1:]:
        case "@", user_id:
            return "@" + (label or names.user(user_id)).removeprefix("@")
        case "#", channel_id:
            # The label is a name as well, also that of a private channel.
            return "#" + names.channel(channel_id)
        case "!", command:
            return _command(command, label, names)
        case _ if _SCHEME.match(target):
            url = unescape(target)
            return (label or url) if in_code else link(url, label)
        case _:
            return f"<{token}>"  # a bot did not escape its angle bracket


def _command(command: str, label: str, names: Names) -> str:
    """Return what stands for `<!…>`: a broadcast, a user group, or a date's fallback."""
    name, *values = command.split("^")
    match name:
        case "subteam":
            handle = label or names.usergroup(values[0] if values else name)
            return "@" + handle.removeprefix("@")
        case "date":
            return label or (_day_and_time(values[0]) if values else name)
        case "here" | "channel" | "everyone":
            return "@" + name
        case _:
            return label or "@" + name


def _day_and_time(timestamp: str) -> str:
    return day_and_time(int(timestamp)) if re.fullmatch(r"[0-9]{1,10}", timestamp) else timestamp


def day_and_time(timestamp: int) -> str:
    """Return a date that has no text of its own, in UTC."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M} UTC"
