"""A folder of Markdown and plain text: each file is a document.

Also a template for a new source: this module, its line in the registry, its setting.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, clean_text
from vector_assets.core.errors import SettingsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.base import ConnectionCheck, Missing, RemoteState, Source
from vector_assets.sources.files.page import Page, authors_of, created_at_of
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    Gap,
    Quarantined,
    Resolved,
    SourceItem,
)

MARKDOWN_SUFFIXES = {".md", ".markdown"}
SUFFIXES = {*MARKDOWN_SUFFIXES, ".txt"}

MAX_PATH_BYTES = 450
"""Longest path that is its own id; an id with source and chunk may have 512 bytes in an index."""

_READS = 3
_CHECK = "Check FILES_PATH, and that the folder is mounted and may be read."


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the listing.

    Attributes:
        path: Absolute path, below the root.
        name: Path from the root, with `/` between its parts.
        modified_at: Last change of the content, UTC.
        arrived_at: Last change of any kind, such as a move, of it or a folder above it; UTC.
    """

    path: Path
    name: str
    modified_at: datetime
    arrived_at: datetime


@dataclass(slots=True)
class _Listing:
    """The files below the root.

    Attributes:
        root: Absolute path, without links.
        files: Files that are documents.
        other_kinds: Number of other files, by suffix.
        links: Links out of the root, and broken ones.
    """

    root: Path
    files: list[_File] = field(default_factory=list)
    other_kinds: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)

    def gaps(self) -> Iterator[Gap]:
        """Yield the files that are not read."""
        if self.other_kinds:
            kinds = ", ".join(f"{kind} {count}" for kind, count in self.other_kinds.most_common(8))
            wanted = ", ".join(sorted(SUFFIXES))
            reason = f"only {wanted} are read: {kinds}"
            yield Gap("files of other kinds", reason, count=self.other_kinds.total())
        if self.links:
            yield Gap(
                "links out of the folder, or to nothing",
                ", ".join(self.links[:8]),
                "Copy what they lead to into the folder, if it is wanted.",
                len(self.links),
            )


class FilesSource(Source):
    """Files below a folder, by the time of their last change.

    Files and folders whose names begin with a dot are skipped. Links to folders are not followed. A
    link to a file below the root is read when that file itself is not, such as one in a hidden
    folder. A file belongs to the day of its last change at the time of reading. A file that was
    moved, copied or unpacked with an older time is read by the nightly run of its arrival.

    Args:
        folder: The root; everyone who may search may read its files.
    """

    name: ClassVar[str] = "files"
    when_nothing_is_listed: ClassVar[str] = "put files into the folder that FILES_PATH names"
    overlap: ClassVar[timedelta] = timedelta(hours=1)
    """For coarse file times, and the clocks of file servers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().absolute()

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings; the folder is not read yet."""
        settings.require_credentials(cls.name)
        return cls(Path(settings.files_path))

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the files whose last change lies in the window, newest first."""
        listing = self._list()
        yield from listing.gaps()
        for file in _selected(listing, window):
            yield self._read(file, listing.root)
        yield Checkpoint(window.start)

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the id of each file whose last change lies in the window, without opening it."""
        for file in _selected(self._list(), window):
            yield self._id(file)

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield files by their paths; the folder is listed once."""
        wanted = {document.document_id for document in failed}
        listing = self._list()
        for file in listing.files:
            if (document_id := self._id(file)) in wanted:
                wanted.remove(document_id)
                yield self._read(file, listing.root)
        yield from map(Resolved, sorted(wanted))

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield the state of files, by listing the whole folder again.

        A file that was replaced by one with an older time is outside the window, but exists. An
        empty folder may be the mount point of a file system that is not mounted.
        """
        listing = self._list()
        ids = {self._id(file) for file in listing.files}
        shown = {_container_of(file, listing.root) for file in listing.files}
        for file in missing:
            if file.document_id in ids:
                yield file.document_id, RemoteState.THERE
            elif file.container in shown or (ids and not (listing.root / file.container).exists()):
                yield file.document_id, RemoteState.DELETED
            else:
                yield file.document_id, RemoteState.NOT_SHOWN

    def newest(self) -> datetime | None:
        """Return the newest change of any file."""
        return max((file.modified_at for file in self._list().files), default=None)

    def check(self) -> ConnectionCheck:
        """List the folder and say how many files it holds."""
        listing = self._list()
        return ConnectionCheck(
            f"{self._folder}: {len(listing.files):,} files", tuple(listing.gaps())
        )

    def _list(self) -> _Listing:
        """Return the files below the root, newest first.

        Raises:
            SettingsError: The folder does not exist.
            UnavailableError: A folder cannot be listed; its files must not look deleted.
        """
        try:
            root = self._folder.resolve(strict=True)
            is_folder = root.is_dir()
        except (FileNotFoundError, NotADirectoryError):
            is_folder = False
        except (OSError, RuntimeError) as error:
            raise _cannot_be_listed(error, self._folder) from error
        if not is_folder:
            raise SettingsError(f"FILES_PATH is {str(self._folder)!r}: no such folder. {_CHECK}")
        listing = _Listing(root)
        try:
            _walk(root, listing, arrived_at=0)
        except OSError as error:
            raise _cannot_be_listed(error, root) from error
        listing.files.sort(key=lambda file: (file.modified_at, file.name), reverse=True)
        return listing

    def _read(self, file: _File, root: Path) -> Document | DocumentFailure:
        """Return a file as a document, with the time of the content that was read."""
        day = file.modified_at.date()
        try:
            content, modified_at = _content(file.path)
            text = content.decode("utf-8-sig")
        except OSError as error:
            cause = f"{file.name} cannot be read: {error.strerror}"
            return DocumentFailure(self._id(file), cause, day)
        except UnicodeDecodeError as error:
            cause = f"{file.name} is not UTF-8 at byte {error.start:,}: save it as UTF-8"
            return DocumentFailure(self._id(file), cause, day)
        page = Page.of(text, is_markdown=file.path.suffix.lower() in MARKDOWN_SUFFIXES)
        return Document(
            source=self.name,
            native_id=native_id_of(file.name),
            title=page.title or file.path.name,
            sections=page.sections,
            url=file.path.as_uri(),
            container=_container_of(file, root),
            authors=authors_of(page.properties),
            created_at=created_at_of(page.properties) or modified_at,
            updated_at=modified_at,
            extra={"path": clean_text(file.name)},
        )

    def _id(self, file: _File) -> str:
        return f"{self.name}:{native_id_of(file.name)}"


