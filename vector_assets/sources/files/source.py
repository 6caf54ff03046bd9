"""A folder of Markdown and plain text: a file is a document.

Also the pattern for a source of your own: this module, its line in the registry, its setting.
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
from vector_assets.sources.base import ConnectionCheck, Fate, Missing, Source
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
"""Of a path that is an id as it stands; an index takes 512 bytes with the source and the chunk."""

_READS = 3
_CHECK = "Check FILES_PATH, and that the folder is mounted and may be read."


@dataclass(frozen=True, slots=True)
class _File:
    """A file as the listing shows it.

    Attributes:
        path: Absolute, below the root.
        name: The path from the root, with `/` between its parts.
        modified_at: UTC.
        arrived_at: When it, or a folder above it, last changed in any way, its place included; UTC.
    """

    path: Path
    name: str
    modified_at: datetime
    arrived_at: datetime


@dataclass(slots=True)
class _Listing:
    """What lies below the root, and what of it is not read.

    Attributes:
        root: Absolute, without links.
        files: Those that are documents.
        other_kinds: Count of other files, by suffix.
        links: That lead out of the root, or nowhere.
    """

    root: Path
    files: list[_File] = field(default_factory=list)
    other_kinds: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)

    def gaps(self) -> Iterator[Gap]:
        """Yield what a person may expect in the index and will not find."""
        if self.other_kinds:
            kinds = ", ".join(f"{kind} {count}" for kind, count in self.other_kinds.most_common(8))
            wanted = ", ".join(sorted(SUFFIXES))
            yield Gap(
                "files of other kinds",
                f"only {wanted} are read: {kinds}",
                count=self.other_kinds.total(),
            )
        if self.links:
            yield Gap(
                "links out of the folder, or to nothing",
                ", ".join(self.links[:8]),
                "Copy what they lead to into the folder, if it is wanted.",
                len(self.links),
            )


class FilesSource(Source):
    """Files below a folder, by the time of their last change.

    Hidden files and folders, whose names begin with a dot, are out. No link to a folder is
    followed; a link to a file below the root is read where that file would not be, such as in a
    hidden folder. A file's day is that of its last change as it was seen when it was read; the
    night in which it came, moved, copied or unpacked with an older time, finds it all the same.

    Args:
        folder: The root; everyone who may search may read what is in it.
    """

    name: ClassVar[str] = "files"
    overlap: ClassVar[timedelta] = timedelta(hours=1)
    """File systems keep times to two seconds at worst; file servers have clocks of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().absolute()

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings; the folder is looked at when it is asked for."""
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
        """Yield the id of each file whose last change lies in the window; none is opened."""
        for file in _selected(self._list(), window):
            yield self._id(file)

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield files by their paths; the folder is listed once."""
        wanted = {one.document_id for one in failed}
        listing = self._list()
        for file in listing.files:
            if (document_id := self._id(file)) in wanted:
                wanted.remove(document_id)
                yield self._read(file, listing.root)
        yield from map(Resolved, sorted(wanted))

    def fates(self, missing: Sequence[Missing]) -> Iterator[tuple[str, Fate]]:
        """Yield what became of files, by another look at the whole folder.

        A file that was put back with an older time has left the window. Where its folder is there
        and shows nothing at all, what is mounted there may be away.
        """
        listing = self._list()
        ids = {self._id(file) for file in listing.files}
        shown = {_container_of(file, listing.root) for file in listing.files}
        for one in missing:
            if one.document_id in ids:
                yield one.document_id, Fate.THERE
            elif one.container in shown or (ids and not (listing.root / one.container).exists()):
                yield one.document_id, Fate.DELETED
            else:
                yield one.document_id, Fate.NOT_SHOWN

    def newest(self) -> datetime | None:
        """Return the last change of any file."""
        return max((file.modified_at for file in self._list().files), default=None)

    def check(self) -> ConnectionCheck:
        """List the folder and say how many files it holds."""
        listing = self._list()
        return ConnectionCheck(
            f"{self._folder}: {len(listing.files):,} files", tuple(listing.gaps())
        )

    def _list(self) -> _Listing:
        """Return all that lies below the root.

        Raises:
            SettingsError: There is no such folder.
            UnavailableError: A folder cannot be listed; what cannot be seen must not seem deleted.
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
        """Return a file as a document; its time is that of the bytes that were read."""
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
    """Return the name of the folder right below the root that a file is in, or of the root."""
    first, separator, _ = file.name.partition("/")
    return first if separator else root.name


def native_id_of(name: str) -> str:
    """Return a path's id: itself where an index can hold it, else its hash.

    A hash begins with the slash that no path from the root does, so that neither is ever the other.

    Args:
        name: Path from the root.
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
    """Yield the files of a window, and of one that reaches the present what has arrived in it."""
    for file in listing.files:
        has_arrived = window.end is None and file.arrived_at >= window.start
        if file.modified_at in window or has_arrived:
            yield file


def _walk(folder: Path, listing: _Listing, *, arrived_at: int) -> None:
    """Add what lies in a folder, and in those below it, to a listing.

    Args:
        folder: Absolute.
        listing: Grows.
        arrived_at: Newest change of the folders between, in nanoseconds since the epoch.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
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
    """Tell whether a link stands for a file that is not read under its own name."""
    try:
        target = path.resolve(strict=True).relative_to(listing.root)
    except (OSError, RuntimeError, ValueError):
        listing.links.append(clean_text(name))
        return False
    is_hidden = any(part.startswith(".") for part in target.parts)
    return path.is_file() and (is_hidden or target.suffix.lower() not in SUFFIXES)


def _content(path: Path) -> tuple[bytes, datetime]:
    """Return a file's bytes and the time of their last change.

    A file that is saved while it is read is read again. One that never rests is taken as it is, by
    the time before it was read, so that the next night finds a newer version.

    Raises:
        OSError: It cannot be read, or is gone.
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

    Only a clock that ran ahead makes it later than the last change in any way, which the kernel
    notes: it would be the newest of the source for years, and hide that the index is behind.
    """
    return _utc(min(seen.st_mtime_ns, seen.st_ctime_ns))


def _utc(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1000)
