"""The page that asks why: what it hands over, what it shows, and what it tells to whom."""

import threading
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from vector_assets.api.app import BACKFILLS, SEARCHES, Services
from vector_assets.api.page.routes import add_page
from vector_assets.api.read_keys import ReadKeys
from vector_assets.api.server import server_config
from vector_assets.core.errors import UsageError
from vector_assets.monitoring.why.answer import Asked, Cause, Why
from vector_assets_tests.api.page.office import ANN, RESTRICTED_ID, Office
from vector_assets_tests.api.page.visitor import Visitor
from vector_assets_tests.support.patience import first_answer


def answer(asked: Asked) -> Why:
    """Say what was handed over."""
    if asked.text == "nothing":
        raise UsageError("write `HAR-41`")
    return Why(
        asked.text,
        Cause.MISSING,
        f"{asked.text} {asked.question} {asked.sources} {asked.limit} {asked.where.viewer}",
        advice="run `vector-assets <b>sync</b>`",
        title="<script>alert(1)</script>",
        link="javascript:alert(1)" if asked.text == "odd" else "https://example.com/1",
        notes=("A note.",),
    )


class Answering(Services):
    """Services of which one answer is that of the test."""

    def why(self, asked: Asked) -> Why:
        return answer(asked)


@pytest.fixture(scope="module")
def url(office: Office) -> Iterator[str]:
    """The address of a server whose pages can ask."""
    app = FastAPI()
    app.state.read_keys = ReadKeys(office.settings)
    add_page(app, Answering(office.settings, office.watcher, SEARCHES, BACKFILLS))
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert first_answer(lambda: server.started, pause_seconds=0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def reader(url: str, office: Office) -> Visitor:
    visitor = Visitor(url)
    visitor.sign_in(office.keys["shared"], ANN)
    return visitor


def test_answers_lead_to_it_with_all_that_was_asked(reader: Visitor) -> None:
    answers = reader.get("/", q="labels & co", source="jira", limit=25)
    [link] = [each["href"] for each in answers.all("a") if each["href"].startswith("why?")]
    form = reader.get(f"/{link}")
    hidden = [each for each in form.all("input") if each.get("type") == "hidden"]
    sent = {each["name"]: each["value"] for each in hidden}
    assert {name: sent[name] for name in ("q", "source", "limit")} == {
        "q": "labels & co", "source": "jira", "limit": "25",
    }  # fmt: skip


def test_it_hands_over_and_shows_as_text(reader: Visitor) -> None:
    page = reader.get("/why", document="HAR-41", q="labels", source="jira", limit=25)
    assert f"HAR-41 labels ('jira',) 25 {ANN}" in page.text
    assert "Next step: run vector-assets <b>sync</b>" in page.text
    assert "A note." in page.text
    assert not page.tags() & {"script", "b"}
    assert [each["href"] for each in page.all("a")][-1] == "https://example.com/1"
    assert "javascript" not in reader.get("/why", document="odd").html


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({}, 200, "What did you look for?"),
        ({"document": "nothing"}, 400, "write HAR-41"),
        ({"document": "x" * 4001}, 422, "document has more than 4000 characters"),
        ({"document": "x", "since": "soon"}, 422, "write it as 2026-03-31"),
        ({"document": "x", "viewer": ANN}, 422, "unknown parameter 'viewer'"),
        ({"document": ["x", "y"]}, 422, "document is given more than once"),
    ],
)
def test_refusals_are_said_beside_the_form(
    reader: Visitor, params: dict[str, str], status: int, words: str
) -> None:
    page = reader.get("/why", **params)
    assert (page.status, words in page.text) == (status, True)
    assert any(each["name"] == "document" for each in page.all("input"))


def test_it_asks_for_a_key_first(url: str) -> None:
    assert "Sign in" in Visitor(url).get("/why", document="HAR-41").text


def test_the_served_page_tells_why(office: Office) -> None:
    visitor = Visitor(office.url)
    visitor.sign_in(office.keys["shared"])
    page = visitor.get("/why", document="HAR-41", q="labels")
    assert page.status == 200
    assert "HAR-41 Shipping labels print blank" in page.text
    bob = Visitor(office.url)
    bob.sign_in(office.keys["bob"])
    hidden, absent = (bob.get("/why", document=each) for each in (RESTRICTED_ID, "notion:9"))
    assert hidden.text.replace(RESTRICTED_ID, "notion:9") == absent.text
