"""Scoring by identifier alone: over HTTP, from a published snapshot, with its day on record."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.feature_lookup import MOST_SHARDS, READS_AT_ONCE, FeatureLookup
from functions.web.problems import RequestError, TemporaryError
from models.catalogue.customer import Customer
from models.errors import ObjectMissingError, StoreUnavailableError
from models.registry.feature_snapshot import publish_snapshot
from models.stores.store import StoredObject
from models.stores.uri import open_store
from tests.functions.scoring.recording import decisions_logged
from tests.support.published import ROWS
from tests.support.running import Server, running_server

FIELDS = ROWS["customer"]
URL = "/v1/models/customer:predict"


@dataclass(frozen=True)
class Book:
    """A running service, the day of its snapshot, and its decision log."""

    server: Server
    day: date
    log: Path

    def ask(self, *instances: dict[str, Any]) -> Any:  # noqa: ANN401 -- a response
        return self.server.client.post(URL, json={"instances": list(instances)})

    def records(self) -> list[dict[str, Any]]:
        lines = map(json.loads, self.log.read_text().splitlines())
        return [line for line in lines if line.get("record") == "decision"]


@pytest.fixture(scope="module")
def book(made_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    folder = tmp_path_factory.mktemp("features")
    day = datetime.now(UTC).date() - timedelta(days=1)
    rows = [(f"C{n}", FIELDS | {"total_debt": 1_000 * n}) for n in range(1, 600)]
    features = open_store((folder / "features").as_uri())
    publish_snapshot(features, "customer", day, rows)
    with running_server(
        folder / "log",
        MODEL_STORE=made_store,
        CREDIT_MODELS="tests.support.toy",
        FEATURE_STORE_URI=(folder / "features").as_uri(),
        DECISION_LOG=str(folder / "decisions.jsonl"),
        DECISION_LOG_KEY="k" * 64,
    ) as server:
        yield Book(server, day, folder / "decisions.jsonl")


def test_an_identifier_alone_scores_as_the_fields_do(book: Book) -> None:
    by_id = book.ask({"customer_id": "C7"}, {"customer_id": "C500"})
    assert by_id.status_code == 200, by_id.text
    sent = [{**FIELDS, "total_debt": 1_000 * n, "customer_id": f"C{n}"} for n in (7, 500)]
    assert book.ask(*sent).json() == by_id.json()
    *looked_up, first, _ = decisions_logged(book.log)[-4:]
    assert [record["features_of"] for record in looked_up] == [book.day.isoformat()] * 2
    assert "features_of" not in first
    assert looked_up[0]["inputs"] == first["inputs"]
    assert looked_up[0]["applicant"] == first["applicant"]


def test_the_log_verifies_with_the_day_and_not_with_another(book: Book) -> None:
    from models.evidence.hash_chain import Seal, link_content  # noqa: PLC0415

    assert book.ask({"customer_id": "C8"}).status_code == 200
    record = book.records()[-1]
    seal = Seal("k" * 64)
    assert seal.link(link_content(record)) == record["link"]
    for other in ({"features_of": "2020-01-01"}, {"features_of": None}):
        assert seal.link(link_content(record | other)) != record["link"]


def test_nobody_of_an_identifier_is_said_without_repeating_it(book: Book) -> None:
    answer = book.ask({"customer_id": "C9"}, {"customer_id": "private-name"})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["path"] == "instances[1].customer_id"
    assert f"The features of {book.day} have nobody of this identifier" in error["message"]
    assert "private-name" not in answer.text


def test_identifiers_and_fields_are_not_mixed(book: Book) -> None:
    answer = book.ask({"customer_id": "C1"}, FIELDS)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["path"], error["message"]) == (
        *("instances[1]", "Either every row is an identifier alone, or none is"),
    )


def test_a_model_without_an_identifier_and_odd_rows_are_refused_as_ever(book: Book) -> None:
    for instance in ({"customer_id": ""}, {"customer_id": 5}, {}, {"customer_id": None}):
        answer = book.ask(instance)
        assert answer.status_code == 422
        assert "instances[0].age" in answer.text
    other = book.server.client.post(
        "/v1/models/application:predict", json={"instances": [{"customer_id": "C1"}]}
    )
    assert other.status_code == 422


class Objects:
    """A store in memory that counts reads, and can be out of reach."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder.as_uri())
        self.reads = 0
        self.is_out = False
        self.delay = 0.0

    def read(self, name: str) -> StoredObject:
        self.reads += 1
        time.sleep(self.delay)
        if self.is_out:
            raise StoreUnavailableError(name)
        return self.store.read(name)


