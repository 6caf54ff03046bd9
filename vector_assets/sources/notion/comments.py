"""Open comments on pages, as sections: one request a page, and none where they may not be read.

Comments on passages belong to blocks and would cost a request each: they are counted, not read. The
API does not give resolved comments
(developers.notion.com/guides/data-apis/working-with-comments, 2026-11).
"""

from dataclasses import dataclass

from vector_assets.core.documents import Section
from vector_assets.sources.notion.client import (
    Json,
    NotionApi,
    fields_of,
    instant,
)
from vector_assets.sources.notion.endpoint import Endpoint
from vector_assets.sources.notion.files import NotionFile, file_of
from vector_assets.sources.notion.names import Names
from vector_assets.sources.notion.properties import file_name, words_of
from vector_assets.sources.notion.refusals import RefusedError
from vector_assets.sources.notion.rich_text import markdown


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments on a page.

    Attributes:
        sections: One a comment, oldest first.
        authors: Without those whose names may not be read.
        files: What is attached to them.
    """

    sections: tuple[Section, ...] = ()
    authors: tuple[str, ...] = ()
    files: tuple[NotionFile, ...] = ()


class CommentReader:
    """Reads the comments of pages, for one crawl; none unless `is_wanted`."""

    def __init__(self, api: NotionApi, names: Names, *, is_wanted: bool) -> None:
        self._api = api
        self._names = names
        self._is_wanted = is_wanted
        # Anything but a missing capability may pass: then this page fails and keeps its comments.
        self._probe = Endpoint(_is_for_want_of_capability)

    @property
    def is_refused(self) -> bool:
        """Whether Notion refused comments; False before the first request."""
        return self._probe.is_refused

    def are_read(self, page_id: str) -> bool:
        """Tell whether comments are read; asks for those of a page if it is not known yet.

        Raises:
            SkippableError: Comments may be read, but not these.
        """
        if self._is_wanted and not self._probe.is_known:
            self._probe.ask(lambda: self._api.comments(page_id))
        return self._is_wanted and not self._probe.is_refused

    def of(self, page_id: str) -> Comments:
        """Return the open comments on a page.

        Raises:
            SkippableError: Comments may be read, but not these.
        """
        comments = self._probe.ask(lambda: self._api.comments(page_id)) if self._is_wanted else None
        said = [
            (self._author(comment), comment)
            for comment in comments or ()
            if comment.get("rich_text") or comment.get("attachments")
        ]
        return Comments(
            tuple(_section(author, comment) for author, comment in said),
            tuple(dict.fromkeys(author for author, _ in said if author)),
            tuple(
                file_of(attachment, str(fields_of(attachment).get("category") or ""))
                for _, comment in said
                for attachment in _attachments(comment)
            ),
        )

    def _author(self, comment: Json) -> str:
        shown = fields_of(comment.get("display_name")).get("resolved_name")
        return str(shown or self._names.user(fields_of(comment.get("created_by"))))


def _is_for_want_of_capability(error: RefusedError) -> bool:
    return error.lacks_capability


def _attachments(comment: Json) -> list[Json]:
    attachments = comment.get("attachments")
    return list(map(fields_of, attachments)) if isinstance(attachments, list) else []


def _attachment(attachment: Json) -> str:
    """Return the name of an attached file; its signed address expires."""
    name = file_name(fields_of(attachment.get("file")).get("url"))
    return f"Attached: {name or words_of(attachment.get('category')) or 'a file'}"


def _section(author: str, comment: Json) -> Section:
    """Return a comment under its author and time; of odd parts, the words that they have."""
    created = comment.get("created_time")
    try:
        when = f", {instant(created):%Y-%m-%d %H:%M}" if isinstance(created, str) else ""
    except ValueError:
        when = f", {created}"
    try:
        said = markdown(comment.get("rich_text"))
    except (AttributeError, TypeError, ValueError):
        said = words_of(comment.get("rich_text"))
    text = "\n\n".join(filter(None, (said, *map(_attachment, _attachments(comment)))))
    return Section(text, f"Comment by {author or 'someone'}{when}")
