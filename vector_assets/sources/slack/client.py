"""Slack's Web API through its SDK: retries, paging, and errors that say what to do."""

import http.client
import json
from collections.abc import Iterator
from ssl import SSLContext
from typing import Any
from urllib.error import URLError
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import (
    BackoffRetryIntervalCalculator,
    RetryHandler,
    RetryIntervalCalculator,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web import SlackResponse

from vector_assets.core.errors import (
    ContractError,
    CredentialsError,
    UnavailableError,
    VectorAssetsError,
)
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import seconds_of_retry_after
from vector_assets.core.tls import system_context
from vector_assets.sources.http.downloads import (
    Downloader,
    RefusedDownloadError,
    host_of,
    is_at,
)
from vector_assets.sources.http.kept_connections import KeptConnections
from vector_assets.sources.slack.json_values import object_in, text_in
from vector_assets.sources.slack.rate_limits import RateLimiters

MAX_PAGE_ITEMS = 999
"""Largest page (docs.slack.dev/reference/methods/conversations.history, 2026-11)."""

MAX_RETRIES = 3
"""After a lost connection or a server error."""

FILES_SCOPE = "files:read"
"""Bot scope for what is in files."""

_FILE_HOSTS = ("files.slack.com", "files.slack-gov.com")

_DEFAULT_RETRY_AFTER_SECONDS = 30.0
_TRANSIENT_CODES = frozenset({
    "fatal_error", "fetch_members_failed", "internal_error", "org_login_required",
    "request_timeout", "service_unavailable", "team_added_to_org",
})  # fmt: skip
"""Slack's codes for what passes, a workspace's move into an organisation included
(docs.slack.dev/reference/methods/conversations.members, "Errors", 2026-11)."""
_LOST_CONNECTION = (URLError, OSError, http.client.HTTPException, json.JSONDecodeError)

_ASK_ADMINISTRATOR = "Ask an administrator of the workspace to let the app read it."
_SET_BOT_VARIABLE = "Set SLACK_BOT_TOKEN to the app's Bot User OAuth Token (it begins with xoxb-)."
SET_TEAM = (
    "The app is installed for a whole organisation: set SLACK_TEAM_ID to the id of the workspace "
    "to read (it begins with T), or install the app in that workspace."
)
_METHODS_OF_A_TEAM = frozenset({"conversations.list", "usergroups.list", "users.list"})
"""Methods that want `team_id` with the token of an organisation
(docs.slack.dev/enterprise/developing-for-enterprise-orgs, 2026-11)."""

_NEXT_STEP_BY_CODE = {
    "access_denied": _ASK_ADMINISTRATOR,
    "account_inactive": "The bot's account was switched off: install the app again. "
    + _SET_BOT_VARIABLE,
    "ekm_access_denied": "An administrator suspended access to messages: ask them.",
    "enterprise_is_restricted": "Ask an administrator of the organisation to allow the app.",
    "invalid_auth": _SET_BOT_VARIABLE,
    "no_permission": _ASK_ADMINISTRATOR,
    "not_allowed_token_type": _SET_BOT_VARIABLE,
    "not_authed": _SET_BOT_VARIABLE,
    "invalid_team_id": SET_TEAM,
    "team_access_not_granted": "Ask an administrator to install the app in this workspace.",
    "token_expired": "Install the app again. " + _SET_BOT_VARIABLE,
    "token_revoked": "The token was revoked: install the app again. " + _SET_BOT_VARIABLE,
    "two_factor_setup_required": "Set up two-factor authentication for the app's account.",
}


class _KeepingWebClient(WebClient):
    """Keeps its connections, and bounds each attempt as a whole; the SDK does neither."""

    def __init__(self, *, ssl: SSLContext, **options: Any) -> None:
        super().__init__(ssl=ssl, **options)
        self._connections = KeptConnections(ssl, self.timeout)

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        status, headers, body = self._connections.send(req)
        charset = headers.get_content_charset() or "utf-8"
        return {"status": status, "headers": headers, "body": body.decode(charset)}


class SlackApi:
    """Calls methods of the Web API; safe to share between threads.

    Args:
        token: The bot's.
        base_url: Ends with `/api/`.
        meter: Counts each request, retries included, and each second of waiting.
        limiters: By method; by default only Slack's own answers hold requests back.
        pauses: Between retries; by default from 0.5 s on, doubling, with jitter.
        team_id: Of the workspace to read, where the app is installed for an organisation.
        max_file_bytes: Of a file that is downloaded.

    Attributes:
        team_id: Sent with the methods that list things of a workspace; empty otherwise.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        meter: Meter,
        *,
        limiters: RateLimiters | None = None,
        pauses: RetryIntervalCalculator | None = None,
        team_id: str = "",
        max_file_bytes: int = 10_000_000,
    ) -> None:
        self._authorization = f"Bearer {token}"
        self._downloader = Downloader(
            "slack",
            meter,
            endpoint="files",
            max_bytes=max_file_bytes,
            is_allowed=lambda url: is_at(url, base_url) or host_of(url) in _FILE_HOSTS,
        )
        self.team_id = team_id
        self._meter = meter
        self._limiters = RateLimiters(meter, {}) if limiters is None else limiters
        pauses = pauses or BackoffRetryIntervalCalculator()
        self._client = _KeepingWebClient(
            token=token,
            base_url=base_url,
            ssl=system_context(),
            retry_handlers=[
                _SlowDownHandler(self._limiters, meter),
                _FaultHandler(meter, pauses),
            ],
        )

    @property
    def requests(self) -> dict[str, int]:
        """The requests made so far, by endpoint as the meter counts them."""
        counts = self._meter.requests.items()
        return {endpoint: count for endpoint, count in counts if endpoint.startswith("slack ")}

    def call(self, method: str, **arguments: str | int | bool) -> SlackResponse:
        """Call a method and return its good answer; `ok: false` comes with HTTP 200.

        Raises:
            CredentialsError: The token is refused, or lacks a scope; names the scope.
            RateLimitedError: Slack kept throttling the method up to the limiter's ceiling.
            UnavailableError: No answer, or a server error, after `MAX_RETRIES` retries.
            ContractError: Any other refusal; its `seen` is Slack's own code.
        """
        if self.team_id and method in _METHODS_OF_A_TEAM:
            arguments["team_id"] = self.team_id
        self._limiters[method].wait()
        self._meter.count(f"slack {method}")
        try:
            answer = self._client.api_call(method, params=arguments)
        except SlackApiError as error:
            raise self._translated(method, error.response) from None
        except _LOST_CONNECTION as error:
            raise UnavailableError(f"slack {method}", _worded(error)) from error
        except AttributeError as error:
            # The SDK asks the answer for a field, whatever JSON it is.
            raise ContractError(f"slack {method}", "JSON that is no object", "an object") from error
        self._limiters[method].succeeded()
        return answer

    def fetch_file(self, url: str) -> bytes:
        """Return a file by its private address; raise as `Downloader.fetch` does.

        Raises:
            CredentialsError: The token is refused altogether.
        """
        try:
            return self._downloader.fetch(url, {"Authorization": self._authorization})
        except RefusedDownloadError as error:
            if error.status:
                # Slack sends a refused token, too, to the page for signing in.
                self.call("auth.test")
            raise

    def pages(self, method: str, key: str, **arguments: str | int | bool) -> Iterator[list[Any]]:
        """Yield the lists of all pages under a key, in Slack's order; raise as `call` does.

        Raises:
            ContractError: A cursor came twice, so the listing would never end; or none came though
                there is more, so it would end too early.
        """
        seen: set[str] = set()
        while True:
            answer = self.call(method, limit=MAX_PAGE_ITEMS, **arguments)
            items = answer.get(key)
            if not isinstance(items, list):
                raise ContractError(f"slack {method}", f"no {key}", f"a list of {key}")
            cursor = text_in(object_in(answer.get("response_metadata")).get("next_cursor"))
            if answer.get("has_more") and not cursor:
                raise ContractError(f"slack {method}", "has_more without a cursor", "a cursor")
            # Keeps no reference to the page, so that the caller may compress it and free it.
            page = [items]
            del answer, items
            yield page.pop()
            if not cursor:
                return
            if cursor in seen:
                raise ContractError(f"slack {method}", "the same cursor twice", "a new cursor")
            seen.add(cursor)
            arguments["cursor"] = cursor

    def _translated(self, method: str, answer: SlackResponse) -> VectorAssetsError:
        """Return our error for a bad answer."""
        body = answer.data if isinstance(answer.data, dict) else {}
        code = str(body.get("error") or f"HTTP {answer.status_code}")
        if answer.status_code == http.HTTPStatus.TOO_MANY_REQUESTS or code == "ratelimited":
            return self._limiters[method].error()
        if _is_transient(answer.status_code, code):
            return UnavailableError(f"slack {method}", f"{code} (HTTP {answer.status_code})")
        if code == "missing_scope":
            needed = str(body.get("needed") or "unknown")
            return CredentialsError(
                f"slack {method}",
                f"missing_scope, needed: {needed}",
                f"Add the bot scope {needed} under OAuth & Permissions and install the app again.",
            )
        if code == "missing_argument" and "team_id" in str(body.get("response_metadata")):
            return CredentialsError(f"slack {method}", "missing_argument: team_id", SET_TEAM)
        if code in _NEXT_STEP_BY_CODE:
            return CredentialsError(f"slack {method}", code, _NEXT_STEP_BY_CODE[code])
        return ContractError(f"slack {method}", code[:200], "ok: true")


class _SlowDownHandler(RetryHandler):
    """Pauses all threads as long as Slack says; only the limiter's ceiling ends the retries."""

    def __init__(self, limiters: RateLimiters, meter: Meter) -> None:
        super().__init__()
        self._limiters = limiters
        self._meter = meter

    def can_retry(self, *, response: HttpResponse | None = None, **_: Any) -> bool:
        """Tell whether Slack throttles."""
        return response is not None and response.status_code == http.HTTPStatus.TOO_MANY_REQUESTS

    def prepare_for_next_attempt(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        **_: Any,
    ) -> None:
        """Wait, without using up the retries after other failures.

        Raises:
            RateLimitedError: Slack asks for more than the ceiling leaves.
        """
        method = _method_of(request)
        limiter = self._limiters[method]
        limiter.pause_all(_retry_after_seconds(response))
        limiter.wait()
        self._meter.count(f"slack {method}")
        state.next_attempt_requested = True


class _FaultHandler(RetryHandler):
    """Retries a lost connection, any 5xx, and `ok: false` with a code that stands for one."""

    def __init__(self, meter: Meter, pauses: RetryIntervalCalculator) -> None:
        super().__init__(MAX_RETRIES, pauses)
        self._meter = meter

    def _can_retry(
        self,
        *,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
        **_: Any,
    ) -> bool:
        if response is None:
            is_transient = isinstance(error, _LOST_CONNECTION)
        else:
            code = response.body.get("error") if isinstance(response.body, dict) else ""
            is_transient = _is_transient(response.status_code, str(code))
        if is_transient:
            self._meter.count(f"slack {_method_of(request)}")
        return is_transient


def _is_transient(status_code: int, code: str) -> bool:
    is_of_server = status_code >= http.HTTPStatus.INTERNAL_SERVER_ERROR
    return (
        is_of_server or status_code == http.HTTPStatus.REQUEST_TIMEOUT or code in _TRANSIENT_CODES
    )


def _method_of(request: HttpRequest) -> str:
    return request.url.partition("?")[0].rpartition("/")[2]


def _retry_after_seconds(response: HttpResponse | None) -> float:
    for name, values in response.headers.items() if response else ():
        if name.lower() == "retry-after":
            value = values if isinstance(values, str) else next(iter(values), "")
            return seconds_of_retry_after(value) or _DEFAULT_RETRY_AFTER_SECONDS
    return _DEFAULT_RETRY_AFTER_SECONDS


def _worded(error: Exception) -> str:
    """Return what happened to a connection, without its address and what was sent."""
    reason = getattr(error, "reason", None)
    return str(reason or error or type(error).__name__)[:200]
