"""Reads the listed pages of a crawl: each one whole, or as a failure that says why.

A page whose body Notion has never given is read without it after some runs: a person then finds it
by its title, properties and comments. Its `Document.stamp` says so, and its next edit asks again.
"""

import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from vector_assets.core.documents import Document
from vector_assets.core.errors import ContractError, SkippableError, UnavailableError
from vector_assets.sources.attachments.reader import MAX_OUTAGES as ATTACHMENT_OUTAGES
from vector_assets.sources.items import DocumentFailure, Known, Unchanged
from vector_assets.sources.notion.body import Bodies, Body, Missing
from vector_assets.sources.notion.client import Json, NotionApi, last_edit
from vector_assets.sources.notion.comments import CommentReader
from vector_assets.sources.notion.document import SOURCE, document_of
from vector_assets.sources.notion.files import PageFiles, files_of_properties
from vector_assets.sources.notion.names import Nameless, Names
from vector_assets.sources.notion.stamps import Stamps, is_settled, is_told_by_listing

NO_BODY = "without its body"
"""`Document.stamp` of a page whose body Notion has never given."""

MAX_REFUSALS = 1
MAX_OUTAGES = 2
"""Earlier runs in which a body may be refused, or get no answer, before its page is read without
it. An outage may last over two runs."""

_ODD_SHAPE = (KeyError, TypeError, ValueError, AttributeError)
_UNREADABLE = (ContractError, SkippableError, UnavailableError, *_ODD_SHAPE)


@dataclass(frozen=True, slots=True, order=True)
class Listed:
    """A page to be read; compressed, because a backfill lists a whole workspace at once."""

    edited: datetime
    page_id: str
    packed: bytes = field(compare=False)

    @classmethod
    def of(cls, page: Json) -> Self:
        """Pack a page."""
        packed = zlib.compress(json.dumps(page).encode(), level=1)
        return cls(last_edit(page), str(page["id"]), packed)

    @property
    def document_id(self) -> str:
        """Id of the document that it becomes."""
        return f"{SOURCE}:{self.page_id}"

    def failure(self, cause: str) -> DocumentFailure:
        """Return the failure to read it."""
        return DocumentFailure(self.document_id, cause, self.edited.date())

    def page(self) -> Json:
        """Return the page."""
        page: Json = json.loads(zlib.decompress(self.packed))
        return page


@dataclass(frozen=True, slots=True)
class Held:
    """What a page holds; empty when it could not be read. An outage of Notion, if it was one."""

    body: Body
    outage: UnavailableError | None = None


@dataclass(frozen=True, slots=True)
class Read(Held):
    """The result of reading a page: the page, or why it failed."""

    item: Document | DocumentFailure | Unchanged = field(kw_only=True)


