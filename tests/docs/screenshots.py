"""`make screenshots`: the pictures of the README, of the docs page and of a report.

Both are of the champion of `application` in the model store that `make run` fills.
"""

import sys
import tempfile
from pathlib import Path

from tests.support.browser import CHROMIUM, Page, browser_page
from tests.support.running import REPOSITORY, running_server

MODEL = "application"
PICTURES = REPOSITORY / "docs" / "pictures"
STORE = REPOSITORY / "var" / "store"
DOCS_SIZE = (900, 700)
REPORT_SIZE = (1280, 1000)  # wide enough for the navigation beside the verdict

# Sends the example of the third step and waits for its answer, then brings it to the top.
EXPLAIN = """
const panel = document.getElementById("explain");
const until = async (selector) => {
  while (!document.querySelector(selector)) await new Promise(requestAnimationFrame);
};
await until("#explain .send:enabled");
panel.querySelector(".send").click();
await until("#explain .answer img, #explain .answer svg");
panel.querySelector(".answer").scrollIntoView();
window.scrollBy(0, -SHIFT);
"""


def main() -> int:
    """Write both pictures."""
    reports = sorted((STORE / "versions" / MODEL).glob("*/report.html"))
    if not reports or CHROMIUM is None:
        print(f"error: needs chromium, and {MODEL} in var/store: run make run", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, browser_page() as page:
        resize(page, *DOCS_SIZE)
        with running_server(Path(folder) / "log", MODEL_STORE=STORE.as_uri()) as server:
            page.open(f"{server.client.base_url}/docs")
            page.run(EXPLAIN.replace("SHIFT", "250"))
            save(page, "docs-page")
        resize(page, *REPORT_SIZE)
        page.open(reports[-1].as_uri())
        save(page, "report")
    return 0


def resize(page: Page, width: int, height: int) -> None:
    """Give the browser a window of this size."""
    page.page.set_viewport_size({"width": width, "height": height})


def save(page: Page, name: str) -> None:
    """Save what the browser shows."""
    path = PICTURES / f"{name}.png"
    page.page.screenshot(path=path)
    print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    sys.exit(main())
