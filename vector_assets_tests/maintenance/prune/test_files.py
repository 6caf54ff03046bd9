"""The prune over a folder of files: deleted, moved, put back, and a folder that is not mounted."""

import os
import shutil
from pathlib import Path

import pytest

from vector_assets.core.days import Window
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources import build_source
from vector_assets.sources.base import Source
from vector_assets.stores.lancedb.store import LanceDBStore
from vector_assets_tests.maintenance.prune.pruning import held, prune, sync
from vector_assets_tests.support.tiny import utc


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files right in it, and one in each of two folders."""
    for name in ("one.md", "two.md", "three.md", "plans/spring.md", "memos/ann.md"):
        write(tmp_path / "notes" / name)
    return tmp_path / "notes"


def write(path: Path, time: str = "2026-03-10T10:00") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {path.stem}\n\n" + "some words " * 30)
    os.utime(path, times=(utc(time).timestamp(),) * 2)


def files(folder: Path) -> Source:
    return build_source("files", Settings(files_path=str(folder)), Meter())


def test_a_file_that_was_deleted_goes_and_one_that_moved_has_its_old_name_deleted(
    folder: Path, lance: LanceDBStore
) -> None:
    sync(files(folder), lance)
    (folder / "one.md").unlink()
    (folder / "two.md").rename(folder / "second.md")
    sync(files(folder), lance)
    report = prune(files(folder), lance)
    assert (report.deleted, report.refusals) == (["files:two.md", "files:one.md"], [])
    assert lance.chunk_ids("files", "files:one.md") == []
    assert held(lance, "files") == {
        "files:second.md", "files:three.md", "files:plans/spring.md", "files:memos/ann.md",
    }  # fmt: skip


def test_a_folder_that_was_deleted_goes_with_its_files(folder: Path, lance: LanceDBStore) -> None:
    sync(files(folder), lance)
    shutil.rmtree(folder / "memos")
    report = prune(files(folder), lance)
    assert (report.deleted, report.refusals) == (["files:memos/ann.md"], [])


def test_a_folder_that_is_there_and_shows_nothing_may_not_be_mounted(
    folder: Path, lance: LanceDBStore
) -> None:
    sync(files(folder), lance)
    (folder / "memos" / "ann.md").unlink()
    report = prune(files(folder), lance)
    assert [(refusal.subject, refusal.documents) for refusal in report.refusals] == [("memos", 1)]
    assert "files:memos/ann.md" in held(lance, "files")


def test_a_root_that_shows_nothing_may_not_be_mounted(folder: Path, lance: LanceDBStore) -> None:
    sync(files(folder), lance)
    shutil.rmtree(folder)
    folder.mkdir()
    report = prune(files(folder), lance)
    assert ["its listing is empty" in refusal.reason for refusal in report.refusals] == [True]
    assert len(held(lance, "files")) == 5


def test_a_root_that_is_not_there_is_refused_whatever_share_may_go(
    folder: Path, lance: LanceDBStore
) -> None:
    sync(files(folder), lance)
    shutil.rmtree(folder)
    report = prune(files(folder), lance, max_share=1)
    assert ["no such folder" in refusal.reason for refusal in report.refusals] == [True]
    assert len(held(lance, "files")) == 5


def test_a_file_that_was_put_back_with_an_older_time_is_not_deleted(
    folder: Path, lance: LanceDBStore
) -> None:
    write(folder / "new.md", "2026-03-12T10:00")
    write(folder / "other.md", "2026-03-12T10:00")
    sync(files(folder), lance)
    write(folder / "new.md", "2026-02-01T10:00")
    os.utime(folder / "other.md", times=(utc("2026-02-02").timestamp(),) * 2)
    before = held(lance, "files")
    report = prune(files(folder), lance, window=Window(utc("2026-03-12"), utc("2026-03-13")))
    assert report.deleted == []
    assert held(lance, "files") == before
