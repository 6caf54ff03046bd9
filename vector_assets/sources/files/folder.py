"""List a folder and read its files, without ever leaving it.

Everyone who may search may read the folder. So a link that somebody puts in a file's place after it
was listed, and a hard link to a file elsewhere, must not bring other files into the index.
"""

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from vector_assets.core.documents import clean_text
from vector_assets.sources.items import Gap

MARKDOWN_SUFFIXES = {".md", ".markdown"}
SUFFIXES = {*MARKDOWN_SUFFIXES, ".txt"}

MAX_FILE_BYTES = 8 * 2**20
"""Largest file that is read; reading one takes some 20 times its size in memory."""

_READS = 3
_NAMED = 8
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RefusedFileError(OSError):
    """A file is not read, though the system would let us."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the listing.

    Attributes:
        path: Absolute path, below the root.
        name: Path from the root, with `/` between its parts.
        target: The same of the file itself, where `name` is a link to it.
        modified_at: Last change of the content, UTC.
        arrived_at: Last change of any kind, such as a move, of it or a folder above it; UTC.
        name_count: How many names the file has in the folder (hard links).
    """

    path: Path
    name: str
    target: str
    modified_at: datetime
    arrived_at: datetime
    name_count: int = 1


@dataclass(slots=True)
class Listing:
    """The files below the root.

    Attributes:
        root: Absolute path, without links.
        files: Files that are documents.
        other_kinds: Number of other files, by suffix.
        links: Links out of the root, and broken ones.
        shared: Files that have another name outside the root.
        closed: Folders that may not be listed, with why; their files are not in the listing.
    """

    root: Path
    files: list[File] = field(default_factory=list)
    other_kinds: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    closed: dict[str, PermissionError] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> "Listing":
        """List a folder, newest files first.

        Raises:
            OSError: It cannot be listed, or one below it for another reason than permission.
        """
        listing = cls(root)
        _Walk(listing).run()
        listing.files.sort(key=lambda file: (file.modified_at, file.name), reverse=True)
        return listing

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
                ", ".join(self.links[:_NAMED]),
                "Copy what they lead to into the folder, if it is wanted.",
                len(self.links),
            )
        if self.closed:
            yield Gap(
                "folders that may not be listed",
                ", ".join(map(clean_text, list(self.closed)[:_NAMED])),
                "Let this process list them (chmod); what the index holds of them stays meanwhile.",
                len(self.closed),
            )
        if self.shared:
            yield Gap(
                "hard links to files outside the folder",
                ", ".join(self.shared[:_NAMED]),
                "Copy them into the folder, if everyone who searches may read them.",
                len(self.shared),
            )


