"""Says what is wrong to people: one alert an incident, a reminder a day, one message at its end.

What was said is remembered outside of the process, so that a restart repeats nothing. A channel
that fails is an incident itself, told through the others.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from vector_assets.core.errors import VectorAssetsError
from vector_assets.core.settings import Settings
from vector_assets.monitoring.alerts.channels import Channel, Kind, Message, WebhookChannel
from vector_assets.monitoring.alerts.incidents import Incident, IncidentStore
from vector_assets.monitoring.problems import Problem

logger = logging.getLogger(__name__)

REMIND_EVERY = timedelta(days=1)


def build_channels(settings: Settings) -> tuple[Channel, ...]:
    """Return the channels that the settings name; none when they name none."""
    found: list[Channel] = []
    token = settings.slack_bot_token.get_secret_value()
    if settings.alert_slack_channel and token:
        # Loading a code location shall import no vendor's SDK.
        from vector_assets.monitoring.alerts.slack import SlackChannel

        found.append(SlackChannel(token, settings.slack_base_url, settings.alert_slack_channel))
    if url := settings.alert_webhook_url.get_secret_value():
        found.append(WebhookChannel(url))
    return tuple(found)


class Alerter:
    """Turns the problems that one reporter sees into messages.

    Args:
        reporter: Its name, such as `watcher`; each keeps its own incidents.
        channels: Where to say it; without any, it is written to the log alone.
        store: Remembers the incidents of all reporters.
    """

    def __init__(self, reporter: str, channels: Sequence[Channel], store: IncidentStore) -> None:
        self._reporter = reporter
        self._channels = channels
        self._store = store

    def report(self, problems: Sequence[Problem], now: datetime) -> None:
        """Compare what is wrong now with what was said before, and say the difference.

        Args:
            problems: All that this reporter is in charge of; what is missing here is over.
            now: UTC.
        """
        incidents = self._store.read(self._reporter)
        said_by_others = self._said_by_others()
        present = {problem.key: problem for problem in problems}
        for key, problem in present.items():
            if key in incidents:
                incidents[key].is_seen_again(problem)
            elif key not in said_by_others:
                incidents[key] = Incident(problem, opened_at=problem.since or now, seen_at=now)
        for key, incident in list(incidents.items()):
            if key in present or _is_about_a_channel(key):
                self._say_it(incident, now)
            elif self._is_said_to_be_over(incident, now):
                del incidents[key]
        self._note_channels(incidents, now)
        self._store.write(self._reporter, incidents)

    def open(self, problem: Problem, now: datetime) -> None:
        """Say one thing that happened, unless it is known already; it ends by a `report`."""
        incidents = self._store.read(self._reporter)
        if problem.key in incidents:
            incidents[problem.key].is_seen_again(problem)
        else:
            incidents[problem.key] = Incident(problem, problem.since or now, now)
        self._say_it(incidents[problem.key], now)
        self._note_channels(incidents, now)
        self._store.write(self._reporter, incidents)

    def notice(self, problem: Problem, now: datetime) -> None:
        """Say something that is over already, such as a process that was started again; once."""
        message = Message(Kind.NOTICE, problem, problem.since or now)
        for channel in self._channels:
            _deliver(channel, message)

    def _said_by_others(self) -> set[str]:
        return {
            key
            for reporter in self._store.reporters()
            if reporter != self._reporter
            for key in self._store.read(reporter)
        }

    def _say_it(self, incident: Incident, now: datetime) -> None:
        """Bring an incident to each channel that has not got it, or was told a day ago."""
        if (now - incident.seen_at).total_seconds() < incident.problem.tell_after_seconds:
            return
        for channel in self._channels_for(incident):
            told_at = incident.told_at.get(channel.name)
            if told_at is not None and now - told_at < REMIND_EVERY:
                continue
            kind = Kind.OPENED if told_at is None else Kind.REMINDER
            message = Message(kind, incident.problem, incident.opened_at)
            error = _deliver(channel, message)
            incident.errors[channel.name] = error
            if not error:
                incident.told_at[channel.name] = now
        if not self._channels and not incident.told_at:
            logger.warning("%s: %s", incident.problem.headline, incident.problem.detail)
            incident.told_at["log"] = now

    def _is_said_to_be_over(self, incident: Incident, now: datetime) -> bool:
        """Tell every channel that heard of it; return whether all of them have taken it."""
        message = Message(Kind.OVER, incident.problem, incident.opened_at, ended_at=now)
        for channel in self._channels_for(incident):
            if channel.name in incident.told_at and channel.name not in incident.over_at:
                incident.errors[channel.name] = _deliver(channel, message)
                if not incident.errors[channel.name]:
                    incident.over_at[channel.name] = now
        names = {channel.name for channel in self._channels_for(incident)}
        waiting = (names & set(incident.told_at)) - set(incident.over_at)
        # A channel that does not come back within a day is not waited for.
        return not waiting or now - incident.seen_at > REMIND_EVERY

    def _note_channels(self, incidents: dict[str, Incident], now: datetime) -> None:
        """Open an incident for each channel that fails, and end that of one that works again."""
        for channel in self._channels:
            key = _channel_key(channel)
            errors = [one.errors.get(channel.name, "") for one in incidents.values()]
            error = next((words for words in errors if words), "")
            known = incidents.get(key)
            if error and known is None and key not in self._said_by_others():
                problem = Problem(
                    key,
                    f"Alerts cannot be sent to {channel.name}",
                    error,
                    f"Check {channel.setting}; what could not be sent is sent again each time.",
                )
                incidents[key] = Incident(problem, now, now)
                self._say_it(incidents[key], now)
            elif not error and known is not None and self._is_said_to_be_over(known, now):
                del incidents[key]

    def _channels_for(self, incident: Incident) -> list[Channel]:
        """Return all channels, but for one that the incident is about."""
        return [one for one in self._channels if _channel_key(one) != incident.problem.key]


def _channel_key(channel: Channel) -> str:
    return f"channel:{channel.name}"


def _is_about_a_channel(key: str) -> bool:
    return key.startswith("channel:")


def _deliver(channel: Channel, message: Message) -> str:
    """Send a message; return why that failed, or nothing."""
    try:
        channel.send(message)
    except VectorAssetsError as error:
        logger.warning("alert to %s: %s", channel.name, error)
        return str(error)
    return ""
