"""A headless Chromium, used as a person uses it: by the texts that it shows.

Belongs here: starting and stopping it, waiting for texts and charts, clicking, typing, pictures.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException, WebDriverException
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from vector_assets_tests.support.patience import first_answer

Answer = TypeVar("Answer")

_PROGRAMS = ("chromium", "chromedriver")

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--window-size=1440,900",
    "--lang=en-US",
    # Nothing but this machine is asked for anything.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_POLL_SECONDS = 0.3

# Made absolute at once, because each test runs in a folder of its own.
_SCREENSHOTS = os.environ.get("VECTOR_ASSETS_SCREENSHOTS", "")
_SCREENSHOT_FOLDER = Path(_SCREENSHOTS).absolute() if _SCREENSHOTS else None

# A page that nothing redraws any more is told long before the test's own time limit.
_PATIENCE_SECONDS = 240.0

# Grid and labels of a chart are grey: what has a colour is its data.
_CHARTS_WITH_DATA = """
return [...document.querySelectorAll("canvas")].filter(({width, height}) => width && height).filter(
  (canvas) => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue, opacity] = data.subarray(at, at + 4);
      const colour = Math.max(red, green, blue) - Math.min(red, green, blue);
      if (opacity > 128 && colour > 60) return true;
    }
    return false;
  }
).map((canvas) => canvas.toDataURL())
"""

# Preloading would fetch, which a strict policy refuses.
_RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {preload: false, resultTypes: ["violations"]})
  .then(({violations}) => done(violations), (error) => done([{impact: "critical",
    id: "axe", help: String(error), nodes: [{html: ""}]}]));
"""


def missing_programs() -> list[str]:
    """Return which of the programs that a browser needs are not on the PATH."""
    return [name for name in _PROGRAMS if shutil.which(name) is None]


def picture_folder(tmp_path: Path) -> Path:
    """Return the folder for pictures: `VECTOR_ASSETS_SCREENSHOTS`, or one of the test's own."""
    pictures = _SCREENSHOT_FOLDER or tmp_path / "screenshots"
    pictures.mkdir(parents=True, exist_ok=True)
    return pictures


def eventually(
    ask: Callable[[], Answer], what: str, about: Callable[[], str] = lambda: ""
) -> Answer:
    """Return the first answer that is true.

    Args:
        ask: Asked again and again.
        what: Is waited for; told when it does not come.
        about: What else to tell then.

    Raises:
        TimeoutError: It did not come.
    """
    answer: Answer | None = first_answer(
        ask, patience_seconds=_PATIENCE_SECONDS, pause_seconds=_POLL_SECONDS
    )
    if answer:
        return answer
    raise TimeoutError(f"{what} did not come within {_PATIENCE_SECONDS:.0f} s\n{about()}")


