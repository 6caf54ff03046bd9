"""Fireflies: each transcript of a meeting is a document.

One GraphQL query returns a page of 50 complete meetings, because free plans allow 50 requests a day
(docs.fireflies.ai, "Limits", 2026-11).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from typing import ClassVar, Self

from vector_assets.core.days import Window, is_to_come
from vector_assets.core.errors import RateLimitedError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.rate_limit import RateLimit
from vector_assets.core.settings import Settings
from vector_assets.sources.base import ConnectionCheck, Missing, Probed, RemoteState, Source
from vector_assets.sources.estimate import UNKNOWN_SPREAD, WindowEstimate
from vector_assets.sources.fireflies.client import RATE_LIMIT, FirefliesApi
from vector_assets.sources.fireflies.document import (
    FIELDS,
    READER_FIELDS,
    document_of,
    is_without_readers,
    stamp_of,
)
from vector_assets.sources.fireflies.fields import object_in, objects_in, text_in
from vector_assets.sources.fireflies.listing import (
    WITHOUT_ID,
    Listed,
    Slices,
    began_at,
    id_of,
    is_beyond,
    meetings,
    page_count,
    text_of_instant,
)
from vector_assets.sources.fireflies.probe import NO_SUCH, READINESS, MeetingProbe, document_id_in
from vector_assets.sources.fireflies.readiness import OVERLAP, missing_summary, told_of, unready
from vector_assets.sources.fireflies.sections import Transcript
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    Gap,
    Quarantined,
    Resolved,
    SourceItem,
)

_EVER = Window(datetime(1970, 1, 1, tzinfo=UTC), None)
_TRANSCRIPTS = f"""
query Transcripts($from: DateTime, $to: DateTime, $limit: Int, $skip: Int) {{
  transcripts(fromDate: $from, toDate: $to, limit: $limit, skip: $skip) {{ {FIELDS} }}
}}
"""
_TRANSCRIPT = f"query Transcript($id: String!) {{ transcript(id: $id) {{ {FIELDS} }} }}"
OLDER_MEETINGS = 980
"""Older meetings whose readers a nightly run compares: 20 of a day's requests."""

ESTIMATED_PAGES = 10
"""Most pages that an estimate reads."""

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
_NEWEST = f"query Newest {{ transcripts(limit: 10) {{ {READINESS} }} }}"
_CHECK = f"""
query Check($from: DateTime) {{
  user {{ name email is_admin }}
  transcripts(fromDate: $from, limit: 50) {{ {READINESS} }}
}}
"""


