"""The body of a page: read as Markdown in one request, or else block by block.

A walk takes a request for each block with children. Markdown has no links to headings and no
captions of code; otherwise both give the same words.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from vector_assets.core.documents import Section
from vector_assets.core.errors import ContractError, UnavailableError
from vector_assets.sources.notion.block_walk import walk, walk_blocks
from vector_assets.sources.notion.blocks import Placed, parts_of
from vector_assets.sources.notion.client import (
    PARTIAL,
    Json,
    NotionApi,
    fields_of,
    last_edit,
)
from vector_assets.sources.notion.endpoint import Endpoint
from vector_assets.sources.notion.files import FILE_BLOCKS, NotionFile, file_of
from vector_assets.sources.notion.markdown import MarkdownPage, read_markdown
from vector_assets.sources.notion.refusals import RefusedError
from vector_assets.sources.notion.rich_text import Namer
from vector_assets.sources.notion.sections import Part, sections_of

MAX_UNKNOWN_BLOCKS = 8
"""When Markdown leaves out more, fetching each costs more than walking over the page."""

MARKDOWN_REFUSALS = 3
"""Fewer may concern odd pages that happen to be read first, and not Markdown as such."""


class Missing(Enum):
    """Kinds of content that is on a page and not in its document."""

    UNSHARED = "pages and databases below shared ones"
    DATABASE = "databases shown on pages"
    UNSUPPORTED = "blocks that the API does not show"
    SYNCED = "synced blocks of other pages"
    DISCUSSION = "comments on passages"
    ROWS = "rows of databases"
    BODY = "bodies of pages"


@dataclass
class Body:
    """The text of a page, and what it holds.

    Attributes:
        sections: In reading order.
        pages: Ids of the pages right below it, with their last edits where those are known.
        databases: Ids of the databases right below it, and of views of others.
        files: In reading order.
        missing: Number of things of each kind that are not in the sections.
        shows_copies: Whether it shows blocks of other pages, whose edits are none of this page.
    """

    sections: tuple[Section, ...] = ()
    pages: dict[str, datetime | None] = field(default_factory=dict)
    databases: set[str] = field(default_factory=set)
    files: list[NotionFile] = field(default_factory=list)
    missing: Counter[Missing] = field(default_factory=Counter)
    shows_copies: bool = False


class Bodies:
    """Reads the bodies of pages, for one crawl."""

    def __init__(self, api: NotionApi, names: Namer) -> None:
        self._api = api
        self._names = names
        self._markdown = Endpoint(_is_of_endpoint, refusals=MARKDOWN_REFUSALS)

    def read(self, page_id: str, url: str) -> Body:
        """Return the body of a page, whole.

        Raises:
            SkippableError: Notion refuses a part of it: a page is never returned in part.
            UnavailableError: Notion does not give it.
        """
        answer = self._ask_for_markdown(page_id)
        if answer is None:
            return self._walked(page_id, url)
        page = read_markdown(answer["markdown"], self._names)
        for block_id in answer["unknown_block_ids"]:
            if block_id not in page.unknown:
                page.unknown[block_id] = len(page.parts)
                page.parts.append(Part(""))
        is_cut = answer["truncated"] and not page.unknown
        if is_cut or len(page.unknown) > MAX_UNKNOWN_BLOCKS:
            return self._walked(page_id, url)
        return self._completed(page, url)

    def _ask_for_markdown(self, page_id: str) -> Json | None:
        """Return a page as Markdown; None when it has to be walked."""
        try:
            answer = self._markdown.ask(lambda: self._api.markdown(page_id))
        except (RefusedError, UnavailableError):
            # Rendering just this page may be refused or take too long.
            return None
        except ContractError:
            # It is no JSON object; the blocks may still be given.
            return None
        return answer if answer is not None and _is_markdown(answer) else None

    def _walked(self, page_id: str, url: str) -> Body:
        refused: list[str] = []
        placed = list(walk(page_id, self._api.children, refused))
        body = Body(sections=tuple(sections_of(parts_of(placed, url, self._names.page))))
        _note(body, placed, refused)
        return body

    def _completed(self, page: MarkdownPage, url: str) -> Body:
        """Return a page together with the blocks that its Markdown leaves out."""
        body = Body(
            pages=dict.fromkeys(filter(None, page.pages)),
            databases=set(filter(None, page.databases)),
            files=page.files,
            shows_copies=page.shows_copies,
        )
        body.missing[Missing.DISCUSSION] += page.discussions
        fillings = {
            place: self._filling(block_id, page.parts[place].depth, url, body)
            for block_id, place in page.unknown.items()
        }
        parts = [
            part for place, whole in enumerate(page.parts) for part in fillings.get(place, (whole,))
        ]
        body.sections = tuple(sections_of(parts))
        return body

    def _filling(self, block_id: str, depth: int, url: str, body: Body) -> tuple[Part, ...]:
        """Return an omitted block with all below it; nothing when it is not shared."""
        block = self._api.block(block_id)
        if block is None:
            body.missing[Missing.UNSHARED] += 1
            return ()
        refused: list[str] = []
        placed = list(walk_blocks([block], self._api.children, refused, depth=depth))
        _note(body, placed, refused)
        return tuple(parts_of(placed, url, self._names.page))


def _is_of_endpoint(error: RefusedError) -> bool:
    return not error.is_of_one_object


def _is_markdown(answer: Json) -> bool:
    """Tell whether an answer has what shows that it is complete; if not, the blocks are walked."""
    unknown = answer.get("unknown_block_ids")
    return (
        isinstance(answer.get("markdown"), str)
        and isinstance(answer.get("truncated"), bool)
        and isinstance(unknown, list)
        and all(isinstance(block_id, str) for block_id in unknown)
    )


def _note(body: Body, placed: Iterable[Placed], refused: list[str]) -> None:
    """Add to a body what its blocks hold or leave out."""
    body.missing[Missing.SYNCED] += len(refused)
    for placed_block in placed:
        kind, identity = _kind_of(placed_block.block), str(placed_block.block.get("id"))
        if kind == "child_page":
            # The block and the page share id and last edit.
            body.pages[identity] = _edit_of(placed_block.block)
        elif kind == "child_database":
            body.databases.add(identity)
        elif kind == "synced_block":
            content = fields_of(placed_block.block[kind])
            body.shows_copies |= bool(content.get("synced_from"))
        elif kind in FILE_BLOCKS:
            body.files.append(file_of(placed_block.block[kind], kind))
        elif kind == "unsupported":
            body.missing[Missing.UNSUPPORTED] += 1


def _edit_of(block: Json) -> datetime | None:
    """Return the last edit of a page by its block; None where it cannot be read."""
    try:
        return last_edit(block)
    except ContractError:
        return None


def _kind_of(block: Json) -> str:
    """Return the type of a block; one that is shown in part counts as unsupported.

    Raises:
        KeyError: It has no such type, so its text would be lost.
    """
    if block.keys() <= PARTIAL:
        return "unsupported"
    kind = block["type"]
    if kind not in block:
        raise KeyError(kind)
    return str(kind)
