"""What is trusted of a server that speaks TLS, read once for all clients of a process.

A client that makes its own reads all certificates again, which takes some 25 ms of a core.
"""

import ssl
from functools import cache

import httpx


@cache
def httpx_context() -> ssl.SSLContext:
    """Return what httpx trusts by itself: certifi's certificates, or those of `SSL_CERT_FILE`."""
    return httpx.create_ssl_context()


@cache
def system_context() -> ssl.SSLContext:
    """Return what urllib trusts by itself: the system's certificates."""
    return ssl.create_default_context()
