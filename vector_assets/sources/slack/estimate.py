"""How much a window of Slack holds, estimated from a sample of channels and threads."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from random import Random

from vector_assets.core.errors import ContractError
from vector_assets.sources.estimate import UNKNOWN_SPREAD, Survey, picked, spread_of_mean
from vector_assets.sources.items import SourceItem
from vector_assets.sources.slack.channels import CLOSED_CODES
from vector_assets.sources.slack.directory import Channel
from vector_assets.sources.slack.document import channel_document_id
from vector_assets.sources.slack.history import Day, Thread, opened
from vector_assets.sources.slack.parts import End, Job
from vector_assets.sources.slack.retry import SecondReading

SURVEYED_PAGES = 50
"""Pages of history that a survey reads at the most: a minute's allowance."""

SURVEYED_PARTS = 50
"""Threads and days that it reads: a request each."""

_LEAST_PAGES = 2
_HISTORY = "conversations.history"


@dataclass(slots=True)
class _Tally:
    """What one channel holds of the window.

    Attributes:
        ids: Of its documents, as far as its history was read.
        threads: Whose replies a sync would fetch, extrapolated where history was cut.
        documents: The same.
        pages: The same, of history.
        is_cut: Whether history went on.
    """

    ids: list[str] = field(default_factory=list)
    threads: float = 0.0
    documents: float = 0.0
    pages: float = 0.0
    is_cut: bool = False

    def stretch(self, factor: float) -> None:
        """Take what was read for one part in so many of the channel."""
        self.threads *= factor
        self.documents *= factor
        self.pages *= factor
        self.is_cut = True


class SurveyReading(SecondReading):
    """Counts what a window holds; use it once."""

    def survey(self) -> Survey:
        """Return what the window holds; joins no channel."""
        channels = list(self._choice.to_read)
        Random(0).shuffle(channels)  # noqa: S311 - a sample
        most_pages = max(_LEAST_PAGES, SURVEYED_PAGES // max(1, len(channels)))
        tallies: list[_Tally] = []
        read = 0
        for channel in channels:
            if self._api.requests_of(_HISTORY) >= SURVEYED_PAGES:
                break
            read += 1
            if (tally := self._tally(channel, most_pages)) is not None:
                tallies.append(tally)
        share = len(channels) / max(1, read)
        sampled = picked((one for tally in tallies for one in tally.ids), SURVEYED_PARTS)
        spread = spread_of_mean([one.documents for one in tallies], out_of=len(tallies) * share)
        cut = sum(one.is_cut for one in tallies)
        if cut:
            spread = max(spread, UNKNOWN_SPREAD * cut / len(tallies))
        return Survey(
            share * sum(one.documents for one in tallies),
            self._basis(len(channels), read, cut),
            self.again(sampled),
            len(sampled),
            spread=spread,
            requests=self._requests(tallies, share),
            ignored=frozenset(f"slack {one}" for one in (_HISTORY, "conversations.replies")),
        )

    def _tally(self, channel: Channel, most_pages: int) -> _Tally | None:
        """Return what a channel holds; None when it is closed to us."""
        before = self._api.requests_of(_HISTORY)
        tally = _Tally([channel_document_id(channel.id)], documents=1)
        try:
            access = self._directory.access(channel)
            for part in next(
                opened([self._listing(channel, access, self._window)], self._known)
            ).parts():
                tally.pages = self._api.requests_of(_HISTORY) - before
                if tally.pages > most_pages:
                    tally.pages = most_pages
                    tally.stretch(self._stretch(channel, part))
                    break
                self._count(tally, Job(channel, access, part))
        except ContractError as error:
            if error.seen not in CLOSED_CODES:
                raise
            return None
        tally.pages = max(tally.pages, 1)
        return tally

    def _count(self, tally: _Tally, job: Job) -> None:
        if isinstance(job.part, Thread):
            tally.threads += not job.part.is_unchanged
        elif self._outcome(job)[1] is None:
            return
        tally.documents += 1
        tally.ids.append(job.document_id)

    def _stretch(self, channel: Channel, part: Thread | Day) -> float:
        """Return how often what was read until a part would fit into the window."""
        end = self._window.end or datetime.now(UTC)
        if isinstance(part, Thread):
            reached = datetime.fromtimestamp(float(part.ts), UTC)
        else:
            reached = part.latest_at or end
        start = max(self._window.start, min(channel.created_at, reached))
        return max(1.0, (end - start) / max(end - reached, (end - start) / 1000))

    def _requests(self, tallies: list[_Tally], share: float) -> Counter[str]:
        asked = Counter({
            f"slack {method}": self._api.requests_of(method)
            for method in ("auth.test", "conversations.list", "users.list")
        })  # fmt: skip
        asked["slack conversations.members"] = ceil(
            self._api.requests_of("conversations.members") * share
        )
        asked[f"slack {_HISTORY}"] = ceil(share * sum(one.pages for one in tallies))
        asked["slack conversations.replies"] = ceil(share * sum(one.threads for one in tallies))
        return asked

    def _basis(self, channels: int, read: int, cut: int) -> str:
        joined = len(self._choice.to_join)
        words = "counted" if read == channels and not cut else f"from {read} of {channels} channels"
        if cut:
            words += f", {cut} of them by their newest messages alone"
        return words + (f"; {joined} channels that it would join left out" if joined else "")

    def _parts_again(self, channel: Channel, ids: list[str]) -> Iterator[Job | SourceItem]:
        """Yield the channel itself too, which needs no request."""
        own = channel_document_id(channel.id)
        if own in ids:
            access = self._directory.access(channel)
            yield Job(channel, access, End(max(channel.described_at, channel.created_at)))
        if others := [one for one in ids if one != own]:
            yield from super()._parts_again(channel, others)
