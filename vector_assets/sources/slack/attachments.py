"""The files of a document's messages: which are downloaded, and from where.

Follows docs.slack.dev/reference/objects/file-object (2026-11). Whoever reads a message may open its
files. Those of a message that was shared from elsewhere are named, and never downloaded: its own
channel may have fewer readers.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from vector_assets.core.documents import Document, Section
from vector_assets.sources.attachments.reader import Attachment, AttachmentReader
from vector_assets.sources.items import Gap, Known, Unchanged
from vector_assets.sources.slack.client import FILES_SCOPE, SlackApi
from vector_assets.sources.slack.directory import Bot, advice_for
from vector_assets.sources.slack.files import HISTORY_ALONE, unread_kind
from vector_assets.sources.slack.json_values import objects_in, text_in

Json = dict[str, Any]


class SlackFiles:
    """The files of one run.

    Args:
        api: Downloads them.
        bot: Knows whether it may.
        reader: Reads them.
        known: What the index holds.
        may_skip: Whether documents with files may stay as the index holds them.
        may_miss_ids: Native ids of documents that may be read without what Slack does not give now.
    """

    def __init__(
        self,
        api: SlackApi,
        bot: Bot,
        reader: AttachmentReader,
        known: Known,
        *,
        may_skip: bool = True,
        may_miss_ids: frozenset[str] = frozenset(),
    ) -> None:
        self._api = api
        self._is_permitted = bot.has(FILES_SCOPE)
        self._reader = reader
        self._known = known
        self._may_skip = may_skip
        self._may_miss_ids = may_miss_ids

    def add_to(self, document: Document, messages: Sequence[Json]) -> Document | Unchanged:
        """Return a document with the texts of its files, each after its message.

        Args:
            document: A section for each message.
            messages: Those of the sections.

        Raises:
            UnavailableError: Slack does not give a file now.
        """
        files = [list(self._of(message)) for message in messages]
        every_file = [file for group in files for file in group]
        if not self._reader.wanted(every_file):
            stamp = document.stamp
        else:
            # A thread has the stamp of its listing.
            stamp = document.stamp or self._reader.stamp(document, every_file)
            if self._may_skip and self._known.unchanged({document.id: stamp}):
                self._reader.count(every_file)
                return Unchanged(document.id, document.day)
        return replace(document, sections=tuple(self._sections(document, files)), stamp=stamp)

    def stamp(self, messages: Iterable[Json]) -> str:
        """Return which files of messages are to be downloaded; empty for none."""
        wanted = self._reader.wanted(file for message in messages for file in self._of(message))
        named = "\n".join(sorted(f"{file.id} {file.name}" for file in wanted))
        return f"files {hashlib.sha256(named.encode()).hexdigest()}" if wanted else ""

    def gaps(self) -> Iterator[Gap]:
        """Yield what was not read so far; call it last."""
        yield from self._reader.gaps()
        self._reader.close()

    def _sections(
        self, document: Document, files: Iterable[Sequence[Attachment]]
    ) -> Iterator[Section]:
        may_miss = document.native_id in self._may_miss_ids
        for section, attachments in zip(document.sections, files, strict=True):
            yield section
            linked = (replace(attachment, url=section.url) for attachment in attachments)
            yield from self._reader.sections(linked, may_miss=may_miss)

    def _of(self, message: Json) -> Iterator[Attachment]:
        """Yield the files of a message of which history does not carry all words."""
        for file in objects_in(message.get("files")):
            if subject := unread_kind(file):
                yield self._attachment(file, subject)
        for shared in objects_in(message.get("attachments")):
            for file in objects_in(shared.get("files")):
                if subject := unread_kind(file):
                    refusal = "they are of messages that were shared from elsewhere"
                    yield replace(self._attachment(file, subject), refusal=refusal, advice="")

    def _attachment(self, file: Json, subject: str) -> Attachment:
        url = text_in(file.get("url_private_download")) or text_in(file.get("url_private"))
        name = text_in(file.get("name"))
        claimed_bytes = file.get("size")
        refusal = advice = ""
        if not url or file.get("is_external") or file.get("mode") == "external":
            refusal = HISTORY_ALONE
        elif not self._is_permitted:
            refusal, advice = f"the bot lacks the scope {FILES_SCOPE}", advice_for(FILES_SCOPE)
        return Attachment(
            # A file that is edited keeps its id.
            f"{file.get('id') or url or id(file)} {claimed_bytes}",
            text_in(file.get("title")) or name or "file",
            partial(self._api.fetch_file, url),
            media_type=text_in(file.get("mimetype")),
            file_name=name,
            claimed_bytes=claimed_bytes if isinstance(claimed_bytes, int) else None,
            subject=subject,
            not_read=HISTORY_ALONE,
            refusal=refusal,
            advice=advice,
        )
