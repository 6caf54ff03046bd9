"""Pinecone of the sandbox, asked what no SDK would ask it."""

from collections.abc import Iterator

import pytest
import requests

from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Workspace

KEY = {"Api-Key": "sandbox-pinecone-key"}
FIELDS = {"vector": {"type": "dense_vector", "dimension": 2, "metric": "cosine"}}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Without the checks of requests by the vendor's contract."""
    with running_sandbox(Workspace()) as served:
        yield served


@pytest.mark.parametrize("body", ["{", '{"documents": [{"_id": "a", "vector": [NaN, 1]}]}'])
def test_a_body_that_is_not_json_is_refused(sandbox: Sandbox, body: str) -> None:
    url = f"{sandbox.url}/pinecone"
    new = {"name": "docs", "schema": {"fields": FIELDS}}
    assert requests.post(f"{url}/indexes", json=new, headers=KEY, timeout=30).ok
    upsert = f"{url}/docs/namespaces/jira/documents/upsert"
    answer = requests.post(upsert, data=body, headers=KEY, timeout=30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")
    assert "the body is not JSON" in answer.json()["error"]["message"]
