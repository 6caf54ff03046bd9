"""Tests that the contract checks can fail."""

import json
import re

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from vector_assets.sandbox.faults import FAULT_HEADER
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.contracts.checks import CONTRACT_BY_PATH, ContractChecks, shortened

SEARCH = "/jira/rest/api/3/search/jql"
GOOD = {"issues": [], "isLast": True}


def violations(body: object, *, params: dict[str, str], path: str = SEARCH, fault: bool = False,
               status: int = 200) -> list[str]:  # fmt: skip
    async def answer(_: Request) -> JSONResponse:
        headers = {FAULT_HEADER: "1"} if fault else {}
        return JSONResponse(body, status_code=status, headers=headers)

    checks = ContractChecks()
    app = checks.around(Starlette(routes=[Route(path, answer, methods=["GET", "POST"])]))
    TestClient(app).get(path, params=params, headers={"authorization": "Basic eA=="})
    return checks.violations


def test_an_exchange_that_fits_is_quiet() -> None:
    assert violations(GOOD, params={"jql": "project = X"}) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"issues": "many"}, "'many' is not of type 'array'"),
        ({"issues": [], "isLast": "yes"}, "'yes' is not of type 'boolean'"),
    ],
)
def test_an_answer_that_does_not_fit_is_reported(body: object, complaint: str) -> None:
    [violation] = violations(body, params={"jql": "project = X"})
    assert violation.startswith(f"answer {SEARCH}")
    assert complaint in violation


def test_a_request_that_does_not_fit_is_reported() -> None:
    [violation] = violations(GOOD, params={"jql": "project = X", "maxResults": "many"})
    assert violation.startswith(f"request {SEARCH}")


def test_what_was_reported_once_is_reported_each_time() -> None:
    params = {"jql": "project = Y"}
    first = violations({"issues": "many"}, params=params)
    assert len(first) == 1
    assert violations({"issues": "many"}, params=params) == first
    assert violations(GOOD, params=params) == []


def test_an_exchange_is_known_by_all_that_is_validated() -> None:
    """What fits is remembered, and what differs from it in one place is validated all the same."""
    good = {"jql": "project = Z"}
    assert violations(GOOD, params=good) == []
    assert len(violations({"issues": "many"}, params=good)) == 1
    assert len(violations(GOOD, params={**good, "maxResults": "many"})) == 1
    assert len(violations(GOOD, params=good, status=500)) == 1
    assert len(violations(GOOD, params=good, path="/jira/rest/api/3/nowhere")) > 0


def test_a_path_that_no_contract_knows_is_reported() -> None:
    lines = violations(GOOD, params={}, path="/jira/rest/api/3/search")
    assert any("Path not found" in line for line in lines)


def test_a_fault_that_was_asked_for_is_not_reported() -> None:
    assert violations({"any": "thing"}, params={}, path="/nowhere", fault=True, status=503) == []


def test_a_sandbox_that_fails_is_reported() -> None:
    async def fail(_: Request) -> JSONResponse:
        raise ZeroDivisionError

    checks = ContractChecks()
    app = checks.around(Starlette(routes=[Route(SEARCH, fail)]))
    answer = TestClient(app, raise_server_exceptions=False).get(
        SEARCH, params={"jql": "project = X"}, headers={"authorization": "Basic eA=="}
    )
    assert answer.status_code == 500
    assert checks.violations == [f"answer {SEARCH}: Unknown response http status: 500"]


def test_an_answer_that_was_broken_off_on_purpose_is_not_reported(sandbox: Sandbox) -> None:
    sandbox.faults.fail("/jira", break_connection="truncate")
    auth = ("sandbox@example.com", "sandbox-jira-token")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="bytes read"):
        requests.get(f"{sandbox.url}/jira/rest/api/3/myself", auth=auth, timeout=10)


def test_a_known_difference_passes_and_hides_nothing_beside_it() -> None:
    path = "/jira/rest/api/3/issue/1/comment"
    written = {"created": "2026-03-02T10:20:00.000+0000"}
    assert violations({"comments": [written]}, params={}, path=path) == []
    [violation] = violations({"comments": [written], "total": "many"}, params={}, path=path)
    assert "'many' is not of type 'integer'" in violation
    assert "date-time" not in violation


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/jira/rest/api/3/myself", "jira-cloud-v3.patched"),
        ("/jira/rest/api/3/project/search", "jira-cloud-v3.patched"),
        ("/jira/rest/api/3/project/1/role/2", "jira-cloud-v3.readers"),
        ("/jira/rest/api/3/user", "jira-cloud-v3.readers"),
        ("/slack/api/users.list", "slack-web"),
        ("/notion/v1/search", "notion"),
        ("/openai/v1/embeddings", "openai-embeddings"),
    ],
)
def test_a_path_is_checked_by_its_own_contract(path: str, file: str) -> None:
    first = next(contract for contract in CONTRACT_BY_PATH if re.match(contract.path, path))
    assert first.file.startswith(file)


def test_long_vectors_are_cut_and_all_else_is_checked_whole() -> None:
    vector = [0.5] * 1536
    mixed = [*vector[:40], "no number"]
    body = {"data": [{"values": vector, "text": "x" * 20_000, "mixed": mixed}]}
    assert json.loads(shortened(json.dumps(body).encode())) == {
        "data": [{"values": vector[:16], "text": "x" * 20_000, "mixed": mixed}]
    }


@pytest.mark.parametrize("body", [b"", b"[1, 2]", b"{" * 20_000])
def test_what_is_short_or_no_json_is_checked_as_it_is(body: bytes) -> None:
    assert shortened(body) == body
