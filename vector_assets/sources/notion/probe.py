"""One page, asked for by its id; and which page a link names."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx

from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.notion.client import Json, NotionApi, is_gone, last_edit
from vector_assets.sources.notion.document import SOURCE
from vector_assets.sources.notion.refusals import RefusedError

_DASHED = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_ID = rf"(?:{_DASHED}|[0-9a-fA-F]{{32}})"
_BARE = re.compile(_ID)
_SLUG = re.compile(rf"(?:.*-)?({_ID})")
_HOSTS = ("notion.so", "notion.site", "notion.com")
_KEPT_DAYS = 30
_REFUSED_STATUSES = (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND)

_IN_TRASH = f"Restore it in Notion, which keeps its trash for {_KEPT_DAYS} days."
_SHARE = (
    "Look in Notion whether it was deleted. If not, add the integration to it, or to a page above, "
    "under Connections in its menu."
)
_DATABASE = "it is a database: each of its rows is a page that is read, and it is none itself"


def probed(api: NotionApi, document: Missing) -> Probed:
    """Ask for a page: one request, and two more for one that is in no index and not shown.

    Notion gives pages in the trash for 30 days, and says so. A page that was deleted for good
    looks like one that is no longer shared (developers.notion.com/reference, "Retrieve a page"
    and "Errors", 2026-11).

    Raises:
        SkippableError: The page is refused, and not because it is not found.
    """
    name = document.document_id.partition(":")[2]
    if not _BARE.fullmatch(name):
        return Probed(RemoteState.NOT_SHOWN, advice="This is no id of a page in Notion.")
    try:
        page = api.page_or_refusal(name)
    except RefusedError as error:
        # A database's id is an invalid one of a page.
        if not document.container and error.status in _REFUSED_STATUSES:
            holder = api.database(name) or api.data_source(name)
            if holder is not None:
                return _state_of(holder, left_out=_DATABASE)
        if not error.is_of_one_object:
            raise
        return Probed(RemoteState.NOT_SHOWN, advice=_SHARE)
    return _state_of(page)


def _state_of(page_or_database: Json, *, left_out: str = "") -> Probed:
    if is_gone(page_or_database):
        return Probed(
            RemoteState.DELETED, last_edit(page_or_database), "it is in the trash", _IN_TRASH
        )
    if left_out:
        return Probed(RemoteState.THERE, left_out=left_out)
    return Probed(RemoteState.THERE, last_edit(page_or_database))


def document_id_in(text: str) -> str | None:
    """Return the id of the page that a link or an id names; None for anything else."""
    text = text.strip()
    if text.startswith(f"{SOURCE}:") and not text.startswith(f"{SOURCE}://"):
        text = text.removeprefix(f"{SOURCE}:")
        return _document_id(text) if _BARE.fullmatch(text) else None
    if "://" not in text:
        match = _SLUG.fullmatch(text)
        return _document_id(match[1]) if match and " " not in text else None
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return None
    if not any(host == known or host.endswith(f".{known}") for known in _HOSTS):
        return None
    # A page that is open beside or above its database.
    for opened in parse_qs(parts.query).get("p", ()):
        if _BARE.fullmatch(opened):
            return _document_id(opened)
    match = _SLUG.fullmatch(parts.path.rstrip("/").rpartition("/")[2])
    return _document_id(match[1]) if match else None


def _document_id(identity: str) -> str:
    plain = identity.replace("-", "").lower()
    parts = (plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:])
    return f"{SOURCE}:{'-'.join(parts)}"
