from datetime import date
from pathlib import Path

from models.stores.uri import open_store
from training.monitoring.objects import create_dated, list_dated

DAY = date(2026, 11, 28)


def test_a_second_attempt_is_another_object_and_the_same_content_is_not(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    assert create_dated(store, "m/", DAY, ".json", b"1") == "m/2026-11-28-001.json"
    assert create_dated(store, "m/", DAY, ".json", b"1") == "m/2026-11-28-001.json"
    assert create_dated(store, "m/", DAY, ".json", b"2") == "m/2026-11-28-002.json"
    assert store.read("m/2026-11-28-001.json").data == b"1"


def test_the_last_attempt_of_each_day_until_a_day_is_listed(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    for day, data in ((date(2026, 11, 27), b"a"), (DAY, b"b"), (DAY, b"c")):
        create_dated(store, "m/", day, ".json", data)
    store.create("m/outcomes/2026-11-28-001.json", b"of another kind")
    store.create("m/notes.json", b"")
    assert list(list_dated(store, "m/", ".json", DAY)) == [
        (date(2026, 11, 27), "m/2026-11-27-001.json"),
        (DAY, "m/2026-11-28-002.json"),
    ]
    assert len(list(list_dated(store, "m/", ".json", date(2026, 11, 27)))) == 1
