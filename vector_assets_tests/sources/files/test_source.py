"""The files source over real folders: what is read, to which day it belongs, and what is not."""

import codecs
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vector_assets.core.days import Window
from vector_assets.core.documents import Document
from vector_assets.core.errors import SettingsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.base import Missing
from vector_assets.sources.files.naming import MAX_PATH_BYTES, native_id_of
from vector_assets.sources.files.source import FilesSource
from vector_assets.sources.items import Checkpoint, DocumentFailure, Gap, Quarantined, SourceItem
from vector_assets_tests.support.tiny import utc

NOW = datetime.now(UTC)
EVER = Window(utc("2000-01-01"), None)
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    root.mkdir()
    return root


def write(path: Path, text: str | bytes = "Some words.", *, at: datetime | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    if at is not None:
        os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def after_now(clock: Path) -> datetime:
    """Return now, once the clock of the file system, which lags by milliseconds, is past it."""
    now = datetime.now(UTC)
    while write(clock).stat().st_ctime <= now.timestamp():
        pass
    return now


def items(folder: Path, window: Window = EVER) -> list[SourceItem]:
    return list(FilesSource(folder).documents(window))


def documents(folder: Path, window: Window = EVER) -> dict[str, Document]:
    return {item.native_id: item for item in items(folder, window) if isinstance(item, Document)}


def gaps(folder: Path) -> list[Gap]:
    return [item for item in items(folder) if isinstance(item, Gap)]


# The document


def test_a_file_is_a_document(folder: Path) -> None:
    front = "---\nauthors: [Ann Lee, Bo Ek]\ndate: 2026-01-05\n---\n"
    text = f"{front}# Cranes\n\nAll.\n\n## Quay\n\nLate."
    path = write(folder / "port" / "heavy" / "cranes.md", text, at=utc("2026-03-02T10:15"))
    [document] = documents(folder).values()
    assert document.id == "files:port/heavy/cranes.md"
    assert document.title == "Cranes"
    assert [section.heading for section in document.sections] == ["Properties", "", "Quay"]
    assert document.url == path.as_uri()
    assert document.container == "port"
    assert document.authors == ("Ann Lee", "Bo Ek")
    assert document.created_at == utc("2026-01-05")
    assert document.updated_at == utc("2026-03-02T10:15")
    assert document.access == ("public",)
    assert document.extra == {"path": "port/heavy/cranes.md"}


def test_a_file_that_says_nothing_of_itself_is_told_by_its_name_and_time(folder: Path) -> None:
    write(folder / "notes.txt", "# plain\ntext", at=utc("2026-03-02"))
    [document] = documents(folder).values()
    assert (document.title, document.container, document.authors) == ("notes.txt", "handbook", ())
    assert document.created_at == document.updated_at == utc("2026-03-02")
    assert [section.text for section in document.sections] == ["# plain\ntext"]


@pytest.mark.parametrize("name", ["a.md", "a.markdown", "a.txt", "A.MD"])
def test_markdown_and_text_are_read(folder: Path, name: str) -> None:
    write(folder / name)
    assert list(documents(folder)) == [name]


def test_a_mark_at_the_beginning_of_a_file_is_no_part_of_it(folder: Path) -> None:
    write(folder / "a.md", b"\xef\xbb\xbf# Title\n")
    assert documents(folder)["a.md"].title == "Title"


def test_times_are_as_exact_as_the_file_system_keeps_them(folder: Path) -> None:
    path = write(folder / "a.md")
    os.utime(path, ns=(0, 1_772_445_600_123_456_789))
    assert documents(folder)["a.md"].updated_at == utc("2026-03-02T10:00:00.123456")


# Ids


@pytest.mark.parametrize(
    "name",
    [
        "port/a b.md",
        "it's 100%.md",
        'say "hi".md',
        "a+b&c=d.md",
        "x" * (MAX_PATH_BYTES - 3) + ".md",
    ],
)
def test_a_plain_path_is_its_own_id(name: str) -> None:
    assert native_id_of(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "übung.md",
        "日本語/ページ.md",
        "a#1.md",
        "two\nlines.md",
        "x" * 460 + ".md",
        os.fsdecode(b"latin-\xe9.md"),
    ],
)
def test_any_other_path_has_an_id_that_every_index_takes(name: str) -> None:
    native_id = native_id_of(name)
    assert native_id == native_id_of(name)
    assert native_id.isascii()
    assert native_id.isprintable()
    assert "#" not in native_id
    assert len(native_id) < 40
    assert native_id.startswith("/")
    assert native_id != native_id_of(name + "x")


