"""Fireflies: a meeting's transcript is a document.

One GraphQL query brings a page of 50 meetings with everything in them, because free plans allow 50
requests a day (docs.fireflies.ai, "Limits", 2026-11).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import ClassVar, Self

from vector_assets.core.days import Window
from vector_assets.core.errors import RateLimitedError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.base import ConnectionCheck, Fate, Missing, Source
from vector_assets.sources.estimate import Survey
from vector_assets.sources.fireflies.client import REQUESTS_PER_MINUTE, FirefliesApi
from vector_assets.sources.fireflies.document import (
    FIELDS,
    READER_FIELDS,
    Transcript,
    document_of,
    stamp_of,
)
from vector_assets.sources.fireflies.estimate import counted
from vector_assets.sources.fireflies.listing import (
    Listed,
    Slices,
    began_at,
    meetings,
    text_of_instant,
)
from vector_assets.sources.fireflies.readiness import OVERLAP, missing_summary, told_of, unready
from vector_assets.sources.http.rate_limit import Allowance
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    Gap,
    Quarantined,
    Resolved,
    SourceItem,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRANSCRIPTS = f"""
query Transcripts($from: DateTime, $to: DateTime, $limit: Int, $skip: Int) {{
  transcripts(fromDate: $from, toDate: $to, limit: $limit, skip: $skip) {{ {FIELDS} }}
}}
"""
_TRANSCRIPT = f"query Transcript($id: String!) {{ transcript(id: $id) {{ {FIELDS} }} }}"
_NO_SUCH = "object_not_found"
_EVER = Window(datetime(1970, 1, 1, tzinfo=UTC), None)
OLDER_MEETINGS = 980
"""Of so many meetings before its window a night asks who may read them: 20 of a day's requests."""

_GROUP = 49
_IDS = """
query Ids($from: DateTime, $to: DateTime, $limit: Int, $skip: Int) {
  transcripts(fromDate: $from, toDate: $to, limit: $limit, skip: $skip) { id date }
}
"""
_READERS = f"""
query Readers($from: DateTime, $to: DateTime, $limit: Int, $skip: Int) {{
  transcripts(fromDate: $from, toDate: $to, limit: $limit, skip: $skip) {{
    id date {READER_FIELDS}
  }}
}}
"""
_READINESS = """
  id title date is_live transcript_url
  meeting_info { summary_status silent_meeting fred_joined }
  sentences { index }
"""
_NEWEST = f"query Newest {{ transcripts(limit: 10) {{ {_READINESS} }} }}"
_OWNER = "query Owner { user { is_admin } }"
_CHECK = f"""
query Check($from: DateTime) {{
  user {{ name email is_admin }}
  transcripts(fromDate: $from, limit: 50) {{ {_READINESS} }}
}}
"""


