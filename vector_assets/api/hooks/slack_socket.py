"""Slack's Socket Mode: the events of `/hooks/slack` over a connection that we open ourselves.

For those whom Slack cannot reach. slack-sdk's built-in client keeps the connection, replaces it
when Slack asks it to, and opens it again when it breaks
(docs.slack.dev/apis/events-api/using-socket-mode, 2026-11).
"""

import asyncio
import json
import logging
import threading
from datetime import UTC, datetime

from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from vector_assets.api.hooks.delivery import MalformedError
from vector_assets.api.hooks.event_handler import MALFORMED, EventHandler
from vector_assets.api.hooks.slack import parse_event
from vector_assets.core.errors import RetryableError
from vector_assets.core.settings import Settings
from vector_assets.core.tls import system_context

logger = logging.getLogger(__name__)

EVENTS = "events_api"

TAKEN_WITHIN_SECONDS = 30.0
"""How long an envelope may wait for the queue before it is left to be sent again."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Between two attempts to connect for the first time."""

_SOURCE = "slack"
_AT_ONCE = 10
_PING_SECONDS = 5.0


def build_slack_socket(settings: Settings, event_handler: EventHandler) -> "SlackSocket | None":
    """Return the socket; None unless its token is set and Slack is on."""
    is_wanted = settings.slack_app_token and "slack" in settings.enabled_sources
    return SlackSocket(settings, event_handler) if is_wanted else None


class SlackSocket:
    """Receives events of Slack for as long as `serve` runs.

    An envelope is acknowledged when the queue has what it says; Slack sends again what is not.
    """

    def __init__(self, settings: Settings, event_handler: EventHandler) -> None:
        self._settings = settings
        self._event_handler = event_handler
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: SocketModeClient | None = None
        self._connecting: threading.Thread | None = None

    @property
    def is_connected(self) -> bool:
        """Whether events can come in."""
        client = self._client
        return client is not None and bool(client.is_connected())

    def start(self) -> None:
        """Connect in a thread of its own; call it on the event loop of the event handler."""
        self._loop = asyncio.get_running_loop()
        self._client = SocketModeClient(
            self._settings.slack_app_token.get_secret_value(),
            web_client=WebClient(base_url=self._settings.slack_base_url, ssl=system_context()),
            ping_interval=_PING_SECONDS,
            concurrency=_AT_ONCE,
        )
        self._client.socket_mode_request_listeners.append(self._take)
        self._connecting = threading.Thread(
            target=self._connect, args=(self._client,), name="slack socket", daemon=True
        )
        self._connecting.start()

    async def stop(self) -> None:
        """Close the connection; what was not acknowledged Slack sends elsewhere, or again."""
        self._stopped.set()
        if self._client is not None and self._connecting is not None:
            await asyncio.to_thread(self._connecting.join)
            await asyncio.to_thread(self._client.close)

    def _connect(self, client: SocketModeClient) -> None:
        """Connect once; from then on the SDK keeps the connection."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            try:
                client.connect_to_new_endpoint()
            except (SlackClientError, OSError) as error:
                logger.warning(
                    "Slack's socket cannot be opened: %s. Check SLACK_APP_TOKEN, and that Socket "
                    "Mode is on in the app's settings. It is tried again in %.0f s.",
                    error,
                    pause_seconds,
                )
                self._stopped.wait(pause_seconds)
                pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
            else:
                return

    def _take(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Queue what an envelope says, then acknowledge it; called in a thread of the SDK."""
        if self._loop is None or self._stopped.is_set():
            return
        if request.type == EVENTS and not self._is_taken(request, self._loop):
            return
        try:
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        except (SlackClientError, OSError) as error:
            logger.info("an envelope of Slack could not be acknowledged: %s", error)

    def _is_taken(self, request: SocketModeRequest, loop: asyncio.AbstractEventLoop) -> bool:
        try:
            said = parse_event(dict(request.payload), datetime.now(UTC))
        except MalformedError:
            # Slack would send it again as it is.
            self._event_handler.counts[_SOURCE, MALFORMED] += 1
            return True
        body = json.dumps(request.payload, sort_keys=True).encode()
        taking = asyncio.run_coroutine_threadsafe(
            self._event_handler.handle(_SOURCE, said, body), loop
        )
        try:
            taking.result(TAKEN_WITHIN_SECONDS)
        except (RetryableError, TimeoutError) as error:
            taking.cancel()
            logger.warning("an event of Slack is left to be sent again: %s", error)
            return False
        return True
