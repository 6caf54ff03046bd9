"""The files of a page: in its body, its properties and its comments.

Notion gives the address of a file that it keeps itself, signed for an hour. A file elsewhere is
named by whoever wrote the page, so it is never asked for
(developers.notion.com/reference/file-object, 2026-11).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from vector_assets.core.documents import Document
from vector_assets.sources.attachments.reader import Attachment, AttachmentReader
from vector_assets.sources.http.downloads import RefusedDownloadError
from vector_assets.sources.items import Gap, Known, Unchanged
from vector_assets.sources.notion.client import Json, NotionApi, fields_of
from vector_assets.sources.notion.properties import file_name

FILE_BLOCKS = frozenset({"audio", "file", "image", "pdf", "video"})
"""Types of blocks that are files."""

_ELSEWHERE = "they are kept outside Notion"
_NO_ADDRESS = "Notion gives no address of them"
_MEDIA_TYPES = {"audio": "audio/", "image": "image/", "pdf": "application/pdf", "video": "video/"}


@dataclass(frozen=True, slots=True)
class NotionFile:
    """A file of a page.

    Attributes:
        name: With its ending.
        address: Signed, where Notion keeps it; else empty.
        is_elsewhere: Whether somebody else keeps it.
        kind: Of its block, or the category of an attachment; may be empty.
        may_be_old: Whether its address was listed some time ago, so that it may have expired.
    """

    name: str
    address: str = ""
    is_elsewhere: bool = False
    kind: str = ""
    may_be_old: bool = False

    @property
    def path(self) -> str:
        """The part of the address that does not change; unlike for each file."""
        return self.address.partition("?")[0]


def file_of(value: Any, kind: str = "", *, may_be_old: bool = False) -> NotionFile:
    """Return the file of a block, of a property's item or of a comment's attachment.

    Args:
        value: With `file` or `external`, and perhaps a name.
        kind: See `NotionFile`.
        may_be_old: See `NotionFile`.
    """
    fields = fields_of(value)
    own, external = (fields_of(fields.get(place)).get("url") for place in ("file", "external"))
    address = own if isinstance(own, str) else ""
    name = fields.get("name") or file_name(own or external)
    return NotionFile(str(name), address, bool(external), kind, may_be_old)


def files_of_properties(page: Json) -> Iterator[NotionFile]:
    """Yield the files in a page's properties."""
    for value in fields_of(page.get("properties")).values():
        files = fields_of(value).get("files")
        if isinstance(files, list):
            yield from (file_of(file, may_be_old=True) for file in files)


class PageFiles:
    """The files of the pages of one crawl.

    Args:
        api: Downloads them.
        reader: Reads them.
        known: What the index holds.
    """

    def __init__(self, api: NotionApi, reader: AttachmentReader, known: Known) -> None:
        self._api = api
        self._reader = reader
        self._known = known

    def add_to(
        self, document: Document, files: Iterable[NotionFile], *, may_miss: bool
    ) -> Document | Unchanged:
        """Return a page with the texts of its files.

        Args:
            document: The page without them.
            files: Of the page.
            may_miss: See `AttachmentReader.sections`.

        Raises:
            UnavailableError: A file is not given now.
        """
        attachments = [
            self._attachment(document.native_id, file, place)
            for place, file in enumerate(dict.fromkeys(files))
        ]
        stamp = document.stamp or self._reader.stamp(document, attachments)
        if stamp and not document.stamp and self._known.unchanged({document.id: stamp}):
            self._reader.count(attachments)
            return Unchanged(document.id, document.day)
        sections = self._reader.sections(attachments, may_miss=may_miss)
        return replace(document, sections=(*document.sections, *sections), stamp=stamp)

    def gaps(self) -> Iterator[Gap]:
        """Yield what was not read so far; call it last."""
        yield from self._reader.gaps()
        self._reader.close()

    def _attachment(self, page_id: str, file: NotionFile, place: int) -> Attachment:
        refusal = "" if file.address else _NO_ADDRESS
        return Attachment(
            file.path or f"{page_id} {place} {file.name}",
            file.name or file.kind or "file",
            lambda: self._content(page_id, file),
            media_type=_MEDIA_TYPES.get(file.kind, ""),
            refusal=_ELSEWHERE if file.is_elsewhere else refusal,
        )

    def _content(self, page_id: str, file: NotionFile) -> bytes:
        """Return a file; where its address has expired, by a new one."""
        try:
            return self._api.fetch_file(file.address)
        except RefusedDownloadError as error:
            expired = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)
            if not file.may_be_old or error.status not in expired:
                raise
            page: Mapping[str, Any] = self._api.page(page_id) or {}
            fresh = {file.path: file for file in files_of_properties(page)}
            if file.path not in fresh:
                raise
            return self._api.fetch_file(fresh[file.path].address)
