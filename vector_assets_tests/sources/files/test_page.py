"""What a page says: its title, its properties, and where its sections begin."""

from datetime import UTC, datetime
from typing import Any

import pytest

from vector_assets.sources.files.page import Page, authors_of, created_at_of


def read(text: str) -> tuple[str, list[tuple[str, str]]]:
    page = Page.of(text, is_markdown=True)
    return page.title, [(section.heading, section.text) for section in page.sections]


CASES = [
    pytest.param(
        "# Cranes\nAll of them.\n\n## Quay 4\n\nLate.\n\n### Parts\nOrdered.\n\n## Quay 5\nFine.",
        "Cranes",
        [("", "All of them."), ("Quay 4", "Late."), ("Quay 4 > Parts", "Ordered."),
         ("Quay 5", "Fine.")],
        id="the first heading is the title and stands above no section",
    ),
    pytest.param(
        "---\ntitle: Cranes of the port\ntags: [quay, crane]\n---\n# Cranes\nAll.\n## Four\nLate.",
        "Cranes of the port",
        [("Properties", "title: Cranes of the port\ntags: [quay, crane]"), ("Cranes", "All."),
         ("Cranes > Four", "Late.")],
        id="a title in the front matter goes before the first heading, and nothing of it is lost",
    ),
    pytest.param(
        "Before.\n\nCranes\n======\n\nAll.\n\nQuay\n----\n\nLate.\n",
        "Cranes",
        [("", "Before."), ("", "All."), ("Quay", "Late.")],
        id="underlined headings are headings, and text before the first is kept",
    ),
    pytest.param(
        "# Run\n\n```sh\n# not a heading\nmake\n```\n\n> # quoted\n\n- # in a list\n\n    # code\n",
        "Run",
        [("", "```sh\n# not a heading\nmake\n```\n\n> # quoted\n\n- # in a list\n\n    # code")],
        id="code, quotes and lists hold no heading",
    ),
    pytest.param(
        "# A\n## B\n### C\ntext\n# D\n", "A", [("B > C", "text"), ("D", "")],
        id="a heading without text stands above its children, or alone",
    ),
    pytest.param("Just text.", "", [("", "Just text.")], id="a page may have neither"),
    pytest.param("", "", [], id="a page may be empty"),
    pytest.param(
        "\r\n# Cranes\r\n\r\nOne.\u2028Two.\r\n## Quay\r\nLate.\r", "Cranes",
        [("", "One.\u2028Two."), ("Quay", "Late.")],
        id="lines of every system are lines, and only those",
    ),
    pytest.param(
        "---\n\n# Cranes\n\n---\n", "Cranes", [("", "---"), ("", "---")],
        id="lines that part a page are no front matter",
    ),
    pytest.param(
        "---\ntitle: [broken\n---\nText.", "title: [broken", [("", "---"), ("", "Text.")],
        id="front matter that is no YAML is text like any other",
    ),
    pytest.param(
        "---\ndate: 2026-02-31\n---\nText.", "date: 2026-02-31", [("", "---"), ("", "Text.")],
        id="a date that no calendar holds makes no front matter",
    ),
    pytest.param("---\n---\nText.", "", [("", "---\n---\nText.")], id="empty front matter is text"),
    pytest.param(
        "---\ntitle: 2026\n...\nText.", "2026", [("Properties", "title: 2026"), ("", "Text.")],
        id="a title may be a number, and three dots end the front matter too",
    ),
    pytest.param(
        "---\ntitle: [a, b]\n---\n# H\n", "H", [("Properties", "title: [a, b]")],
        id="a title that is a list is none",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "title", "sections"), CASES)
def test_a_page(text: str, title: str, sections: list[tuple[str, str]]) -> None:
    assert read(text) == (title, sections)


def test_plain_text_is_one_section_whatever_is_in_it() -> None:
    page = Page.of("# no heading\n---\na: b\n---\n", is_markdown=False)
    assert (page.title, page.properties) == ("", {})
    assert [section.text for section in page.sections] == ["# no heading\n---\na: b\n---\n"]


def test_no_word_of_a_page_is_lost() -> None:
    text = "---\nkind: guide\n---\nzero\n# one *two*\nthree\n## four\n### five\nsix\n#### seven\n"
    page = Page.of(text, is_markdown=True)
    told = " ".join(f"{section.heading} {section.text}" for section in page.sections) + page.title
    for word in ["kind", "guide", "zero", "one", "two", "three", "four", "five", "six", "seven"]:
        assert word in told


def test_front_matter_that_grows_when_it_is_read_costs_nothing() -> None:
    laughs = "\n".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    page = Page.of(f"---\na: &a [ha]\n{laughs}\n---\nText.", is_markdown=True)
    assert sum(len(section.text) for section in page.sections) < 1_000
    assert authors_of(page.properties) == ()


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        ({"author": "Ann Lee"}, ("Ann Lee",)),
        ({"authors": ["Ann Lee", " Bo Ek ", "Ann Lee", ""]}, ("Ann Lee", "Bo Ek")),
        ({"authors": [{"name": "Ann Lee"}, {"email": "x"}, None, 7]}, ("Ann Lee",)),
        ({"authors": {"name": "Ann Lee"}}, ("Ann Lee",)),
        ({}, ()),
    ],
)
def test_authors_stand_in_the_front_matter(properties: Any, names: tuple[str, ...]) -> None:
    assert authors_of(properties) == names


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("date: 2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("date: 2026-03-02 10:30:00", datetime(2026, 3, 2, 10, 30, tzinfo=UTC)),
        ("created: 2026-03-02T10:30:00+02:00", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("created_at: '2026-03-02'", datetime(2026, 3, 2, tzinfo=UTC)),
        ("date: soon\ncreated: 2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("date: 0001-01-01T00:00:00+14:00", None),
        ("date: 2026", None),
        ("kind: guide", None),
    ],
)
def test_a_page_may_say_when_it_was_made(written: str, instant: datetime | None) -> None:
    page = Page.of(f"---\n{written}\n---\n", is_markdown=True)
    assert page.properties
    assert created_at_of(page.properties) == instant