def test_names_of_every_kind_are_read(folder: Path) -> None:
    names = ["übung/a#1.md", "日本語.md", "it's.md", os.fsdecode(b"latin-\xe9.md"), "e\u0301.md"]
    for name in names:
        write(folder / name)
    documents_by_id = documents(folder)
    assert set(documents_by_id) == {native_id_of(name) for name in names}
    for document in documents_by_id.values():
        assert document.url.isascii()
        str(document.extra["path"]).encode()


# The window and the day


def test_a_window_holds_its_start_and_not_its_end(folder: Path) -> None:
    for hour in range(4):
        write(folder / f"{hour}.md", at=utc("2026-03-02") + hour * HOUR)
    window = Window(utc("2026-03-02T01:00"), utc("2026-03-02T03:00"))
    yielded = items(folder, window)
    assert [item.native_id for item in yielded if isinstance(item, Document)] == ["2.md", "1.md"]
    assert yielded[-1] == Checkpoint(utc("2026-03-02T01:00"))


def test_files_come_newest_first_and_the_last_word_is_that_all_are_there(folder: Path) -> None:
    for hour in range(3):
        write(folder / f"{hour}.md", at=utc("2026-03-02") + hour * HOUR)
    *yielded, done = items(folder)
    assert [item.native_id for item in yielded if isinstance(item, Document)] == [
        "2.md",
        "1.md",
        "0.md",
    ]
    assert isinstance(done, Checkpoint)


def test_a_file_that_came_with_an_old_time_is_found_by_the_night_in_which_it_came(
    folder: Path,
) -> None:
    write(folder / "unpacked.md", at=utc("2019-05-04T12:00"))
    tonight = Window(NOW - HOUR, None)
    [document] = documents(folder, tonight).values()
    assert document.day == utc("2019-05-04").date()
    assert documents(folder, Window(NOW - 2 * HOUR, NOW - HOUR)) == {}


def test_a_folder_that_was_moved_brings_its_files_under_their_new_names(
    folder: Path, tmp_path: Path
) -> None:
    old = tmp_path / "elsewhere"
    write(old / "deep" / "a.md", at=utc("2019-05-04"))
    settled = after_now(tmp_path / "clock")
    old.rename(folder / "new")
    assert list(documents(folder, Window(settled, None))) == ["new/deep/a.md"]


def test_a_clock_that_ran_ahead_does_not_hide_what_comes_after(folder: Path) -> None:
    write(folder / "future.md", at=utc("2099-01-01"))
    newest = FilesSource(folder).newest()
    assert newest is not None
    assert newest <= datetime.now(UTC)
    assert documents(folder)["future.md"].updated_at == newest


def test_a_file_that_is_edited_belongs_to_its_new_day(folder: Path) -> None:
    path = write(folder / "a.md", "old", at=utc("2026-03-02T10:00"))
    write(path, "new", at=utc("2026-03-03T10:00"))
    second = documents(folder, Window(utc("2026-03-03"), utc("2026-03-04")))
    assert second["a.md"].sections[0].text == "new"
    assert documents(folder, Window(utc("2026-03-02"), utc("2026-03-03"))) == {}


def test_a_file_that_is_edited_after_it_was_listed_has_the_day_of_what_was_read(
    folder: Path,
) -> None:
    write(folder / "a.md", at=utc("2026-03-02"))
    edited = write(folder / "b.md", "old", at=utc("2026-03-01"))
    listing = FilesSource(folder).documents(Window(utc("2026-03-01"), utc("2026-03-03")))
    next(listing)
    write(edited, "new", at=utc("2026-03-05"))
    document = next(listing)
    assert isinstance(document, Document)
    assert (document.sections[0].text, document.updated_at) == ("new", utc("2026-03-05"))


