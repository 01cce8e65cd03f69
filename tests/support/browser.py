"""A real browser: Debian's chromium, driven by Playwright."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import playwright.sync_api as playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-proxy-server")
COMPLAINTS = ("warning", "error")  # not the hints that a console shows only on request
# A browser that hangs fails the test; none that works is hurried.
PATIENCE_MILLISECONDS = 60_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a running browser, what it asked for and what its console shows."""

    page: playwright.Page
    session: playwright.CDPSession
    urls: list[str]
    complaints: list[str]

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command of the browser's own protocol."""
        return self.session.send(method, parameters)

    def open(self, address: str) -> None:
        """Go to an address and wait until the page is loaded."""
        self.urls.clear()
        self.complaints.clear()
        self.page.goto(address)

    def run(self, script: str) -> Any:  # noqa: ANN401 -- JavaScript may return anything
        """Run a function's body in the page and wait for what it returns or promises."""
        return self.page.evaluate(f"async () => {{ {script} }}")


@contextlib.contextmanager
def browser_page() -> Iterator[Page]:
    """Start a browser with one empty page, and end it afterwards."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        opened = Page(page, page.context.new_cdp_session(page), [], [])
        page.on("request", lambda request: opened.urls.append(request.url))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                opened.complaints.append(message.text) if message.type in COMPLAINTS else None
            ),
        )
        yield opened
        browser.close()
