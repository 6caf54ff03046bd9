"""What stands on a page: read as Markdown in one request, or block by block where it must be.

Requests are what Notion gives least of, and a walk takes one for each level of each page. Markdown
has no links to single headings and no captions of code; both ways else say the same words.
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
from vector_assets.sources.notion.client import Json, NotionApi, Probe, RefusedError, last_edit
from vector_assets.sources.notion.inline import MentionNamer
from vector_assets.sources.notion.markdown import MarkdownPage, read_markdown
from vector_assets.sources.notion.sections import Part, sections_of

MAX_UNKNOWN_BLOCKS = 8
"""When Markdown leaves out more, asking for each costs more than walking over the whole page."""

MARKDOWN_REFUSALS = 3
"""One odd page that happens to be read first is no reason to walk over all the others."""


class Missing(Enum):
    """Kinds of things that are on a page and not in its document."""

    UNSHARED = "pages and databases below shared ones"
    DATABASE = "databases shown on pages"
    UNSUPPORTED = "blocks that the API does not show"
    SYNCED = "synced blocks of other pages"
    DISCUSSION = "comments on passages"
    ROWS = "rows of databases"


@dataclass
class Body:
    """What a page says and holds.

    Attributes:
        sections: In reading order.
        pages: Ids of the pages right below it, with their last edits where those are known.
        databases: Ids of the databases right below it, and of views of others.
        missing: How many things of each kind are not in the sections.
    """

    sections: tuple[Section, ...] = ()
    pages: dict[str, datetime | None] = field(default_factory=dict)
    databases: set[str] = field(default_factory=set)
    missing: Counter[Missing] = field(default_factory=Counter)


class Bodies:
    """Reads the bodies of pages, for one run.

    Args:
        api: Of the integration.
        names: For mentions that come without a name.
    """

    def __init__(self, api: NotionApi, names: MentionNamer) -> None:
        self._api = api
        self._names = names
        self._markdown = Probe(MARKDOWN_REFUSALS)

    def read(self, page_id: str, url: str) -> Body:
        """Return the body of a page, whole.

        Raises:
            SkippableError: Notion refuses a part of it; there is no such thing as half a page.
            UnavailableError: Notion does not give it.
        """
        answer = self._ask_for_markdown(page_id)
        if answer is None:
            return self._walked(page_id, url)
        page = read_markdown(str(answer.get("markdown") or ""), self._names)
        for block_id in answer.get("unknown_block_ids") or ():
            if block_id not in page.unknown:
                page.unknown[block_id] = len(page.parts)
                page.parts.append(Part(""))
        is_cut = bool(answer.get("truncated")) and not page.unknown
        if is_cut or len(page.unknown) > MAX_UNKNOWN_BLOCKS:
            return self._walked(page_id, url)
        return self._completed(page, url)

    def _ask_for_markdown(self, page_id: str) -> Json | None:
        """Return a page as Markdown; None where it has to be walked over."""
        try:
            answer = self._markdown.ask(lambda: self._api.markdown(page_id))
        except (RefusedError, UnavailableError):
            # Of this page alone: a rendering may be refused, or take Notion too long.
            return None
        if answer is not None and not isinstance(answer.get("markdown"), str):
            raise ContractError(
                "notion", f"Markdown with the fields {sorted(answer)}", "'markdown'"
            )
        return answer

    def _walked(self, page_id: str, url: str) -> Body:
        refused: list[str] = []
        placed = list(walk(page_id, self._api.children, refused))
        body = Body(sections=tuple(sections_of(parts_of(placed, url))))
        _note(body, placed, refused)
        return body

    def _completed(self, page: MarkdownPage, url: str) -> Body:
        """Return a page with the blocks that its Markdown leaves out."""
        body = Body(
            pages=dict.fromkeys(filter(None, page.pages)),
            databases=set(filter(None, page.databases)),
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
        """Return a block that Markdown left out, with all below it; nothing of one not shared."""
        block = self._api.block(block_id)
        if block is None:
            body.missing[Missing.UNSHARED] += 1
            return ()
        refused: list[str] = []
        placed = list(walk_blocks([block], self._api.children, refused, depth=depth))
        _note(body, placed, refused)
        return tuple(parts_of(placed, url))


def _note(body: Body, placed: Iterable[Placed], refused: list[str]) -> None:
    """Note what blocks hold or leave out."""
    body.missing[Missing.SYNCED] += len(refused)
    for placed_block in placed:
        kind, identity = placed_block.block.get("type"), str(placed_block.block.get("id"))
        if kind == "child_page":
            # This block is the page itself, so its last edit is the page's.
            body.pages[identity] = last_edit(placed_block.block)
        elif kind == "child_database":
            body.databases.add(identity)
        elif kind == "unsupported":
            body.missing[Missing.UNSUPPORTED] += 1
