"""Pages that stand as they were listed before cost nothing but the listing, and no edit is lost."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from vector_assets.core.days import Days
from vector_assets.core.errors import CredentialsError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.index.queue import Change, ChangeQueue
from vector_assets.pipeline.changes import run_changes
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sandbox.faults import Rule
from vector_assets.sandbox.server import Sandbox
from vector_assets.sources.http import httpx_transport
from vector_assets.sources.notion import stamps
from vector_assets.sources.notion.source import NotionSource
from vector_assets.stores.base import Filter
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.prune.pruning import prune
from vector_assets_tests.sources.notion.pages import (
    Json,
    child_page,
    comment,
    copy_of,
    database,
    page,
    paragraph,
    row_of,
    synced,
    text,
)
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder, utc

COMMENTS = "/notion/v1/comments"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx_transport, "BACKOFF_SECONDS", 0.0)


class Nights:
    """Nights at six o'clock of an index of Notion, at a time that only the test moves."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.store = LanceDBStore(str(folder))
        self.embedder = TinyEmbedder(16, chunk_tokens=60)
        self.now = utc("2026-03-03T06:00")

    def source(self, meter: Meter | None = None) -> NotionSource:
        values = {name.lower(): value for name, value in self.sandbox.environment.items()}
        return NotionSource.from_settings(Settings.model_validate(values), meter or Meter())

    def pipeline(self) -> Pipeline:
        meter = Meter()
        target = target_of(self.store, self.embedder)
        return Pipeline(source=self.source(meter), target=target, meter=meter)

    def run(self, days: int = 1, *, is_rescan: bool = False) -> SyncReport:
        """Read the last days up to now, and what failed before."""
        yesterday = (self.now - timedelta(days=1)).date()
        asked = Days(yesterday - timedelta(days=days - 1), yesterday)
        return write(self.pipeline().embedded_documents(asked, self.now, is_rescan=is_rescan))

    def bodies_and_comments(self, report: SyncReport) -> tuple[int, int]:
        """Return how many bodies and lists of comments a run asked for."""
        return (
            report.requests.get("notion pages.markdown", 0),
            report.requests.get("notion comments", 0),
        )

    def event(self, page: Json) -> None:
        """Read a page because an event named it."""
        queue = ChangeQueue(target_of(self.store, self.embedder).ledger)
        queue.add([Change(f"notion:{page['id']}", self.now)])
        report = run_changes(self.pipeline(), queue.waiting(), self.now)
        queue.remove(report.processed)

    def said(self) -> str:
        """Return all texts of the index."""
        hits = self.store.lookup("notion", where=Filter(), limit=1_000)
        return "\n".join(sorted(str(hit.metadata["text"]) for hit in hits))

    def records(self) -> dict[str, dict[str, object]]:
        """Return what the index says, without how it was made."""
        hits = self.store.lookup("notion", where=Filter(), limit=1_000)
        unsaid = ("stamp", "fingerprint", "document_fingerprint", "vector_fingerprint")
        return {
            hit.id: {k: v for k, v in hit.metadata.items() if k not in unsaid and v != ""}
            for hit in hits
        }


