"""Slack: a document for each thread, each channel's other messages of a day, and each channel.

Files are named, and read as far as history carries their words, or a reader of attachments can.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import chain
from math import ceil
from typing import Self

from vector_assets.core.concurrency import map_ordered
from vector_assets.core.days import Window, start_of_day
from vector_assets.core.errors import ContractError
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit
from vector_assets.core.settings import Settings
from vector_assets.sources.attachments.reader import (
    AttachmentOptions,
    AttachmentReader,
    native_ids_that_waited,
)
from vector_assets.sources.base import (
    ConnectionCheck,
    Missing,
    Probed,
    RemoteState,
    Source,
    Unlisted,
)
from vector_assets.sources.estimate import (
    WindowEstimate,
    in_random_order,
    picked,
    spread_of_mean,
)
from vector_assets.sources.items import Quarantined, Readers, SourceItem
from vector_assets.sources.slack.attachments import SlackFiles
from vector_assets.sources.slack.channels import CLOSED_CODES, NOT_JOINED, Choice, closed_gaps
from vector_assets.sources.slack.client import SlackApi
from vector_assets.sources.slack.directory import Channel, Directory
from vector_assets.sources.slack.document import SOURCE, channel_id_of
from vector_assets.sources.slack.history import Thread
from vector_assets.sources.slack.messages import (
    has_replies,
    instant,
    is_of_bot,
    is_said,
    readable,
)
from vector_assets.sources.slack.parts import Job, Options
from vector_assets.sources.slack.probe import SlackProbe, day_of_message, document_id_in
from vector_assets.sources.slack.rate_limits import (
    RATES_BY_METHOD,
    SECONDS_A_MINUTE,
    RateLimiters,
    rates_of,
)
from vector_assets.sources.slack.reader import MEMBERS_IN_FLIGHT, ChannelReader
from vector_assets.sources.slack.retry import RetryReader

NEWEST_CHANNELS = 5
NEWEST_MESSAGES = 50

LISTED_PAGES = 50
"""Pages of history after which an estimate lists no further channel: a minute's rate."""

SAMPLED_DOCUMENTS = 50
"""Documents that an estimate reads; a thread is a request."""

_HISTORY = "slack conversations.history"
_REPLIES = "slack conversations.replies"
_ENDPOINTS_BY_CHANNEL = frozenset({_HISTORY, "slack conversations.members"})


