"""A bucket is read while a server starts; the first request waits for that, and sees no other."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.prefetch import bundle_paths_from_pointer, prefetch_champion
from models.registry.pointer import read_pointer
from models.registry.store_paths import bundle_path
from tests.support.faults import faulty_proxy, wait_until
from tests.support.published import publish_all_by_hand
from tests.support.running import running_server

Rows = dict[str, dict[str, Any]]


@pytest.mark.parametrize("uri", ["file:///tmp/somewhere", "", "ftp://nowhere"])
def test_nothing_is_read_ahead_from_a_folder_or_from_what_is_no_store(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_STORE", uri)
    assert prefetch_champion() is None


def test_the_pointer_and_what_it_names_are_read_before_they_are_asked_for(
    bucket_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bucket_server
    publish_all_by_hand("gs://models/ahead")
    monkeypatch.setenv("MODEL_STORE", "gs://models/ahead")
    monkeypatch.setenv("DEFAULT_MODEL", "german_credit")
    begun = prefetch_champion()
    assert begun is not None
    champion = read_pointer(begun, "german_credit").champion
    waiting = set(begun._reading)  # noqa: SLF001 -- what nobody has asked for yet
    assert waiting == {bundle_path("german_credit", champion.version)}


def test_a_starting_server_reads_the_champion_before_it_is_asked(
    rows: Rows, bucket_server: str, tmp_path: Path
) -> None:
    publish_all_by_hand("gs://models/counted")
    requested: list[bytes] = []

    def noted(data: bytes) -> bytes:
        requested.append(data)
        return data

    with faulty_proxy(bucket_server) as proxy:
        proxy.passing_on = noted
        with running_server(
            tmp_path / "log", MODEL_STORE="gs://models/counted", STORAGE_EMULATOR_HOST=proxy.url
        ) as server:
            wait_until(lambda: len(requested) == 2)
            assert b"champions" in requested[0]
            assert b"versions%2Fapplication%2F" in requested[1]
            assert server.client.post("/predict", json=rows["application"]).status_code == 200


def test_a_challenger_is_read_ahead_as_well() -> None:
    pointer = {
        "champion": {"version": "one"},
        "challenger": {"version": {"version": "two"}, "share": 0.1},
    }
    paths = list(bundle_paths_from_pointer("toy", json.dumps(pointer).encode()))
    assert paths == [bundle_path("toy", "one"), bundle_path("toy", "two")]


def test_a_bucket_that_was_down_at_the_start_is_read_when_it_is_asked_for(
    rows: Rows, bucket_server: str, tmp_path: Path
) -> None:
    publish_all_by_hand("gs://models/down-at-start")
    with faulty_proxy(bucket_server) as proxy:
        proxy.fault = "down"
        with running_server(
            tmp_path / "log",
            MODEL_STORE="gs://models/down-at-start",
            STORAGE_EMULATOR_HOST=proxy.url,
        ) as server:
            first = server.client.post("/predict", json=rows["application"])
            assert first.status_code == 503
            assert first.json()["detail"].endswith("the model store cannot be reached")
            proxy.fault = "none"
            wait_until(
                lambda: server.client.post("/predict", json=rows["application"]).status_code == 200
            )
