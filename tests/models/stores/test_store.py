"""One contract for every store: files, and each cloud's client against a real HTTP server.

With SURETY_TEST_BUCKET, such as gs://bucket/prefix, also against a real bucket.
"""

import os
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.errors import (
    GenerationConflictError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnavailableError,
)
from models.stores.deadline import READ_SECONDS
from models.stores.store import Store
from models.stores.uri import open_store
from tests.support.faults import STEADY_BYTES_PER_SECOND, faulty_proxy


@pytest.fixture(params=["file", "gs", "s3", "real"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return open_store(tmp_path.as_uri())
    if request.param == "real":
        bucket = os.environ.get("SURETY_TEST_BUCKET")
        if bucket is None:
            pytest.skip("SURETY_TEST_BUCKET names no real bucket")
        return open_store(f"{bucket}/{uuid.uuid4().hex}")
    request.getfixturevalue({"gs": "bucket_server", "s3": "s3_server"}[request.param])
    return open_store(f"{request.param}://models/{tmp_path.name}")


def test_what_was_created_is_read_back(store: Store) -> None:
    store.create("versions/a/bundle.zip", b"\x00bytes\xff")
    assert store.read("versions/a/bundle.zip").data == b"\x00bytes\xff"


def test_reading_what_is_not_there_says_so(store: Store) -> None:
    with pytest.raises(ObjectMissingError, match="no object champions/none"):
        store.read("champions/none.json")


def test_an_object_is_created_only_once(store: Store) -> None:
    store.create("a/b", b"first")
    with pytest.raises(ObjectExistsError, match="a/b exists already"):
        store.create("a/b", b"second")
    assert store.read("a/b").data == b"first"


def test_an_object_is_replaced_at_the_generation_it_was_read_at(store: Store) -> None:
    store.create("a", b"1")
    store.replace("a", b"2", store.read("a").generation)
    assert store.read("a").data == b"2"


def test_an_object_that_changed_meanwhile_is_not_replaced(store: Store) -> None:
    store.create("a", b"1")
    seen = store.read("a").generation
    store.replace("a", b"2", seen)
    with pytest.raises(GenerationConflictError, match="a was changed by someone else"):
        store.replace("a", b"3", seen)
    assert store.read("a").data == b"2"


def test_an_object_that_is_gone_is_not_replaced(store: Store) -> None:
    store.create("a", b"1")
    with pytest.raises(GenerationConflictError):
        store.replace("folder/b", b"2", store.read("a").generation)
    assert store.names("") == ["a"]


def test_names_lists_a_prefix_in_order(store: Store) -> None:
    for name in ("x/2", "x/1", "y/1"):
        store.create(name, b"")
    assert store.names("x/") == ["x/1", "x/2"]
    assert store.names("") == ["x/1", "x/2", "y/1"]
    assert store.names("z") == []


def test_what_is_removed_is_gone_and_may_be_removed_again(store: Store) -> None:
    store.create("a/b", b"1")
    store.remove("a/b")
    store.remove("a/b")
    assert store.names("") == []
    store.create("a/b", b"2")
    assert store.read("a/b").data == b"2"


def test_a_large_object_is_whole(store: Store) -> None:
    data = os.urandom(5_000_000)
    store.create("large", data)
    assert store.read("large").data == data


def test_of_many_writers_at_once_exactly_one_wins(store: Store) -> None:
    store.create("pointer", b"start")
    generation = store.read("pointer").generation
    outcomes: list[str] = []

    def write(i: int) -> None:
        try:
            store.replace("pointer", f"writer {i}".encode(), generation)
            outcomes.append(f"writer {i}")
        except GenerationConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [outcome for outcome in outcomes if outcome != "conflict"]
    assert store.read("pointer").data.decode() == winner
    assert len(outcomes) == 8


@pytest.mark.parametrize("client", ["google", "s3"])
def test_a_list_that_trickles_in_is_given_up(
    bucket_server: str, s3_server: str, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    monkeypatch.setattr(f"models.stores.{client}.LIST_SECONDS", 0.5)
    with faulty_proxy(bucket_server if client == "google" else s3_server) as proxy:
        proxy.fault = "trickle"
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        store = open_store("gs://models/x" if client == "google" else "s3://models/x")
        with pytest.raises(StoreUnavailableError, match="did not finish reading versions/"):
            store.names("versions/")


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_a_large_object_may_take_as_long_as_it_keeps_coming(
    scheme: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = request.getfixturevalue({"gs": "bucket_server", "s3": "s3_server"}[scheme])
    uri = f"{scheme}://models/{tmp_path.name}"
    data = os.urandom(round((READ_SECONDS + 1) * STEADY_BYTES_PER_SECOND))
    open_store(uri).create("applications.csv", data)
    variable = {"gs": "STORAGE_EMULATOR_HOST", "s3": "AWS_ENDPOINT_URL_S3"}[scheme]
    with faulty_proxy(server) as proxy:
        proxy.fault = "steady"
        monkeypatch.setenv(variable, proxy.url)
        assert open_store(uri).download("applications.csv") == data
        proxy.fault = "slow"
        with pytest.raises(StoreUnavailableError):
            open_store(uri).download("applications.csv")


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, "The specified bucket does not exist.", "there is no such bucket"),
        (412, "", "PreconditionFailed at a"),
    ],
)
def test_what_cloud_storage_says_of_a_read_is_not_taken_for_something_else(
    status: int, body: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(StoreUnavailableError, match=message):
            open_store("gs://nowhere/store").read("a")
        server.shutdown()


def test_a_bucket_of_s3_that_does_not_exist_is_not_an_empty_one(s3_server: str) -> None:
    assert s3_server
    with pytest.raises(StoreUnavailableError, match="NoSuchBucket"):
        open_store("s3://nowhere/store").read("a")
