"""Remembers deliveries that were taken, so that nobody can send one again and again."""

import hashlib
from collections import OrderedDict

MAX_REMEMBERED = 50_000
"""Some 5 MB; the oldest are forgotten first. A restart forgets all, and then the documents that
they name are read once more."""


class Repeats:
    """Digests of the bodies that were queued."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def has(self, body: bytes) -> bool:
        """Tell whether a body was taken before."""
        return hashlib.sha256(body).digest() in self._digests

    def remember(self, body: bytes) -> None:
        """Remember a body that was taken; not before it is queued, for vendors deliver again."""
        self._digests[hashlib.sha256(body).digest()] = None
        while len(self._digests) > MAX_REMEMBERED:
            self._digests.popitem(last=False)
