"""Watches a folder: which files were written, moved or deleted, as the system tells it.

The system tells of a folder that was moved or deleted, and not of the files in it: then the folder
is listed and compared with what it held before.
"""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

from watchfiles import watch

from vector_assets.sources.files.folder import SUFFIXES, Listing, suffix_of
from vector_assets.sources.files.naming import native_id_of

TOGETHER_MS = 1_600
"""Changes that follow one another are told together, after at most this time."""

LOOK_AGAIN_MS = 500
"""How long it takes to notice that the watch is to end."""


class FolderWatch:
    """Watches a folder until it is told to stop.

    Args:
        root: Of the folder, absolute, without links.
        source: Name of the source, for the ids.
    """

    def __init__(self, root: Path, source: str) -> None:
        self._root = root
        self._source = source
        self._names: set[str] = set()

    def changed(self, stopped: Event) -> Iterator[set[str]]:
        """Yield the ids of files that changed, were added or are gone; first an empty set.

        Raises:
            OSError: The folder cannot be listed or watched.
        """
        self._names = self._listed()
        is_first = True
        for changes in watch(
            self._root,
            watch_filter=None,
            debounce=TOGETHER_MS,
            stop_event=stopped,
            rust_timeout=LOOK_AGAIN_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            paths = {path for _, path in changes}
            if is_first or paths:
                # What changed between the first listing and the watch is told of nowhere else.
                yield self._ids(self._changed_names(paths, is_listed_again=is_first))
            is_first = False

    def _changed_names(self, paths: set[str], *, is_listed_again: bool) -> set[str]:
        names: set[str] = set()
        for path in paths:
            name = Path(path).relative_to(self._root).as_posix() if path else ""
            if any(part.startswith(".") and part != "." for part in name.split("/")):
                continue
            if suffix_of(name) in SUFFIXES:
                names.add(name)
            is_folder = (self._root / name).is_dir()
            is_gone = not (self._root / name).exists()
            # What is gone may have been a folder, also one that was called like a file.
            is_listed_again |= is_folder or (is_gone and name not in self._names)
        if is_listed_again:
            listed = self._listed()
            names |= self._names ^ listed
            self._names = listed
        for name in names:
            change = self._names.add if (self._root / name).is_file() else self._names.discard
            change(name)
        return names

    def _listed(self) -> set[str]:
        return {file.name for file in Listing.of(self._root).files}

    def _ids(self, names: set[str]) -> set[str]:
        return {f"{self._source}:{native_id_of(name)}" for name in names}
