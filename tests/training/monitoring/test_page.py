from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.features import features
from tests.support.browser import CHROMIUM, browser_page
from tests.support.decision_stream import write_decisions
from tests.support.monitored import DAYS, LAST, Champion
from tests.support.toy import Toy
from training.monitoring.day import MonitoredDay, measure_day
from training.monitoring.page import render_day

MOST_BYTES = 500_000


@pytest.fixture(scope="module")
def document(champion: Champion, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A day on which every renter had become an owner."""
    log = tmp_path_factory.mktemp("page") / "log"
    matrix = champion.part.matrix.copy()
    rent = [feature.name for feature in features(Toy)].index("home=rent")
    matrix[:, rent - 1], matrix[:, rent] = 1.0, 0.0
    write_decisions(log, champion.loaded, matrix, DAYS)
    job = MonitoredDay(model=Toy, day=LAST, log=log)
    return measure_day(job, champion.store, champion.pointer)


def over_time(document: dict[str, Any], days: int) -> dict[str, Any]:
    history = [
        {"day": date(2026, 11, 1 + i).isoformat(), "status": "OK", **document["trend"]}
        for i in range(days)
    ]
    return document | {"history": history}


def test_the_page_names_what_fired_and_draws_what_there_is(document: dict[str, Any]) -> None:
    page = render_day(over_time(document, 20))
    assert document["status"] == "DEGRADED"
    assert "Degraded" in page
    assert "✗ shifted" in page
    assert "Too few outcomes are known" in page
    assert page.count("not enough</td>") == 2  # precision and recall, without any outcome
    assert page.count("<svg") == 5  # four trends that have figures, and the population
    assert len(page.encode()) < MOST_BYTES
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_the_page_has_precision_and_recall_of_each_month(document: dict[str, Any]) -> None:
    month = {"name": "2026-10", "rows": 900, "flagged": 50, "defaults": 40}
    refusals = month | {"name": "all", "precision": 0.6, "recall": 0.75}
    vintages = [refusals | {"name": "2026-10"}, month | {"precision": None, "recall": None}]
    page = render_day(document | {"refusals": refusals | {"vintages": vintages}})
    assert page.count(">60.0 %</data></td>") == page.count(">75.0 %</data></td>") == 2
    assert page.count("not enough</td>") == 2
    old = [{"day": f"2026-11-0{i}", **document["trend"]} for i in (1, 2)]
    without = [{n: v for n, v in day.items() if n not in {"precision", "recall"}} for day in old]
    assert render_day(document | {"history": without}).count("<svg") == 5


def test_a_day_without_decisions_has_a_page(document: dict[str, Any]) -> None:
    empty = document | {
        "drift": None,
        "expected": None,
        "signals": [],
        "status": "OK",
        "history": [],
    }
    page = render_day(empty)
    assert "As expected" in page
    assert "A line needs two monitored days" in page


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no page was opened")
def test_a_browser_shows_it_at_every_width(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render_day(over_time(document, 20)))
    with browser_page() as browser:
        for width in (390, 820, 1440):
            browser.page.set_viewport_size({"width": width, "height": 900})
            browser.open(path.as_uri())
            assert browser.run("return document.documentElement.scrollWidth") == width
            assert browser.run("return document.querySelectorAll('h2').length") == 6
            assert (browser.complaints, browser.urls) == ([], [path.as_uri()])
