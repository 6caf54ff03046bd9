"""Fetches all blocks of a page, level by level, without recursion and without cycles."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vector_assets.sources.notion.blocks import HEADINGS, TRANSPARENT, Placed, typed
from vector_assets.sources.notion.client import fields_of
from vector_assets.sources.notion.refusals import RefusedError

Block = Mapping[str, Any]
Children = Callable[[str], list[Block]]

CLOSED = {"child_page", "child_database", "unsupported"}
"""Their children are documents of their own, or not shown by the API."""

MEETINGS = {"meeting_notes", "transcription"}
"""They name blocks for summary, notes and transcript, each with children."""

_MEETING_PARTS = ("summary_block_id", "notes_block_id", "transcript_block_id")


def walk(page_id: str, children: Children, refused: list[str] | None = None) -> Iterator[Placed]:
    """Yield the blocks of a page in reading order.

    Args:
        page_id: Of the page.
        children: Returns all children of a block, or raises.
        refused: Takes the ids of synced copies whose original is not shared with us.
    """
    yield from walk_blocks(children(page_id), children, refused, above=page_id)


def walk_blocks(
    blocks: list[Block],
    children: Children,
    refused: list[str] | None = None,
    *,
    above: str = "",
    depth: int = 0,
) -> Iterator[Placed]:
    """Yield sibling blocks, and all blocks below them; see `walk`."""
    visited = {above}
    stack = [iter(_placed(blocks, depth))]
    while stack:
        placed = next(stack[-1], None)
        if placed is None:
            stack.pop()
            continue
        block = placed.block
        kind = str(block.get("type"))
        holders = _holders(block)
        if not holders or kind in CLOSED:
            yield placed
            continue
        origin = _origin(block)
        if origin in visited:
            continue
        visited |= {origin, str(block["id"])}
        is_copy = origin != block["id"]
        below = _below(holders, children, (refused if refused is not None else []), is_copy=is_copy)
        if kind == "table":
            yield Placed(block, placed.depth, rows=tuple(below))
            continue
        yield placed
        is_deeper = kind not in TRANSPARENT and kind not in HEADINGS
        stack.append(iter(_placed(below, placed.depth + is_deeper)))


def _placed(blocks: list[Block], depth: int) -> Iterator[Placed]:
    number = 0
    for block in map(typed, blocks):
        number = number + 1 if block.get("type") == "numbered_list_item" else 0
        yield Placed(block, depth, max(1, number))


def _holders(block: Block) -> list[str]:
    """Return the ids whose children are below a block: usually its own, or none."""
    kind = str(block.get("type"))
    if kind in MEETINGS:
        parts = fields_of(fields_of(block.get(kind)).get("children"))
        named = (parts.get(name) for name in _MEETING_PARTS)
        if ids := [block_id for block_id in named if block_id and isinstance(block_id, str)]:
            return ids
    # What is no truth value does not say that there are none.
    return [] if block.get("has_children", False) is False else [str(block["id"])]


def _below(
    holders: list[str], children: Children, refused: list[str], *, is_copy: bool
) -> list[Block]:
    """Return the blocks below; none of a copy whose original is not shared with us."""
    try:
        return [child for holder in holders for child in children(holder)]
    except RefusedError as error:
        if is_copy and error.lacks_rights:
            refused.extend(holders)
            return []
        raise


def _origin(block: Block) -> str:
    """Return the id that owns a block's children: of a synced copy, its original."""
    source = fields_of(fields_of(block.get("synced_block")).get("synced_from")).get("block_id")
    return source if source and isinstance(source, str) else str(block["id"])
