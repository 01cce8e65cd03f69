import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.errors import DataError, RegistryError
from models.registry.versions import publish
from models.stores.store import Store
from models.stores.uri import open_store
from tests.support.browser import CHROMIUM, browser_page
from tests.support.monitored import toy_rows
from tests.support.toy import Toy
from tests.training.reporting.conftest import NOW, Report, judgement_on
from training.reading.data import DataRequest
from training.reading.options import DataOptions
from training.report import build_report_files
from training.reporting.version_comparison import (
    compare_versions,
    read_report,
    render_comparison,
)
from training.run import Trained

Publish = Callable[[dict[str, Any] | None, int], str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store((tmp_path / "store").as_uri())


@pytest.fixture
def publish_with(report: Report, store: Store) -> Publish:
    """Publish the trained model with a report of its own, on a day of the month."""
    bundle = report.trained.bundle.to_bytes()

    def publish_on(document: dict[str, Any] | None, day: int) -> str:
        files = {} if document is None else {"report.json": json.dumps(document).encode()}
        return publish(store, "toy", bundle, files, NOW.replace(day=day)).version

    return publish_on


def test_differences_are_the_new_version_minus_the_old_one(
    report: Report, store: Store, publish_with: Publish
) -> None:
    better = copy.deepcopy(report.document)
    better["manifest"]["metrics"]["auc"]["value"] += 0.01
    better["reproduce"]["seed"] = 99
    better["gates"].append({"name": "a_new_gate", "passed": False, "reason": "it is new"})
    versions = publish_with(report.document, 1), publish_with(better, 2)
    document = compare_versions(store, Toy, versions, None)
    figures = {one["name"]: one["difference"] for one in document["figures"]}
    assert figures["auc"] == pytest.approx(0.01)
    assert figures["ece"] == 0
    assert [fact["name"] for fact in document["facts"] if not fact["is_equal"]] == ["seed"]
    assert document["gates"][-1] == {"name": "a_new_gate", "old": None, "new": better["gates"][-1]}
    assert document["paired"] is None
    assert "No rows were named" in render_comparison(document)


def test_on_rows_both_versions_are_compared_in_pairs(
    report: Report, store: Store, publish_with: Publish, tmp_path: Path
) -> None:
    path = tmp_path / "fresh.parquet"
    toy_rows(600).to_parquet(path)
    versions = publish_with(report.document, 1), publish_with(report.document, 2)
    rows = DataRequest(options=DataOptions(values={"data": str(path)}), seed=1)
    document = compare_versions(store, Toy, versions, rows)
    paired = document["paired"]
    assert (paired["rows"], paired["source"], paired["auc"]["value"]) == (600, "fresh.parquet", 0)
    assert [cell["rows"] for cell in paired["swap_sets"][0]["cells"]][1:3] == [0, 0]
    page = render_comparison(document)
    assert "600</data> accepted rows of fresh.parquet" in page
    assert "<script" not in page


@pytest.mark.environments
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no page was opened")
def test_a_browser_shows_a_comparison_at_every_width(
    report: Report, store: Store, publish_with: Publish, tmp_path: Path
) -> None:
    versions = publish_with(report.document, 1), publish_with(report.document, 2)
    path = tmp_path / "page.html"
    path.write_text(render_comparison(compare_versions(store, Toy, versions, None)))
    with browser_page() as browser:
        for width in (390, 820, 1440):
            browser.page.set_viewport_size({"width": width, "height": 900})
            browser.open(path.as_uri())
            assert browser.run("return document.documentElement.scrollWidth") == width
            assert (browser.complaints, browser.urls) == ([], [path.as_uri()])


def test_rows_of_one_outcome_cannot_be_compared(
    report: Report, store: Store, publish_with: Publish, tmp_path: Path
) -> None:
    path = tmp_path / "good.parquet"
    toy_rows(200).assign(is_default=0).to_parquet(path)
    versions = publish_with(report.document, 1), publish_with(report.document, 2)
    rows = DataRequest(options=DataOptions(values={"data": str(path)}), seed=1)
    with pytest.raises(DataError, match=r"good\.parquet: a comparison needs defaults"):
        compare_versions(store, Toy, versions, rows)


def test_a_version_without_a_readable_report_is_named(
    report: Report, store: Store, publish_with: Publish
) -> None:
    bare, older = publish_with(None, 1), publish_with(report.document | {"format": 1}, 2)
    with pytest.raises(DataError, match=f"{bare}: it has no readable report.json; train it again"):
        read_report(store, "toy", bare)
    with pytest.raises(DataError, match=f"{older}: its report.json has format 1 and not 2"):
        read_report(store, "toy", older)
    with pytest.raises(RegistryError, match="is not a version name"):
        read_report(store, "toy", "../secrets")


def test_the_same_run_gives_the_same_bytes_but_for_who_ran_it_and_when(
    trained: Trained, report: Report
) -> None:
    """Only the members that the report states as facts of one run may differ."""
    other = build_report_files(trained, judgement_on(trained, who="somebody else"))
    document = json.loads(other["report.json"])
    assert document["identity"]["run_by"] == "somebody else"
    del document["identity"]
    assert document == {n: v for n, v in report.document.items() if n != "identity"}
    again = build_report_files(trained, report.reported_run)
    assert again["report.html"].decode() == report.page
