"""One file asked for by path, and the paths that people paste."""

import os
from pathlib import Path

import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.files.folder import MAX_FILE_BYTES
from vector_assets.sources.files.naming import native_id_of
from vector_assets.sources.files.source import FilesSource
from vector_assets_tests.support.tiny import utc

MARCH_2, MARCH_9 = utc("2026-03-02"), utc("2026-03-09")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    write(root / "teams" / "plan.md")
    write(root / "teams" / "other.md")
    return root


def write(path: Path, text: str = "Some words.", at: float = MARCH_2.timestamp()) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at, at))
    return path


def probe(folder: Path, native_id: str, container: str = "teams") -> Probed:
    missing = Missing(f"files:{native_id}", container, MARCH_2)
    return FilesSource(folder).probe(missing)


def test_a_file_tells_its_last_change_also_an_older_one(folder: Path) -> None:
    assert probe(folder, "teams/plan.md") == Probed(RemoteState.THERE, MARCH_2)
    write(folder / "teams" / "plan.md", at=MARCH_9.timestamp())
    assert probe(folder, "teams/plan.md").updated_at == MARCH_9


def test_a_file_is_deleted_where_its_folder_shows_others_or_is_gone_itself(folder: Path) -> None:
    (folder / "teams" / "plan.md").unlink()
    assert probe(folder, "teams/plan.md").state is RemoteState.DELETED
    (folder / "teams" / "other.md").unlink()
    write(folder / "top.md")
    assert probe(folder, "teams/plan.md").state is RemoteState.NOT_SHOWN
    (folder / "teams").rmdir()
    assert probe(folder, "teams/plan.md").state is RemoteState.DELETED
    (folder / "top.md").unlink()
    assert probe(folder, "teams/plan.md").state is RemoteState.NOT_SHOWN
    folder.rmdir()
    with pytest.raises(SettingsError, match="no such folder"):
        probe(folder, "teams/plan.md")


@pytest.mark.parametrize("name", ["teams/Größe.md", "teams/a#b.md"])
def test_a_name_that_no_index_can_hold_is_looked_for_by_its_hash(folder: Path, name: str) -> None:
    path = write(folder / name, at=MARCH_9.timestamp())
    native_id = native_id_of(name)
    assert probe(folder, native_id) == Probed(RemoteState.THERE, MARCH_9)
    given = probe(folder, str(path), "")
    assert (given.state, given.document_id) == (RemoteState.THERE, f"files:{native_id}")
    path.unlink()
    assert probe(folder, native_id).state is RemoteState.DELETED


def test_an_absolute_path_is_completed_to_the_id_of_the_index(folder: Path) -> None:
    probed = probe(folder, str(folder / "teams" / "plan.md"), "")
    assert (probed.state, probed.document_id) == (RemoteState.THERE, "files:teams/plan.md")


def test_a_link_to_a_file_that_is_not_read_itself_counts_as_its_listing_does(
    folder: Path,
) -> None:
    write(folder / ".data" / "plan.md", at=MARCH_9.timestamp())
    (folder / "teams" / "linked.md").symlink_to("../.data/plan.md")
    assert probe(folder, "teams/linked.md") == Probed(RemoteState.THERE, MARCH_9)
    (folder / "teams" / "twice.md").symlink_to("plan.md")
    assert "it is a link" in probe(folder, "teams/twice.md").left_out


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("teams/plan.pdf", "only .markdown, .md, .txt are read"),
        (".drafts/plan.md", "names that begin with a dot are not read"),
        ("teams/.plan.md", "names that begin with a dot are not read"),
    ],
)
def test_a_file_that_no_run_reads_says_why(folder: Path, name: str, left_out: str) -> None:
    write(folder / name)
    probed = probe(folder, name, "")
    assert (probed.state, probed.left_out) == (RemoteState.THERE, left_out)
    assert probed.advice


def test_a_file_that_is_too_large_or_elsewhere_says_so(folder: Path, tmp_path: Path) -> None:
    with write(folder / "big.md").open("r+b") as opened:
        opened.truncate(MAX_FILE_BYTES + 1)
    assert "at most" in probe(folder, "big.md", "").left_out
    outside = write(tmp_path / "secret.md")
    for native_id in (str(outside), "../secret.md"):
        probed = probe(folder, native_id, "")
        assert probed.state is RemoteState.UNSURE
        assert "not in the folder" in probed.left_out
        assert probed.updated_at is None
    os.link(outside, folder / "hard.md")
    assert "another name outside" in probe(folder, "hard.md", "").left_out


@pytest.mark.parametrize(
    ("text", "document_id"),
    [
        ("files:teams/plan.md", "files:teams/plan.md"),
        ("teams/plan.md", "files:teams/plan.md"),
        ("./teams/plan.md", "files:teams/plan.md"),
        ("My plan.txt", "files:My plan.txt"),
        ("plans/q3.pdf", "files:plans/q3.pdf"),
        ("/srv/handbook/teams/plan.md", "files:/srv/handbook/teams/plan.md"),
        ("file:///srv/handbook/a%20b.md", "files:/srv/handbook/a b.md"),
        ("teams/Größe.md", f"files:{native_id_of('teams/Größe.md')}"),
        ("plan.pdf", None),
        ("and/or", None),
        ("https://example.com/plan.md", None),
        ("files:", None),
        ("OPS-1", None),
        ("", None),
    ],
)
def test_a_path_names_a_file(text: str, document_id: str | None) -> None:
    assert FilesSource.document_id_of(text) == document_id