@dataclass
class Clock:
    """A time that a test moves."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 30, 6, tzinfo=UTC) + timedelta(seconds=self.seconds)


def complete(lookup: FeatureLookup, *identifiers: str) -> list[dict[str, Any]]:
    rows: list[object] = [{"customer_id": identifier} for identifier in identifiers]
    paths = [f"instances[{index}]" for index in range(len(rows))]
    rows_with_features = asyncio.run(lookup.complete(Customer, rows, paths))
    assert rows_with_features is not None
    return rows_with_features.values  # type: ignore[return-value]


def lookup_on(objects: Objects, clock: Clock, days: int = 2) -> FeatureLookup:
    return FeatureLookup(objects, days, 60.0, clock.now, lambda: clock.seconds)


def test_a_shard_is_read_once_and_the_index_once_a_minute(tmp_path: Path) -> None:
    objects, clock = Objects(tmp_path), Clock()
    publish_snapshot(
        objects.store, "customer", date(2026, 11, 30), [("C1", FIELDS), ("C2", FIELDS)]
    )
    lookup = lookup_on(objects, clock)
    assert complete(lookup, "C1", "C2")[1] == {**FIELDS, "customer_id": "C2"}
    assert objects.reads == 2
    complete(lookup, "C1")
    assert objects.reads == 2
    clock.seconds = 61
    complete(lookup, "C1")
    assert objects.reads == 3
    clock.seconds = 122
    publish_snapshot(objects.store, "customer", date(2026, 12, 1), [("C1", FIELDS | {"age": 36})])
    assert complete(lookup, "C1")[0]["age"] == 35  # tomorrow's are not looked for
    clock.seconds = 86_400
    assert complete(lookup, "C1")[0]["age"] == 36


def test_features_that_are_too_old_are_503_and_never_used(tmp_path: Path) -> None:
    objects, clock = Objects(tmp_path), Clock()
    publish_snapshot(objects.store, "customer", date(2026, 11, 28), [("C1", FIELDS)])
    lookup = lookup_on(objects, clock)
    assert complete(lookup, "C1")
    clock.seconds = 86_400
    with pytest.raises(TemporaryError, match="no features of customer of the last 2 days are"):
        complete(lookup, "C1")
    with pytest.raises(TemporaryError, match="no features of customer of today are published"):
        complete(lookup_on(objects, clock, days=0), "C1")


def test_a_store_out_of_reach_is_503_and_what_is_in_memory_answers(tmp_path: Path) -> None:
    objects, clock = Objects(tmp_path), Clock()
    publish_snapshot(objects.store, "customer", date(2026, 11, 30), [("C1", FIELDS)])
    objects.is_out = True
    lookup = lookup_on(objects, clock)
    with pytest.raises(TemporaryError, match="cannot be read now"):
        complete(lookup, "C1")
    objects.is_out = False
    complete(lookup, "C1")
    objects.is_out = True
    assert complete(lookup, "C1")
    clock.seconds = 3_600  # a newer day is looked for in vain
    reads = objects.reads
    assert complete(lookup, "C1")
    assert complete(lookup, "C1")
    assert objects.reads == reads + 1


def test_that_nothing_is_published_is_remembered_for_a_minute(tmp_path: Path) -> None:
    objects, clock = Objects(tmp_path), Clock()
    lookup = lookup_on(objects, clock)
    for _ in range(3):
        with pytest.raises(TemporaryError, match="are published"):
            complete(lookup, "C1")
    assert objects.reads == 3  # today and the two days before, once
    publish_snapshot(objects.store, "customer", date(2026, 11, 30), [("C1", FIELDS)])
    clock.seconds = 61
    assert complete(lookup, "C1")


def test_a_failure_ends_what_waits_and_delays_nobody_else(tmp_path: Path) -> None:
    objects, clock = Objects(tmp_path), Clock()
    rows: list[tuple[str, dict[str, Any]]] = [(f"C{n}", FIELDS) for n in range(16 * 250 + 1)]
    publish_snapshot(objects.store, "customer", date(2026, 11, 30), rows)
    lookup = lookup_on(objects, clock)
    complete(lookup, "C0")
    objects.is_out, objects.delay = True, 0.05

    async def ask() -> int:
        with pytest.raises(TemporaryError):
            await lookup.complete(Customer, [{"customer_id": n} for n, _ in rows[:900]], [""] * 900)
        before = objects.reads
        await lookup.complete(Customer, [{"customer_id": "C0"}], [""])
        return objects.reads - before

    assert asyncio.run(ask()) <= READS_AT_ONCE
    assert objects.reads < 5 * READS_AT_ONCE


def test_threads_that_share_the_memory_lose_nothing(tmp_path: Path) -> None:
    objects, clock = Objects(tmp_path), Clock()
    rows: list[tuple[str, dict[str, Any]]] = [(f"C{n}", {"age": n}) for n in range(16 * 250 + 1)]
    publish_snapshot(objects.store, "customer", date(2026, 11, 30), rows)
    lookup = lookup_on(objects, clock)
    complete(lookup, "C0")

    def ask(start: int) -> list[Any]:
        return [complete(lookup, f"C{(start + 37 * n) % 4_000}")[0]["age"] for n in range(60)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(0, 800, 100)))
    assert answers == [[(s + 37 * n) % 4_000 for n in range(60)] for s in range(0, 800, 100)]


def test_memory_holds_so_many_shards(tmp_path: Path) -> None:
    objects, clock = Objects(tmp_path), Clock()
    rows: list[tuple[str, dict[str, Any]]] = [(f"C{n}", {}) for n in range(16 * 250 + 1)]
    publish_snapshot(objects.store, "customer", date(2026, 11, 30), rows)
    lookup = lookup_on(objects, clock)
    complete(lookup, *(f"C{n}" for n in range(900)))
    assert len(lookup._shards) == MOST_SHARDS  # noqa: SLF001 -- nobody else can see it


def test_no_identifier_alone_is_none_and_reads_nothing(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    lookup = lookup_on(objects, Clock())
    assert asyncio.run(lookup.complete(Customer, [FIELDS, "text", None], ["a", "b", "c"])) is None
    assert objects.reads == 0
    with pytest.raises(ObjectMissingError):
        objects.read("x")
    with pytest.raises(RequestError):
        asyncio.run(lookup.complete(Customer, [{"customer_id": "C1"}, 5], ["a", "b"]))