class _Walk:
    """One walk through a folder and those below it."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._candidates: list[tuple[str, str, os.stat_result, int]] = []
        self._names: Counter[tuple[int, int]] = Counter()

    def run(self) -> None:
        """Add the files to the listing; those with a name elsewhere are refused."""
        root = os.open(self._listing.root, _OPEN_FOLDER)
        try:
            self._walk(root, "", arrived_at=0)
        finally:
            os.close(root)
        for name, target, seen, changed_at in self._candidates:
            name_count = self._names[seen.st_dev, seen.st_ino]
            if seen.st_nlink > max(1, name_count):
                self._listing.shared.append(clean_text(name))
                continue
            path = self._listing.root / name
            times = modified_at(seen), _utc(changed_at)
            self._listing.files.append(File(path, name, target, *times, max(1, name_count)))

    def _walk(self, folder: int, prefix: str, *, arrived_at: int) -> None:
        """Walk an open folder.

        Args:
            folder: Its file descriptor.
            prefix: Its path from the root, with `/` at its end.
            arrived_at: Newest change of the folders above, in nanoseconds since the epoch.
        """
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = target = prefix + entry.name
            try:
                seen = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                # It was there when the names were read.
                continue
            if stat.S_ISLNK(seen.st_mode):
                if (followed := self._followed(name)) is None:
                    continue
                target, seen = followed
            else:
                self._names[seen.st_dev, seen.st_ino] += 1
            changed_at = max(arrived_at, seen.st_ctime_ns)
            if stat.S_ISDIR(seen.st_mode):
                self._enter(folder, entry.name, name, changed_at)
            elif suffix_of(name) not in SUFFIXES or not stat.S_ISREG(seen.st_mode):
                self._listing.other_kinds[suffix_of(name) or "without a suffix"] += 1
            else:
                self._candidates.append((name, target, seen, changed_at))

    def _enter(self, folder: int, part: str, name: str, arrived_at: int) -> None:
        """Walk a folder in an open one; one that may not be listed costs no other."""
        try:
            with _opened(part, _OPEN_FOLDER, folder, self._listing.root / name) as inner:
                self._walk(inner, f"{name}/", arrived_at=arrived_at)
        except FileNotFoundError:
            return
        except PermissionError as error:
            # Who opens it later changes it, so its files then count as arrived.
            self._listing.closed[name] = error

    def _followed(self, name: str) -> tuple[str, os.stat_result] | None:
        """Return what a link leads to: a file below the root that is not read itself."""
        root = self._listing.root
        try:
            path = (root / name).resolve(strict=True)
            target = path.relative_to(root)
            seen = path.stat()
        except (OSError, RuntimeError, ValueError):
            self._listing.links.append(clean_text(name))
            return None
        is_hidden = any(part.startswith(".") for part in target.parts)
        is_unread = is_hidden or target.suffix.lower() not in SUFFIXES
        is_wanted = is_unread and stat.S_ISREG(seen.st_mode)
        return (target.as_posix(), seen) if is_wanted else None


def content_of(file: File, root: Path) -> tuple[bytes, datetime]:
    """Return a file's content and the time of its last change.

    A file that changes while it is read is read again. After `_READS` attempts the last content
    counts, with the time from before reading, so that the next nightly run finds a newer version.

    Raises:
        OSError: It is gone or may not be read.
        RefusedFileError: It is too large, is no file any more, or is one from outside the folder.
    """
    for _ in range(_READS):
        with _opened_below(root, file) as opened:
            before = os.fstat(opened)
            _check(before, file)
            content = _bytes_of(opened)
            after = os.fstat(opened)
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, len(content)):
            break
    return content, modified_at(before)


def _check(seen: os.stat_result, file: File) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise RefusedFileError(errno.EINVAL, "it is not a file any more")
    if seen.st_nlink > file.name_count:
        raise RefusedFileError(errno.EXDEV, "it has another name outside the folder (a hard link)")
    if seen.st_size > MAX_FILE_BYTES:
        raise _too_large(f"{seen.st_size:,}")


def _bytes_of(opened: int) -> bytes:
    """Return a file's content; it may grow while it is read."""
    parts: list[bytes] = []
    left_bytes = MAX_FILE_BYTES + 1
    while left_bytes and (part := os.read(opened, left_bytes)):
        parts.append(part)
        left_bytes -= len(part)
    if not left_bytes:
        raise _too_large(f"more than {MAX_FILE_BYTES:,}")
    return b"".join(parts)


def _too_large(size: str) -> RefusedFileError:
    seen = f"it has {size} bytes, and at most {MAX_FILE_BYTES:,} are read: split it"
    return RefusedFileError(errno.EFBIG, seen)


@contextmanager
def _opened_below(root: Path, file: File) -> Iterator[int]:
    """Open a file folder by folder, so that no part of its path can be a link."""
    *folders, last = PurePosixPath(file.target).parts
    folder = os.open(root, _OPEN_FOLDER)
    try:
        for part in folders:
            inner = os.open(part, _OPEN_FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        with _opened(last, _OPEN_FILE, folder, file.path) as opened:
            yield opened
    finally:
        os.close(folder)


@contextmanager
def _opened(part: str, flags: int, folder: int, path: Path) -> Iterator[int]:
    try:
        opened = os.open(part, flags, dir_fd=folder)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from error
    try:
        yield opened
    finally:
        os.close(opened)


def suffix_of(name: str) -> str:
    """Return the end of a name from its last dot on, in lower case."""
    return PurePosixPath(name).suffix.lower()


def modified_at(seen: os.stat_result) -> datetime:
    """Return the last change of a file's content.

    A time after the kernel's last change of any kind comes from a clock that was ahead. Such a
    file would stay the newest of the source and hide that the index is behind.
    """
    return _utc(min(seen.st_mtime_ns, seen.st_ctime_ns))


def _utc(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1000)
