"""The watch over a folder: what a change of files puts into the queue, and into the index."""

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vector_assets.api.hooks import files_watch as module
from vector_assets.api.hooks.event_handler import EventHandler
from vector_assets.api.hooks.files_watch import FilesWatcher, build_files_watcher
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.core.waiting import wait_until
from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import ChangeQueue
from vector_assets.maintenance.prune.prune import Prune
from vector_assets.pipeline.changes import run_changes
from vector_assets.pipeline.sync import Pipeline
from vector_assets.sources import build_source
from vector_assets.sources.files import watch as source_module
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "TOGETHER_MS", 100)
    monkeypatch.setattr(source_module, "LOOK_AGAIN_MS", 50)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one.md", "two.md", "plans/spring.md", "plans/deep/autumn.md", "memos/ann.md"):
        write(tmp_path / "notes" / name)
    return tmp_path / "notes"


def write(path: Path, words: str = "some words") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {path.stem}\n\n{words}\n")


class Watched:
    """A folder that is watched, the queue, and the index that runs of changes fill."""

    def __init__(self, folder: Path, index: Path) -> None:
        self.store = LanceDBStore(str(index))
        self.queue = ChangeQueue(Ledger(self.store, 16))
        self.settings = Settings(files_path=str(folder), files_watch=True)
        self.event_handler = EventHandler(lambda: self.queue)
        self.watcher = build_files_watcher(self.settings, self.event_handler)

    def named(self) -> set[str]:
        return {each.document_id.removeprefix("files:") for each in self.queue.waiting()}

    def read(self) -> set[str]:
        """Read what waits as a run does; return the names of the files in the index."""
        target = target_of(self.store, TinyEmbedder(16))
        meter = Meter()
        source = build_source("files", self.settings, meter)
        pipeline = Pipeline(source=source, target=target, meter=meter)
        report = run_changes(pipeline, self.queue.waiting())
        Prune(source, self.store, meter, max_share=0).delete_confirmed(report.gone)
        self.queue.remove(report.processed)
        ids = (document_id for document_id, _ in self.store.documents("files"))
        return {document_id.removeprefix("files:") for document_id in ids}


@pytest.fixture
def watched(folder: Path, tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(folder, tmp_path / "index")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    watcher = watched.watcher
    assert isinstance(watcher, FilesWatcher)

    async def start() -> None:
        watcher.start()

    asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    wait_for(lambda: watcher.is_watching)
    yield watched
    asyncio.run_coroutine_threadsafe(watcher.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def wait_for(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, seconds=60, pause_seconds=0.02)


def test_the_watch_is_off_unless_asked_for(folder: Path) -> None:
    event_handler = EventHandler(lambda: pytest.fail("nothing is queued"))
    assert build_files_watcher(Settings(files_path=str(folder)), event_handler) is None
    assert Settings(files_path=str(folder)).pushed_sources == ()
    assert Settings(files_watch=True).pushed_sources == ()
    assert Settings(files_path=str(folder), files_watch=True).pushed_sources == ("files",)


def test_files_that_are_made_edited_moved_and_deleted_are_named(
    folder: Path, watched: Watched
) -> None:
    write(folder / "new.md")
    write(folder / "one.md", "other words")
    (folder / "two.md").rename(folder / "second.md")
    (folder / "memos" / "ann.md").unlink()
    write(folder / ".hidden" / "secret.md")
    (folder / "picture.png").write_bytes(b"png")
    names = {"new.md", "one.md", "two.md", "second.md", "memos/ann.md"}
    wait_for(lambda: watched.named() == names)
    assert watched.read() == {"new.md", "one.md", "second.md"}
    assert watched.event_handler.counts["files", "changed"] >= 1


def test_a_folder_that_moves_goes_or_takes_the_place_of_a_file(
    folder: Path, watched: Watched
) -> None:
    (folder / "plans").rename(folder / "ideas")
    wait_for(
        lambda: (
            watched.named()
            == {
                "plans/spring.md",
                "plans/deep/autumn.md",
                "ideas/spring.md",
                "ideas/deep/autumn.md",
            }
        )
    )
    assert watched.read() == {"ideas/spring.md", "ideas/deep/autumn.md"}
    shutil.rmtree(folder / "ideas")
    wait_for(lambda: watched.named() >= {"ideas/spring.md", "ideas/deep/autumn.md"})
    assert watched.read() == set()
    (folder / "one.md").unlink()
    write(folder / "one.md" / "inner.md")
    wait_for(lambda: watched.named() >= {"one.md", "one.md/inner.md"})
    assert watched.read() == {"one.md/inner.md"}


def test_a_burst_becomes_the_folder_since_then(
    folder: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1_000):
        write(folder / "burst" / f"{number}.md")
    os.unlink(folder / "two.md")
    files = {f"burst/{number}.md" for number in range(1_000)}
    held: set[str] = set()

    def is_all_read() -> bool:
        held.update(watched.read())
        return files <= held

    wait_for(is_all_read)
    assert watched.read() >= files
    wait_for(lambda: watched.named() == set() and "two.md" not in watched.read())


def test_a_folder_that_comes_back_is_read_since_it_was_gone(
    folder: Path, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    folder.rename(folder.with_name("away"))
    wait_for(lambda: "cannot be watched" in caplog.text)
    write(folder.with_name("away") / "later.md")
    folder.with_name("away").rename(folder)
    wait_for(lambda: "" in watched.named())
    assert "later.md" in watched.read()
