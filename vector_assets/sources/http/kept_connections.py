"""Sends the requests of an SDK that uses `urllib` over connections that are kept.

`urllib` makes a connection for each request, with TLS two more round trips. Each request ends
within `REQUEST_SECONDS` as a whole. A request that crosses the server's close of an idle connection
fails, as one does whose connection is lost: the SDK repeats it.
"""

from functools import cache
from http import HTTPStatus
from http.client import HTTPMessage
from io import BytesIO
from ssl import SSLContext
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, proxy_bypass

from urllib3 import PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError as BrokenRequestError
from urllib3.util import make_headers

from vector_assets.core.http_deadline import BOUNDED_POOLS

_MAX_CONNECTIONS = 24
"""Kept to one host: more than threads ask at once."""


class KeptConnections:
    """Connections to any host, or to the proxy of the environment; safe to share between threads.

    Args:
        tls: Checks certificates.
        timeout_seconds: For a connection, and between two bytes of an answer.
    """

    def __init__(self, tls: SSLContext, timeout_seconds: float) -> None:
        self._tls = tls
        self._timeout = Timeout(timeout_seconds)
        self._managers = cache(self._manager)

    def send(self, request: Request) -> tuple[int, HTTPMessage, bytes]:
        """Return status, headers and body of an answer; no redirect is followed.

        Raises:
            HTTPError: The answer is no success; it holds the same.
            URLError: No answer came, or not all of it.
        """
        try:
            answer = self._managers(_proxy_of(request.full_url)).urlopen(
                request.get_method(),
                request.full_url,
                body=request.data,
                headers=dict(request.header_items()),
                redirect=False,
                retries=False,
                timeout=self._timeout,
            )
        except BrokenRequestError as error:
            raise URLError(error.__cause__ or error) from error
        headers = HTTPMessage()
        for name, value in answer.headers.items():
            headers[name] = value
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            reason, body = answer.reason or "", BytesIO(answer.data)
            raise HTTPError(request.full_url, answer.status, reason, headers, body)
        return answer.status, headers, answer.data

    def _manager(self, proxy: str) -> PoolManager:
        manager: PoolManager
        if proxy:
            login = urlsplit(proxy)
            sign = f"{login.username}:{login.password or ''}" if login.username else None
            manager = ProxyManager(
                proxy,
                maxsize=_MAX_CONNECTIONS,
                ssl_context=self._tls,
                proxy_headers=make_headers(proxy_basic_auth=sign),
            )
        else:
            manager = PoolManager(maxsize=_MAX_CONNECTIONS, ssl_context=self._tls)
        manager.pool_classes_by_scheme = BOUNDED_POOLS
        return manager


def _proxy_of(url: str) -> str:
    """Return the proxy that the environment names for an address; empty for none."""
    asked = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(asked.scheme) or proxies.get("all") or ""
    if not proxy or (asked.hostname and proxy_bypass(asked.netloc)):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"
