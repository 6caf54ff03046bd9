"""Sends one alert when an incident opens, a reminder each day, and one message when it closes.

Incidents are stored outside of the process, so that a restart sends nothing twice. A channel that
fails is an incident too, reported through the other channels.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from vector_assets.core.deadline import BoundedCalls
from vector_assets.core.errors import cause_of
from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.channels import Channel, Kind, Message, WebhookChannel
from vector_assets.monitoring.alerts.incidents import REPORTERS, Incident, IncidentStore
from vector_assets.monitoring.problems import Problem

logger = logging.getLogger(__name__)

REMIND_EVERY = timedelta(days=1)

_CHANNEL_PREFIX = "channel:"

DELIVERY_SECONDS = 60.0
"""How long a channel may take to accept a message."""


def build_channels(settings: Settings) -> tuple[Channel, ...]:
    """Return the channels that the settings configure."""
    channels: list[Channel] = []
    token = settings.slack_bot_token.get_secret_value()
    if settings.alert_slack_channel and token:
        # Loading the code location must not import a vendor's SDK.
        from vector_assets.monitoring.alerts.slack import SlackChannel

        channels.append(SlackChannel(token, settings.slack_base_url, settings.alert_slack_channel))
    if url := settings.alert_webhook_url.get_secret_value():
        channels.append(WebhookChannel(url))
    return tuple(channels)


class Alerter:
    """Turns one reporter's problems into messages; without channels they are only logged."""

    def __init__(self, reporter: str, channels: Sequence[Channel], store: IncidentStore) -> None:
        self._reporter = reporter
        self._channels = channels
        self._store = store
        # A channel that hangs is not waited for again for each further message.
        self._deliveries = BoundedCalls(DELIVERY_SECONDS)

    def reconcile(self, problems: Sequence[Problem], now: datetime) -> None:
        """Open, update and close incidents so that they match the present problems, and notify."""
        incidents = self._store.read(self._reporter)
        keys_of_others = self._keys_of_other_reporters()
        present = {problem.key: problem for problem in problems}
        channel_keys = {_channel_key(channel) for channel in self._channels}
        for key, problem in present.items():
            if key in incidents:
                incidents[key].update(problem)
            elif key not in keys_of_others:
                incidents[key] = Incident(problem, opened_at=problem.since or now, seen_at=now)
        for key, incident in list(incidents.items()):
            if key in present or key in channel_keys:
                self._notify(incident, now)
            elif self._notify_resolved(incident, now):
                del incidents[key]
        self._reconcile_channels(incidents, now)
        self._store.write(self._reporter, incidents)

    def raise_incident(self, problem: Problem, now: datetime) -> None:
        """Open an incident for one problem, or update it; `reconcile` closes it."""
        incidents = self._store.read(self._reporter)
        if problem.key in incidents:
            incidents[problem.key].update(problem)
        else:
            incidents[problem.key] = Incident(problem, problem.since or now, now)
        self._notify(incidents[problem.key], now)
        self._reconcile_channels(incidents, now)
        self._store.write(self._reporter, incidents)

    def incidents(self) -> tuple[Incident, ...]:
        """Return the open incidents of all reporters, the oldest first."""
        return tuple(self._store.all())

    def notify_once(self, problem: Problem, now: datetime) -> None:
        """Send one message, without an incident, about a problem that has already ended."""
        message = Message(Kind.NOTICE, problem, problem.since or now)
        for channel in self._channels:
            self._deliver(channel, message)

    def _keys_of_other_reporters(self) -> set[str]:
        return {
            key
            for reporter in REPORTERS
            if reporter != self._reporter
            for key in self._store.read(reporter)
        }

    def _notify(self, incident: Incident, now: datetime) -> None:
        """Send an alert to each channel that has none yet, and a reminder after a day."""
        if (now - incident.seen_at).total_seconds() < incident.problem.tell_after_seconds:
            return
        for channel in self._channels_for(incident):
            notified_at = incident.notified_at.get(channel.name)
            if notified_at is not None and now - notified_at < REMIND_EVERY:
                continue
            kind = Kind.OPENED if notified_at is None else Kind.REMINDER
            message = Message(kind, incident.problem, incident.opened_at)
            error = self._deliver(channel, message)
            incident.errors[channel.name] = error
            if not error:
                incident.notified_at[channel.name] = now
        if not self._channels and not incident.notified_at:
            logger.warning("%s: %s", incident.problem.headline, incident.problem.detail)
            incident.notified_at["log"] = now

    def _notify_resolved(self, incident: Incident, now: datetime) -> bool:
        """Send the closing message to each notified channel; return whether all have it."""
        incident.ended_at = ended_at = incident.ended_at or now
        message = Message(Kind.OVER, incident.problem, incident.opened_at, ended_at=ended_at)
        for channel in self._channels_for(incident):
            if channel.name in incident.notified_at and channel.name not in incident.resolved_at:
                incident.errors[channel.name] = self._deliver(channel, message)
                if not incident.errors[channel.name]:
                    incident.resolved_at[channel.name] = now
        names = {channel.name for channel in self._channels_for(incident)}
        pending = (names & set(incident.notified_at)) - set(incident.resolved_at)
        # Give up on a channel that fails for longer than a day.
        return not pending or now - ended_at > REMIND_EVERY

    def _reconcile_channels(self, incidents: dict[str, Incident], now: datetime) -> None:
        """Open an incident for each channel that fails; close it once the channel works again."""
        for channel in self._channels:
            key = _channel_key(channel)
            errors = [incident.errors.get(channel.name, "") for incident in incidents.values()]
            error = next(filter(None, errors), "")
            known = incidents.get(key)
            if not error:
                if known is not None and self._notify_resolved(known, now):
                    del incidents[key]
            elif known is not None:
                known.ended_at = None
            elif key not in self._keys_of_other_reporters():
                problem = Problem(
                    key,
                    f"Alerts cannot be sent to {channel.name}",
                    error,
                    f"Check {channel.setting}; failed messages are sent again at each check.",
                )
                incidents[key] = Incident(problem, now, now)
                self._notify(incidents[key], now)

    def _deliver(self, channel: Channel, message: Message) -> str:
        """Send a message; return why that failed, or an empty text."""
        try:
            self._deliveries.call(channel.name, lambda: channel.send(message))
        except Exception as error:  # noqa: BLE001 - the other channels are still told
            logger.warning("alert to %s: %s", channel.name, cause_of(error))
            return cause_of(error)
        return ""

    def _channels_for(self, incident: Incident) -> list[Channel]:
        """Return all channels except the one that the incident is about."""
        key = incident.problem.key
        return [channel for channel in self._channels if _channel_key(channel) != key]


def _channel_key(channel: Channel) -> str:
    return f"{_CHANNEL_PREFIX}{channel.name}"
