"""How much freed memory a process keeps, and what of the rest it searches for garbage."""

import ctypes
import gc
from functools import cache

ARENAS = 2
MAPPED_FROM_BYTES = 256 * 1024
"""Blocks of this size and more go back to the system when they are freed."""

_M_ARENA_MAX = -8
_M_MMAP_THRESHOLD = -3
"""Names of the options for `mallopt` (malloc.h of glibc, 2.10 and later)."""


def keep_little_freed_memory() -> None:
    """Let threads share two pools of memory; call it before any is started.

    By default glibc gives threads up to eight pools a core, and each keeps what was freed in it;
    and it moves the size from which a block is mapped by itself up to the largest one freed (32
    MiB), so that batches of vectors and answers of an API leave holes in those pools: together,
    a fourth of the memory that a run takes. Where the C library is another one this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)


@cache
def freeze_what_is_loaded() -> None:
    """Leave what exists already out of every later search for cycles of garbage.

    Call it when a run has imported what it needs; it does something once in a process. Some 135,000
    objects of imported libraries live as long as the process, and a search for all garbage looks at
    each: 0.1 s (2 cores, Python 3.11) in which no other thread runs. An object that nothing refers
    to any more is freed all the same; only cycles among those that are frozen stay.
    """
    gc.freeze()
