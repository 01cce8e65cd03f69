"""One contract for every store: files, and each cloud's client against a real HTTP server.

With SURETY_TEST_BUCKET, such as gs://bucket/prefix, also against a real bucket.
"""

import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from functools import partial
from pathlib import Path

import pytest

from models.errors import (
    DeclarationError,
    GenerationConflictError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnavailableError,
)
from models.stores.deadline import within
from models.stores.store import Store
from models.stores.uri import open_store
from tests.support.faults import faulty_proxy


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


@pytest.mark.parametrize(
    "uri",
    [
        *("", "models", "s4://b/p", "gs://", "s3://", "gs://[", "gs://b/p?x=1"),
        *("file://host/x", "file:", "file:relative", "file:///a%00b", "file:///a#b"),
    ],
)
def test_a_uri_of_no_known_form_is_refused(uri: str) -> None:
    with pytest.raises(
        DeclarationError, match="a store is file:///path, gs://bucket/prefix or s3://bucket"
    ):
        open_store(uri)


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    store = open_store((tmp_path / "store").as_uri())
    with pytest.raises(ObjectMissingError):
        store.create("../outside", b"")
    assert not (tmp_path / "outside").exists()


def test_a_file_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="File name too long"):
        open_store(tmp_path.as_uri()).read("x" * 300)


def test_a_lock_that_cannot_be_taken_is_unavailable(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.create("a", b"1")
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StoreUnavailableError, match="Is a directory"):
        store.replace("a", b"2", store.read("a").generation)
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".lock"}


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(StoreUnavailableError):
        open_store((tmp_path / "store").as_uri()).create("a", b"")


def test_no_temporary_file_is_left_or_listed(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.create("a", b"1")
    store.replace("a", b"2", store.read("a").generation)
    assert store.names("") == ["a"]
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".lock"}


def test_a_bucket_server_that_is_down_is_unavailable_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = reserved.getsockname()[1]
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        with pytest.raises(StoreUnavailableError, match="Cloud Storage: "):
            open_store("gs://models/x").read("a")


def test_an_s3_server_that_is_down_is_unavailable_within_seconds(
    s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3_server
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
        with pytest.raises(StoreUnavailableError, match="S3: EndpointConnectionError at a"):
            open_store("s3://models/x").read("a")


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


def test_a_client_is_imported_only_when_its_scheme_is_used(tmp_path: Path) -> None:
    code = (
        "import sys; from models.stores.uri import open_store;"
        f"open_store({tmp_path.as_uri()!r}).names('');"
        "print({'boto3', 'google.cloud.storage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_read_has_a_deadline_of_its_own_however_the_bytes_arrive() -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"did not finish reading slow within 0.2 s"):
        within("slow", lambda: time.sleep(2), seconds=0.2)
    assert time.monotonic() - began < 1
    with pytest.raises(ObjectMissingError):
        within("none", partial(open_store((Path("/nowhere")).as_uri()).read, "none"))
