"""Sends alerts to a Slack channel through Slack's SDK."""

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from vector_assets.core.errors import UnavailableError
from vector_assets.monitoring.alerts.channels import SENT_AGAIN, TIMEOUT_SECONDS, Channel, Message

METHOD = "slack chat.postMessage"


class SlackChannel(Channel):
    """A Slack channel; the bot token needs the scope `chat:write`, `base_url` ends with `/api/`."""

    name = "slack"
    setting = "ALERT_SLACK_CHANNEL, and that the bot is in it with the scope chat:write"

    def __init__(self, token: str, base_url: str, channel: str) -> None:
        self._client = WebClient(token=token, base_url=base_url, timeout=TIMEOUT_SECONDS)
        self._channel = channel

    def send(self, message: Message) -> None:
        """Post the message."""
        try:
            self._client.chat_postMessage(
                channel=self._channel,
                text=message.text,
                blocks=message.as_blocks(),
                unfurl_links=False,
            )
        except SlackApiError as error:
            raise UnavailableError(METHOD, str(_code_of(error)), SENT_AGAIN) from error
        except (SlackRequestError, OSError) as error:
            raise UnavailableError(METHOD, type(error).__name__, SENT_AGAIN) from error


def _code_of(error: SlackApiError) -> object:
    data = getattr(error.response, "data", None)
    return data.get("error", "ok: false") if isinstance(data, dict) else "no JSON"
