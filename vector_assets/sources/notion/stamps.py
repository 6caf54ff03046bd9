"""What a listing shows of a page, as its stamp: a page whose stamp stands is not read again.

Notion floors `last_edited_time` to the minute, so a page gets a stamp only when it was read some
minutes after its edit. Comments change no `last_edited_time`: the weekly rescan and events bring
them. A page whose words may change without an edit of it, or whose body alone names the pages below
it, gets none and is read again as long as it is listed.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta

from vector_assets.sources.attachments.reader import AttachmentOptions
from vector_assets.sources.notion.body import Body, Missing
from vector_assets.sources.notion.client import Json, fields_of, last_edit
from vector_assets.sources.notion.names import Names

SETTLED_AFTER = timedelta(minutes=5)
"""Since the minute of an edit; more than Notion's minute, for clocks differ and reads may lag."""

_RENDERING = 1
"""Part of every stamp: raise it when other texts come of the same pages."""

_SIGNED = frozenset({"avatar_url", "expiry_time"})

_LATER_THERE = (Missing.UNSHARED, Missing.DATABASE, Missing.SYNCED, Missing.ROWS, Missing.BODY)
"""What sharing may bring without an edit."""


class Stamps:
    """Makes the stamps of one crawl.

    Args:
        names: Of the crawl.
        attachments: Whether they are read.
    """

    def __init__(self, names: Names, attachments: AttachmentOptions) -> None:
        self._names = names
        self._marks = (_RENDERING, attachments.are_read, attachments.max_bytes)

    def of(self, page: Json, *, has_comments: bool) -> str:
        """Return the stamp of a listed page, with the names that its document shows.

        Args:
            page: As search, a query or a request by id gives it.
            has_comments: Whether comments are read.

        Raises:
            VectorAssetsError: Notion does not give a name.
        """
        parent = fields_of(page.get("parent"))
        properties = fields_of(page.get("properties"))
        has_numbers = any(fields_of(value).get("type") == "number" for value in properties.values())
        shown = [
            *self._marks,
            has_comments,
            page.get("last_edited_time"),
            page.get("created_time"),
            page.get("url"),
            parent,
            self._names.container(parent),
            [self._names.user(fields_of(page.get(role))) for role in _PEOPLE],
            self._names.number_formats(parent) if has_numbers else {},
            _without_signatures(properties),
        ]
        text = json.dumps(shown, sort_keys=True, default=str)
        return f"page {hashlib.sha256(text.encode()).hexdigest()}"


_PEOPLE = ("created_by", "last_edited_by")


def now() -> datetime:
    """Return the present time, UTC."""
    return datetime.now(UTC)


def is_settled(page: Json) -> bool:
    """Tell whether a page that is read now cannot be edited any more in the minute of its edit."""
    return now() - last_edit(page) >= SETTLED_AFTER


def is_told_by_listing(body: Body) -> bool:
    """Tell whether a listing shows each change of a page with this body."""
    names_others = body.pages or body.databases or body.shows_copies
    return not names_others and not any(body.missing[kind] for kind in _LATER_THERE)


def _without_signatures(value: object) -> object:
    """Return a value of the API without what each answer signs anew."""
    if isinstance(value, list):
        return [_without_signatures(item) for item in value]
    if not isinstance(value, dict):
        return value
    cleaned = {
        name: _without_signatures(inner) for name, inner in value.items() if name not in _SIGNED
    }
    if isinstance(url := cleaned.get("url"), str) and "expiry_time" in value:
        cleaned["url"] = url.partition("?")[0]
    return cleaned