class SlackSource(Source):
    """Reads the channels that the bot is in; direct messages are never read.

    `rates` are the requests a minute that each method allows; empty for the documented ones.
    """

    name = SOURCE
    when_nothing_is_listed = (
        "invite the bot to the channels that it shall read, with /invite in each"
    )
    overlap = timedelta(hours=1)
    has_readers = True

    def __init__(
        self, api: SlackApi, options: Options, rates: Mapping[str, float] = RATES_BY_METHOD
    ) -> None:
        self._api = api
        self._options = options
        self._rates = rates
        self._prepared: Directory | None = None
        self._probe = SlackProbe(api, options)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings.

        Raises:
            SettingsError: `SLACK_BOT_TOKEN` is not set, or `PARTITIONS_START` is not a day.
        """
        settings.require_credentials(SOURCE)
        rates = rates_of(settings.slack_requests_per_minute)
        api = SlackApi(
            settings.slack_bot_token.get_secret_value(),
            settings.slack_base_url,
            meter,
            limiters=RateLimiters(meter, rates),
            team_id=settings.slack_team_id,
            max_file_bytes=settings.attachment_max_bytes,
        )
        options = Options(
            since=start_of_day(settings.first_day),
            channels=settings.slack_channels,
            joins_public=settings.slack_join_public,
            includes_bots=settings.slack_include_bots,
            attachments=AttachmentOptions.of(settings),
        )
        return cls(api, options, rates)

    def prepare(self) -> None:
        """Load the directory for the next reading; raise as `SlackApi.call` does."""
        self._prepared = Directory.load(self._api)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the threads and days of a window, channel by channel, newest first.

        A thread or day belongs to the window of its last activity; `history.py` and `reader.py` say
        what is yielded besides. A thread that the index holds as history shows it is not fetched.

        Costs a request for every 999 channels and members, one or two for the members of each
        private channel, one for every 999 top-level messages of a channel since `THREAD_LOOKBACK`
        before the window, and one for each thread that has changed.

        Raises:
            SettingsError: `SLACK_CHANNELS` names a channel that the bot does not see.
        """
        yield from self._reading(window).items()

    def ids(self, window: Window) -> Iterator[str | Unlisted]:
        """Yield the ids of what the window holds, without requests for replies.

        Parents are looked for since `PARTITIONS_START`, whatever the window: a thread may have got
        its last reply long after it began. A channel that the index holds documents of, and that
        cannot be read, is yielded as unlisted, for Slack does not tell whether it was deleted or
        the bot was taken out of it.
        """
        yield from self._reading(window).ids()

    def container_of(self, document_id: str, container: str) -> str:
        """Return the channel's id: names change."""
        return channel_id_of(document_id)

    def readers(self, containers: Collection[str]) -> Iterator[Readers]:
        """Yield who may read each channel; costs a request or two for each private one.

        A channel that Slack does not list is asked for by its id: the listing shows public ones
        whether or not the bot is in them, so it was made private without the bot, or deleted.
        """
        # The run that follows reads with the same answers.
        self._prepared = directory = self._prepared or Directory.load(self._api)

        def ask(channel_id: str) -> Readers:
            channel = directory.channel_by_id(channel_id)
            try:
                access = None if channel is None else directory.access(channel)
            except ContractError as error:
                if error.seen not in CLOSED_CODES:
                    raise
                access = None
            return Readers(channel_id, access)

        yield from map_ordered(ask, sorted(containers), in_flight=MEMBERS_IN_FLIGHT)

    def estimate(self, window: Window) -> WindowEstimate:
        """List channels as a sync does, and read some of their threads: a request each.

        Channels are listed in random order until `LISTED_PAGES` pages of history have been read;
        the others count in proportion. No channel is joined.
        """
        directory = Directory.load(self._api)
        choice = self._choice(directory)
        reading = self._retrying(directory, window)
        channels = {channel.id: channel for channel in choice.to_read}
        items: dict[str, Job] = {}
        document_counts: list[int] = []
        for channel_id in in_random_order(channels):
            if self._api.requests.get(_HISTORY, 0) >= LISTED_PAGES:
                break
            listed = reading.listed(channels[channel_id])
            items |= listed
            document_counts.append(len(listed))
        growth = len(channels) / max(1, len(document_counts))
        requests = {
            endpoint: ceil(count * growth) if endpoint in _ENDPOINTS_BY_CHANNEL else count
            for endpoint, count in self._api.requests.items()
        }
        requests[_REPLIES] = ceil(growth * sum(map(_is_fetched, items.values())))
        sampled = picked(items, SAMPLED_DOCUMENTS)
        basis = "counted"
        if len(document_counts) < len(channels):
            basis = f"from {len(document_counts)} of {len(channels)} channels"
        if choice.to_join:
            basis += f"; {len(choice.to_join)} channels that it would join left out"
        return WindowEstimate(
            growth * len(items),
            basis,
            reading.read(items[document_id] for document_id in sampled),
            len(sampled),
            spread=spread_of_mean(document_counts, out_of=len(channels)),
            requests=requests,
            scaled=frozenset({"slack files"}),
            ignored=frozenset({_REPLIES}),
        )

    @property
    def rate_limits(self) -> Mapping[str, RateLimit]:
        """What each method allows; `SLACK_REQUESTS_PER_MINUTE` for those that read messages."""
        return {
            f"slack {method}": RateLimit(rate, SECONDS_A_MINUTE)
            for method, rate in (self._rates or RATES_BY_METHOD).items()
        }

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield threads and days by their ids, a request each; raise as `documents` does."""
        directory = Directory.load(self._api)
        whenever = Window(self._options.since, None)
        reading = self._retrying(directory, whenever, native_ids_that_waited(failed, self.known))
        yield from reading.again(quarantined.document_id for quarantined in failed)

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield what became of documents, by a request or two each; raise as `probe` does.

        A thread whose newest reply was deleted looks older, and may have left the window. In a
        channel that the settings leave out, nothing is decided.
        """
        for document in missing:
            probed = self.probe(document)
            state = RemoteState.UNSURE if probed.left_out else probed.state
            yield document.document_id, state

    def probe(self, document: Missing) -> Probed:
        """Ask for a thread, day or channel by its id; see `SlackProbe`."""
        return self._probe(document)

    @classmethod
    def document_id_of(cls, text: str) -> str | None:
        """Return the id of the document that a permalink or id names."""
        return document_id_in(text)

    @classmethod
    def other_ids(cls, document_id: str) -> tuple[str, ...]:
        """Return the day of a message: it is that document's when nobody has replied."""
        return day_of_message(document_id)

    def newest(self) -> datetime | None:
        """Return the newest activity in the largest channels.

        Costs three requests, one for each of `NEWEST_CHANNELS`, and one for each person who posted
        through an app. Slack does not tell which
        channel was last active, so a smaller channel may have a newer message.
        """
        directory = Directory.load(self._api, with_users=False)
        channels = (
            channel for channel in self._choice(directory).to_read if not channel.is_archived
        )
        largest = nlargest(NEWEST_CHANNELS, channels, key=lambda channel: channel.member_count)
        activity = (self._activity(channel, directory.is_person) for channel in largest)
        return max(chain.from_iterable(activity), default=None)

    def check(self) -> ConnectionCheck:
        """Tell who the bot is, how many channels it reads and what it does not read.

        Costs two requests in a small workspace. Only a run tells which archived channels answer.

        Raises:
            CredentialsError: The token is refused, or lacks a scope; names the scope.
            UnavailableError: Slack cannot be reached.
        """
        directory = Directory.load(self._api, with_users=False)
        bot, choice = directory.bot, self._choice(directory)
        channel_count = len(choice.to_read) + len(choice.to_join)
        advice = "" if channel_count else "; invite it with /invite in each channel to read"
        return ConnectionCheck(
            f"{bot.name} in {bot.team} ({bot.team_url}), reads {channel_count} channels{advice}",
            (
                *bot.gaps(
                    joins_public=self._options.joins_public,
                    reads_files=self._options.attachments.are_read,
                ),
                *closed_gaps(dict.fromkeys(choice.unjoined, NOT_JOINED)),
            ),
        )

    def _reading(self, window: Window) -> ChannelReader:
        directory, self._prepared = self._prepared or Directory.load(self._api), None
        reader = AttachmentReader(self._options.attachments)
        files = SlackFiles(self._api, directory.bot, reader, self.known)
        return ChannelReader(self._api, directory, self._options, self.known, window, files)

    def _retrying(
        self, directory: Directory, window: Window, may_miss_ids: frozenset[str] = frozenset()
    ) -> RetryReader:
        reader = AttachmentReader(self._options.attachments)
        files = SlackFiles(
            self._api,
            directory.bot,
            reader,
            self.known,
            may_skip=False,
            may_miss_ids=may_miss_ids,
        )
        return RetryReader(self._api, directory, self._options, self.known, window, files)

    def _choice(self, directory: Directory) -> Choice:
        options = self._options
        return Choice.of(directory, options.channels, joins_public=options.joins_public)

    def _activity(self, channel: Channel, is_person: Callable[[str], bool]) -> Iterator[datetime]:
        """Yield the instants of a channel's newest messages and replies."""
        try:
            answer = self._api.call(
                "conversations.history", channel=channel.id, limit=NEWEST_MESSAGES
            )
        except ContractError as error:
            if error.seen not in CLOSED_CODES:
                raise
            return
        messages = answer.get("messages")
        if not isinstance(messages, list):
            raise ContractError("slack conversations.history", "no messages", "a list of them")
        for message in readable(messages):
            is_read = self._options.includes_bots or not is_of_bot(message, is_person)
            if has_replies(message) or (is_said(message) and is_read):
                yield instant(message.get("latest_reply") or message["ts"])


def _is_fetched(job: Job) -> bool:
    """Tell whether a sync fetches the replies of a listed document."""
    return isinstance(job.part, Thread) and not job.part.is_unchanged
