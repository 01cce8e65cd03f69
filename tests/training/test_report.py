"""The report of every bundled model, as a browser shows it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.running import MODELS, TrainedStore

CHROMIUM = shutil.which("chromium")
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


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no report was opened")
def test_a_browser_shows_it(report: Path, tmp_path: Path) -> None:
    picture = tmp_path / "report.png"
    subprocess.run(
        [
            str(CHROMIUM),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", "--hide-scrollbars", "--window-size=1200,3900"),
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--screenshot={picture}",
            report.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert picture.read_bytes().startswith(PNG)
    assert picture.stat().st_size > 200_000  # an empty page of this size is a tenth of it