def saving(path: Path, monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Let somebody append to a file, so many times, between a look at it and the next."""
    look, left = os.fstat, [times]

    def look_and_save(number: int) -> os.stat_result:
        seen = look(number)
        if left[0]:
            left[0] -= 1
            with path.open("a") as opened:
                opened.write("+")
            os.utime(path, ns=(0, seen.st_mtime_ns + 1_000_000_000))
        return seen

    monkeypatch.setattr(os, "fstat", look_and_save)


def test_a_file_that_is_saved_while_it_is_read_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "a.md", "x", at=utc("2026-03-02"))
    saving(path, monkeypatch, times=2)
    document = documents(folder)["a.md"]
    assert document.sections[0].text == "x++"
    assert document.updated_at == utc("2026-03-02") + timedelta(seconds=2)


def test_a_file_that_never_rests_lands_by_a_time_that_leaves_the_rest_to_the_next_night(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "a.md", "x", at=utc("2026-03-02"))
    saving(path, monkeypatch, times=100)
    document = documents(folder)["a.md"]
    # Looked at before and after each of three readings; what is read is newer than its time.
    assert document.sections[0].text == "x" + 5 * "+"
    assert document.updated_at == utc("2026-03-02") + timedelta(seconds=4)


# What is not read


def test_hidden_files_and_folders_are_out(folder: Path) -> None:
    write(folder / ".hidden.md")
    write(folder / ".git" / "a.md")
    write(folder / "docs" / ".drafts" / "a.md")
    write(folder / "docs" / "seen.md")
    assert list(documents(folder)) == ["docs/seen.md"]
    assert gaps(folder) == []


def test_links_out_of_the_folder_are_not_followed_and_named(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret" / "a.md")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "out.md").symlink_to(tmp_path / "secret" / "a.md")
    (folder / "nowhere.md").symlink_to(folder / "missing.md")
    (folder / "round.md").symlink_to(folder / "round.md")
    assert documents(folder) == {}
    [gap] = gaps(folder)
    assert (gap.reason, gap.count) == ("nowhere.md, out, out.md, round.md", 4)


def test_links_within_the_folder_make_no_second_document_and_no_circle(folder: Path) -> None:
    write(folder / "docs" / "a.md")
    (folder / "b.md").symlink_to(folder / "docs" / "a.md")
    (folder / "docs" / "up").symlink_to(folder)
    assert list(documents(folder)) == ["docs/a.md"]
    assert gaps(folder) == []


def test_a_link_to_what_is_hidden_is_read_under_its_own_name(folder: Path) -> None:
    # So Kubernetes mounts a ConfigMap, and changes all its files at once.
    write(folder / "..2026_03_02" / "a.md", "mounted")
    (folder / "..data").symlink_to(folder / "..2026_03_02")
    (folder / "a.md").symlink_to(folder / "..data" / "a.md")
    assert documents(folder)["a.md"].sections[0].text == "mounted"


def test_a_root_that_is_a_link_is_the_folder_that_it_leads_to(folder: Path, tmp_path: Path) -> None:
    write(folder / "a.md")
    (tmp_path / "current").symlink_to(folder)
    [document] = documents(tmp_path / "current").values()
    assert (document.native_id, document.container) == ("a.md", "handbook")


def test_files_of_other_kinds_are_counted(folder: Path) -> None:
    for name in ("a.pdf", "b.pdf", "c.png", "Makefile", "a.md"):
        write(folder / name)
    os.mkfifo(folder / "pipe.md")
    [gap] = gaps(folder)
    assert gap.subject == "files of other kinds"
    assert gap.reason == (
        "only .markdown, .md, .txt are read: .pdf 2, without a suffix 1, .png 1, .md 1"
    )
    assert gap.count == 5


def test_a_file_that_is_not_utf_8_is_named_and_costs_no_other(folder: Path) -> None:
    write(folder / "bad.md", "grün".encode("latin-1"), at=utc("2026-03-02"))
    write(folder / "good.md")
    assert list(documents(folder)) == ["good.md"]
    assert [item for item in items(folder) if isinstance(item, DocumentFailure)] == [
        DocumentFailure(
            "files:bad.md",
            "bad.md is not UTF-8 at byte 2: save it as UTF-8",
            utc("2026-03-02").date(),
        )
    ]


def test_a_file_that_goes_away_meanwhile_is_named_and_not_taken_for_an_empty_one(
    folder: Path,
) -> None:
    write(folder / "a.md", at=utc("2026-03-03"))
    gone = write(folder / "b.md", at=utc("2026-03-02"))
    listing = FilesSource(folder).documents(EVER)
    next(listing)
    gone.unlink()
    failure, done = listing
    assert failure == DocumentFailure(
        "files:b.md", "b.md cannot be read: No such file or directory", utc("2026-03-02").date()
    )
    assert isinstance(done, Checkpoint)


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without rights, for root may read whatever it likes."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder(folder: Path) -> Path:
    """A folder that every user reaches."""
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid() and str(parent) != "/":
            parent.chmod(0o755)
    return folder


def test_a_file_that_may_not_be_opened_is_named_and_costs_no_other(open_folder: Path) -> None:
    write(open_folder / "closed.md").chmod(0)
    write(open_folder / "open.md").chmod(0o644)
    with nobody():
        yielded = items(open_folder)
    [failure] = [item for item in yielded if isinstance(item, DocumentFailure)]
    assert failure.cause == "closed.md cannot be read: Permission denied"
    assert [item.native_id for item in yielded if isinstance(item, Document)] == ["open.md"]


CLOSED = r"cannot be listed: Permission denied\. Check FILES_PATH"


def test_a_root_that_may_not_be_listed_raises_and_never_looks_empty(open_folder: Path) -> None:
    write(open_folder / "docs" / "a.md")
    open_folder.chmod(0)
    with nobody(), pytest.raises(UnavailableError, match=CLOSED):
        items(open_folder)
    open_folder.chmod(0o755)


def test_a_folder_that_may_not_be_listed_is_named_and_costs_no_other(open_folder: Path) -> None:
    closed = write(open_folder / "docs" / "a.md").parent
    write(open_folder / "open.md").chmod(0o644)
    source = FilesSource(open_folder)
    lost = [Quarantined("files:docs/a.md", "odd", None, EVER, NOW, NOW)]
    missing = Missing("files:docs/a.md", "docs", utc("2026-03-02"))
    closed.chmod(0)
    with nobody():
        yielded = items(open_folder)
        assert not list(source.retry(lost)), "it is not gone"
        for ask in (
            lambda: list(source.ids(EVER)),
            lambda: list(source.remote_states([missing])),
            lambda: source.probe(missing),
        ):
            with pytest.raises(UnavailableError, match=CLOSED):
                ask()
    closed.chmod(0o755)
    [gap] = [item for item in yielded if isinstance(item, Gap)]
    assert (gap.subject, gap.reason) == ("folders that may not be listed", "docs")
    assert [item.native_id for item in yielded if isinstance(item, Document)] == ["open.md"]
    tonight = documents(open_folder, Window(datetime.now(UTC) - timedelta(hours=1), None))
    assert "docs/a.md" in tonight, "who opens it changes it, so it is read by the next night"


def test_a_file_that_goes_away_while_its_folder_is_listed_costs_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [write(folder / f"{number}.md").name for number in range(3)]
    scan = os.scandir

    @contextmanager
    def scanned(opened: int) -> Iterator[list[os.DirEntry[str]]]:
        with scan(opened) as entries:
            listed = list(entries)
        (folder / names[1]).unlink()
        yield listed

    monkeypatch.setattr("vector_assets.sources.files.folder.os.scandir", scanned)
    assert set(documents(folder)) == {"0.md", "2.md"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_says_in_which_encoding_a_file_is(folder: Path, encoding: str) -> None:
    write(folder / "a.md", "# Größe 🚀\n\nエラー".encode(encoding))
    [page] = documents(folder).values()
    assert (page.title, page.sections[0].text) == ("Größe 🚀", "エラー")
    big = {"utf-16": codecs.BOM_UTF16_BE, "utf-32": codecs.BOM_UTF32_BE}.get(encoding)
    if big:
        write(folder / "a.md", big + "# Größe 🚀".encode(f"{encoding}-be"))
        assert documents(folder)["a.md"].title == "Größe 🚀"


@pytest.mark.parametrize("name", ["missing", "missing/deeper", "a.md", "a.md/deeper"])
def test_a_folder_that_does_not_exist_is_named(folder: Path, name: str) -> None:
    write(folder / "a.md")
    source = FilesSource(folder / name)
    for ask in (lambda: list(source.documents(EVER)), source.newest, source.check):
        with pytest.raises(SettingsError, match=rf"FILES_PATH is '.*/{name}': no such folder"):
            ask()


def test_a_setting_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="files needs FILES_PATH: not set"):
        FilesSource.from_settings(Settings(), Meter())


# The other verbs


def test_the_ids_are_those_of_the_documents_and_no_file_is_opened(folder: Path) -> None:
    for n in range(5):
        write(folder / f"docs {n}" / "übung.md", at=utc("2026-03-02") + n * HOUR)
    write(folder / "bad.md", b"\xff", at=utc("2026-03-02"))
    for window in (EVER, Window(utc("2026-03-02"), utc("2026-03-02T03:00"))):
        expected = [
            item.id if isinstance(item, Document) else item.document_id
            for item in items(folder, window)
            if isinstance(item, Document | DocumentFailure)
        ]
        assert list(FilesSource(folder).ids(window)) == expected
        assert len(expected) in {6, 4}


def test_the_newest_is_the_last_change_of_any_file(folder: Path) -> None:
    assert FilesSource(folder).newest() is None
    write(folder / "a.md", at=utc("2026-03-02"))
    write(folder / "b.md", at=utc("2026-03-01"))
    assert FilesSource(folder).newest() == utc("2026-03-02")


def test_the_check_says_how_many_files_there_are_and_what_is_not_read(folder: Path) -> None:
    for n in range(1_200):
        write(folder / f"{n}.md")
    write(folder / "a.pdf")
    reach = FilesSource(folder).check()
    assert reach.identity == f"{folder}: 1,200 files"
    assert [gap.subject for gap in reach.gaps] == ["files of other kinds"]


def test_reading_goes_on_while_somebody_writes(folder: Path) -> None:
    stop = threading.Event()

    def write_on() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            write(folder / "busy.md", f"# Version {n}\n\n" + f"{n} " * 2_000)

    write(folder / "busy.md")
    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for _ in range(50):
            assert "busy.md" in documents(folder)
    finally:
        stop.set()
        writer.join()
