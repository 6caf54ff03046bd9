"""The page for people in a real browser: by keyboard, on a phone, light and dark, and attacked."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from vector_assets_tests.api.page.office import SCRIPT, TITLE, Office, opened
from vector_assets_tests.ui.browser import Browser, missing_programs, running_browser

AXE = "axe-playwright-python"
PAGES = {
    "sign-in": "/sign-in",
    "search": "/",
    "results": "/?q=how+do+we+rotate+the+carrier+keys&source=notion&source=slack",
    "refused": "/?q=x&limit=101",
    "nothing": "/?q=x&container=none",
    "status": "/status",
}
PHONE, DESK = 360, 1280


def axe_files() -> list[Path]:
    """Return the file of axe-core, which a package brings whose own code needs Playwright."""
    try:
        carrier = distribution(AXE)
    except PackageNotFoundError:
        return []
    return [
        Path(str(carrier.locate_file(file)))
        for file in carrier.files or ()
        if file.name == "axe.min.js"
    ]


pytestmark = pytest.mark.skipif(
    bool(missing_programs()), reason=f"not installed: {missing_programs()}: `make browser`"
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def browser(window: Browser, office: Office) -> Browser:
    """A window that nobody has signed in to."""
    window.show_as(width=DESK)
    window.open(f"{office.url}/sign-in")
    window.forget_cookies()
    window.refusals()
    return window


def sign_in(browser: Browser, office: Office, key: str) -> None:
    browser.open(f"{office.url}/sign-in")
    browser.type_into("#key", office.keys[key])
    browser.wait_for_text("Sign out")


def test_a_person_signs_in_asks_filters_and_signs_out(browser: Browser, office: Office) -> None:
    browser.open(f"{office.url}/?q=HAR-41")
    browser.wait_for_text("Reading key")
    browser.type_into("#key", "wrong")
    browser.wait_for_text("This key is not valid")
    browser.refusals()
    browser.type_into("#key", office.keys["ann"])
    # On to the address that was opened first.
    browser.wait_for_text("HAR-41 Shipping labels print blank for parcels to Norway")
    browser.click("Filters")
    browser.click("notion", within=".choices")
    browser.type_into("#q", "carrier keys")
    browser.wait_for_text("answers", "notion as of")
    assert "source=notion" in browser.ask("return location.search")
    assert "slack as of" not in browser.text()
    browser.click("Status")
    browser.wait_for_text("What is wrong", "Canary")
    browser.click("Sign out")
    browser.wait_for_text("Reading key")
    browser.open(f"{office.url}/status")
    browser.wait_for_text("Reading key")
    assert browser.hosts() == {office.url.removeprefix("http://")}
    assert browser.refusals() == []


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("xylophone", SCRIPT),
        ("runbook rotate carrier keys", TITLE),
        ("zeppelin", "[press me](javascript:alert(3))"),
    ],
)
def test_a_strangers_script_stays_text(
    browser: Browser, office: Office, question: str, shown: str
) -> None:
    sign_in(browser, office, "shared")
    browser.open(f"{office.url}/?q={question}")
    browser.wait_for_text(shown)
    assert not browser.has_dialog()
    made = "return document.querySelectorAll('script, img, iframe, [onerror]').length"
    assert browser.ask(made) == 0
    links = browser.ask("return [...document.querySelectorAll('main a')].map((a) => a.href)")
    assert all(link.startswith(("http://", "https://", "mailto:")) for link in links)
    assert browser.refusals() == []


def test_the_policy_stops_a_script_that_gets_in(browser: Browser, office: Office) -> None:
    sign_in(browser, office, "shared")
    browser.ask(
        "const planted = document.createElement('div'); planted.innerHTML = arguments[0];"
        "document.body.append(planted); planted.querySelector('a').click();",
        "<img src='data:,' onerror='window.done = 1'><a href='javascript:window.done = 2'>x</a>",
    )
    assert any("Content Security Policy" in refusal for refusal in browser.refusals())
    assert browser.ask("return window.done") is None


def test_a_keyboard_is_enough_and_shows_where_it_is(browser: Browser, office: Office) -> None:
    browser.open(f"{office.url}/sign-in")
    browser.press(office.keys["ann"], Keys.ENTER)
    browser.wait_for_text("Search what the team has written")
    browser.press("carrier keys", Keys.ENTER)
    browser.wait_for_text("answers")
    seen = []
    for _ in range(12):
        browser.press(Keys.TAB)
        name, outline = browser.ask(
            "const at = document.activeElement; const style = getComputedStyle(at);"
            "return [at.innerText || at.name || at.id, style.outlineStyle + style.outlineWidth]"
        )
        seen.append(name.strip())
        assert outline == "solid3px", name
    assert seen[:8] == ["Skip to content", "Search", "Status", "Sign out", "q", "Search", "Filters",
                        seen[7]]  # fmt: skip
    browser.ask("document.activeElement.blur(); window.scrollTo(0, 0)")
    browser.open(f"{office.url}/status")
    browser.press(Keys.TAB, Keys.ENTER)
    assert browser.ask("return document.activeElement.id") == "main"


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_pages_without_scrolling_sideways(
    browser: Browser, office: Office, name: str
) -> None:
    if name != "sign-in":
        sign_in(browser, office, "shared")
    browser.show_as(width=PHONE)
    browser.open(office.url + PAGES[name])
    assert browser.ask("return document.querySelector('h1') !== null")
    too_wide = browser.ask(
        "const all = [...document.querySelectorAll('body, body *')];"
        "document.querySelectorAll('details').forEach((each) => { each.open = true });"
        "return [document.documentElement.scrollWidth > innerWidth,"
        "  ...all.filter((each) => each.getBoundingClientRect().right > innerWidth + 1)"
        "    .map((each) => each.outerHTML.slice(0, 80))]"
    )
    assert too_wide == [False]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_that_keeps_people_out(
    browser: Browser, office: Office, name: str
) -> None:
    files = axe_files()
    if not files:
        pytest.skip(f"{AXE} is not installed: `make install`")
    if name != "sign-in":
        sign_in(browser, office, "shared")
    for width, is_dark in ((DESK, False), (PHONE, True)):
        browser.show_as(width=width, is_dark=is_dark)
        browser.open(office.url + PAGES[name])
        assert browser.faults_of_access(files[0].read_text()) == []
    # It would find what is wrong.
    browser.ask("document.querySelector('h1').style.opacity = 0.1")
    assert "color-contrast" in str(browser.faults_of_access(files[0].read_text()))
