"""Strangers' Markdown becomes HTML that does nothing: scripts, links, pictures, odd words."""

import re
import time

import pytest

from vector_assets.api.page.passages import Marks, passage_html, web_link

HARMLESS = {"a", "br", "code", "em", "li", "mark", "p", "pre", "strong", "table", "tbody", "td",
            "th", "thead", "tr", "ul", "blockquote", "hr", "ol", "s"}  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x) <javascript:alert(1)> [y](file:///etc/passwd)",
    "[x](/sign-out) [y](//evil.example) [z](sign-out?x) [w](?q=1)",
    '[x](https://e.example "onmouseover=alert(1)")',
    '[x](https://e.example/"onmouseover="alert(1))',
    "![x](https://e.example/p.png)",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "```html\"onload='x'\n<b>\n```",
    "`<script>`",
    "| <b>a</b> |\n|-|\n| <i onclick=x>b</i> |",
    "<!-- --><style>*{display:none}</style>",
    "# <h1>x</h1>\n\n<iframe src=//evil.example>",
    "\u202e<script>\u2066 \x00",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("question", ["", "script alert x b a", "<script>", "mark class href"])
def test_nothing_of_a_text_is_an_element_that_does_anything(text: str, question: str) -> None:
    html = str(passage_html(text, Marks(question)))
    tags = re.findall(r"<\s*([a-zA-Z!/][^\s>]*)([^>]*)>", html)
    for tag, attributes in tags:
        assert tag.strip("/") in HARMLESS, html
        names = re.findall(r'(\w+)="', attributes)
        assert set(names) <= {"href", "rel", "class", "start"}, html
    for href in re.findall(r'href="([^"]*)"', html):
        assert href.startswith(("https://", "http://", "mailto:"))
    assert html.count("<a ") == html.count('rel="noopener noreferrer"')


def test_markdown_is_shown_as_its_author_meant_it() -> None:
    text = (
        "# Head\nfirst\nsecond **bold** `code` ~~gone~~\n\n- one\n\n3. three\n\n"
        "[page](https://e.example/?a=1&b=2) <mailto:ann@e.example>\n\n|a|\n|-|\n|b|"
    )
    html = str(passage_html(text, Marks("")))
    for part in (
        '<p class="heading">Head</p>', "first<br>", "<strong>bold</strong>", "<code>code</code>",
        "<s>gone</s>", "<li>one</li>", '<ol start="3">', "<td>b</td>",
        '<a href="https://e.example/?a=1&amp;b=2" rel="noopener noreferrer">page</a>',
        '<a href="mailto:ann@e.example" rel="noopener noreferrer">',
    ):  # fmt: skip
        assert part in html
    assert "<h1" not in html


@pytest.mark.parametrize(
    ("question", "text", "marked"),
    [
        ("rotate keys", "Rotating a key; KEYS, keyboard", ["Rotating", "key", "KEYS"]),
        ("labels print", "label, printing, printed", ["label", "printing", "printed"]),
        ("HAR-41", "har-41 and HAR-411", ["har-41"]),
        ("planning", "planned, plan, planet", ["planned", "plan"]),
        ("日本語", "これは 日本語 です", ["日本語"]),
        ("Zoë's <b>", "ZOË <b>", ["ZOË", "b"]),
        ("the and of", "the and of", []),
        ("C++ 1.2.3", "C and 1.2.3 and 11.2.3", ["C", "1.2.3"]),
        ("?!", "anything?!", []),
    ],
)  # fmt: skip
def test_found_words_are_marked_in_other_forms_too(
    question: str, text: str, marked: list[str]
) -> None:
    assert re.findall("<mark>(.*?)</mark>", Marks(question).mark(text)) == marked


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example", "/x",
     "http:", "https:///x", "http://[", "ftp://e.example", "mailto:a@e.example"],
)  # fmt: skip
def test_only_pages_of_the_web_are_links(url: str) -> None:
    assert web_link(url) == ""


def test_a_page_of_the_web_is_a_link() -> None:
    assert web_link(" https://e.example/a?b#c ") == "https://e.example/a?b#c"


@pytest.mark.parametrize("part", ["[", "![", "*a_ ", "<", "> ", "`", "&", "a-", "(", "|a", "- "])
def test_odd_texts_of_a_whole_chunk_end(part: str) -> None:
    # A chunk has at most 16,000 bytes; that this ends is what is tested.
    started_at = time.process_time()
    passage_html(part * (16_000 // len(part)), Marks(part + " a-a-a-a-a-a" * 400))
    assert time.process_time() - started_at < 60
