"""A person before the dashboard: signs in, opens pages, presses buttons, and looks at them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import playwright.sync_api as playwright

from tests.support.browser import CHROMIUM, COMPLAINTS, FLAGS, PATIENCE_MILLISECONDS

WIDE, NARROW, TABLET = (1280, 900), (390, 844), 1024
# Streamlit says by itself when nothing runs and nothing is a skeleton any more.
SETTLED = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState
  === 'notRunning' && !document.querySelector('[data-testid="stSkeleton"]')"""
FULL_HEIGHT = """() => Math.max(...[...document.querySelectorAll('[data-testid="stMain"]')]
  .map(element => element.scrollHeight))"""
MOST_PIXELS = 3_000
CUT_FIGURES = """() => [...document.querySelectorAll('[data-testid="stMetricValue"] *')]
  .filter(element => element.scrollWidth > element.clientWidth + 1 && element.clientWidth
    && getComputedStyle(element).overflow !== 'visible')
  .map(element => element.textContent)"""
# Rules of axe-core that Streamlit's own widgets break, and no page can mend.
STREAMLITS = {"region"}


class Person:
    """Somebody signed in, with what the browser complained about and where it went."""

    def __init__(self, page: playwright.Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)

    def _listen(self, message: playwright.ConsoleMessage) -> None:
        if message.type in COMPLAINTS:
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _note(self, request: playwright.Request) -> None:
        if not request.url.startswith(("http://localhost:", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def sign_in(self, name: str) -> None:
        """Sign in at the local issuer, which asks who one is."""
        self.page.goto(self.address)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("link", name=name).click()
        self.page.get_by_role("button", name="Sign out").wait_for()
        self.settle()

    def cookies(self) -> str:
        """Return the header with the cookies of whoever is signed in."""
        cookies = self.page.context.cookies(self.address)
        return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)

    def open(self, path: str) -> None:
        """Open a page by its address."""
        self.page.goto(f"{self.address}/{path}")
        self.page.get_by_role("heading", level=1).wait_for()
        self.page.get_by_text("Business date").first.wait_for()
        self.settle()

    def settle(self) -> None:
        """Wait until the page is still."""
        self.page.wait_for_function(SETTLED)

    def press(self, label: str) -> None:
        """Press a button and wait for what follows."""
        self.page.get_by_role("button", name=label, exact=True).click()
        self.page.wait_for_timeout(300)  # the server hears of it
        self.settle()

    def enter(self, label: str, value: str) -> None:
        """Type into a field."""
        field = self.page.get_by_label(label, exact=True).first
        field.fill(value)
        field.press("Enter")
        self.page.wait_for_timeout(300)
        self.settle()

    def upload(self, path: Path) -> None:
        """Choose a file and wait until it has arrived."""
        self.page.locator("input[type=file]").set_input_files(path)
        self.page.get_by_text(path.name).first.wait_for()
        self.page.wait_for_timeout(500)
        self.settle()

    def download(self, label: str) -> bytes:
        """Press a button that downloads, and return the file."""
        with self.page.expect_download() as event:
            self.page.get_by_role("button", name=label, exact=True).click()
        return event.value.path().read_bytes()

    def figure(self, label: str) -> str:
        """Return the figure of a tile."""
        tile = self.page.get_by_test_id("stMetric").filter(has_text=label).first
        return tile.get_by_test_id("stMetricValue").inner_text()

    def serious_faults(self) -> list[str]:
        """Return what axe-core calls serious or critical, with where it is."""
        script = files("axe_playwright_python").joinpath("axe.min.js").read_text()
        self.page.evaluate(script)
        result: dict[str, Any] = self.page.evaluate("() => axe.run(document)")
        return [
            f"{fault['id']}: {json.dumps([node['target'] for node in fault['nodes']][:3])}"
            for fault in result["violations"]
            if fault["impact"] in {"serious", "critical"} and fault["id"] not in STREAMLITS
        ]

    def cut_figures(self, width: int) -> list[str]:
        """Return the figures of tiles that are not seen to their last digit in a window."""
        self.page.set_viewport_size({"width": width, "height": WIDE[1]})
        self.page.wait_for_timeout(200)
        figures: list[str] = self.page.evaluate(CUT_FIGURES)
        return figures

    def picture(self, path: Path, size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        """Save the whole page as it looks in a window of a width and a colour scheme."""
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.wait_for_timeout(800)  # charts are drawn again
        height = min(int(self.page.evaluate(FULL_HEIGHT)) + 20, MOST_PIXELS)
        self.page.set_viewport_size({"width": size[0], "height": height})
        self.page.wait_for_timeout(400)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
        self.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


@contextmanager
def people(address: str, *names: str) -> Iterator[list[Person]]:
    """Start a browser in which each person is signed in, in a window of their own."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        persons = []
        for name in names:
            context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
            person = Person(context.new_page(), address)
            person.sign_in(name)
            persons.append(person)
        yield persons
        browser.close()


def seconds_to_open(person: Person, path: str) -> float:
    """Return how long a page takes until it is still."""
    began = time.monotonic()
    person.open(path)
    return time.monotonic() - began
