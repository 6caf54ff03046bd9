"""The sandbox's Fireflies follows the vendor's schema and documentation."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from graphql import GraphQLError

from vector_assets.sandbox.server import Sandbox
from vector_assets_tests.sources.fireflies.meetings import FIRST, PATH, meeting

Ask = Callable[..., Any]


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    def post(query: str, key: str = "sandbox-fireflies-key", **variables: Any) -> Any:
        answer = requests.post(
            sandbox.url + PATH,
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {key}"},
            timeout=10,
        )
        assert answer.status_code == 200
        return answer.json()

    return post


def ids(answer: Any) -> list[str]:
    return [raw["id"] for raw in answer["data"]["transcripts"]]


def test_meetings_are_filtered_by_their_start_and_come_newest_first(
    sandbox: Sandbox, ask: Ask
) -> None:
    sandbox.workspace.transcripts = [meeting(n) for n in (3, 1, 4, 2)]
    query = "query ($a: DateTime, $b: DateTime) {transcripts(fromDate: $a, toDate: $b) {id}}"
    assert ids(ask(query)) == ["meeting-4", "meeting-3", "meeting-2", "meeting-1"]
    first, last = (FIRST + timedelta(hours=n) for n in (2, 3))
    assert ids(ask(query, a=first.isoformat())) == ["meeting-4", "meeting-3", "meeting-2"]
    assert ids(ask(query, a=first.isoformat(), b=last.isoformat())) == ["meeting-3", "meeting-2"]


def test_pages_hold_fifty_at_most(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.workspace.transcripts = [meeting(n) for n in range(60)]
    assert len(ids(ask("{transcripts {id}}"))) == 50
    assert len(ids(ask("{transcripts(skip: 50) {id}}"))) == 10
    assert ids(ask("{transcripts(skip: 1, limit: 2) {id}}")) == ["meeting-58", "meeting-57"]
    refused = ask("{transcripts(limit: 51) {id}}")
    assert refused["errors"][0]["extensions"]["code"] == "invalid_arguments"


def test_an_unsupported_filter_is_refused_and_not_ignored(ask: Ask) -> None:
    refused = ask('{transcripts(keyword: "crane") {id}}')
    assert refused["errors"][0]["message"] == "the sandbox does not filter by keyword"


def test_a_transcript_is_found_by_its_id(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.workspace.transcripts = [meeting(1)]
    query = "query ($id: String!) {transcript(id: $id) {title privacy is_live}}"
    assert ask(query, id="meeting-1")["data"]["transcript"] == {
        "title": "Harbour sync 1",
        "privacy": "teammates",
        "is_live": False,
    }
    assert ask(query, id="another")["data"]["transcript"] is None


def test_a_wrong_key_is_an_error_with_http_200(ask: Ask) -> None:
    refused = ask("{user {name}}", key="another")
    assert refused["data"] is None
    assert refused["errors"][0]["code"] == "auth_failed"


def test_a_field_that_the_schema_does_not_know_is_an_error(ask: Ask) -> None:
    [error] = ask("{transcripts {updated_at}}")["errors"]
    assert error["message"].startswith("Cannot query field 'updated_at' on type 'Transcript'")


def test_who_is_no_admin_sees_their_own_meetings_and_those_of_the_team(
    sandbox: Sandbox, ask: Ask
) -> None:
    sandbox.workspace.transcripts = [
        meeting(1, privacy="owner"),
        meeting(2, privacy="owner", organizer_email="sandbox@example.com"),
        meeting(3, privacy="participants", participants=["sandbox@example.com"]),
        meeting(4, privacy="teammates"),
    ]
    query = "{user {is_admin} transcripts {id}}"
    answer = ask(query)
    assert answer["data"]["user"]["is_admin"] is True
    assert len(ids(answer)) == 4
    sandbox.workspace.site.fireflies_is_admin = False
    answer = ask(query)
    assert answer["data"]["user"]["is_admin"] is False
    assert ids(answer) == ["meeting-4", "meeting-3", "meeting-2"]


def test_a_field_that_fails_is_an_error_with_its_path_beside_the_data(
    sandbox: Sandbox, ask: Ask
) -> None:
    lost = GraphQLError("lost", extensions={"code": "internal"})
    sandbox.workspace.transcripts = [meeting(1, sentences=lost), meeting(2)]
    answer = ask("{transcripts {id sentences {text}}}")
    assert ids(answer) == ["meeting-2", "meeting-1"]
    assert answer["data"]["transcripts"][1]["sentences"] is None
    [error] = answer["errors"]
    assert error["path"] == ["transcripts", 1, "sentences"]
