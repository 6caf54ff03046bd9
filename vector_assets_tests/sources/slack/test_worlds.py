"""Random teams whose channels open, close, move people and lose the bot, night after night.

After each night nobody finds what a model of the team does not let them read, of whatever day it
is, and everybody finds all that they may.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from vector_assets.core.days import Days, start_of_day
from vector_assets.core.meter import Meter
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.server import Sandbox, running_sandbox
from vector_assets.sandbox.workspace import Json, Workspace
from vector_assets.sources.slack.document import channel_id_of
from vector_assets.stores.base import Filter, IndexStore
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import document_id_of
from vector_assets_tests.sources.slack.team import person, say, source
from vector_assets_tests.stores.test_pinecone import build, make_vector_index
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

EMBEDDER = TinyEmbedder(32, chunk_tokens=12)
NIGHTS = ("2026-03-02", "2026-03-03")
OLD_DAYS = ("2023-05-05", "2023-12-31", "2024-01-01", "2025-06-01", "2026-01-20", "2026-02-28")
OUTSIDER = "eve@elsewhere.example"


@dataclass
class Team:
    """A random team, and what it lets people read; several share a workspace."""

    sandbox: Sandbox
    random: Random
    number: int
    emails: dict[str, str] = field(default_factory=dict)
    channels: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        for n in range(self.random.randint(1, 3)):
            user = person(f"U{self.number}N{n}", f"Person {n} of {self.number}")
            self.emails[user["id"]] = user["profile"]["email"].lower()
            self.sandbox.workspace.users.append(user)
        for n in range(self.random.randint(1, 2)):
            self.add_channel(f"C{self.number}N{n}")

    @property
    def private_ids(self) -> list[str]:
        return self.sandbox.workspace.site.private_channel_ids

    def add_channel(self, channel_id: str) -> None:
        people = list(self.emails)
        members = self.random.sample(people, self.random.randint(1, len(people)))
        name = f"room-{channel_id.lower()}"
        self.channels.append({"id": channel_id, "name": name, "members": members})
        self.sandbox.workspace.channels.append(self.channels[-1])
        if self.random.random() < 0.4:
            self.private_ids.append(channel_id)
        for day in self.random.sample(OLD_DAYS, self.random.randint(1, 2)):
            self.say(channel_id, day)

    def say(self, channel_id: str, day: str) -> None:
        """Add a message of a few chunks, or a thread."""
        time = f"{day}T{self.random.randint(8, 19):02}:{self.random.randint(0, 59):02}"
        words = " ".join(["secret badger", *(f"w{n}" for n in range(self.random.choice((2, 30))))])
        ts = say(self.sandbox, time, words, channel=channel_id)
        if self.random.random() < 0.4:
            say(self.sandbox, f"{day}T23:00", "secret answer", channel=channel_id, thread=ts)

    def change(self, day: str) -> None:
        """Let some of what may happen in a day happen."""
        for _ in range(self.random.randint(1, 5)):
            channel = self.random.choice(self.channels)
            channel_id, members = channel["id"], channel["members"]
            match self.random.choice(
                ("close", "open", "join", "leave", "kick", "invite", "say", "rename", "archive")
            ):
                case "close" if channel_id not in self.private_ids:
                    self.private_ids.append(channel_id)
                case "open" if channel_id in self.private_ids:
                    self.private_ids.remove(channel_id)
                case "join":
                    members[:] = sorted({*members, self.random.choice(list(self.emails))})
                case "leave" if members:
                    members.remove(self.random.choice(members))
                case "kick":
                    channel["is_member"] = False
                case "invite":
                    channel["is_member"] = True
                case "say":
                    self.say(channel_id, day)
                case "rename":
                    channel["name"] += "x"
                case "archive":
                    channel["is_archived"] = not channel.get("is_archived", False)
                case _:
                    pass

    def readable(self, viewer: str, held: Mapping[str, set[str]]) -> set[str]:
        """Return which of the records held by channel Slack lets somebody read."""
        return {
            record_id
            for channel in self.channels
            if self.lets_read(viewer, channel)
            for record_id in held.get(channel["id"], ())
        }

    def lets_read(self, viewer: str, channel: Json) -> bool:
        """Tell whether Slack lets somebody read a channel, as far as the bot can see."""
        if channel["id"] not in self.private_ids:
            return True
        is_seen = channel.get("is_member", True)
        return is_seen and viewer in {self.emails[user_id] for user_id in channel["members"]}


def sync(sandbox: Sandbox, store: IndexStore, first: str, last: str) -> SyncReport:
    pipeline = Pipeline(source=source(sandbox), target=target_of(store, EMBEDDER), meter=Meter())
    days = Days(utc(first).date(), utc(last).date())
    morning = start_of_day(days.last) + timedelta(days=1, hours=6)
    return write(pipeline.embedded_documents(days, morning))


def found_by(store: IndexStore, viewer: str, way: str) -> set[str]:
    """Return the ids of all records that somebody finds: by meaning, by words, or by lookup."""
    where = Filter(viewer=viewer)
    match way:
        case "meaning":
            question = EMBEDDER.embed_query("secret badger")
            hits = store.search_dense("slack", question, where=where, limit=1_000)
        case "words":
            hits = store.search_lexical("slack", "secret", where=where, limit=1_000)
        case _:
            hits = store.lookup("slack", where=where, limit=1_000)
    return {hit.id for hit in hits}


def check(teams: list[Team], store: IndexStore, random: Random) -> None:
    """Check who finds what, by a way of search that is chosen anew for each person."""
    held = set(store.record_ids("slack"))
    heads = {record_id for record_id in held if record_id.endswith("#0")}
    ways = {"meaning": held, "lookup": heads}
    if store.has_lexical_search:
        ways["words"] = held_with_words(store, held)
    by_channel = defaultdict[str, set[str]](set)
    for each in held:
        by_channel[channel_id_of(document_id_of(each))].add(each)
    public = {each for team in teams for each in team.readable("", by_channel)}
    for viewer in ("", OUTSIDER):
        for way, findable in ways.items():
            assert found_by(store, viewer, way) == public & findable, (viewer, way)
    for team in teams:
        for viewer in team.emails.values():
            own = team.readable(viewer, by_channel)
            way = random.choice(list(ways))
            assert found_by(store, viewer, way) == (public | own) & ways[way], (team.number, way)


def held_with_words(store: IndexStore, held: set[str]) -> set[str]:
    records = store.fetch("slack", sorted(held))
    return {record.id for record in records if "secret" in str(record.metadata["text"])}


def play(sandbox: Sandbox, store: IndexStore, numbers: range) -> None:
    """Play some nights of teams, and check after each who finds what."""
    site = sandbox.workspace
    for raw in (site.channels, site.users, site.site.private_channel_ids):
        raw.clear()
    site.messages.clear()
    teams = [Team(sandbox, Random(number), number) for number in numbers]
    random = Random(numbers.start)
    sync(sandbox, store, "2023-01-01", "2026-03-01")
    check(teams, store, random)
    for night in NIGHTS:
        for team in teams:
            team.change(night)
        sync(sandbox, store, night, night)
        check(teams, store, random)


@pytest.fixture
def town() -> Iterator[Sandbox]:
    """A sandbox whose traffic is not held against the contracts, for speed."""
    with running_sandbox(Workspace()) as sandbox:
        yield sandbox


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_nobody_finds_what_they_may_not_read(town: Sandbox, tmp_path: Path, first: int) -> None:
    play(town, LanceDBStore(str(tmp_path / "lancedb")), range(first, first + 50))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1_000, 4_000, 30))
def test_nor_in_many_more_teams(town: Sandbox, tmp_path: Path, first: int) -> None:
    play(town, LanceDBStore(str(tmp_path / "lancedb")), range(first, first + 30))


@pytest.mark.parametrize("api", ["documents", "vectors"])
def test_nor_in_pinecone(town: Sandbox, api: str) -> None:
    if api == "vectors":
        make_vector_index(town, EMBEDDER.dimensions)
    play(town, build(town), range(300, 305))
