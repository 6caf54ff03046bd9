"""One file, asked for by its path; and which file a path names."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from vector_assets.sources.base import Missing, Probed, RemoteState
from vector_assets.sources.files.folder import (
    MAX_FILE_BYTES,
    SUFFIXES,
    File,
    Listing,
    modified_at,
    suffix_of,
)
from vector_assets.sources.files.naming import container_of, native_id_of

SOURCE = "files"

_HASH = re.compile(r"/[0-9a-f]{32}")
_LOOKS_LIKE_A_PATH = re.compile(r"[^\n]*\.[A-Za-z0-9]{1,10}")

_COPY = "Copy it into the folder under a name of its own, if it is wanted."


class FileProbe:
    """Looks at single files; the folder is listed only where a look at the file does not do.

    Args:
        root: Returns the folder's absolute path, without links; raises when it is not there.
        listed: Lists the folder anew.
    """

    def __init__(self, root: Callable[[], Path], listed: Callable[[], Listing]) -> None:
        self._root = root
        self._listed = listed

    def __call__(self, document: Missing) -> Probed:
        """Look at a file; a name that is a link, or that is gone, takes a listing of the folder.

        Raises:
            VectorAssetsError: The folder is not there, or cannot be listed.
        """
        root, native_id = self._root(), document.document_id.partition(":")[2]
        name = _name_of(native_id, root)
        if name is not None and (probed := _looked_at(root, name)) is not None:
            return _with_id(probed, document, name)
        listing = self._listed()
        wanted = native_id if name is None else native_id_of(name)
        for file in listing.files:
            if native_id_of(file.name) == wanted:
                return _with_id(Probed(RemoteState.THERE, file.modified_at), document, file.name)
        if name is not None and (root / name).is_file():
            left_out = "it is a link, or has another name outside the folder"
            return Probed(RemoteState.THERE, left_out=left_out, advice=_COPY)
        container = document.container
        if name is not None and not container:
            container = container_of(name, root)
        return Probed(state_of_unlisted(container, listing))


def state_of_unlisted(container: str, listing: Listing) -> RemoteState:
    """Return the state of a file that a listing does not show.

    An empty folder may be the mount point of a file system that is not mounted.

    Args:
        container: Of the file, as the index has it.
        listing: Of the whole folder.
    """
    shown = {container_of(file.name, listing.root) for file in listing.files}
    if container in shown:
        return RemoteState.DELETED
    if listing.files and not (listing.root / container).exists():
        return RemoteState.DELETED
    return RemoteState.NOT_SHOWN


def state_of(document: Missing, listing: Listing, by_id: dict[str, File]) -> RemoteState:
    """Return the state of a file as a listing, and its files by document id, show it."""
    if document.document_id in by_id:
        return RemoteState.THERE
    return state_of_unlisted(document.container, listing)


def _name_of(native_id: str, root: Path) -> str | None:
    """Return the path from the root that an id or an absolute path names; None for a hash."""
    if not native_id.startswith("/"):
        return native_id
    if _HASH.fullmatch(native_id):
        return None
    path = Path(os.path.normpath(native_id))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else native_id


def _looked_at(root: Path, name: str) -> Probed | None:
    """Return what a look at a file tells; None where only the listing decides."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts:
        left_out = "it is not in the folder that FILES_PATH names"
        return Probed(RemoteState.UNSURE, left_out=left_out, advice=_COPY)
    path = root / name
    try:
        seen = path.lstat()
        is_plain = path.resolve(strict=True) == path and stat.S_ISREG(seen.st_mode)
    except (OSError, RuntimeError, ValueError):
        return None
    if any(part.startswith(".") for part in parts):
        left_out = "names that begin with a dot are not read"
        return Probed(RemoteState.THERE, modified_at(seen), left_out, _COPY)
    if suffix_of(name) not in SUFFIXES:
        left_out = f"only {', '.join(sorted(SUFFIXES))} are read"
        return Probed(RemoteState.THERE, modified_at(seen), left_out, "Save it as one of these.")
    if not is_plain or seen.st_nlink > 1:
        return None
    if seen.st_size > MAX_FILE_BYTES:
        left_out = f"it has {seen.st_size:,} bytes, and at most {MAX_FILE_BYTES:,} are read"
        return Probed(RemoteState.THERE, modified_at(seen), left_out, "Split it.")
    return Probed(RemoteState.THERE, modified_at(seen))


def _with_id(probed: Probed, document: Missing, name: str) -> Probed:
    document_id = f"{SOURCE}:{native_id_of(name)}"
    is_other = probed.state is RemoteState.THERE and document_id != document.document_id
    return Probed(
        probed.state,
        probed.updated_at,
        probed.left_out,
        probed.advice,
        document_id if is_other else "",
    )


def document_id_in(text: str) -> str | None:
    """Return the id of the file that a path names; None for anything else.

    A path from the root gives the id itself; an absolute one is completed by the probe.
    """
    text = text.strip()
    if text.startswith(f"{SOURCE}:"):
        return text if len(text) > len(SOURCE) + 1 else None
    if text.startswith("file://"):
        path = unquote(urlsplit(text).path)
        return f"{SOURCE}:{os.path.normpath(path)}" if len(path) > 1 else None
    if "://" in text or not _LOOKS_LIKE_A_PATH.fullmatch(text):
        return None
    if text.startswith("/"):
        return f"{SOURCE}:{os.path.normpath(text)}"
    if suffix_of(text) not in SUFFIXES and "/" not in text:
        return None
    return f"{SOURCE}:{native_id_of(os.path.normpath(text))}"