class Browser:
    """One window. Everything in it takes its time, so everything here waits."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def open(self, url: str) -> None:
        """Go to an address."""
        self._driver.get(url)

    def wait_for_text(self, *texts: str) -> None:
        """Return when the page shows all of some texts."""
        for text in texts:
            self._eventually(lambda text=text: text in self._text(), f"the text {text!r}")

    def click(self, text: str, *, within: str = "body", with_shift: bool = False) -> None:
        """Click the first thing that can be used and has exactly this text.

        Args:
            text: Visible.
            within: CSS selector of the part of the page to look in.
            with_shift: Whether the Shift key is held meanwhile.
        """

        def clicked() -> bool:
            for element in self._elements(text, within):
                if with_shift:
                    actions = ActionChains(self._driver).key_down(Keys.SHIFT).click(element)
                    actions.key_up(Keys.SHIFT).perform()
                else:
                    element.click()
                return True
            return False

        self._eventually(clicked, f"{text!r} to click on")

    def type_into(self, selector: str, text: str) -> None:
        """Replace the text of a field, and press Enter."""

        def typed() -> bool:
            for field in self._driver.find_elements(By.CSS_SELECTOR, selector):
                field.send_keys(Keys.CONTROL, "a")
                field.send_keys(text)
                if field.get_attribute("value") == text:
                    field.send_keys(Keys.ENTER)
                    return True
            return False

        self._eventually(typed, f"a field {selector} to type into")

    def wait_for_charts(self, count: int) -> None:
        """Return when a number of charts show data and have come to rest."""
        before: list[str] = []

        def at_rest() -> bool:
            nonlocal before
            before, last = self._driver.execute_script(_CHARTS_WITH_DATA), before
            return len(before) == count and before == last

        self._eventually(at_rest, f"charts with data, {count} of them,")

    def scroll_to(self, text: str) -> None:
        """Bring what has exactly this text to the top, as far as the page allows."""

        def scrolled() -> bool:
            for element in self._elements(text, "body"):
                self._driver.execute_script("arguments[0].scrollIntoView()", element)
                return True
            return False

        self._eventually(scrolled, f"{text!r} to scroll to")

    def text(self) -> str:
        """Return what the page shows."""
        return self._text()

    def show_as(self, *, width: int, height: int = 900, is_dark: bool = False) -> None:
        """Show pages in a window of so many pixels, in the light or the dark scheme."""
        self._driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        ActionChains(self._driver).send_keys(*keys).perform()

    def ask(self, script: str, *given: object) -> Any:
        """Return what a function's body of JavaScript returns in the page."""
        return self._driver.execute_script(script, *given)

    def forget_cookies(self) -> None:
        """Forget the cookies of the page's host."""
        self._driver.delete_all_cookies()

    def has_dialog(self) -> bool:
        """Tell whether a script has opened a dialog, such as an alert."""
        try:
            self._driver.switch_to.alert.dismiss()
        except NoAlertPresentException:
            return False
        return True

    def faults_of_access(self, axe: str) -> list[str]:
        """Return what axe finds that keeps people out, serious or critical.

        Args:
            axe: The source of axe-core.
        """
        self._driver.execute_script(axe)
        violations = self._driver.execute_async_script(_RUN_AXE)
        return [
            f"{fault['id']} ({fault['impact']}): {fault['help']}: {node['html']}"
            for fault in violations
            if fault["impact"] in {"serious", "critical"}
            for node in fault["nodes"]
        ]

    def hosts(self) -> set[str]:
        """Return the hosts, with ports, that the page has asked for anything, itself included."""
        urls = self._driver.execute_script(
            "return performance.getEntries().map((entry) => entry.name)"
            ".filter((name) => /^[a-z]+:[/][/]/.test(name))"
        )
        return {urlsplit(url).netloc for url in urls}

    def refusals(self) -> list[str]:
        """Return what the console says of things that the page's policy or a server refused."""
        return [
            entry["message"]
            for entry in self._driver.get_log("browser")
            if entry["source"] in {"security", "network"}
        ]

    def save_picture(self, path: Path) -> None:
        """Save what the window shows as a PNG."""
        assert self._driver.save_screenshot(str(path)), f"cannot write {path}"

    def _elements(self, text: str, within: str) -> list[WebElement]:
        same = f'normalize-space()="{text}"'
        innermost = f".//*[{same}][not(*[{same}])][not(ancestor-or-self::button[@disabled])]"
        return [
            element
            for part in self._driver.find_elements(By.CSS_SELECTOR, within)
            for element in part.find_elements(By.XPATH, innermost)
            if element.is_displayed()
        ]

    def _text(self) -> str:
        return self._driver.find_element(By.TAG_NAME, "body").text

    def _eventually(self, ask: Callable[[], bool], what: str) -> None:
        def asked() -> bool:
            try:
                return ask()
            except WebDriverException:
                # The page was redrawn in between, or something still lies above.
                return False

        eventually(asked, what, lambda: f"{self._driver.current_url} shows:\n{self._text()}")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run Chromium until the block ends."""
    chromium, chromedriver = (shutil.which(name) for name in _PROGRAMS)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium or ""
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    # With its path given, nothing looks for a driver elsewhere.
    driver = webdriver.Chrome(options=options, service=Service(executable_path=chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
