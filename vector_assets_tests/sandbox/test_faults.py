"""The sandbox fails as a vendor would, and only where a rule says so."""

from typing import Any

import httpx
import pytest

from vector_assets.sandbox.faults import FAULT_HEADER
from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.jira.issues import issue
from vector_assets_tests.stores.conformance import DIMENSIONS, SPACE, records
from vector_assets_tests.stores.test_pinecone import build
from vector_assets_tests.support.tiny import document

SEARCH = "/jira/rest/api/3/search/jql"
DATA = "/pinecone/vector-assets"


def ask(sandbox: Sandbox) -> httpx.Response:
    query = {"jql": "updated >= 0 ORDER BY updated", "fields": "summary"}
    return httpx.get(
        f"{sandbox.url}{SEARCH}", params=query, auth=("sandbox@example.com", "sandbox-jira-token")
    )


def keys(answer: httpx.Response) -> list[str]:
    return [raw["key"] for raw in answer.json()["issues"]]


@pytest.fixture
def filled(sandbox: Sandbox) -> Sandbox:
    sandbox.workspace.issues += [issue(n) for n in (1, 2, 3)]
    return sandbox


@pytest.mark.parametrize(("broken", "status"), [("drop", 0), ("reset", 0), ("truncate", 200)])
def test_a_broken_connection_is_an_error_of_the_wire_and_passes(
    filled: Sandbox, broken: Any, status: int
) -> None:
    filled.faults.fail(SEARCH, break_connection=broken, times=1)
    with pytest.raises(httpx.TransportError, match=r".+"):
        ask(filled)
    assert [logged for _, _, logged in filled.faults.log] == [status]
    assert keys(ask(filled)) == ["HAR-1", "HAR-2", "HAR-3"]


@pytest.mark.parametrize(
    ("twist", "shown"),
    [("repeat", ["HAR-1", "HAR-2", "HAR-3", "HAR-1"]), ("reorder", ["HAR-3", "HAR-2", "HAR-1"])],
)
def test_a_page_is_repeated_or_turned_around_and_says_that_it_is_a_fault(
    filled: Sandbox, twist: Any, shown: list[str]
) -> None:
    filled.faults.fail(SEARCH, twist=twist, times=1)
    answer = ask(filled)
    assert keys(answer) == shown
    assert FAULT_HEADER in answer.headers
    assert FAULT_HEADER not in ask(filled).headers


@pytest.mark.parametrize(
    ("fault", "is_done"),
    [({"break_connection": "drop"}, False), ({"break_connection": "reset"}, True),
     ({"twist": "lose"}, False), ({"twist": "miscount"}, True)],
)  # fmt: skip
def test_a_write_is_done_or_not_whatever_is_said_of_it(
    sandbox: Sandbox, fault: Any, is_done: bool
) -> None:
    store = build(sandbox)
    store.open(SPACE, DIMENSIONS)
    [record] = records(document(), "x")
    body = {"documents": [{"_id": record.id, "vector": record.vector.tolist(), **record.metadata}]}
    sandbox.faults.fail(DATA, times=1, **fault)
    answer: dict[str, Any] = {}
    try:
        answer = httpx.post(
            f"{sandbox.url}{DATA}/namespaces/{SPACE}/documents/upsert",
            json=body, headers={"api-key": "sandbox-pinecone-key"},
        ).json()  # fmt: skip
    except httpx.TransportError:
        assert "break_connection" in fault
    assert answer.get("upserted_count") == {"lose": 1, "miscount": 0}.get(fault.get("twist", ""))
    assert store.count(SPACE) == int(is_done)
