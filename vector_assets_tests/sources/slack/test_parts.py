"""A long window of Slack: the newest days of all channels first, for no request more."""

import random
from datetime import date, timedelta
from itertools import pairwise

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.items import Checkpoint, SourceItem
from vector_assets.sources.slack import reader
from vector_assets.sources.slack.history import packed
from vector_assets.sources.slack.parts import newest_first
from vector_assets_tests.sources.slack.team import ENGINEERING, RANDOM, populate, say, source, ts_of
from vector_assets_tests.support.tiny import utc

QUARTER = Window(utc("2026-01-01"), utc("2026-04-01"))
HISTORY = "/slack/api/conversations.history"


@pytest.fixture
def team(sandbox: Sandbox) -> Sandbox:
    populate(sandbox)
    return sandbox


def fill(team: Sandbox, seed: int = 0, days: int = 120) -> None:
    """Say things in two channels for four months; threads go on for up to four weeks."""
    dice = random.Random(seed)
    start = utc("2025-12-01")
    for day in range(days):
        for channel in (ENGINEERING, RANDOM):
            for _ in range(dice.randint(0, 2)):
                at = start + timedelta(days=day, minutes=dice.randint(0, 1400))
                said = say(team, at.isoformat()[:19], f"word {day}", channel=channel)
                if dice.random() < 0.5:
                    reply = at + timedelta(days=dice.choice([0, 0, 1, 9, 28]), minutes=5)
                    say(team, reply.isoformat()[:19], "reply", channel=channel, thread=said)


def began_on(document: Document) -> date:
    """Return the day by which a thread, or a day's messages, stands in history."""
    native = document.native_id.partition(":")[2]
    return date.fromisoformat(native) if "-" in native else document.created_at.date()


def read(team: Sandbox, window: Window = QUARTER) -> tuple[list[SourceItem], int]:
    """Return what a window yields, and how many requests that took."""
    before = len(team.faults.log)
    items = list(source(team).documents(window))
    return items, len(team.faults.log) - before


def parts(items: list[SourceItem]) -> list[Document]:
    return [item for item in items if isinstance(item, Document) and ":" in item.native_id]


def test_the_newest_days_of_all_channels_come_first(team: Sandbox) -> None:
    fill(team)
    documents = parts(read(team)[0])
    days = [began_on(document) for document in documents]
    assert days == sorted(days, reverse=True)
    containers = [document.container for document in documents]
    changes = sum(container != next_container for container, next_container in pairwise(containers))
    assert changes > 30, "channels at once, and not one after the other"


def test_it_takes_the_same_requests_and_gives_the_same_documents_as_channel_by_channel(
    team: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(team)
    for number in range(1_500):
        at = utc("2026-02-01") + timedelta(minutes=number)
        say(team, at.isoformat()[:19], f"busy {number}", channel=RANDOM)
    merged, requests = read(team)
    monkeypatch.setattr(reader, "LONG_WINDOW", timedelta(days=10_000))
    one_by_one, requests_before = read(team)
    assert requests == requests_before
    assert {document.id: document for document in parts(merged)} == {
        document.id: document for document in parts(one_by_one)
    }
    assert len(parts(merged)) == len(parts(one_by_one)) > 100


@pytest.mark.parametrize("seed", range(6))
def test_what_a_checkpoint_says_is_complete_has_all_come_before_it(
    team: Sandbox, seed: int
) -> None:
    fill(team, seed)
    # A reply to the whole channel brings a thread back that is older than any lookback.
    old = say(team, "2025-08-01T10:00", "an old question")
    say(team, "2026-03-25T10:00", "solved", thread=old, subtype="thread_broadcast")
    items, _ = read(team)
    places = [place for place, item in enumerate(items) if isinstance(item, Checkpoint)]
    assert items[-1] == Checkpoint(QUARTER.start)
    for place in places:
        since = items[place]
        assert isinstance(since, Checkpoint)
        after = [item.updated_at for item in items[place:] if isinstance(item, Document)]
        assert [at for at in after if since.since <= at and at in QUARTER] == []


def test_days_are_complete_long_before_the_end(team: Sandbox) -> None:
    fill(team)
    items, _ = read(team)
    places = [place for place, item in enumerate(items) if isinstance(item, Checkpoint)]
    assert len(places) > 20
    assert places[0] < len(items) / 2
    since = [item.since for item in items if isinstance(item, Checkpoint)]
    assert since == sorted(since, reverse=True)


def test_a_closed_channel_is_named_and_the_others_are_read(team: Sandbox) -> None:
    fill(team)
    body = {"ok": False, "error": "not_in_channel"}
    team.faults.fail(HISTORY, contains=RANDOM, status=200, body=body)
    documents = parts(read(team)[0])
    assert {document.container for document in documents} == {"engineering"}
    assert len(documents) > 50


def test_a_short_window_goes_channel_by_channel(team: Sandbox) -> None:
    fill(team)
    documents = parts(read(team, Window(utc("2026-03-01"), utc("2026-03-05")))[0])
    channels = [document.container for document in documents]
    assert channels == sorted(channels)


def test_messages_are_packed_and_come_out_as_they_were(team: Sandbox) -> None:
    messages = [{"ts": ts_of("2026-03-01"), "text": f"Grüße {n}", "n": [n]} for n in range(120)]
    assert list(packed(messages)) == messages
    assert list(packed([])) == []


def test_what_comes_late_in_a_stream_keeps_its_place_there() -> None:
    day = [date(2026, 3, n) for n in range(1, 10)]
    first = [day[8], day[4], day[7], day[2]]
    second = [day[6], day[3]]
    assert list(newest_first([iter(first), iter([]), iter(second)], lambda item: item)) == [
        day[8], day[6], day[4], day[7], day[3], day[2],
    ]  # fmt: skip
