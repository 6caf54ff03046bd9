"""One bad file fails alone, in bounded time and memory, and nothing outside the folder is read."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vector_assets.sources.files.folder import MAX_FILE_BYTES
from vector_assets.sources.files.page import (
    MAX_FRONT_MATTER_CHARACTERS,
    MAX_FRONT_MATTER_DEPTH,
    Page,
)
from vector_assets.sources.files.source import FilesSource
from vector_assets.sources.items import DocumentFailure
from vector_assets_tests.sources.files.test_source import EVER, documents, gaps, items, write
from vector_assets_tests.support.tiny import utc

SECRET = "Outside of the folder"

FRONT_MATTER = [
    "a: !!python/object/apply:os.system ['true']",
    "a: !!timestamp never",
    "a: !!bool never",
    "a: !!int ''",
    "a: !!float never",
    "a: !!binary ü",
    "a: !!set [1]",
    "a: !own value",
    "!!map {a: 1}",
    "a: &a [x]\nb: *a",
    "a: &a {b: *a}",
    "a: &a {x: 1}\nb: {<<: *a}",
    "a: &a {x: 1}\nb: {<<: [" + ", ".join(["*a"] * 5_000) + "]}",
    "<<: 1",
    "<<: {<<: {a: 1}}",
    "=: =",
    "? [a]\n: b",
    "? {a: b}\n: c",
    "a: " + "[" * 10_000,
    "a: " + "[" * 10_000 + "]" * 10_000,
    "a: " + "{a: " * 5_000 + "}" * 5_000,
    "\n".join("  " * level + "a:" for level in range(170)),
    "- " * 10_000 + "a",
    "title: 0x" + "f" * 20_000,
    "title: " + "9" * 20_000,
    "title: 1" + ":59" * 8_000,
    "title: 0b_",
    "title: 0x_",
    "title: " + "x" * 20_000,
    "title: {a: [b]}",
    "title: .inf",
    "date: 2026-99-99",
    "date: 0001-01-01T00:00:00+14:00",
    "date: 9999-12-31T23:59:59-14:00",
    "date: 2026-01-01T00:00:00+99:99",
    "authors: [[[a]], {name: {name: a}}, null, 1.5, 2026-01-01]",
    "a: 1\na: 2\n" * 2_000,
    "a\tb: c",
    "a: 'unclosed",
    "a: |\n  text\n b: c",
    "%YAML 9.9",
    "a: \x00",
    "a: \ud800",
    "\ufeffa: b",
    "a: b\n" * (MAX_FRONT_MATTER_CHARACTERS // 5 + 1),
]


@pytest.mark.parametrize("front_matter", FRONT_MATTER)
def test_no_front_matter_stops_a_page(front_matter: str) -> None:
    page = Page.of(f"---\n{front_matter}\n---\n# Heading\n\nThe body.", is_markdown=True)
    assert page.sections[-1].text.endswith("The body.")


def test_front_matter_of_the_greatest_depth_is_read() -> None:
    depth = MAX_FRONT_MATTER_DEPTH - 2
    page = Page.of(f"---\na: {'[' * depth}x{']' * depth}\n---\n", is_markdown=True)
    assert page.properties
    deeper = Page.of(f"---\na: {'[' * (depth + 1)}x{']' * (depth + 1)}\n---\n", is_markdown=True)
    assert not deeper.properties


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    write(root / "good.md", "# Good", at=utc("2026-03-03"))
    write(root / "team" / "good.md", "# Good too", at=utc("2026-03-02"))
    write(tmp_path / "outside.md", SECRET)
    return root


def refused(folder: Path) -> dict[str, str]:
    return {
        item.document_id.removeprefix("files:"): item.cause
        for item in items(folder)
        if isinstance(item, DocumentFailure)
    }


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"\xff\xfeH\x00\x00\xd8", "not UTF-16-LE at byte 4"),
        (b"\xfe\xff\x00H\x00", "not UTF-16-BE at byte 4"),
        (b"\xff\xfe\x00\x00\xff\xff\xff\xff", "not UTF-32-LE at byte 4"),
        (b"caf\xe9", "not UTF-8 at byte 3"),
        (b"\xed\xa0\x80", "not UTF-8 at byte 0"),
        (b"x" * (MAX_FILE_BYTES + 1), r"it has 8,388,609 bytes, and at most 8,388,608 are read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(
    folder: Path, content: bytes, cause: str
) -> None:
    write(folder / "bad.md", content)
    assert set(documents(folder)) == {"good.md", "team/good.md"}
    assert cause in refused(folder)["bad.md"]


def test_nuls_are_left_out(folder: Path) -> None:
    write(folder / "nuls.txt", b"a\x00b")
    assert documents(folder)["nuls.txt"].sections[0].text == "ab"


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def link_to_outside(path: Path) -> None:
    path.symlink_to(path.parents[2] / "outside.md")


def hard_link_to_outside(path: Path) -> None:
    os.link(path.parents[2] / "outside.md", path)


REPLACEMENTS: list[tuple[Callable[[Path], None], str]] = [
    (os.mkfifo, "it is not a file any more"),
    (make_socket, "No such device or address"),
    (Path.mkdir, "it is not a file any more"),
    (link_to_outside, "Too many levels of symbolic links"),
    (hard_link_to_outside, "another name outside the folder"),
    (lambda path: None, "No such file or directory"),
]


@pytest.mark.parametrize(("replacement", "cause"), REPLACEMENTS)
def test_what_takes_the_place_of_a_listed_file_is_not_read(
    folder: Path, replacement: Callable[[Path], None], cause: str
) -> None:
    path = folder / "team" / "good.md"
    listing = FilesSource(folder).documents(EVER)
    seen = [next(listing)]
    path.unlink()
    replacement(path)
    seen += listing
    [failure] = [item for item in seen if isinstance(item, DocumentFailure)]
    assert failure.document_id == "files:team/good.md"
    assert cause in failure.cause
    assert SECRET not in repr(seen)


def test_a_folder_that_becomes_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "private" / "good.md", SECRET)
    listing = FilesSource(folder).documents(EVER)
    seen = [next(listing)]
    (folder / "team").rename(tmp_path / "moved")
    (folder / "team").symlink_to(tmp_path / "private")
    seen += listing
    assert SECRET not in repr(seen)
    assert "team/good.md cannot be read: Not a directory" in repr(seen)


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
def test_what_is_no_file_is_counted_as_another_kind(
    folder: Path, make: Callable[[Path], None]
) -> None:
    make(folder / "a.md")
    assert set(documents(folder)) == {"good.md", "team/good.md"}
    assert "only .markdown, .md, .txt are read: .md 1" in gaps(folder)[0].reason


def test_links_in_a_circle_are_told(folder: Path) -> None:
    (folder / "a.md").symlink_to(folder / "b.md")
    (folder / "b.md").symlink_to(folder / "a.md")
    (folder / "team" / "up").symlink_to(folder)
    assert set(documents(folder)) == {"good.md", "team/good.md"}
    [gap] = gaps(folder)
    assert (gap.reason, gap.count) == ("a.md, b.md", 2)


def test_a_hard_link_to_a_file_outside_is_refused_and_told(folder: Path) -> None:
    hard_link_to_outside(folder / "team" / "linked.md")
    assert set(documents(folder)) == {"good.md", "team/good.md"}
    [gap] = gaps(folder)
    assert (gap.subject, gap.reason) == (
        "hard links to files outside the folder",
        "team/linked.md",
    )


def test_hard_links_inside_the_folder_are_read(folder: Path) -> None:
    os.link(folder / "good.md", folder / "team" / "same.md")
    assert set(documents(folder)) == {"good.md", "team/good.md", "team/same.md"}
    assert not gaps(folder)


_READ = """
import resource, sys
from vector_assets.sources.files.page import Page
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
shape, size = sys.argv[2].encode().decode("unicode_escape"), int(sys.argv[3])
page = Page.of("# Title\\n" + shape * (size // len(shape)), is_markdown=True)
print(sum(len(section.text) + len(section.heading) for section in page.sections))
"""

SHAPES = ["#\n", "x", "*a", "> ", "- a\n  - b\n"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_file_of_any_shape_takes_bounded_memory(shape: str) -> None:
    escaped = shape.encode("unicode_escape").decode()
    limit = 1_000 * 2**20
    command = [sys.executable, "-c", _READ, str(limit), escaped, str(MAX_FILE_BYTES)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-500:]
    assert int(ended.stdout) < 2 * MAX_FILE_BYTES
