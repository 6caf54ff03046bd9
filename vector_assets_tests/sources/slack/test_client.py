"""Slack's refusals in our words: what to do about each, and nothing asked for ever."""

import pytest
from slack_sdk.http_retry import FixedValueRetryIntervalCalculator

from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.slack.client import MAX_RETRIES, SlackApi
from vector_assets_tests.sources.slack.team import impatient_api, populate

USERS = "/slack/api/users.list"


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"error": "invalid_auth"}, CredentialsError, "invalid_auth. Set SLACK_BOT_TOKEN"),
        ({"error": "token_revoked"}, CredentialsError, "install the app again"),
        ({"error": "account_inactive"}, CredentialsError, "switched off"),
        (
            {"error": "missing_scope", "needed": "users:read", "provided": "chat:write"},
            CredentialsError,
            "needed: users:read. Add the bot scope users:read",
        ),
        ({"error": "ratelimited"}, RateLimitedError, "slack users.list is rate limited"),
        ({"error": "internal_error"}, UnavailableError, "internal_error"),
        ({"error": "fetch_members_failed"}, UnavailableError, "fetch_members_failed"),
        ({"error": "team_added_to_org"}, UnavailableError, "team_added_to_org"),
        ({"error": "invalid_cursor"}, ContractError, "answered invalid_cursor"),
    ],
)
def test_an_ok_false_that_comes_with_http_200_is_an_error_that_says_what_to_do(
    sandbox: Sandbox, body: dict[str, str], error: type[VectorAssetsError], words: str
) -> None:
    sandbox.faults.fail(USERS, status=200, body={"ok": False, **body})
    with pytest.raises(error, match=words):
        impatient_api(sandbox).call("users.list")


def test_a_wrong_token_is_refused_and_never_shown(sandbox: Sandbox) -> None:
    api = SlackApi("xoxb-1-secret", sandbox.environment["SLACK_BASE_URL"], Meter())
    with pytest.raises(CredentialsError, match="invalid_auth") as caught:
        api.call("auth.test")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 502},
        {"status": 503},
        {"status": 408},
        {"status": 200, "body": {"ok": False, "error": "fatal_error"}},
        {"break_connection": "drop"},
        {"break_connection": "truncate"},
    ],
)
def test_a_passing_fault_is_tried_again(sandbox: Sandbox, fault: dict[str, object]) -> None:
    sandbox.faults.fail(USERS, times=2, **fault)
    meter = Meter()
    assert impatient_api(sandbox, meter).call("users.list")["members"] == []
    assert meter.requests == {"slack users.list": 3}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 500}, r"internal_error \(HTTP 500\)"),
        ({"break_connection": "drop"}, "slack users.list did not answer: "),
    ],
)
def test_a_lasting_fault_is_named_after_some_tries(
    sandbox: Sandbox, fault: dict[str, object], words: str
) -> None:
    sandbox.faults.fail(USERS, **fault)
    meter = Meter()
    with pytest.raises(UnavailableError, match=words):
        impatient_api(sandbox, meter).call("users.list")
    assert meter.request_count == 1 + MAX_RETRIES


def test_a_server_that_is_not_there_is_named() -> None:
    api = SlackApi(
        "xoxb-sandbox",
        "http://127.0.0.1:9/api/",
        Meter(),
        pauses=FixedValueRetryIntervalCalculator(0),
    )
    with pytest.raises(UnavailableError, match="refused"):
        api.call("auth.test")


def test_slack_is_waited_for_as_long_as_it_says(sandbox: Sandbox) -> None:
    sandbox.faults.fail(USERS, status=429, retry_after_seconds=1, times=1)
    meter = Meter()
    assert impatient_api(sandbox, meter, ceiling_seconds=60).call("users.list")["ok"]
    assert meter.throttled_seconds == pytest.approx(1, abs=0.1)
    assert meter.requests == {"slack users.list": 2}


def test_waiting_has_a_ceiling_after_which_the_run_fails_by_name(sandbox: Sandbox) -> None:
    sandbox.faults.fail(USERS, status=429, retry_after_seconds=30)
    with pytest.raises(RateLimitedError, match=r"slack users\.list is rate limited"):
        impatient_api(sandbox, ceiling_seconds=29).call("users.list")
    assert sandbox.faults.requests("/slack").total() == 1


def test_waiting_counts_anew_after_a_good_answer(sandbox: Sandbox) -> None:
    api = impatient_api(sandbox, ceiling_seconds=1)
    for _ in range(2):
        sandbox.faults.fail(USERS, status=429, retry_after_seconds=1, times=1)
        assert api.call("users.list")["ok"]


def test_a_cursor_that_comes_twice_ends_the_listing_by_name(sandbox: Sandbox) -> None:
    metadata = {"next_cursor": "again"}
    body = {"ok": True, "members": [], "response_metadata": metadata}
    sandbox.faults.fail(USERS, status=200, body=body)
    with pytest.raises(ContractError, match="the same cursor twice"):
        list(impatient_api(sandbox).pages("users.list", "members"))


def test_an_empty_page_is_not_the_end(sandbox: Sandbox) -> None:
    populate(sandbox)
    first = {"ok": True, "members": [], "response_metadata": {"next_cursor": ""}}
    real = impatient_api(sandbox).call("users.list", limit=1)
    first["response_metadata"] = real["response_metadata"]
    sandbox.faults.fail(USERS, status=200, body=first, times=1)
    pages = list(impatient_api(sandbox).pages("users.list", "members"))
    assert [len(page) for page in pages] == [0, 1]


def test_an_answer_without_its_list_is_named(sandbox: Sandbox) -> None:
    sandbox.faults.fail(USERS, status=200, body={"ok": True})
    with pytest.raises(ContractError, match="answered no members"):
        list(impatient_api(sandbox).pages("users.list", "members"))


@pytest.mark.parametrize("body", [[], ["odd"], "odd", 7, True], ids=repr)
def test_an_answer_that_is_no_object_is_named(sandbox: Sandbox, body: object) -> None:
    sandbox.faults.fail(USERS, status=200, body=body)
    with pytest.raises(ContractError, match=r"slack users\.list"):
        list(impatient_api(sandbox).pages("users.list", "members"))


@pytest.mark.parametrize("odd", [[], ["odd"], "odd", 7, {"next_cursor": ["odd"]}], ids=repr)
def test_odd_metadata_of_the_last_page_is_no_cursor(sandbox: Sandbox, odd: object) -> None:
    body = {"ok": True, "members": [{"id": "U1"}], "response_metadata": odd}
    sandbox.faults.fail(USERS, status=200, body=body)
    assert list(impatient_api(sandbox).pages("users.list", "members")) == [[{"id": "U1"}]]