def _container_of(file: _File, root: Path) -> str:
    """Return the name of the top-level folder that holds a file, or of the root."""
    first, separator, _ = file.name.partition("/")
    return first if separator else root.name


def native_id_of(name: str) -> str:
    """Return the path as its own id where an index can hold it, otherwise its hash.

    A hash begins with a slash and a path from the root never does, so they cannot collide.
    """
    raw = os.fsencode(name)
    is_plain = name.isascii() and name.isprintable() and "#" not in name
    if is_plain and len(raw) <= MAX_PATH_BYTES:
        return name
    return f"/{hashlib.blake2b(raw, digest_size=16).hexdigest()}"


def _cannot_be_listed(error: OSError | RuntimeError, folder: Path) -> UnavailableError:
    where = getattr(error, "filename", None) or folder
    words = getattr(error, "strerror", None) or str(error)
    return UnavailableError("files", f"{where} cannot be listed: {words}", _CHECK)


def _selected(listing: _Listing, window: Window) -> Iterator[_File]:
    """Yield the files changed in a window; when it has no end, also those that arrived in it."""
    for file in listing.files:
        has_arrived = window.end is None and file.arrived_at >= window.start
        if file.modified_at in window or has_arrived:
            yield file


def _walk(folder: Path, listing: _Listing, *, arrived_at: int) -> None:
    """Add the files in a folder and below it to a listing.

    Args:
        folder: Absolute path.
        listing: The files are added to it.
        arrived_at: Newest change of the folders above, in nanoseconds since the epoch.
    """
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = folder / entry.name
        name = path.relative_to(listing.root).as_posix()
        if entry.is_symlink() and not _is_to_be_followed(path, name, listing):
            continue
        seen = path.stat()
        changed_at = max(arrived_at, seen.st_ctime_ns)
        if stat.S_ISDIR(seen.st_mode):
            _walk(path, listing, arrived_at=changed_at)
        elif path.suffix.lower() not in SUFFIXES or not stat.S_ISREG(seen.st_mode):
            listing.other_kinds[path.suffix.lower() or "without a suffix"] += 1
        else:
            listing.files.append(_File(path, name, _modified_at(seen), _utc(changed_at)))


def _is_to_be_followed(path: Path, name: str, listing: _Listing) -> bool:
    """Tell whether a link leads to a file below the root that is not read itself."""
    try:
        target = path.resolve(strict=True).relative_to(listing.root)
    except (OSError, RuntimeError, ValueError):
        listing.links.append(clean_text(name))
        return False
    is_hidden = any(part.startswith(".") for part in target.parts)
    return path.is_file() and (is_hidden or target.suffix.lower() not in SUFFIXES)


def _content(path: Path) -> tuple[bytes, datetime]:
    """Return a file's content and the time of its last change.

    A file that changes while it is read is read again. After `_READS` attempts the last content
    counts, with the time from before reading, so that the next nightly run finds a newer version.
    """
    for _ in range(_READS):
        with path.open("rb") as opened:
            before = os.fstat(opened.fileno())
            content = opened.read()
            after = os.fstat(opened.fileno())
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, len(content)):
            break
    return content, _modified_at(before)


def _modified_at(seen: os.stat_result) -> datetime:
    """Return the last change of a file's content.

    A time after the kernel's last change of any kind comes from a clock that was ahead. Such a
    file would stay the newest of the source and hide that the index is behind.
    """
    return _utc(min(seen.st_mtime_ns, seen.st_ctime_ns))


def _utc(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1000)