class FirefliesSource(Source):
    """Meetings by their start, because the vendor has no time of change.

    Args:
        url: URL of the GraphQL endpoint.
        key: API key.
        meter: Counts the requests of the run.
    """

    name: ClassVar[str] = "fireflies"
    when_nothing_is_listed: ClassVar[str] = (
        "check that its key belongs to somebody who is invited to the meetings"
    )
    overlap: ClassVar[timedelta] = OVERLAP
    newest_every: ClassVar[timedelta] = timedelta(hours=4)
    """Two processes watch: 12 of a free plan's 50 requests a day, which leaves 38 for runs."""

    def __init__(self, url: str, key: str, meter: Meter) -> None:
        self._api = FirefliesApi(url, key, meter)
        self._probe = MeetingProbe(self._api)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings."""
        settings.require_credentials(cls.name)
        return cls(settings.fireflies_url, settings.fireflies_api_key.get_secret_value(), meter)

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the meetings that began in the window, newest first.

        A long window is read in slices with a checkpoint after each, so that the next backfill
        continues where the day's requests were used up. A window without an end also yields older
        meetings whose readers have changed.
        """
        now = datetime.now(UTC)
        is_night = window.end is None and not self.known.is_rescan
        has_older = is_night and next(iter(self.known.document_ids()), None) is not None
        listing = Slices(window, now)
        for part in listing:
            meeting_count = 0
            for listed in meetings(self._api, _TRANSCRIPTS, part):
                meeting_count += 1
                yield from self._items(listed, part, now)
            yield Checkpoint(part.start)
            listing.note(meeting_count)
        if has_older:
            yield from self._with_other_readers(Window(_EVER.start, window.start), now)

    def _with_other_readers(self, older: Window, now: datetime) -> Iterator[SourceItem]:
        """Yield the older meetings whose readers differ from those in the index.

        The vendor does not tell when sharing changes. Takes a request for every 49 meetings, and
        one or two more for each such group in which readers have changed.
        """
        listed = (
            meeting.transcript
            for meeting in meetings(self._api, _READERS, older)
            if not meeting.error
        )
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
        """Return the start of each meeting, by id, whose readers differ from those in the index."""
        by_id = {self._id(transcript): transcript for transcript in group}
        held, same = self.known.compared({key: stamp_of(by_id[key]) for key in by_id})
        starts = {key: began_at(by_id[key]) for key in held.keys() - same}
        return {key: began for key, began in starts.items() if began is not None}

    def _read_anew(self, changed: Mapping[str, datetime], now: datetime) -> Iterator[SourceItem]:
        if not changed:
            return
        part = Window(min(changed.values()), max(changed.values()) + timedelta(seconds=1))
        for listed in meetings(self._api, _TRANSCRIPTS, part):
            if self._id(listed.transcript) in changed:
                yield from self._items(listed, part, now)

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the id of each meeting that began in the window, whether it is ready or not."""
        listing = Slices(window, datetime.now(UTC))
        for part in listing:
            meeting_count = 0
            for listed in meetings(self._api, _IDS, part):
                meeting_count += 1
                began = began_at(listed.transcript)
                if began is None or not is_beyond(began, part):
                    yield self._id(listed.transcript)
            listing.note(meeting_count)

    def estimate(self, window: Window) -> WindowEstimate:
        """Read the newest meetings as a sync does: a list of ids would take as many requests.

        Beyond `ESTIMATED_PAGES` pages, older meetings are estimated in proportion to their days.
        """
        now = datetime.now(UTC)
        most = ESTIMATED_PAGES * _GROUP
        starts: list[datetime] = []
        items: list[SourceItem] = []
        meeting_count = 0
        for listed in islice(meetings(self._api, _TRANSCRIPTS, window), most + 1):
            meeting_count += 1
            items += self._items(listed, window, now)
            if (began := began_at(listed.transcript)) is not None:
                starts.append(began)
        covered, growth, basis = window, 1.0, "counted"
        if meeting_count > most:
            end = window.end or now
            covered = Window(min(starts, default=window.start), window.end)
            growth = (end - window.start) / (end - covered.start)
            basis = f"from the newest {meeting_count:,}, back to {covered.start:%Y-%m-%d}"
        return WindowEstimate(
            growth * meeting_count,
            basis,
            iter(items),
            meeting_count,
            spread=UNKNOWN_SPREAD if meeting_count > most else 0.0,
            requests={"fireflies transcripts": ceil(growth * page_count(starts, covered, now))},
        )

    @property
    def rate_limits(self) -> Mapping[str, RateLimit]:
        """The limit of a Business plan; an estimate notes the 50 requests a day of other plans."""
        return {self.name: RATE_LIMIT}

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield meetings by their days, 50 a request; by their ids those that these do not show.

        By day is cheaper. The day of an event is not that of the meeting that it names.
        """
        unseen_ids = [document.document_id for document in failed if document.day is None]
        for item in super().retry([document for document in failed if document.day is not None]):
            if isinstance(item, Resolved):
                unseen_ids.append(item.document_id)
            else:
                yield item
        for document_id in unseen_ids:
            yield from self._by_id(document_id)

    def _by_id(self, document_id: str) -> Iterator[SourceItem]:
        asked = {"id": document_id.partition(":")[2]}
        try:
            transcript, error_words = self._api.ask_object("transcript", _TRANSCRIPT, asked)
        except UnavailableError as error:
            if error.seen != NO_SUCH:
                raise
            yield Resolved(document_id)
            return
        if not isinstance(transcript, dict) or id_of(transcript) != asked["id"]:
            # Only the documented error says that it is gone.
            yield DocumentFailure(document_id, "Fireflies gave neither it nor an error")
        else:
            yield from self._items(Listed(transcript, error_words), _EVER, datetime.now(UTC))

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield the state of meetings, with one request for all: a day has 50.

        A meeting's start never moves, so the listing of an admin is complete.
        """
        state = self._probe.state_of_unseen()
        return ((document.document_id, state) for document in missing)

    def probe(self, document: Missing) -> Probed:
        """Ask for a meeting by its id; see `MeetingProbe`."""
        return self._probe(document)

    @classmethod
    def document_id_of(cls, text: str) -> str | None:
        """Return the id of the meeting that a link or an id names."""
        return document_id_in(text)

    def newest(self) -> datetime | None:
        """Return the start of the newest meeting that the index can hold; one request.

        Meetings without a transcript are skipped, because a silent one would make a current index
        look stale. When none of the newest ten has a transcript, the oldest of them counts.
        """
        transcripts, _ = self._api.ask_list("transcripts", _NEWEST)
        now = datetime.now(UTC)
        known = [
            (began, transcript)
            for transcript in transcripts
            if (began := began_at(transcript)) is not None and not is_to_come(began, now)
        ]
        ready = [began for began, transcript in known if unready(transcript, began, now) is None]
        return max(ready, default=min((began for began, _ in known), default=None))

    def check(self) -> ConnectionCheck:
        """Return the account and the meetings of two days without a transcript; one request.

        A user who is not an admin sees their own meetings and those shared with them
        (guide.fireflies.ai, "Learn about the Super Admin role", 2026-11).
        """
        now = datetime.now(UTC)
        answer = self._api.ask("check", _CHECK, {"from": text_of_instant(now - OVERLAP)})
        user = object_in(answer.get("user"))
        who = text_in(user.get("name")) or text_in(user.get("email")) or "somebody without a name"
        gaps = []
        if not user.get("is_admin"):
            reason = (
                f"{who} is no admin of the team, and so sees their own meetings and those that "
                f"are shared with them"
            )
            advice = "Set FIREFLIES_API_KEY to the key of an admin."
            gaps.append(Gap("meetings of others", reason, advice))
        waiting = [
            transcript
            for transcript in objects_in(answer.get("transcripts"))
            if (began := began_at(transcript)) is not None
            and unready(transcript, began, now) is not None
        ]
        if waiting:
            subject = "recent meetings without a transcript"
            ids = ", ".join(id_of(meeting) for meeting in waiting)
            advice = "The nightly runs ask for them again."
            gaps.append(Gap(subject, ids, advice, len(waiting), is_private=True))
        return ConnectionCheck(f"{self._api.url} as {who}", tuple(gaps))

    def _items(self, listed: Listed, part: Window, now: datetime) -> Iterator[SourceItem]:
        """Yield the items for a meeting; none when it began outside the slice."""
        transcript, identity = listed.transcript, self._id(listed.transcript)
        began = began_at(transcript)
        if began is None:
            yield DocumentFailure(identity, "its date cannot be read")
        elif is_beyond(began, part):
            return
        elif began not in part:
            cause = f"its date {began:%Y-%m-%d} is not of the days that were asked for"
            yield DocumentFailure(identity, cause)
        elif is_to_come(began, now):
            cause = f"its date {began:%Y-%m-%d} is to come: it is read when that day has come"
            yield DocumentFailure(identity, cause)
        elif listed.error:
            cause = f"Fireflies could not give all of it: {listed.error}"
            yield DocumentFailure(identity, cause, began.date())
        elif WITHOUT_ID in identity:
            yield DocumentFailure(identity, "it has no id", began.date())
        elif not isinstance(transcript.get("sentences"), list | None):
            cause = f"its sentences are {type(transcript['sentences']).__name__}, and not a list"
            yield DocumentFailure(identity, cause, began.date())
        elif (reason := unready(transcript, began, now)) is not None:
            yield from told_of(transcript, began, now, document_id=identity, reason=reason)
        else:
            yield from self._read(transcript, began, now)

    def _read(self, transcript: Transcript, began: datetime, now: datetime) -> Iterator[SourceItem]:
        document = document_of(self.name, transcript, began)
        yield document
        if is_without_readers(document.access):
            yield Gap(
                f"meeting {document.native_id} of {began:%Y-%m-%d %H:%M} UTC",
                "Fireflies tells the e-mail of none of its readers, so nobody may find it",
                "Share it with somebody in Fireflies, or set its privacy to teammates.",
                is_private=True,
            )
        if (gap := missing_summary(transcript, began, now)) is not None:
            yield gap

    def _id(self, transcript: Transcript) -> str:
        return f"{self.name}:{id_of(transcript)}"
