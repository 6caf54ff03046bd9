"""The page /docs in a real browser: loads nothing from elsewhere, and "Try it out" works."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from vector_assets.core.settings import Settings
from vector_assets_tests.api.test_app import served
from vector_assets_tests.ui.browser import Browser, missing_programs, running_browser

pytestmark = pytest.mark.skipif(
    bool(missing_programs()), reason=f"not installed: {missing_programs()}: `make browser`"
)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    settings = Settings.model_validate(
        {
            "vector_store": "lancedb",
            "lancedb_uri": str(tmp_path / "index"),
            "read_api_key": "reading-key",
            "admin_api_key": "admin-key",
            "dagster_graphql_url": "http://127.0.0.1:9/graphql",
        }
    )
    with served(settings, tmp_path) as (url, _):
        yield url.removeprefix("http://")


@pytest.fixture
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def test_try_it_out_works_and_nothing_is_loaded_from_elsewhere(
    address: str, browser: Browser, tmp_path: Path
) -> None:
    # The browser keeps the login that the first address holds.
    browser.open(f"http://anyone:reading-key@{address}/docs")
    browser.open(f"http://{address}/docs")
    browser.wait_for_text("/api/find-context", "/api/backfill/{source}", "Authorize")
    browser.click("Authorize")
    browser.wait_for_text("READ_API_KEY")
    browser.type_into("#auth-bearer-value", "reading-key")
    browser.wait_for_text("Logout")
    browser.click("Close")
    browser.click("/api/sync-status")
    browser.click("Try it out")
    browser.click("Execute")
    browser.wait_for_text("Server response", '"checked_at"')
    browser.scroll_to("Server response")
    browser.save_picture(tmp_path / "docs.png")
    assert "curl -X 'GET'" in browser.text()
    assert browser.hosts() == {address}
    assert browser.refusals() == []


def test_a_key_that_is_not_sent_shows_a_refusal(address: str, browser: Browser) -> None:
    browser.open(f"http://anyone:reading-key@{address}/docs")
    browser.open(f"http://{address}/docs")
    browser.click("/api/sync-status")
    browser.click("Try it out")
    browser.click("Execute")
    browser.wait_for_text("send a reading key as Authorization: Bearer")
    assert {urlsplit(f"http://{host}").hostname for host in browser.hosts()} == {"127.0.0.1"}
