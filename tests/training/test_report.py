"""The report of every bundled model, as a browser shows it, and that of a small one in detail."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import CHROMIUM, Page, browser_page
from tests.support.running import MODELS, TrainedStore
from training.report import FORMAT, round_figures

PNG = b"\x89PNG"
MOST_BYTES = 1_000_000
LAPTOP = 1280
WIDTHS = (390, 820, LAPTOP)
CUT_OFF = """[...document.querySelectorAll(".scroll")]
  .filter((area) => area.scrollWidth > area.clientWidth + 1)
  .map((area) => area.textContent.trim().slice(0, 40))"""
LEAST_CONTRAST = 4.5  # of text, by WCAG 2.2 AA
SECTIONS = [
    *("verdict", "purpose", "data", "candidates", "discrimination", "calibration", "decisions"),
    *("champion", "explanations", "stability", "fairness", "contents", "monitoring"),
    *("reproduce", "sign-off"),
]

# The contrast of every text with the background below it, the lowest first.
CONTRASTS = """
const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
const background = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const color = numbers(getComputedStyle(e).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const texts = [...document.querySelectorAll("main *, nav *")].filter((e) =>
  [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
return texts.map((e) => {
  const style = getComputedStyle(e);
  const ink = numbers(e.ownerSVGElement ? style.fill : style.color);
  const [a, b] = [luminance(ink), luminance(background(e))].sort((x, y) => y - x);
  return [(a + 0.05) / (b + 0.05), e.textContent.slice(0, 40)];
}).sort((x, y) => x[0] - y[0]).slice(0, 3);
"""


@pytest.fixture(params=MODELS)
def report(request: pytest.FixtureRequest, trained_store: TrainedStore) -> Path:
    folder = Path(trained_store.uri.removeprefix("file://"))
    version = trained_store.summaries[request.param]["version"]
    return folder / "versions" / str(request.param) / str(version) / "report.html"


class Cells(HTMLParser):
    """The exact values of all numbers of a page, and the text of its numeric cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: list[float] = []
        self.bare: list[str] = []
        self._is_numeric_cell = False
        self._depth = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "td":
            self._is_numeric_cell = (attributes.get("class") or "").startswith("n")
        if tag == "data":
            self.values.append(float(attributes["value"] or "nan"))
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "data":
            self._depth -= 1
        if tag == "td":
            self._is_numeric_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_numeric_cell and not self._depth and re.search(r"\d", data):
            self.bare.append(data)


def numbers_in(value: Any) -> Iterator[float]:  # noqa: ANN401 -- any JSON
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def test_it_loads_nothing_from_outside_and_runs_nothing(report: Path) -> None:
    page = report.read_text()
    assert len(page.encode()) < MOST_BYTES
    assert not re.search(r"<(?:script|link|img|iframe)|@import|url\((?!#)|\son\w+=", page)
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "style=" not in page  # a strict content security policy forbids it


def test_every_number_on_the_page_is_in_its_json(report: Path) -> None:
    document = json.loads(report.with_suffix(".json").read_text())
    cells = Cells(report.read_text())
    assert len(cells.values) > 500
    assert set(cells.values) - set(numbers_in(document)) == set()
    assert cells.bare == []  # no numeric cell has a number that carries no value


def test_it_has_the_figures_of_its_json(report: Path) -> None:
    page, document = report.read_text(), json.loads(report.with_suffix(".json").read_text())
    assert document["format"] == FORMAT
    assert f"{document['manifest']['metrics']['auc']['value']:.4f}" in page
    for gate in document["gates"]:
        assert gate["reason"].replace("'", "&#39;") in page
    assert {group["characteristic"] for group in document["fairness"]} >= {"age"}
    assert all(check["violations"] == 0 for check in document["explanations"]["signs"])
    assert document["reproduce"]["command"] in page
    assert document["identity"]["version"] == report.parent.name
    assert document["tests"][0]["rows"] == document["manifest"]["provenance"]["rows_test"]


def test_it_has_every_section_and_a_link_to_each(report: Path) -> None:
    page = report.read_text()
    assert re.findall(r'<(?:header|section) id="([^"]+)"', page) == SECTIONS
    assert re.findall(r'<li><a href="#([^"]+)"', page) == SECTIONS


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: no report was opened")
    with browser_page() as page:
        yield page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_at_every_width(
    report: Path, browser: Page, width: int, scheme: str, tmp_path: Path
) -> None:
    browser.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a parameter
    browser.page.set_viewport_size({"width": width, "height": 900})
    browser.open(report.as_uri())
    picture = browser.page.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)
    assert browser.run(f"return matchMedia('(prefers-color-scheme: {scheme})').matches")
    assert browser.complaints == []
    assert browser.urls == [report.as_uri()]
    assert picture.startswith(PNG)
    assert len(picture) > 200_000  # an empty page of this size is a tenth of it
    assert browser.run("return document.documentElement.scrollWidth") == width
    if width >= LAPTOP:
        assert browser.run(f"return {CUT_OFF}") == []
    lowest = browser.run(CONTRASTS)
    assert lowest[0][0] >= LEAST_CONTRAST, lowest


def test_a_browser_prints_it_without_navigation_and_without_cut_tables(
    report: Path, browser: Page
) -> None:
    browser.open(report.as_uri())
    browser.page.emulate_media(media="print")  # opening a page ends this
    heights = browser.run("""
    const areas = [...document.querySelectorAll(".scroll")];
    return areas.map((a) => [a.scrollHeight, a.clientHeight]);
    """)
    navigation = browser.run("return getComputedStyle(document.querySelector('nav')).display")
    browser.page.emulate_media(media="screen")
    assert navigation == "none"
    assert all(content <= visible + 1 for content, visible in heights)


def test_figures_are_rounded_to_nine_digits_that_matter() -> None:
    assert round_figures({"a": [1 / 3, 12_345_678_912.5], "b": (True, "x", None, 7)}) == {
        "a": [0.333333333, 12_345_678_900.0],
        "b": [True, "x", None, 7],
    }
