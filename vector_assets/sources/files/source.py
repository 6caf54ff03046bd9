"""A folder of Markdown and plain text: each file is a document.

Also a template for a new source: this module, its line in the registry, its setting.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

from vector_assets.core.days import Window
from vector_assets.core.documents import Document, clean_text
from vector_assets.core.errors import SettingsError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.sources.base import ConnectionCheck, Missing, Probed, RemoteState, Source
from vector_assets.sources.files.folder import MARKDOWN_SUFFIXES, File, Listing, content_of
from vector_assets.sources.files.naming import container_of, native_id_of
from vector_assets.sources.files.page import Page, authors_of, created_at_of
from vector_assets.sources.files.probe import FileProbe, document_id_in, state_of
from vector_assets.sources.items import (
    Checkpoint,
    DocumentFailure,
    Quarantined,
    Resolved,
    SourceItem,
)

_READ_AHEAD = 100
"""Files whose versions in the index are asked for at once, before they are read."""

_MARKS = {
    # Those of UTF-32 first: one begins with one of UTF-16.
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

_CHECK = "Check FILES_PATH, and that the folder is mounted and may be read."


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
        self._probe = FileProbe(self._root, self._list)

    @classmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings; the folder is not read yet."""
        settings.require_credentials(cls.name)
        return cls(Path(settings.files_path))

    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield the files whose last change lies in the window, newest first."""
        listing = self._listed_as_far_as_possible()
        yield from listing.gaps()
        yield from self._documents(listing, self._wanted(listing, window))
        yield Checkpoint(window.start)

    def ids(self, window: Window) -> Iterator[str]:
        """Yield the id of each file whose last change lies in the window, without opening it."""
        for file in _selected(self._list().files, window):
            yield self._id(file)

    def retry(self, failed: Sequence[Quarantined]) -> Iterator[SourceItem]:
        """Yield files by their paths; the folder is listed once."""
        wanted = {document.document_id for document in failed}
        listing = self._listed_as_far_as_possible()
        files = [file for file in listing.files if self._id(file) in wanted]
        yield from self._documents(listing, files)
        # What a closed folder holds is not gone.
        if not listing.closed:
            yield from map(Resolved, sorted(wanted.difference(map(self._id, files))))

    def remote_states(self, missing: Sequence[Missing]) -> Iterator[tuple[str, RemoteState]]:
        """Yield the state of files, by listing the whole folder again, once.

        A file that was replaced by one with an older time is outside the window, but exists.
        """
        listing = self._list()
        by_id = {self._id(file): file for file in listing.files}
        return ((document.document_id, state_of(document, listing, by_id)) for document in missing)

    def probe(self, document: Missing) -> Probed:
        """Look at a file; see `FileProbe`."""
        return self._probe(document)

    @classmethod
    def document_id_of(cls, text: str) -> str | None:
        """Return the id of the file that a path names."""
        return document_id_in(text)

    def newest(self) -> datetime | None:
        """Return the newest change of any file."""
        files = self._listed_as_far_as_possible().files
        return max((file.modified_at for file in files), default=None)

    def check(self) -> ConnectionCheck:
        """List the folder and say how many files it holds."""
        listing = self._listed_as_far_as_possible()
        return ConnectionCheck(
            f"{self._folder}: {len(listing.files):,} files", tuple(listing.gaps())
        )

    def _list(self) -> Listing:
        """Return all files below the root, newest first.

        Raises:
            SettingsError: The folder does not exist.
            UnavailableError: A folder cannot be listed; its files must not look deleted.
        """
        listing = self._listed_as_far_as_possible()
        for name, error in listing.closed.items():
            raise _cannot_be_listed(error, listing.root / name)
        return listing

    def _listed_as_far_as_possible(self) -> Listing:
        """Return the files below the root, newest first, but for those of closed folders.

        Raises:
            SettingsError: The folder does not exist.
            UnavailableError: It cannot be listed.
        """
        root = self._root()
        try:
            return Listing.of(root)
        except OSError as error:
            raise _cannot_be_listed(error, root) from error

    def _root(self) -> Path:
        """Return the folder, without links.

        Raises:
            SettingsError: It does not exist.
            UnavailableError: It cannot be looked at.
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
        return root

    def _wanted(self, listing: Listing, window: Window) -> list[File]:
        """Return the files of a window; of a nightly run also those with another time than held.

        A clock that was set back dates a change, and an arrival, before the window.
        """
        selected = set(_selected(listing.files, window))
        if window.end is None and not self.known.is_rescan:
            times = {self._id(file): file.modified_at for file in listing.files}
            others = (self._id(file) for file in listing.files if file not in selected)
            held = self.known.updated_at(others)
            changed = {key for key, updated_at in held.items() if updated_at != times[key]}
            selected.update(file for file in listing.files if self._id(file) in changed)
        return [file for file in listing.files if file in selected]

    def _documents(
        self, listing: Listing, files: Sequence[File]
    ) -> Iterator[Document | DocumentFailure]:
        """Read files; what is read replaces what the index was seen to hold before.

        The content on disk is the current version, however it is dated: a file may have been
        replaced by an older one.
        """
        for at in range(0, len(files), _READ_AHEAD):
            group = files[at : at + _READ_AHEAD]
            held = self.known.updated_at(map(self._id, group))
            for file in group:
                item = self._read(file, listing.root)
                if isinstance(item, Document):
                    item = replace(item, replaces_at=held.get(item.id))
                yield item

    def _read(self, file: File, root: Path) -> Document | DocumentFailure:
        """Return a file as a document, with the time of the content that was read."""
        day = file.modified_at.date()
        try:
            content, modified_at = content_of(file, root)
            text = _decoded(content)
        except OSError as error:
            cause = f"{file.name} cannot be read: {error.strerror}"
            return DocumentFailure(self._id(file), cause, day)
        except UnicodeDecodeError as error:
            encoding = error.encoding.upper()
            cause = f"{file.name} is not {encoding} at byte {error.start:,}: save it as UTF-8"
            return DocumentFailure(self._id(file), cause, day)
        page = Page.of(text, is_markdown=file.path.suffix.lower() in MARKDOWN_SUFFIXES)
        return Document(
            source=self.name,
            native_id=native_id_of(file.name),
            title=page.title or file.path.name,
            sections=page.sections,
            url=file.path.as_uri(),
            container=container_of(file.name, root),
            authors=authors_of(page.properties),
            created_at=created_at_of(page.properties) or modified_at,
            updated_at=modified_at,
            extra={"path": clean_text(file.name)},
        )

    def _id(self, file: File) -> str:
        return f"{self.name}:{native_id_of(file.name)}"


def _decoded(content: bytes) -> str:
    """Decode UTF-8, or what the mark at its beginning says that it is."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode("utf-8-sig")


def _cannot_be_listed(error: OSError | RuntimeError, folder: Path) -> UnavailableError:
    where = getattr(error, "filename", None) or folder
    words = getattr(error, "strerror", None) or str(error)
    return UnavailableError("files", f"{where} cannot be listed: {words}", _CHECK)


def _selected(files: Iterable[File], window: Window) -> Iterator[File]:
    """Yield the files changed in a window; when it has no end, also those that arrived in it."""
    for file in files:
        has_arrived = window.end is None and file.arrived_at >= window.start
        if file.modified_at in window or has_arrived:
            yield file
