"""Folders with texts and records are for their owner alone."""

import logging
import stat
from pathlib import Path

import pytest

from vector_assets.core.private_folder import make_private
from vector_assets.orchestration.local import prepare_home
from vector_assets.stores.lancedb.store import LanceDBStore


def mode_of(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


@pytest.mark.parametrize("before", [0o755, 0o775, 0o777, 0o750, 0o700])
def test_a_folder_that_exists_is_closed_to_others(tmp_path: Path, before: int) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    folder.chmod(before)
    make_private(folder)
    assert mode_of(folder) == 0o700


def test_a_new_folder_is_private_and_those_above_it_are_as_usual(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")
    assert mode_of(tmp_path / "a" / "b") == 0o700
    assert mode_of(tmp_path / "a") & stat.S_IROTH


def test_a_folder_for_everyone_stays_so_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "everyones"
    folder.mkdir()
    folder.chmod(0o1777)
    with caplog.at_level(logging.WARNING):
        make_private(folder)
    assert mode_of(folder) == 0o1777
    assert "use a folder below it" in caplog.text


def test_what_cannot_be_changed_is_used_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    make_private(tmp_path / "file" / "index")
    assert "Not a directory" in caplog.text


def test_the_index_and_dagsters_home_are_private(tmp_path: Path) -> None:
    index, home = tmp_path / "index", tmp_path / "home"
    for folder in (index, home):
        folder.mkdir()
        folder.chmod(0o755)
    LanceDBStore(str(index)).open("jira", 4)
    prepare_home(home)
    assert (mode_of(index), mode_of(home)) == (0o700, 0o700)