@pytest.fixture
def nights(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    nights = Nights(sandbox, tmp_path / "index")
    monkeypatch.setattr(stamps, "now", lambda: nights.now)
    return nights


def edited(page: Json, words: str, at: datetime) -> None:
    """Edit a page as a person does."""
    page["blocks"] = [
        *(block for block in page["blocks"] if block["type"] == "child_page"),
        paragraph(words),
    ]
    page["last_edited_time"] = at.isoformat().replace("+00:00", "Z")


def test_what_has_not_changed_costs_the_listing(sandbox: Sandbox, nights: Nights) -> None:
    table = database("Table")
    sandbox.workspace.databases = [table]
    sandbox.workspace.pages = [
        *(page(f"Loose {n}", paragraph(f"Words {n}")) for n in range(6)),
        *(page(f"Row {n}", paragraph(f"Words {n}"), parent=row_of(table)) for n in range(6)),
    ]
    assert nights.bodies_and_comments(nights.run()) == (12, 12)
    again = nights.run()
    # One list of comments tells whether they may be read.
    assert nights.bodies_and_comments(again) == (0, 1)
    assert (again.total.documents, again.total.unchanged_documents) == (12, 12)
    assert again.total.stored_chunks == 12
    assert nights.bodies_and_comments(nights.run(is_rescan=True)) == (12, 12)


def test_a_comment_comes_by_its_event_or_by_the_rescan(sandbox: Sandbox, nights: Nights) -> None:
    first, second = page("One", paragraph("Words")), page("Two", paragraph("Words"))
    sandbox.workspace.pages = [first, second]
    nights.run()
    for each in (first, second):
        each["comments"] = [comment(f"Aside on {each['id']}")]
    nights.run()
    assert "Aside" not in nights.said()
    nights.event(first)
    assert nights.said().count("Aside") == 1
    nights.run(is_rescan=True)
    assert nights.said().count("Aside") == 2


def test_what_a_listing_shows_beside_the_edit_is_seen(sandbox: Sandbox, nights: Nights) -> None:
    above, other = page("Above", paragraph("Words")), page("Other", paragraph("Words"))
    parent = {"type": "page_id", "page_id": above["id"]}
    below = page("Below", paragraph("Words"), parent=parent)
    rated = page("Rated", Stars={"type": "number", "number": 3})
    sandbox.workspace.pages = [above, other, below, rated]
    nights.run()
    below["parent"] = {"type": "page_id", "page_id": other["id"]}
    rated["properties"]["Stars"]["number"] = 5
    assert nights.bodies_and_comments(nights.run())[0] == 2
    assert "Stars: 5" in nights.said()
    other["properties"]["Name"]["title"] = [text("Renamed")]
    nights.run()
    containers = {record["title"]: record["container"] for record in nights.records().values()}
    assert containers["Below"] == "Renamed"


def test_a_page_that_was_read_in_the_minute_of_its_edit_is_read_again(
    sandbox: Sandbox, nights: Nights
) -> None:
    one = page("One", paragraph("Words"))
    sandbox.workspace.pages = [one]
    edited(one, "First", nights.now - timedelta(seconds=20))
    nights.run()
    # Notion floors both edits to the same minute.
    edited(one, "Second", nights.now - timedelta(seconds=5))
    nights.now += timedelta(hours=1)
    report = nights.run()
    assert "Second" in nights.said()
    assert report.total.unchanged_documents == 0
    assert nights.bodies_and_comments(nights.run())[0] == 0


def test_a_stamp_alone_is_no_change_that_events_have_lost(sandbox: Sandbox, nights: Nights) -> None:
    one = page("One")
    sandbox.workspace.pages = [one]
    edited(one, "Words", nights.now - timedelta(seconds=20))
    nights.event(one)
    nights.now += timedelta(hours=1)
    report = nights.run()
    assert nights.bodies_and_comments(report)[0] == 1
    assert report.total.unchanged_documents == 1
    assert report.total.embedded_chunks == 0
    assert nights.bodies_and_comments(nights.run())[0] == 0


def test_a_page_that_alone_names_others_is_read_again(sandbox: Sandbox, nights: Nights) -> None:
    hidden = page("Hidden", paragraph("Before"))
    above = page("Above", child_page(hidden))
    original = synced("original", paragraph("Original before"))
    owner, shows = page("Owner", original), page("Shows", copy_of(original, "copy"))
    sandbox.workspace.pages = [hidden, above, owner, shows]
    sandbox.workspace.site.notion_hidden_page_ids = [hidden["id"]]
    sandbox.faults.rules.append(Rule(f"/notion/v1/pages/{hidden['id']}", status=404))
    nights.run()
    assert "Before" not in nights.said()
    sandbox.faults.clear()
    nights.run()
    assert "Before" in nights.said()
    edited(hidden, "After", utc("2026-03-03T05:00"))
    owner["blocks"] = [synced("original", paragraph("Original after"))]
    owner["last_edited_time"] = "2026-03-03T05:00:00.000Z"
    nights.run()
    assert "After" in nights.said()
    assert "Original before" not in nights.said()


def test_a_page_in_quarantine_is_read_though_it_seems_unchanged(
    sandbox: Sandbox, nights: Nights
) -> None:
    one, two = page("One", paragraph("Words")), page("Two", paragraph("Words"))
    sandbox.workspace.pages = [one, two]
    nights.run()
    one["comments"] = [comment("Aside")]
    sandbox.faults.fail(COMMENTS, contains=one["id"], status=404)
    assert len(nights.run(is_rescan=True).quarantine) == 1
    # The listing shows the page as the index holds it, and says nothing of the comments.
    assert len(nights.run().quarantine) == 1
    sandbox.faults.clear()
    assert nights.run().quarantine == []
    assert "Aside" in nights.said()


def test_comments_that_become_readable_are_read(sandbox: Sandbox, nights: Nights) -> None:
    sandbox.workspace.pages = [{**page("One"), "comments": [comment("Aside")]}]
    sandbox.workspace.site.notion_capabilities.remove("comments")
    nights.run()
    assert [gap.subject for gap in nights.run().gaps] == ["comments"]
    sandbox.workspace.site.notion_capabilities.append("comments")
    nights.run()
    assert "Aside" in nights.said()


# Worlds at random


class World:
    """A workspace in which people write, comment, move and delete, now and then."""

    def __init__(self, sandbox: Sandbox, nights: Nights, seed: int) -> None:
        self.chance = Random(seed)
        self.site = sandbox.workspace
        self.nights = nights
        self.written: dict[str, str] = {}
        self.count = 0
        self.table = database("Table")
        self.site.databases = [self.table]
        self.site.pages = []
        for _ in range(8):
            self.add()

    def add(self) -> None:
        """Add a page somewhere; some of them search leaves out."""
        self.count += 1
        new = page(f"Page {self.count}", parent=self.place())
        self.site.pages.append(new)
        if (parent_id := new["parent"].get("page_id")) and self.chance.random() < 0.3:
            above = next(each for each in self.site.pages if each["id"] == parent_id)
            above["blocks"].append(child_page(new))
            self.site.site.notion_hidden_page_ids.append(new["id"])
            self.edit(above)
        self.edit(new)

    def place(self) -> Json:
        places: list[Json] = [{"type": "workspace", "workspace": True}, row_of(self.table)]
        roots = [each for each in self.alive() if each["parent"].get("workspace")]
        if roots:
            above = self.chance.choice(roots)
            places.append({"type": "page_id", "page_id": above["id"]})
        return self.chance.choice(places)

    def alive(self) -> list[Json]:
        return [each for each in self.site.pages if not each["in_trash"]]

    def edit(self, page: Json) -> None:
        self.count += 1
        words = f"words{self.count}words"
        edited(page, words, self.nights.now)
        self.written[page["id"]] = words

    def act(self) -> None:
        """Let somebody do something, and some time pass: seconds, or hours."""
        seconds = self.chance.choice([1, 1, 2, 5, 5, 20, 200, 10_000])
        self.nights.now += timedelta(seconds=seconds)
        page = self.chance.choice(self.alive())
        if self.chance.random() < 0.6:
            # Often the page that was edited last, in the same minute.
            page = max(self.alive(), key=lambda each: str(each["last_edited_time"]))
        match self.chance.choice(
            ["edit", "edit", "edit", "add", "comment", "move", "delete", "title"]
        ):
            case "edit":
                self.edit(page)
            case "add":
                self.add()
            case "comment":
                self.count += 1
                page.setdefault("comments", []).append(comment(f"aside{self.count}"))
            case "move" if page["id"] not in self.hidden():
                page["parent"] = self.chance.choice(
                    [{"type": "workspace", "workspace": True}, row_of(self.table)]
                )
            case "delete" if len(self.alive()) > 5 and not self.holds(page):
                page["in_trash"] = True
                self.written.pop(page["id"])
            case "title":
                self.count += 1
                page["properties"]["Name"]["title"] = [text(f"Title {self.count}")]
                self.edit(page)

    def hidden(self) -> list[str]:
        return self.site.site.notion_hidden_page_ids

    def holds(self, page: Json) -> bool:
        return any(block["type"] == "child_page" for block in page["blocks"])

    def unseen(self) -> Iterator[str]:
        """Yield pages whose last words are not in the index, without those that search hides."""
        said = self.nights.said()
        for page_id, words in self.written.items():
            if words not in said and page_id not in self.hidden():
                yield page_id


@pytest.mark.parametrize("seed", range(3))
def test_nights_lose_no_edit_and_the_rescan_makes_the_index_as_new(
    sandbox: Sandbox, nights: Nights, tmp_path: Path, seed: int
) -> None:
    play(sandbox, nights, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_worlds_of_nights_and_a_rescan(
    sandbox: Sandbox, nights: Nights, tmp_path: Path, seed: int
) -> None:
    play(sandbox, nights, tmp_path, seed)


def play(sandbox: Sandbox, nights: Nights, tmp_path: Path, seed: int) -> None:
    """Play some days and nights, then the rescan and the prune, and compare with a new index."""
    world = World(sandbox, nights, seed)
    for _ in range(4):
        for _ in range(world.chance.randint(0, 8)):
            world.act()
        if world.chance.random() < 0.3:
            # A run dies half-way.
            victim = world.chance.choice(world.alive())
            sandbox.faults.fail(f"/notion/v1/pages/{victim['id']}/markdown", status=401)
            with suppress(CredentialsError):
                nights.run(2)
            sandbox.faults.clear()
        nights.now += timedelta(seconds=world.chance.choice([0, 0, 5, 4_000]))
        nights.run(2)
        assert list(world.unseen()) == []
    nights.now += timedelta(hours=6)
    nights.run(30, is_rescan=True)
    prune(nights.source(), nights.store, max_share=1.0)
    fresh = Nights(sandbox, tmp_path / "fresh")
    fresh.now = nights.now
    fresh.run(30, is_rescan=True)
    assert nights.records() == fresh.records()
