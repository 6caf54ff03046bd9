"""`why` over both transports and by HTTP: each caller is told what they may know, byte for byte."""

from pathlib import Path
from typing import Any

import pytest
import requests

from vector_assets_tests.api.agents.desk import (
    ALL,
    ANN,
    BOB,
    PUBLIC,
    READABLE,
    Desk,
    Stdio,
    over_http,
)

CALLERS = [
    pytest.param("ann", "", READABLE[ANN], id="ann"),
    pytest.param("ann-staff", "", READABLE[f"{ANN}+staff"], id="ann-staff"),
    pytest.param("public", "", PUBLIC, id="public"),
    pytest.param("backend", ANN, READABLE[ANN], id="backend-for-ann"),
    pytest.param("backend", BOB, READABLE[BOB], id="backend-for-bob"),
    pytest.param("shared", BOB, READABLE[BOB], id="shared-for-bob"),
]


def by_http(desk: Desk, key: str, document: str, **query: str) -> requests.Response:
    answer = requests.get(
        f"{desk.url}/api/why",
        params={"document": document, **query},
        headers={"Authorization": f"Bearer {desk.keys[key]}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return answer


def nameless(document_id: str) -> str:
    """Return an id of the same form that no document has."""
    source, _, native_id = document_id.partition(":")
    return f"{source}:{'z' * len(native_id)}"


@pytest.mark.parametrize(("key", "viewer", "readable"), CALLERS)
def test_over_http_a_hidden_document_is_answered_like_one_that_is_not(
    desk: Desk, key: str, viewer: str, readable: set[str]
) -> None:
    for document_id in ALL:
        for query in ({}, {"q": "crane report", "limit": "1"}):
            answer = by_http(desk, key, document_id, viewer=viewer, **query)
            if document_id in readable:
                assert answer.json()["document_id"] == document_id
                assert answer.json()["cause"] in {"can-be-found", "in-answer", "below-limit"}
                continue
            other = nameless(document_id)
            nothing = by_http(desk, key, other, viewer=viewer, **query)
            assert answer.text.replace(document_id, "") == nothing.text.replace(other, "")
            assert answer.headers.items() - nothing.headers.items() <= {
                ("date", answer.headers["date"])
            }
            assert answer.json()["cause"] == "unknown"


@pytest.mark.parametrize(("key", "viewer", "readable"), CALLERS)
def test_the_tool_says_the_same_as_the_route(
    desk: Desk, key: str, viewer: str, readable: set[str]
) -> None:
    documents = sorted(ALL)
    calls = [("why", {"document": each, "viewer": viewer}) for each in documents]
    calls += [("why", {"document": nameless(each), "viewer": viewer}) for each in documents]
    said = over_http(desk, key, calls)
    for document_id, answer, nothing in zip(
        documents, said[: len(documents)], said[len(documents) :], strict=True
    ):
        notice = answer.data.pop("notice")
        assert notice.startswith("Titles, passages")
        assert answer.data == by_http(desk, key, document_id, viewer=viewer).json()
        if document_id not in readable:
            hidden = answer.text.replace(document_id, "")
            assert hidden == nothing.text.replace(nameless(document_id), "")


def test_over_stdio_a_hidden_document_is_answered_like_one_that_is_not(
    desk: Desk, stdio: Stdio, tmp_path: Path
) -> None:
    calls = [("why", {"document": each}) for each in ("jira:ann", "jira:bob", "jira:zzz")]
    mine, hidden, nothing = stdio.ask(desk, tmp_path, calls, "--viewer", ANN)
    assert mine.data["cause"] == "can-be-found"
    assert hidden.text.replace("jira:bob", "") == nothing.text.replace("jira:zzz", "")


@pytest.mark.parametrize("key", ["shared", "backend"])
def test_a_key_for_anybody_is_told_everything_when_it_names_nobody(desk: Desk, key: str) -> None:
    answer = by_http(desk, key, "jira:both").json()
    assert (answer["cause"], answer["title"]) == ("restricted", "Title both")
    assert ANN in answer["sentence"]
    [said] = over_http(desk, key, [("why", {"document": "jira:nobody"})])
    assert said.data["cause"] == "restricted"
    assert "nobody" in said.data["sentence"]


def test_the_admin_key_is_told_everything_and_no_wrong_key_is_told_anything(desk: Desk) -> None:
    def ask(**headers: str) -> requests.Response:
        query = {"document": "jira:ann"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(f"{desk.url}/api/why", params=query, headers=named, timeout=60)

    assert ask(X_Admin_Key="admin-key").json()["cause"] == "restricted"
    assert ask(X_Admin_Key="wrong").status_code == 401
    assert ask(X_Admin_Key="reading-key").status_code == 401
    assert ask().status_code == 401
    assert ask(Authorization="Bearer admin-key").status_code == 401


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"document": ""}, 422, "at least 1 character"),
    ({"document": "jira:ann", "viewer": BOB}, 403, "may not read for another viewer"),
    ({"document": "jira:ann", "source": "sap"}, 400, "unknown source 'sap'"),
    ({"document": "jira:ann", "limit": "0"}, 422, "greater than or equal to 1"),
    ({"document": "jira:ann", "question": "x"}, 422, "unknown parameter 'question'"),
]


@pytest.mark.parametrize(("query", "status", "words"), WRONG)
def test_what_is_wrong_is_refused_by_name(
    desk: Desk, query: dict[str, Any], status: int, words: str
) -> None:
    headers = {"Authorization": f"Bearer {desk.keys['ann']}"}
    answer = requests.get(f"{desk.url}/api/why", params=query, headers=headers, timeout=60)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
