"""Which receivers are on: those whose secret is set."""

from pathlib import Path

from vector_assets.api.hooks.delivery import Receiver
from vector_assets.api.hooks.fireflies import FirefliesReceiver
from vector_assets.api.hooks.jira import JiraReceiver
from vector_assets.api.hooks.notion import PENDING, NotionReceiver, NotionVerification
from vector_assets.api.hooks.slack import SlackReceiver
from vector_assets.core.settings import Settings


def build_receivers(settings: Settings, token_file: Path) -> dict[str, Receiver]:
    """Return the receivers by source.

    Args:
        settings: Say which sources are on and hold the secrets.
        token_file: Where Notion's verification token is written once.
    """
    receivers: dict[str, Receiver] = {}
    for source in settings.pushed_sources:
        if source == "jira":
            receivers[source] = JiraReceiver(settings.jira_webhook_secret.get_secret_value())
        elif source == "slack" and (secret := settings.slack_signing_secret.get_secret_value()):
            receivers[source] = SlackReceiver(secret)
        elif source == "notion":
            token = settings.notion_webhook_token.get_secret_value()
            is_pending = token == PENDING
            receivers[source] = (
                NotionVerification(token_file) if is_pending else NotionReceiver(token)
            )
        elif source == "fireflies":
            secret = settings.fireflies_webhook_secret.get_secret_value()
            receivers[source] = FirefliesReceiver(secret)
    return receivers