class PageReader:
    """Reads pages, for one crawl.

    Args:
        api: Of the integration.
        names: Of the crawl.
        known: What the index holds.
        with_comments: Whether comments are read.
        attempts: In how many earlier runs each page failed, by id.
        files: Reads attachments.
        stamps: Of the crawl.
    """

    def __init__(
        self,
        api: NotionApi,
        names: Names,
        known: Known,
        *,
        with_comments: bool,
        attempts: Mapping[str, int],
        files: PageFiles,
        stamps: Stamps,
    ) -> None:
        self._api = api
        self._files = files
        self._stamps = stamps
        self._names = names
        self._known = known
        self._attempts = attempts
        self._bodies = Bodies(api, names)
        self._nameless_bodies = Bodies(api, Nameless())
        self._comments = CommentReader(api, names, is_wanted=with_comments)

    @property
    def are_comments_refused(self) -> bool:
        """Whether Notion refused comments; False before the first request."""
        return self._comments.is_refused

    def read(self, listed: Listed) -> Read:
        """Read a page whole, or return its failure: never a shortened body."""
        page = listed.page()
        # The time before the body is read: a later edit shows in the next listing.
        is_settled_page = is_settled(page)
        try:
            body = self._bodies.read(listed.page_id, str(page.get("url") or ""))
        except _UNREADABLE as error:
            return self._without_body(listed, page, error)
        return self._read(
            listed, page, body, has_stamp=is_settled_page and is_told_by_listing(body)
        )

    def unchanged(self, listed: Sequence[Listed]) -> frozenset[str]:
        """Return the ids of the pages that the index holds as they are listed.

        A page of which Notion does not give a name that its stamp needs is not among them.
        """
        if self._known.is_rescan:
            return frozenset()
        held = self._known.updated_at(page.document_id for page in listed)
        stamps: dict[str, str] = {}
        for page in listed:
            if held.get(page.document_id) == page.edited:
                with suppress(*_UNREADABLE):
                    stamps[page.document_id] = self._stamp(page, page.page())
        return self._known.unchanged(stamps) if stamps else frozenset()

    def _stamp(self, listed: Listed, page: Json) -> str:
        has_comments = self._comments.are_read(listed.page_id)
        return self._stamps.of(page, has_comments=has_comments)

    def held(self, listed: Listed) -> Held:
        """Return what a page holds, without names.

        Nothing for a page of the index whose body is not given: what it holds counts as missing,
        and Notion is asked about each page before it counts as gone.

        Raises:
            VectorAssetsError: The body is not given, and the index does not hold the page.
        """
        try:
            return Held(self._nameless_bodies.read(listed.page_id, ""))
        except _UNREADABLE as error:
            if self._known.updated_at([listed.document_id]):
                return Held(Body(), _outage(error))
            if isinstance(error, _ODD_SHAPE):
                raise SkippableError(f"{listed.document_id}: {_cause(error)}") from error
            raise

    def _read(
        self, listed: Listed, page: Json, body: Body, stamp: str = "", *, has_stamp: bool = False
    ) -> Read:
        try:
            comments = self._comments.of(listed.page_id)
            stamp = self._stamp(listed, page) if has_stamp else stamp
            document = document_of(
                page, body.sections, comments, self._names, self._api, stamp=stamp
            )
            files = (*files_of_properties(page), *body.files, *comments.files)
            item = self._files.add_to(document, files, may_miss=self._has_waited(listed))
        except _UNREADABLE as error:
            return Read(Body(), _outage(error), item=listed.failure(_cause(error)))
        return Read(body, item=item)

    def _has_waited(self, listed: Listed) -> bool:
        """Tell whether a page is new, and has waited long enough for its attachments."""
        attempts = self._attempts.get(listed.page_id, 0)
        return attempts >= ATTACHMENT_OUTAGES and not self._known.updated_at([listed.document_id])

    def _without_body(self, listed: Listed, page: Json, error: Exception) -> Read:
        """Return a page without its body if that was never given; else its failure."""
        outage = _outage(error)
        failure = Read(Body(), outage, item=listed.failure(_cause(error)))
        document_id = listed.document_id
        is_given_up = document_id in self._known.stamped({document_id: NO_BODY})
        if not is_given_up:
            most = MAX_OUTAGES if outage else MAX_REFUSALS
            # A body that the index holds is kept: the page fails until it is given again.
            if self._attempts.get(listed.page_id, 0) < most or self._known.updated_at(
                [document_id]
            ):
                return failure
        without = Body(missing=Counter({Missing.BODY: 1}))
        read = self._read(listed, page, without, NO_BODY)
        return read if is_given_up else Read(read.body, read.outage or outage, item=read.item)


def _outage(error: Exception) -> UnavailableError | None:
    return error if isinstance(error, UnavailableError) else None


def _cause(error: Exception) -> str:
    """Return why a page failed; an error of ours says it, another may quote the page."""
    if not isinstance(error, _ODD_SHAPE):
        return str(error)
    # A block or property may have a new shape.
    name = type(error).__name__
    return f"a field is not as documented: {name if isinstance(error, ValueError) else repr(error)}"
