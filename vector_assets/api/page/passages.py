"""Texts of documents as safe HTML, with the words of the question marked.

Two layers: Markdown is rendered without any HTML of its own, and what comes out is cleaned.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from vector_assets.core.word_forms import forms_pattern

_SCHEMES = {"http", "https", "mailto"}
_TAGS = {
    "a", "blockquote", "br", "code", "em", "hr", "li", "mark", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


def web_link(url: str) -> str:
    """Return a link that a browser opens as a page; empty for any other."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in {"http", "https"} and parts.netloc else ""


class Marks:
    """Marks the words of a question, and other forms of them, in a text."""

    def __init__(self, question: str) -> None:
        self._pattern = forms_pattern(question)

    def mark(self, text: str) -> Markup:
        """Return a text as HTML."""
        return Markup("").join(self._parts(text))

    def _parts(self, text: str) -> Iterator[Markup]:
        end = 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            yield escape(text[end : match.start()])
            yield Markup("<mark>{}</mark>").format(match.group())
            end = match.end()
        yield escape(text[end:])


def passage_html(text: str, marks: Marks) -> Markup:
    """Return Markdown as HTML: links open pages and e-mails only, pictures are their names."""
    html = _MARKDOWN.render(text, {"marks": marks})
    return Markup(  # noqa: S704 - cleaned by nh3
        nh3.clean(
            html,
            tags=_TAGS,
            attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
            allowed_classes={"p": {"heading"}},
            attribute_filter=_attribute,
            url_schemes=_SCHEMES,
            link_rel="noopener noreferrer",
        )
    )


def _is_open_link(url: str) -> bool:
    if url.strip().lower().startswith("mailto:"):
        return True
    return bool(web_link(url))


def _attribute(tag: str, name: str, value: str) -> str | None:
    return None if (tag, name) == ("a", "href") and not _is_open_link(value) else value


Environment = MutableMapping[str, Any]


def _text(_: Any, tokens: Sequence[Token], at: int, __: Any, env: Environment) -> str:
    return str(env["marks"].mark(tokens[at].content))


def _code(_: Any, tokens: Sequence[Token], at: int, __: Any, env: Environment) -> str:
    return f"<code>{env['marks'].mark(tokens[at].content)}</code>"


def _block(_: Any, tokens: Sequence[Token], at: int, __: Any, env: Environment) -> str:
    return f"<pre><code>{env['marks'].mark(tokens[at].content)}</code></pre>\n"


def _heading(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Environment) -> str:
    # A heading of a passage is none of the page, whose own headings people jump along.
    return '<p class="heading">' if tokens[at].nesting > 0 else "</p>\n"


def _parser() -> MarkdownIt:
    # Chats break lines where their authors did.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _is_open_link  # type: ignore[method-assign]  # its documented hook
    for names, rule in (
        (("text", "image"), _text),
        (("code_inline",), _code),
        (("code_block", "fence"), _block),
        (("heading_open", "heading_close"), _heading),
    ):
        for name in names:
            parser.add_render_rule(name, rule)
    return parser


_MARKDOWN = _parser()
