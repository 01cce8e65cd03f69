"""The report of every bundled model, as a browser shows it."""

import json
import re
from pathlib import Path

import pytest

from tests.support.browser import CHROMIUM, browser_page
from tests.support.running import MODELS, TrainedStore

PNG = b"\x89PNG"


@pytest.fixture(params=MODELS)
def report(request: pytest.FixtureRequest, trained_store: TrainedStore) -> Path:
    folder = Path(trained_store.uri.removeprefix("file://"))
    version = trained_store.summaries[request.param]["version"]
    return folder / "versions" / str(request.param) / str(version) / "report.html"


def test_it_loads_nothing_from_outside(report: Path) -> None:
    page = report.read_text()
    assert not re.search(r"<(?:script|link|img|iframe)|@import|url\((?!#)", page)
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)


def test_it_shows_the_figures_of_its_json(report: Path) -> None:
    page, document = report.read_text(), json.loads(report.with_suffix(".json").read_text())
    assert f"{document['manifest']['metrics']['auc']['value']:.4f}" in page
    for gate in document["gates"]:
        assert gate["name"] in page
    assert {group["characteristic"] for group in document["fairness"]} >= {"age"}
    assert all(check["violations"] == 0 for check in document["signs"])
    assert document["reproduce"]["command"] in page
    assert page.count("<svg") == 4
    assert len(document["cutoffs"]) >= 19
    assert list(document["importances"].values()) == sorted(
        document["importances"].values(), reverse=True
    )


def test_it_has_every_section(report: Path) -> None:
    headings = re.findall(r"<h2>(.*?)</h2>", report.read_text())
    assert headings == [
        *("Data", "Candidates", "Figures", "Gates", "Cut-offs"),
        *("Documented signs", "Protected fields", "Reproduce"),
    ]


@pytest.mark.environments
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no report was opened")
def test_a_browser_shows_it(report: Path) -> None:
    with browser_page() as browser:
        browser.page.set_viewport_size({"width": 1_200, "height": 3_900})
        browser.open(report.as_uri())
        picture = browser.page.screenshot()
        assert browser.complaints == []
    assert picture.startswith(PNG)
    assert len(picture) > 200_000  # an empty page of this size is a tenth of it
