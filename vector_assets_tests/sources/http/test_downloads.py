"""Downloads over real HTTP from a server that lies about sizes, redirects and breaks off."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vector_assets.core.errors import UnavailableError
from vector_assets.core.meter import Meter
from vector_assets.sources.http import requests_retries
from vector_assets.sources.http.downloads import (
    Downloader,
    RefusedDownloadError,
    TooLargeError,
    host_of,
    is_at,
)
from vector_assets_tests.support.serving import serving

MAX_BYTES = 100_000


class Handler(BaseHTTPRequestHandler):
    """Answers by the path; keeps what it was sent."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]]
    sent_bytes: list[int]

    def do_GET(self) -> None:
        self.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        match self.path.strip("/").partition("/")[0]:
            case "good":
                self._answer(200, b"content")
            case "huge":
                self._answer(200, b"", length="1000000000")
            case "lying-short":
                self._answer(200, b"x" * MAX_BYTES * 3, length="10")
            case "lying-long":
                self._answer(200, b"x" * 10, length="20")
            case "endless":
                self._endless()
            case "redirect":
                self._answer(302, b"", location="http://169.254.169.254/latest/meta-data")
            case status:
                self._answer(int(status), b"no")

    def _answer(self, status: int, body: bytes, length: str = "", location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", length or str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(10_000):
                self.wfile.write(b"x" * 10_000)
                self.sent_bytes.append(10_000)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def running() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("Fresh", (Handler,), {"seen": [], "sent_bytes": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}", handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[Handler]]]:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 0)
    with running() as started:
        yield started


def downloader(base_url: str, meter: Meter | None = None) -> Downloader:
    return Downloader(
        "jira",
        meter or Meter(),
        endpoint="attachment",
        max_bytes=MAX_BYTES,
        is_allowed=lambda url: is_at(url, base_url),
    )


def test_a_file_is_fetched_and_counted(server: tuple[str, type[Handler]]) -> None:
    base_url, handler = server
    meter = Meter()
    sent = {"Authorization": "Bearer secret"}
    assert downloader(base_url, meter).fetch(f"{base_url}/good", sent) == b"content"
    assert meter.requests == {"jira attachment": 1}
    assert handler.seen[0][1]["authorization"] == "Bearer secret"
    assert handler.seen[0][1]["accept-encoding"] == "identity"


def test_no_login_of_the_machine_goes_along(
    server: tuple[str, type[Handler]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base_url, handler = server
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    downloader(base_url).fetch(f"{base_url}/good")
    assert "authorization" not in handler.seen[0][1]


def test_a_claim_of_a_gigabyte_is_believed_and_not_read(server: tuple[str, type[Handler]]) -> None:
    base_url, _ = server
    with pytest.raises(TooLargeError, match="1000000000 bytes"):
        downloader(base_url).fetch(f"{base_url}/huge")


def test_a_body_without_end_is_given_up_soon(server: tuple[str, type[Handler]]) -> None:
    base_url, handler = server
    with pytest.raises(TooLargeError, match=f"more than {MAX_BYTES} bytes"):
        downloader(base_url).fetch(f"{base_url}/endless")
    # What lies in the buffers of the system comes on top.
    assert sum(handler.sent_bytes) < 10_000 * 10_000


def test_a_body_longer_than_its_length_ends_there_and_a_shorter_one_is_asked_for_again(
    server: tuple[str, type[Handler]],
) -> None:
    base_url, _ = server
    assert downloader(base_url).fetch(f"{base_url}/lying-short") == b"x" * 10
    with pytest.raises(UnavailableError, match="did not answer"):
        downloader(base_url).fetch(f"{base_url}/lying-long")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_no_refusal(server: tuple[str, type[Handler]], status: int) -> None:
    base_url, _ = server
    with pytest.raises(UnavailableError, match=f"HTTP {status}|throttles"):
        downloader(base_url).fetch(f"{base_url}/{status}")


@pytest.mark.parametrize("status", [204, 206, 401, 403, 404, 410])
def test_a_refusal_tells_its_status(server: tuple[str, type[Handler]], status: int) -> None:
    base_url, _ = server
    with pytest.raises(RefusedDownloadError, match=f"HTTP {status}"):
        downloader(base_url).fetch(f"{base_url}/{status}")


def test_a_redirect_is_not_followed(server: tuple[str, type[Handler]]) -> None:
    base_url, handler = server
    with pytest.raises(RefusedDownloadError, match="HTTP 302") as refused:
        downloader(base_url).fetch(f"{base_url}/redirect")
    assert refused.value.location == "http://169.254.169.254/latest/meta-data"
    with pytest.raises(RefusedDownloadError, match="HTTP 0"):
        downloader(base_url).fetch(refused.value.location)
    assert [path for path, _ in handler.seen] == ["/redirect"]


def test_a_host_that_is_down_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_retries, "_ATTEMPTS", 0)
    with pytest.raises(UnavailableError, match="ConnectionError"):
        downloader("http://127.0.0.1:9").fetch("http://127.0.0.1:9/a")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://files.slack.com/a", "files.slack.com"),
        ("https://FILES.slack.com/a", ""),
        ("http://files.slack.com/a", ""),
        ("https://files.slack.com:8443/a", ""),
        ("https://files.slack.com@evil.example/a", ""),
        ("https://ann:b@files.slack.com/a", ""),
        ("https://files.slack.com.evil.example/a", "files.slack.com.evil.example"),
        ("file:///etc/passwd", ""),
        ("", ""),
    ],
)
def test_a_host_is_only_one_over_tls_without_port_or_login(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "is_there"),
    [
        ("https://a.example/x", True),
        ("http://a.example/x", False),
        ("https://a.example:444/x", False),
        ("https://a.example.evil.example/x", False),
        ("https://a.example@evil.example/x", False),
        ("https://b.example/https://a.example", False),
        ("//a.example/x", False),
    ],
)
def test_an_address_is_at_the_same_host_and_port_over_the_same_protocol(
    url: str, is_there: bool
) -> None:
    assert is_at(url, "https://a.example/base") == is_there
    assert not is_at("", "")
    with pytest.raises(RefusedDownloadError, match="HTTP 0"):
        downloader("https://a.example").fetch("http://[")
