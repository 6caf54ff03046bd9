"""Names of files in the index, by their paths below the root."""

import hashlib
import os
from pathlib import Path

MAX_PATH_BYTES = 450
"""Longest path that is its own id; an id with source and chunk may have 512 bytes in an index."""


def container_of(name: str, root: Path) -> str:
    """Return the name of the top-level folder that holds a file, or of the root."""
    first, separator, _ = name.partition("/")
    return first if separator else root.name


def native_id_of(name: str) -> str:
    """Return the path as its own id where an index can hold it, otherwise its hash.

    A hash begins with a slash and a path from the root never does, so they cannot collide.
    """
    raw = os.fsencode(name)
    is_plain = name.isascii() and name.isprintable() and "#" not in name
    if is_plain and len(raw) <= MAX_PATH_BYTES:
        return name
    return f"/{hashlib.blake2b(raw, digest_size=16).hexdigest()}"
