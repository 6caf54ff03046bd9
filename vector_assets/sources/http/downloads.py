"""Downloads of files: bounded in size while they come, from hosts that their vendor names.

No redirect is followed unasked, and no credentials go along but those that are handed in.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import requests

from vector_assets.core.errors import RateLimitedError, UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.sources.http.requests_retries import TIMEOUT_SECONDS, prepare

_PART_BYTES = 65_536
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


class TooLargeError(Exception):
    """A file is larger than it may be, whatever was said before."""


class RefusedDownloadError(Exception):
    """A file is not given, and asking again does not help.

    Attributes:
        status: Of HTTP; 0 when its address is none that may be asked.
        location: Where a redirect leads that was not followed.
    """

    def __init__(self, status: int, location: str = "") -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.location = location


class Downloader:
    """Fetches files of one vendor, with retries; safe to share between threads.

    Args:
        service: Name of the vendor, for the meter and for errors.
        meter: Of the run.
        endpoint: Name under which the meter counts the requests.
        max_bytes: Of a file.
        is_allowed: Tells whether an address is one of the vendor's own hosts.
    """

    def __init__(
        self,
        service: str,
        meter: Meter,
        *,
        endpoint: str,
        max_bytes: int,
        is_allowed: Callable[[str], bool],
    ) -> None:
        self._service = service
        self._max_bytes = max_bytes
        self._is_allowed = is_allowed
        self._session = requests.Session()
        prepare(self._session, service, meter, endpoint_of=endpoint)

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Return a file.

        Args:
            url: Its address.
            headers: Sent to this address alone, such as our credentials.

        Raises:
            TooLargeError: It is larger than `max_bytes`.
            RefusedDownloadError: It is not given, or is elsewhere.
            UnavailableError: It cannot be had now, or breaks off.
        """
        if not self._is_safe(url):
            raise RefusedDownloadError(0)
        # An encoded body could unpack to anything; a login of ~/.netrc is none of ours.
        sent = {"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})}
        try:
            with self._session.get(
                url,
                headers=sent,
                auth=_as_it_is,
                stream=True,
                allow_redirects=False,
                timeout=TIMEOUT_SECONDS,
            ) as response:
                self._check(response)
                return self._body(response)
        except RateLimitedError:
            raise UnavailableError(self._service, "it throttles downloads") from None
        except (requests.RequestException, OSError) as error:
            raise UnavailableError(self._service, type(error).__name__) from None

    def _is_safe(self, url: str) -> bool:
        try:
            return self._is_allowed(url)
        except ValueError:
            # It is no address.
            return False

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
            raise UnavailableError(self._service, f"HTTP {status} to a download")
        if status != HTTPStatus.OK:
            location = response.headers.get("Location", "")
            raise RefusedDownloadError(status, urljoin(response.url, location) if location else "")

    def _body(self, response: requests.Response) -> bytes:
        """Return the body; what its length is said to be only spares reading it."""
        claimed = response.headers.get("Content-Length", "")
        if claimed.isdecimal() and int(claimed) > self._max_bytes:
            raise TooLargeError(f"{claimed} bytes")
        content = bytearray()
        for part in response.iter_content(_PART_BYTES):
            content += part
            if len(content) > self._max_bytes:
                raise TooLargeError(f"more than {self._max_bytes} bytes")
        return bytes(content)


def is_at(url: str, base_url: str) -> bool:
    """Tell whether an address is at the host and port of another one, over the same protocol."""
    asked, base = urlsplit(url), urlsplit(base_url)
    return bool(base.hostname) and (asked.scheme, asked.netloc) == (base.scheme, base.netloc)


def host_of(url: str) -> str:
    """Return the host of an address over TLS; empty for any other, and for an odd port or login."""
    asked = urlsplit(url)
    is_plain = asked.scheme == "https" and asked.netloc == asked.hostname
    return asked.hostname or "" if is_plain else ""


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
