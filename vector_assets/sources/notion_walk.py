"""Fetches all blocks of a page, level by level, without recursion and without going in circles.

Keep out: what a block says (`notion_blocks.py`), and which pages to read (`notion.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vector_assets.sources.notion_blocks import HEADINGS, TRANSPARENT, Placed

Block = Mapping[str, Any]
Children = Callable[[str], list[Block]]

DOCUMENTS_OF_THEIR_OWN = {"child_page", "child_database"}


def walk(page_id: str, children: Children) -> Iterator[Placed]:
    """Yield the blocks of a page in reading order.

    Args:
        page_id: Of the page.
        children: Returns all children of a block, or raises: a page with a hole in it must never
            take the place of a whole one.
    """
    visited = {page_id}
    stack = [iter(_placed(children(page_id), 0))]
    while stack:
        placed = next(stack[-1], None)
        if placed is None:
            stack.pop()
            continue
        block = placed.block
        kind = str(block.get("type"))
        if not block.get("has_children") or kind in DOCUMENTS_OF_THEIR_OWN:
            yield placed
            continue
        origin = _origin(block)
        if origin in visited:
            continue
        visited |= {origin, str(block["id"])}
        below = children(str(block["id"]))
        if kind == "table":
            yield Placed(block, placed.depth, rows=tuple(below))
            continue
        yield placed
        is_deeper = kind not in TRANSPARENT and kind not in HEADINGS
        stack.append(iter(_placed(below, placed.depth + is_deeper)))


def _placed(blocks: list[Block], depth: int) -> Iterator[Placed]:
    number = 0
    for block in blocks:
        number = number + 1 if block.get("type") == "numbered_list_item" else 0
        yield Placed(block, depth, max(1, number))


def _origin(block: Block) -> str:
    """Return what a block's children really belong to: a synced copy's are its original's."""
    source = (block.get("synced_block") or {}).get("synced_from") or {}
    return str(source.get("block_id") or block["id"])
