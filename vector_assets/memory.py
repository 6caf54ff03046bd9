"""How much freed memory a process keeps.

Keep out: how much the pipeline holds at once (`intake.py`, `sync.py`).
"""

import ctypes

ARENAS = 2

_M_ARENA_MAX = -8
"""Name of the option for `mallopt` (malloc.h of glibc, 2.10 and later)."""


def keep_little_freed_memory() -> None:
    """Let threads share two pools of memory; call it before any is started.

    By default glibc gives threads up to eight pools a core, and each keeps what was freed in it:
    with the pipeline's dozens of threads, a fifth of the memory that a run takes. Where the C
    library is another one this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
