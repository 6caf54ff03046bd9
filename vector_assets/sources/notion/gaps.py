"""What of Notion is not read, and what to do about it."""

from collections.abc import Iterator, Mapping

from vector_assets.sources.items import Gap
from vector_assets.sources.notion.body import Missing

_CAPABILITIES = "under Capabilities at notion.so/profile/integrations"

NO_PAGES = Gap(
    "pages",
    "nothing is shared with the integration",
    "Open a page or teamspace in Notion, choose Connections in its menu, and add the integration.",
)
NO_COMMENTS = Gap(
    "comments",
    "the integration may not read them",
    f"Give it 'Read comments' {_CAPABILITIES}, or set NOTION_COMMENTS to false.",
)
NO_NAMES = Gap(
    "names of people",
    "the integration may not read users, so authors and mentions stay without names",
    f"Give it 'Read user information' {_CAPABILITIES}.",
)

_SHARE = "Add the integration to them under Connections in their menus, if they belong in here."

_WORDS: Mapping[Missing, tuple[str, str]] = {
    Missing.UNSHARED: ("they are not shared with the integration", _SHARE),
    Missing.DATABASE: (
        "each is a view of a database elsewhere, or a database that is not shared",
        "Add the integration to the databases that they show.",
    ),
    Missing.ROWS: ("the integration may not query them", _SHARE),
    Missing.BODY: (
        "Notion does not give them; their titles, properties and comments are in the index",
        "They are asked for again when their pages are edited.",
    ),
    Missing.SYNCED: ("their original stands on a page that is not shared", _SHARE),
    Missing.UNSUPPORTED: ("Notion's API has no text of theirs, such as buttons and forms", ""),
    Missing.DISCUSSION: (
        "Notion lists comments of a page, and those on its passages only block by block",
        "",
    ),
}


def gaps_of(missing: Mapping[Missing, int]) -> Iterator[Gap]:
    """Yield a gap for each kind of missing content."""
    for kind in Missing:
        if count := missing.get(kind, 0):
            reason, advice = _WORDS[kind]
            yield Gap(kind.value, reason, advice, count)
