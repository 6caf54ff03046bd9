"""Names of hosts as settings give them."""

import pytest

from vector_assets.core.errors import SettingsError
from vector_assets.core.settings import Settings
from vector_assets.orchestration.webserver.hosts import LOOPBACK, allowed_hosts

URL = "http://127.0.0.1:3000"


@pytest.mark.parametrize(
    ("bound", "url", "others", "added"),
    [
        ("127.0.0.1", URL, (), set()),
        ("::1", URL, (), set()),
        ("0.0.0.0", "http://webserver:3000", (), {"0.0.0.0", "webserver"}),
        ("::", "https://Dagster.Example.com/prefix", (), {"::", "dagster.example.com"}),
        ("10.0.0.7", URL, ("ui.example.com",), {"10.0.0.7", "ui.example.com"}),
        ("localhost", URL, ("UI.example.com.:8443",), {"ui.example.com"}),
        ("localhost", URL, ("https://me:secret@ui.example.com/path/",), {"ui.example.com"}),
        ("localhost", URL, ("fd00:0::7", "[fd00::8]:3000"), {"fd00::7", "fd00::8"}),
        ("localhost", "", ("xn--bcher-kva.example", "my_host"),
         {"xn--bcher-kva.example", "my_host"}),
    ],
)  # fmt: skip
def test_loopback_and_what_is_set_are_allowed(
    bound: str, url: str, others: tuple[str, ...], added: set[str]
) -> None:
    assert allowed_hosts(bound, url, others) == LOOPBACK | added


@pytest.mark.parametrize(
    "entry", ["*", "*.example.com", "https://", "a b", "a/b", "ui.example.com:http", "a:1:2", "."]
)
def test_what_is_no_host_is_refused_by_name(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"DAGSTER_ALLOWED_HOSTS names .*no wildcards"):
        allowed_hosts("127.0.0.1", URL, (entry,))


def test_the_setting_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_ALLOWED_HOSTS", " a.example , https://b.example,")
    assert Settings().dagster_allowed_hosts == ("a.example", "https://b.example")
