"""Passages of an answer on the page and over HTTP: each with its link, and hostile text as text."""

import pytest

from vector_assets.api.context import context_of
from vector_assets.api.page.answers import results_view
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.passages import Passage
from vector_assets_tests.support.tiny import utc

HOSTILE = '<script>alert(1)</script> </div></article> <img src=x onerror=alert(2)> crane "><b>'
PASSAGES = (
    Passage("Who moves the **crane**?", "https://example.com/1#a", 0),
    Passage(HOSTILE, "javascript:alert(3)", 2),
    Passage("Cranes move at nine.", "https://example.com/1#c", 5),
)


@pytest.fixture
def answers() -> Answers:
    best = PASSAGES[2]
    answer = Answer(
        "jira:1", "jira", "Crane", best.text, best.url, ("Ann",), "HAR", utc("2026-03-01"),
        utc("2026-03-02"), 1.0, best.chunk, PASSAGES,
    )  # fmt: skip
    return Answers((answer,), {"jira": utc("2026-03-02")})


def test_over_http_an_answer_has_its_best_passage_and_all_in_order(answers: Answers) -> None:
    [answer] = context_of(answers, None).model_dump()["answers"]
    assert (answer["text"], answer["link"]) == (PASSAGES[2].text, PASSAGES[2].url)
    assert answer["passages"] == [
        {"text": passage.text, "url": passage.url, "chunk": passage.chunk} for passage in PASSAGES
    ]


def test_as_json_an_answer_has_its_passages(answers: Answers) -> None:
    [answer] = answers.as_json()["answers"]  # type: ignore[misc]  # a list
    assert [passage["chunk"] for passage in answer["passages"]] == [0, 2, 5]


def test_on_the_page_each_passage_has_its_own_link_and_marked_words(answers: Answers) -> None:
    [view] = results_view("crane", answers, None).answers
    assert [passage.link for passage in view.passages] == [
        "https://example.com/1#a", "", "https://example.com/1#c"
    ]  # fmt: skip
    assert "<strong><mark>crane</mark></strong>" in view.passages[0].html
    assert "<mark>Cranes</mark>" in view.passages[2].html


def test_hostile_text_of_a_passage_stays_text(answers: Answers) -> None:
    [view] = results_view("crane", answers, None).answers
    html = view.passages[1].html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    for tag in ("<script", "<img", "</div", "</article", "<b>"):
        assert tag not in html
