"""What a request may say: unknown names, bodies and impossible days are refused by name."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from vector_assets.core.settings import Settings
from vector_assets_tests.api.test_app import ADMIN, READ, ROUTES, served
from vector_assets_tests.support.dates import yesterday

EVERYWHERE = (*ROUTES, ("GET", "/healthz"))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = Settings.model_validate(
        {
            "vector_store": "lancedb",
            "lancedb_uri": str(tmp_path_factory.mktemp("index")),
            "read_api_key": "reading-key",
            "admin_api_key": "admin-key",
            "partitions_start": "2024-01-01",
            "dagster_graphql_url": "http://127.0.0.1:9/graphql",
        }
    )
    folder: Path = tmp_path_factory.mktemp("serve")
    with served(settings, folder) as (url, _):
        yield url


def sent(api: str, method: str, path: str, **more: Any) -> requests.Response:
    return requests.request(method, api + path, headers={**READ, **ADMIN}, timeout=60, **more)


def backfill(api: str, query: str) -> requests.Response:
    return sent(api, "POST", f"/api/backfill/jira?{query}")


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
@pytest.mark.parametrize("name", ["form", "Days", "q ", "key", "days[]", "source_"])
def test_an_unknown_parameter_is_refused_by_name_on_every_route(
    api: str, method: str, path: str, name: str
) -> None:
    joined = "&" if "?" in path else "?"
    answer = sent(api, method, f"{path}{joined}{name}=1")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", name]
    assert f"unknown parameter {name!r}" in answer.text


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
@pytest.mark.parametrize(
    "more",
    [
        {"json": {"from": "2026-11-01"}},
        {"data": {"from": "2026-11-01"}},
        {"data": iter([b'{"from"', b": 1}"])},
    ],
    ids=["json", "form", "chunked"],
)
def test_a_field_in_a_body_is_refused_by_name_on_every_route(
    api: str, method: str, path: str, more: dict[str, Any]
) -> None:
    if "data" in more and not isinstance(more["data"], dict):
        more = {"data": iter([b'{"from"', b": 1}"])}
    answer = sent(api, method, path, **more)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "from"]


@pytest.mark.parametrize("body", [b"[1]", b"words", b"\xff\xfe", b"[" * 9000])
def test_a_body_without_fields_is_refused_as_well(api: str, body: bytes) -> None:
    answer = sent(api, "POST", "/api/backfill/jira", data=body)
    assert answer.status_code == 422
    assert "no route reads" in answer.text


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("from=2026-11-03&to=2026-11-01", "from", "swap them"),
        ("from=2026-11-01", "to", "give both"),
        ("to=2026-11-01", "from", "give both"),
        ("from=2023-12-31&to=2024-01-02", "from", "2024-01-01, the first day"),
        ("from=2026-11-01&to=9999-12-31", "to", "the newest day to ask for is {yesterday}"),
        ("from=2024-01-01&to=2025-12-31", "from", "731 days, at most 400"),
        ("days=2&from=2026-11-01&to=2026-11-02", "days", "use one or the other"),
        ("days=1&to=2026-11-02", "days", "use one or the other"),
        ("from=&to=", "from", "valid date"),
        ("from=20261101&to=20261103", "from", "write it as 2026-03-31"),
        ("from=1&to=2", "from", "write it as 2026-03-31"),
        ("from=2026-11-01T00:00:00&to=2026-11-02", "from", "write it as 2026-03-31"),
        ("from=2026-02-30&to=2026-03-02", "from", "date"),
        ("from=0000-01-01&to=2026-03-02", "from", "date"),
        ("from=0001-01-01&to=0001-01-02", "from", "the first day"),
        ("from=2026-11-01&from=2026-11-02&to=2026-11-03", "from", "given 2 times"),
    ],
)
def test_days_that_cannot_be_meant_are_refused(api: str, query: str, name: str, words: str) -> None:
    answer = backfill(api, query)
    assert answer.status_code == 422
    words = words.format(yesterday=yesterday())
    assert (answer.json()["detail"][0]["loc"], words in answer.text) == (["query", name], True)


def test_today_is_not_over(api: str) -> None:
    today = yesterday() + timedelta(days=1)
    assert "is not over yet" in backfill(api, f"from={yesterday()}&to={today}").text


@pytest.mark.parametrize("query", ["from={yesterday}&to={yesterday}", "days=400", ""])
def test_days_that_can_be_meant_reach_dagster(api: str, query: str) -> None:
    query = query.format(yesterday=yesterday())
    answer = sent(api, "POST", f"/api/backfill/files?{query}")
    assert (answer.status_code, "files is off" in answer.text) == (503, True)


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("since=2026-11-03&until=2026-11-03", "until", "make it later than since"),
        ("since=2026-11-03&until=2026-11-01", "until", "make it later than since"),
        ("since=20261103", "since", "write it as 2026-03-31"),
        ("until=0", "until", "write it as 2026-03-31"),
    ],
)
def test_an_empty_span_of_a_question_is_refused(
    api: str, query: str, name: str, words: str
) -> None:
    answer = sent(api, "GET", f"/api/find-context?q=x&{query}")
    assert answer.status_code == 422
    assert (answer.json()["detail"][0]["loc"], words in answer.text) == (["query", name], True)


def test_openapi_names_the_key_of_every_route(api: str) -> None:
    schema = sent(api, "GET", "/openapi.json").json()
    schemes = schema["components"]["securitySchemes"]
    assert (schemes["ReadKey"]["type"], schemes["ReadKey"]["scheme"]) == ("http", "bearer")
    assert (schemes["AdminKey"]["in"], schemes["AdminKey"]["name"]) == ("header", "X-Admin-Key")
    keys = {
        path: [name for way in operation.get("security", []) for name in way]
        for path, operations in schema["paths"].items()
        for operation in operations.values()
    }
    assert keys == {
        "/api/find-context": ["ReadKey"],
        "/api/why": ["ReadKey", "AdminKey"],
        "/api/sync-status": ["ReadKey"],
        "/api/backfill/{source}": ["AdminKey"],
        "/api/backfill/{backfill_id}": ["ReadKey", "AdminKey"],
        "/healthz": [],
        "/metrics": ["ReadKey", "AdminKey"],
    }
