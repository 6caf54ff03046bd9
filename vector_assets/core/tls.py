"""TLS certificates, read once for all clients of a process.

A client that makes its own context reads all certificates again, some 25 ms of CPU time.
"""

import ssl
from functools import cache

import httpx


@cache
def httpx_context() -> ssl.SSLContext:
    """Return httpx's default context: certifi's certificates, or those of `SSL_CERT_FILE`."""
    return httpx.create_ssl_context()


@cache
def system_context() -> ssl.SSLContext:
    """Return urllib's default context: the system's certificates."""
    return ssl.create_default_context()