class FirefliesSource(Source):
    """Meetings, by their start: the vendor knows no time of change.

    Args:
        url: Of the GraphQL endpoint.
        key: API key.
        meter: Of the run.
    """

    name: ClassVar[str] = "fireflies"
    overlap: ClassVar[timedelta] = OVERLAP
    newest_every: ClassVar[timedelta] = timedelta(hours=4)
    """Two processes watch: 12 of a free plan's 50 requests a day, so that 38 are left for runs."""

    def __init__(self, url: str, key: str, meter: Meter) -> None:
        self._api = FirefliesApi(url, key, meter)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(settings.fireflies_url, settings.fireflies_api_key.get_secret_value(), meter)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the meetings that began in the window, newest first.

        A long window is read in slices with a checkpoint after each, so that a backfill that the
        day's last request ends has finished what is newer, and the next one goes on from there.
        A window that reaches the present brings older meetings whose readers have changed, too.
        """
        now = datetime.now(UTC)
        is_night = window.end is None and not self.known.is_rescan
        has_older = is_night and next(iter(self.known.document_ids()), None) is not None
        listing = Slices(window, now)
        for part in listing:
            found = 0
            for listed in meetings(self._api, _TRANSCRIPTS, part):
                found += 1
                yield from self._items(listed, part, now)
            yield Checkpoint(part.start)
            listing.note(found)
        if has_older:
            yield from self._with_other_readers(Window(_EPOCH, window.start), now)

    def _with_other_readers(self, older: Window, now: datetime) -> Iterator[SourceItem]:
        """Yield the meetings that the index holds for other readers than they have now.

        Sharing a meeting, or no longer, changes nothing else of it. Costs a request for every 49
        meetings, and one or two more for those 49 when one of them has other readers.
        """
        listed = (one.transcript for one in meetings(self._api, _READERS, older) if not one.error)
        try:
            for _ in range(OLDER_MEETINGS // _GROUP):
                group = list(islice(listed, _GROUP))
                yield from self._read_anew(self._changed(group), now)
            if next(listed, None) is None:
                return
            reason = f"only the newest {OLDER_MEETINGS} are compared each night"
        except RateLimitedError as error:
            reason = str(error)
        yield Gap(
            "changes of who may read older meetings",
            reason,
            "Run the days of a meeting again after it is no longer shared.",
        )

    def _changed(self, group: list[Transcript]) -> dict[str, datetime]:
        """Return when the meetings began that the index holds for others than may read them."""
        stamps = {self._id(one): stamp_of(one) for one in group}
        held = self.known.updated_at(stamps)
        same = self.known.unchanged({one: stamps[one] for one in held})
        began = {self._id(one): began_at(one) for one in group}
        return {one: at for one in held.keys() - same if (at := began[one]) is not None}

    def _read_anew(self, changed: Mapping[str, datetime], now: datetime) -> Iterator[SourceItem]:
        if not changed:
            return
        part = Window(min(changed.values()), max(changed.values()) + timedelta(seconds=1))
        for listed in meetings(self._api, _TRANSCRIPTS, part):
            if self._id(listed.transcript) in changed:
                yield from self._items(listed, part, now)

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the id of each meeting that began in the window, ready or not."""
        listing = Slices(window, datetime.now(UTC))
        for part in listing:
            found = 0
            for listed in meetings(self._api, _IDS, part):
                found += 1
                began = began_at(listed.transcript)
                if began is None or began in part:
                    yield self._id(listed.transcript)
            listing.note(found)

    def survey(self, window: Window) -> Survey:
        """Count the meetings by looking at places of their list; what is seen there is read."""
        now = datetime.now(UTC)
        count = counted(self._api, _TRANSCRIPTS, window)
        seen = {self._id(one.transcript): one for one in count.sample}
        return Survey(
            count.middle,
            "counted" if not count.spread else f"between {count.least} and {count.most}",
            chain.from_iterable(self._items(one, window, now) for one in seen.values()),
            len(seen),
            spread=count.spread,
            requests={"fireflies transcripts": count.pages(window, now)},
        )

    @property
    def allowances(self) -> Mapping[str, Allowance]:
        """What a Business plan allows; the 50 requests a day of other plans are told apart."""
        return {self.name: Allowance(REQUESTS_PER_MINUTE, 60.0)}

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield meetings by their days, 50 a request; those without a day by their ids.

        A meeting keeps its day, and a free plan allows 50 requests.
        """
        yield from super().retry([one for one in failed if one.day is not None])
        for one in failed:
            if one.day is None:
                yield from self._by_id(one.document_id)

    def _by_id(self, document_id: str) -> Iterator[SourceItem]:
        asked = {"id": document_id.partition(":")[2]}
        try:
            transcript = self._api.ask("transcript", _TRANSCRIPT, asked)["transcript"]
        except UnavailableError as error:
            if error.seen != _NO_SUCH:
                raise
            transcript = None
        if transcript is None:
            yield Resolved(document_id)
        else:
            yield from self._items(Listed(transcript), _EVER, datetime.now(UTC))

    def fates(self, missing: Sequence[Missing]) -> Iterator[tuple[str, Fate]]:
        """Yield what became of meetings; one request, however many.

        A meeting's start never moves, so the listing is believed where the key's owner sees the
        meetings of all. Who is no admin sees their own and what is shared with them: one that
        somebody has stopped sharing would look deleted.
        """
        user = self._api.ask("user", _OWNER).get("user") or {}
        fate = Fate.DELETED if user.get("is_admin") else Fate.UNSURE
        return ((one.document_id, fate) for one in missing)

    def newest(self) -> datetime | None:
        """Return the start of the newest meeting that the index can hold; one request.

        Meetings without a transcript are passed over: a silent one on Friday must not make an index
        look stale that holds all of Thursday. When none of the newest ten has one, that is news.
        """
        found, _ = self._api.ask_list("transcripts", _NEWEST)
        now = datetime.now(UTC)
        known = [(began, one) for one in found if (began := began_at(one)) is not None]
        ready = [began for began, one in known if unready(one, began, now) is None]
        return max(ready, default=min((began for began, _ in known), default=None))

    def check(self) -> ConnectionCheck:
        """Ask who we are, and which meetings of the last two days have no transcript; one request.

        Who is no admin sees their own meetings and what is shared with them
        (guide.fireflies.ai, "Learn about the Super Admin role", 2026-11).
        """
        now = datetime.now(UTC)
        found = self._api.ask("check", _CHECK, {"from": text_of_instant(now - OVERLAP)})
        user = found.get("user") or {}
        who = user.get("name") or user.get("email") or "somebody without a name"
        gaps = []
        if not user.get("is_admin"):
            gaps.append(
                Gap(
                    "meetings of others",
                    f"{who} is no admin of the team, and so sees their own meetings and those that "
                    f"are shared with them",
                    "Set FIREFLIES_API_KEY to the key of an admin.",
                )
            )
        waiting = [
            one
            for one in found.get("transcripts") or []
            if (began := began_at(one)) is not None and unready(one, began, now) is not None
        ]
        if waiting:
            gaps.append(
                Gap(
                    "recent meetings without a transcript",
                    ", ".join(str(one.get("title") or one["id"]) for one in waiting),
                    "The nights ask for them again.",
                    len(waiting),
                    is_private=True,
                )
            )
        return ConnectionCheck(f"{self._api.url} as {who}", tuple(gaps))

    def _items(self, listed: Listed, part: Window, now: datetime) -> Iterator[SourceItem]:
        """Yield what a meeting is for the run; nothing when it began outside the slice."""
        transcript, identity = listed.transcript, self._id(listed.transcript)
        began = began_at(transcript)
        if began is None:
            cause = f"its date cannot be read: {transcript.get('date')!r}"
            yield DocumentFailure(identity, cause)
        elif began not in part:
            return
        elif listed.error:
            cause = f"Fireflies could not give all of it: {listed.error}"
            yield DocumentFailure(identity, cause, began.date())
        elif (reason := unready(transcript, began, now)) is not None:
            yield from told_of(transcript, began, now, document_id=identity, reason=reason)
        else:
            yield from self._read(transcript, began, now)

    def _read(self, transcript: Transcript, began: datetime, now: datetime) -> Iterator[SourceItem]:
        try:
            yield document_of(self.name, transcript, began)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            cause = f"it cannot be read: {type(error).__name__} {error}"
            yield DocumentFailure(self._id(transcript), cause, began.date())
            return
        if (gap := missing_summary(transcript, began, now)) is not None:
            yield gap

    def _id(self, transcript: Transcript) -> str:
        return f"{self.name}:{transcript['id']}"
