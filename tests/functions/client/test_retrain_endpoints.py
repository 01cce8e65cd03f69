"""The pointer of a model, read and moved through the typed client against the real function."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from functions.client import retrain_endpoints as registry
from functions.client.clients import Surety
from functions.client.errors import RefusedError
from models.registry.pointer import Author, promote
from models.registry.store_paths import report_path
from models.stores.uri import open_store
from tests.support.published import ROWS, publish_by_hand
from tests.support.running import running_server
from tests.support.toy import Toy

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """The client, and the names of a champion and of a newer version."""

    client: Surety
    first: str
    second: str


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("pointer")
    uri = (folder / "store").as_uri()
    store = open_store(uri)
    first, second = (
        publish_by_hand(store, Toy, ROWS["toy"], NOW + timedelta(days=i)) for i in range(2)
    )
    for version in (first, second):
        report = {"outcome": "promoted", "gates": []}
        store.create(report_path("toy", version.version), json.dumps(report).encode())
    promote(store, "toy", first, Author("tester", NOW))
    with (
        running_server(
            folder / "log",
            "retrain module",
            MODEL_STORE=uri,
            CREDIT_MODELS="tests.support.toy",
            TRAINING_LOGS=str(folder / "logs"),
        ) as server,
        Surety(str(server.client.base_url)) as surety,
    ):
        yield Desk(surety, first.version, second.version)


def test_a_version_is_promoted_and_the_one_before_comes_back(desk: Desk) -> None:
    before = desk.client.request(registry.pointer("toy"))
    assert (before.sequence, before.champion, before.previous) == (1, desk.first, None)
    moved = desk.client.request(registry.promote("toy", desk.second, 1))
    assert (moved.status, moved.version, moved.sequence) == ("promoted", desk.second, 2)
    with pytest.raises(RefusedError, match="has the sequence 2") as caught:
        desk.client.request(registry.promote("toy", desk.second, 1))
    assert caught.value.status == HTTPStatus.PRECONDITION_FAILED
    back = desk.client.request(registry.roll_back("toy", desk.first, 2, "complaints"))
    assert (back.status, back.sequence) == ("rolled back", 3)
    after = desk.client.request(registry.pointer("toy"))
    assert [(move.action, move.reason) for move in after.moves] == [
        ("roll_back", "complaints"),
        ("promote", None),
        ("promote", None),
    ]
