"""The index holds what is in the folder now, whatever the dates of the files say."""

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from vector_assets.core.days import Days
from vector_assets.core.meter import Meter
from vector_assets.maintenance.verify.repair import verify_index
from vector_assets.maintenance.verify.verify import VerifyReport
from vector_assets.pipeline.report import SyncReport
from vector_assets.pipeline.sync import Pipeline, write
from vector_assets.sources.files.source import FilesSource
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets.stores.records import document_id_of
from vector_assets_tests.support.targets import target_of
from vector_assets_tests.support.tiny import TinyEmbedder

DAY = timedelta(days=1)


class Folder:
    """A folder of two files, and the index that was made of it."""

    def __init__(self, path: Path) -> None:
        self.root = path / "handbook"
        self.root.mkdir()
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.store = LanceDBStore(str(path / "index"))
        self.embedder = TinyEmbedder(16)
        self.write("a.md", "The crane is late.", at=self.now - DAY)
        self.write("b.md", "The train is early.", at=self.now - 2 * DAY)

    def write(self, name: str, text: str, *, at: datetime) -> Path:
        path = self.root / name
        path.write_text(text)
        os.utime(path, (at.timestamp(), at.timestamp()))
        return path

    def sync(self, *, now: datetime | None = None) -> SyncReport:
        now = now or self.now
        pipeline = Pipeline(
            source=FilesSource(self.root),
            target=target_of(self.store, self.embedder),
            meter=Meter(),
        )
        return write(pipeline.embedded_documents(Days.newest(5, now), now))

    def verify(self, *, repair: bool = False) -> VerifyReport:
        return verify_index(
            open_source=partial(FilesSource, self.root),
            embedder=self.embedder,
            store=self.store,
            days=Days.newest(5, self.now),
            repair=repair,
        )

    def assert_indexed(self) -> None:
        ids = list(self.store.record_ids("files"))
        held = {
            document_id_of(record.id): str(record.metadata["text"]).splitlines()[-1]
            for record in self.store.fetch("files", ids)
        }
        on_disk = {f"files:{path.name}": path.read_text() for path in self.root.iterdir()}
        assert {key: held.get(key) for key in on_disk} == on_disk


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.sync()
    made.assert_indexed()
    return made


def replaced_by_older(folder: Folder) -> None:
    older = folder.write("new", "The crane was late.", at=folder.now - 3 * DAY)
    older.replace(folder.root / "a.md")


def replaced_by_much_older(folder: Folder) -> None:
    older = folder.write("new", "The crane was late.", at=folder.now - 900 * DAY)
    older.replace(folder.root / "a.md")


def same_size_and_time(folder: Folder) -> None:
    folder.write("a.md", "The crane is fast.", at=folder.now - DAY)


def swapped_names(folder: Folder) -> None:
    (folder.root / "a.md").rename(folder.root / "c")
    (folder.root / "b.md").rename(folder.root / "a.md")
    (folder.root / "c").rename(folder.root / "b.md")


def restored(folder: Folder) -> None:
    backup = folder.root.with_name("backup")
    shutil.copytree(folder.root, backup)
    folder.write("a.md", "Edited.", at=folder.now - timedelta(hours=1))
    folder.sync()
    shutil.rmtree(folder.root)
    shutil.copytree(backup, folder.root)


def checked_out(folder: Folder) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.hooksPath=/dev/null"]

    def run(*words: str) -> None:
        subprocess.run([*git, *words], cwd=folder.root.parent, check=True, capture_output=True)

    run("init", "--quiet", "--initial-branch=old")
    run("add", "handbook")
    run("commit", "--quiet", "-m", "old")
    run("checkout", "--quiet", "-b", "new")
    folder.write("a.md", "Another branch.", at=folder.now - timedelta(minutes=5))
    run("commit", "--quiet", "-am", "new")
    folder.sync()
    run("checkout", "--quiet", "old")


CHANGES: list[Callable[[Folder], None]] = [
    replaced_by_older,
    replaced_by_much_older,
    same_size_and_time,
    swapped_names,
    restored,
    checked_out,
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_run_reads_it(folder: Folder, change: Callable[[Folder], None]) -> None:
    change(folder)
    folder.sync()
    folder.assert_indexed()
    assert folder.sync().total.embedded_chunks == 0
    assert folder.verify().is_right


@pytest.mark.parametrize("change", [each for each in CHANGES if each is not checked_out])
def test_verify_finds_and_repairs_it(folder: Folder, change: Callable[[Folder], None]) -> None:
    change(folder)
    assert folder.verify().counts
    folder.verify(repair=True)
    folder.assert_indexed()
    assert folder.verify().is_right


def test_a_clock_that_was_set_back_hides_no_change(folder: Folder) -> None:
    """The file system dates the change a month before the night in which it is looked for."""
    folder.write("a.md", "Changed before its time.", at=folder.now - 3 * DAY)
    folder.sync(now=folder.now + 30 * DAY)
    folder.assert_indexed()


@pytest.mark.parametrize("days", [0, 4])
def test_a_file_that_is_only_touched_is_not_embedded(folder: Folder, days: int) -> None:
    at = folder.now - days * DAY
    path = folder.root / "a.md"
    os.utime(path, (at.timestamp(), at.timestamp()))
    embedded = len(folder.embedder.embedded_texts)
    folder.sync()
    assert len(folder.embedder.embedded_texts) == embedded
    assert folder.store.heads("files", ["files:a.md"])["files:a.md"].updated_at == at.timestamp()


def test_a_file_of_another_name_is_another_document(folder: Folder) -> None:
    (folder.root / "a.md").rename(folder.root / "moved.md")
    folder.sync()
    folder.assert_indexed()
    report = folder.verify()
    assert [(finding.kind, finding.document_id) for finding in report.findings] == [
        ("orphaned", "files:a.md")
    ]
