"""The search page over real HTTP: what it finds, refuses and shows, and to whom."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import requests

from vector_assets_tests.api.page.office import (
    ANN,
    BOB,
    RESTRICTED_ID,
    RESTRICTED_TITLE,
    Office,
)
from vector_assets_tests.api.page.visitor import Page, Visitor

OTHERS = [("bob", ""), ("public", ""), ("backend", ""), ("shared", ""), ("shared", BOB)]
KNOWERS = [("ann", ""), ("shared", ANN), ("backend", ANN)]


@pytest.fixture
def reader(office: Office) -> Visitor:
    visitor = Visitor(office.url)
    visitor.sign_in(office.keys["shared"])
    return visitor


def titles(page: Page) -> list[str]:
    """Return the titles of the answers, without their HTML."""
    shown = re.findall(r'<h3 id="answer\d+">(.*?)</h3>', page.html, re.DOTALL)
    bare = (re.sub("<svg.*?</svg>|<[^>]+>", "", title, flags=re.DOTALL) for title in shown)
    return [unescape(" ".join(title.split())) for title in bare]


def test_an_answer_has_title_passage_date_author_link_and_age(reader: Visitor) -> None:
    page = reader.get("/", q="HAR-41", limit=1)
    assert "1 answer" in page.text
    assert titles(page) == ["HAR-41 Shipping labels print blank for parcels to Norway"]
    [link] = [each for each in page.all("a") if each["href"].startswith("http")][:1]
    assert link["href"].endswith("/jira/browse/HAR-41")
    assert link["rel"] == "noopener noreferrer"
    assert "<mark>HAR-41</mark>" in page.html
    assert "Lena Fischer" in page.text
    assert re.search(r"jira as of \d{4}-\d\d-\d\d \d\d:\d\d UTC, \d+ (min|h|days) ago", page.text)
    assert re.search(r"slack: newest activity \d{4}-", page.text)
    assert len([each for each in page.all("svg") if each["class"] == "icon"]) > 1


def test_words_that_were_asked_for_are_marked_in_all_their_forms(reader: Visitor) -> None:
    page = reader.get("/", q="How do we rotate the carrier keys?")
    marked = {word.lower() for word in re.findall("<mark>(.*?)</mark>", page.html)}
    assert {"rotating", "carrier", "keys", "key"} <= marked
    assert not marked & {"the", "we", "do", "how"}


def test_a_link_asks_the_same_as_the_form(reader: Visitor, office: Office) -> None:
    everything = reader.get("/", q="labels", limit=50)
    params = {"q": "labels", "limit": 50}
    sent = {"Authorization": "Bearer reading-key"}
    answer = requests.get(f"{office.url}/api/find-context", params, headers=sent, timeout=60)
    assert titles(everything) == [each["title"] for each in answer.json()["answers"]]


def test_filters_narrow_and_stay_in_the_form(reader: Visitor) -> None:
    today = datetime.now(UTC).date()
    page = reader.get("/", q="labels", source=["notion", "jira"], since=str(today - timedelta(3)),
                      until=str(today), limit=25)  # fmt: skip
    sources = set(re.findall(r'<p class="facts">\s*<span>(\w+)</span>', page.html))
    assert sources <= {"notion", "jira"}
    checked = {each["value"] for each in page.all("input") if "checked" in each}
    assert checked == {"notion", "jira"}
    values = {each["name"]: each.get("value") for each in page.all("input")}
    assert (values["since"], values["until"]) == (str(today - timedelta(3)), str(today))
    assert "open" in page.all("details")[0]
    assert "<option selected>25" in page.html


def test_a_container_narrows(reader: Visitor) -> None:
    page = reader.get("/", q="carrier", container="HAR", limit=50)
    assert titles(page)
    assert set(re.findall(r"<span><bdi>([\w-]+)</bdi></span>", page.html)) >= {"HAR"}
    assert "engineering" not in page.html.partition('id="results"')[2].partition("How fresh")[0]
    assert "No answers" in reader.get("/", q="carrier", container="NONE").text


def test_empty_fields_of_the_form_filter_nothing(reader: Visitor) -> None:
    bare = reader.get("/", q="labels")
    sent = reader.get("/", q="labels", container="", since="", until="", limit="10")
    assert titles(bare) == titles(sent) != []


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({"q": "x", "source": "confluence"}, 400, "unknown source 'confluence'"),
        ({"q": "x", "limit": "101"}, 422, "limit: Input should be less than or equal to 100"),
        ({"q": "x", "limit": "many"}, 422, "limit: Input should be a valid integer"),
        ({"q": "x", "since": "yesterday"}, 422, "write it as 2026-03-31"),
        ({"q": "x", "since": "2026-02-02", "until": "2026-02-01"}, 422, "nothing is active since"),
        ({"q": "x", "viewer": ANN}, 422, "unknown parameter 'viewer'"),
        ({"q": ["x", "y"]}, 422, "q is given more than once"),
        ({"q": "x" * 4001}, 422, "at most 4000 characters"),
        ({"q": "\x07\x00 "}, 400, "the question is empty"),
    ],
)
def test_what_the_json_route_refuses_is_refused_in_words(
    reader: Visitor, params: dict[str, str], status: int, words: str
) -> None:
    page = reader.get("/", **params)
    assert (page.status, words in page.text) == (status, True)
    assert page.all("article") == []
    assert any(each.get("role") == "search" for each in page.all("form"))


@pytest.mark.parametrize("question", ["zephyrine", "severance plan", RESTRICTED_ID, "crane team"])
def test_a_restricted_document_shows_to_its_readers_alone(office: Office, question: str) -> None:
    def page_of(key: str, viewer: str) -> Page:
        visitor = Visitor(office.url)
        visitor.sign_in(office.keys[key], viewer)
        return visitor.get("/", q=question, limit=100)

    shown = [page_of(*each) for each in KNOWERS]
    assert all(RESTRICTED_TITLE in titles(page) for page in shown)
    for key, viewer in OTHERS:
        page = page_of(key, viewer)
        # Without what was typed, nothing of it is on the page.
        rest = page.html.partition('id="results"')[2].lower()
        rest = re.sub(r'href="why\?[^"]*"', "", rest)
        assert not [word for word in ("zephyrine", "severance") if word in rest], key
        assert len(titles(page)) == len(titles(shown[0])) - 1


def test_every_answer_keeps_its_content_here(reader: Visitor) -> None:
    pages = [
        reader.get("/"),
        reader.get("/", q="labels"),
        reader.get("/", q="x", limit="101"),
        reader.get("/status"),
        reader.get("/page/none.css"),
        Visitor(reader.url).get("/sign-in"),
        Visitor(reader.url).get("/", follow=False),
        Visitor(reader.url).post("/sign-in", {}),
    ]
    for page in pages:
        parts = page.headers["content-security-policy"].split("; ")
        policy = dict(part.split(" ", 1) for part in parts)
        assert policy == {
            "default-src": "'none'", "script-src": "'none'", "style-src": "'self'",
            "img-src": "'self' data:", "form-action": "'self'", "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }  # fmt: skip
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert not page.tags() & {"script", "iframe", "object", "embed", "style", "base"}
        attributes = [name for tag in page.tags() for each in page.all(tag) for name in each]
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


def test_what_a_page_loads_is_for_everybody_and_nothing_else_is(office: Office) -> None:
    visitor = Visitor(office.url)
    loaded = [each["href"] for each in visitor.get("/sign-in").all("link")]
    assert len(loaded) == 2
    for address in loaded:
        assert visitor.get(f"/{address}").status == 200
    for name in ("routes.py", "..%2Froutes.py", "base.html", "%00", "page.css%00"):
        assert visitor.get(f"/page/{name}").status == 404


def test_the_key_of_a_program_opens_no_page(office: Office) -> None:
    sent = {"Authorization": "Bearer reading-key"}
    answer = requests.get(f"{office.url}/status", headers=sent, timeout=60, allow_redirects=False)
    assert answer.status_code == 303


def test_what_was_heard_is_shown_and_can_be_taken_back(reader: Visitor) -> None:
    page = reader.get("/", q="jira tickets about labels since 2020-01-01")
    assert "“jira tickets” as documents of jira" in page.text
    assert "“since 2020-01-01” as activity since 2020-01-01" in page.text
    links = {each.get("aria-label", ""): each["href"] for each in page.all("a")}
    without_source = reader.get(links["Take back: jira tickets"].removeprefix("."))
    assert "documents of jira" not in without_source.text
    assert "activity since 2020-01-01" in without_source.text
    literal = next(each["href"] for each in page.all("a") if "literal=true" in each["href"])
    word_for_word = reader.get(literal.removeprefix("."))
    assert "The question was taken word for word." in word_for_word.text
    assert "activity since" not in word_for_word.text
