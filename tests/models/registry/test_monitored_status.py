import json
from datetime import date
from pathlib import Path

import pytest

from models.registry.monitored_status import (
    MonitoredStatus,
    find_last_day,
    find_monitored,
    find_monitored_day,
)
from models.registry.store_paths import monitoring_path
from models.stores.store import OpenedStore
from models.stores.uri import open_store

TODAY = date(2026, 11, 30)


@pytest.fixture
def store(tmp_path: Path) -> OpenedStore:
    return open_store(tmp_path.as_uri())


def write(store: OpenedStore, day: int, attempt: int = 1, **members: object) -> None:
    document = {
        "model": "toy",
        "day": f"2026-11-{day}",
        "version": "v1",
        "status": "DEGRADED",
        "signals": [
            {"name": "auc", "subject": "all", "state": "fired"},
            {"name": "calibration", "subject": "all", "state": "quiet"},
        ],
    }
    data = json.dumps(document | members).encode()
    store.create(monitoring_path("toy", date(2026, 11, day), attempt), data)


def find_status(store: OpenedStore, model_name: str, today: date) -> MonitoredStatus | None:
    monitored = find_monitored(store, model_name, today)
    return monitored.status if monitored else None


def test_the_newest_of_three_days_counts(store: OpenedStore) -> None:
    write(store, 28)
    assert find_status(store, "toy", TODAY) == {
        "day": date(2026, 11, 28),
        "status": "DEGRADED",
        "version": "v1",
        "signals": ["auc: all"],
    }
    write(store, 29, status="OK", signals=[])
    status = find_status(store, "toy", TODAY)
    assert status is not None
    assert (status["status"], status["signals"]) == ("OK", [])


def test_an_older_day_says_nothing_of_today(store: OpenedStore) -> None:
    write(store, 27)
    assert find_status(store, "toy", TODAY) is None
    assert find_status(store, "other", TODAY) is None


def test_the_last_of_the_days_before_is_found_for_two_weeks(store: OpenedStore) -> None:
    assert find_last_day(store, "toy", TODAY) is None
    for day in (14, 16, 17):
        write(store, day)
    assert find_last_day(store, "toy", TODAY) == date(2026, 11, 17)
    assert find_last_day(store, "toy", date(2026, 12, 1)) == date(2026, 11, 17)
    assert find_last_day(store, "toy", date(2026, 12, 2)) is None


def test_the_last_attempt_of_a_day_counts(store: OpenedStore) -> None:
    write(store, 30)
    write(store, 30, attempt=2, status="OK")
    data = find_monitored_day(store, "toy", TODAY)
    assert data is not None
    assert json.loads(data)["status"] == "OK"
    assert find_monitored_day(store, "toy", date(2026, 11, 29)) is None


@pytest.mark.parametrize("data", [b"no JSON", b"[]", b"{}", b'{"signals": [], "status": "FINE"}'])
def test_a_document_that_cannot_be_read_is_none(store: OpenedStore, data: bytes) -> None:
    store.create(monitoring_path("toy", TODAY, 1), data)
    assert find_status(store, "toy", TODAY) is None
