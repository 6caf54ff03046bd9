"""Certificates of TLS, read once for all clients of a test process, as `core/tls.py` does for ours.

Each client that a vendor's SDK makes reads all certificates again, in some 25 ms of CPU time. Tests
make thousands of clients, and speak with the sandbox, which has no TLS.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest


@contextmanager
def remembered_certificates() -> Iterator[None]:
    """Let every client of this process use the same certificates, until the block ends."""
    made = ssl.create_default_context

    @cache
    def context(_: tuple[str | None, ...], *words: Any, **named: Any) -> ssl.SSLContext:
        return made(*words, **named)

    def create(*words: Any, **named: Any) -> ssl.SSLContext:
        # With other files named by the environment it is another context.
        return context((os.getenv("SSL_CERT_FILE"), os.getenv("SSL_CERT_DIR")), *words, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", create)
        yield
