import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from models.data_file import CsvDialect
from models.errors import DataError
from tests.support.decision_stream import write_decisions
from tests.support.monitored import DAYS, LAST, Champion
from tests.support.toy import Toy
from training.monitoring.day import MonitoredDay, measure_day, store_day
from training.monitoring.decisions import read_decisions
from training.monitoring.outcomes import join_outcomes, read_outcomes, store_outcomes


@pytest.fixture(scope="module")
def own(champion: Champion, tmp_path_factory: pytest.TempPathFactory) -> Champion:
    """The champion in a store that has outcomes."""
    return champion.copy(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def log(own: Champion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("days") / "log"
    ids = write_decisions(path, own.loaded, own.part.matrix, DAYS)
    decisions = read_decisions("toy", path, DAYS[0], LAST)
    frame = pd.DataFrame({"decision_id": ids, "outcome": own.part.labels})
    read = read_outcomes(frame, CsvDialect(), {}, "outcome")
    joined = join_outcomes(decisions, read, {own.loaded.version: own.loaded.scorer})
    store_outcomes(own.store, "toy", date(2026, 11, 20), joined.frame)
    return path


def job(log: Path, day: date = LAST, window_days: int = 28) -> MonitoredDay:
    return MonitoredDay(model=Toy, day=day, log=log, window_days=window_days)


def test_a_day_has_drift_performance_and_signals(own: Champion, log: Path) -> None:
    document = measure_day(job(log), own.store, own.pointer)
    assert document["status"] == "OK"
    assert document["window"]["decisions"] == len(own.part.labels)
    assert document["outcomes"]["known"] == len(own.part.labels)
    assert document["realised"]["auc"] == pytest.approx(document["expected"]["auc"], abs=0.03)
    assert document["challenger"] is None
    refusals = document["refusals"]
    assert refusals["rows"] == document["outcomes"]["known"]
    assert [month["name"] for month in refusals["vintages"]] == ["2026-11"]
    assert document["trend"]["recall"] == refusals["recall"] > 0
    assert {one["state"] for one in document["signals"]} == {"quiet"}
    json.dumps(document, allow_nan=False)


def test_what_was_not_known_yet_is_not_used(own: Champion, log: Path) -> None:
    document = measure_day(job(log, date(2026, 11, 19)), own.store, own.pointer)
    assert document["outcomes"] == {"known": 0, "defaults": 0}
    assert document["realised"] is None
    assert document["window"]["last"] == "2026-11-19"
    assert document["window"]["decisions"] < len(own.part.labels)


def test_a_day_without_decisions_is_no_error(own: Champion, log: Path) -> None:
    document = measure_day(job(log, date(2026, 1, 1)), own.store, own.pointer)
    assert document["drift"] is None
    assert {one["state"] for one in document["signals"]} == {"not enough"}
    assert document["status"] == "OK"


def test_decisions_of_another_version_are_counted_apart(
    own: Champion, log: Path, tmp_path: Path
) -> None:
    other = tmp_path / "log"
    lines = log.read_text().splitlines()[:10]
    other.write_text("\n".join(lines).replace(own.loaded.version, "another"))
    document = measure_day(job(other), own.store, own.pointer)
    assert document["window"]["decisions"] == 0
    assert document["window"]["of_other_versions"] == 10


def test_days_are_stored_once_and_drawn_over_time(own: Champion, log: Path, tmp_path: Path) -> None:
    own = own.copy(tmp_path)
    before = len(own.store.names("monitoring/toy/"))
    for day in (26, 27, 28, 28):
        one = job(log, date(2026, 11, day))
        document = measure_day(one, own.store, own.pointer)
        name = store_day(one, own.store, document)
    assert name == "monitoring/toy/2026-11-28-001.json"
    assert len(own.store.names("monitoring/toy/")) == before + 3
    history = document["history"]
    assert [day["day"] for day in history] == ["2026-11-26", "2026-11-27", "2026-11-28"]
    assert history[0]["auc"] == history[-1]["auc"]
    assert history[0]["precision"] == document["refusals"]["precision"]
    own.store.create("monitoring/toy/2026-11-25-001.json", b"{}")
    with pytest.raises(DataError, match="it is not what monitoring writes"):
        measure_day(job(log), own.store, own.pointer)
