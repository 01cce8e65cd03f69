import socket

import pytest

from models.errors import StoreUnavailableError
from models.stores.uri import open_store


def test_a_prefix_is_part_of_the_object_and_not_of_its_name(bucket_server: str) -> None:
    assert bucket_server
    open_store("gs://models/google/inner/").create("a/b", b"1")
    assert open_store("gs://models/google").names("inner/") == ["inner/a/b"]
    assert open_store("gs://models/google/inner").names("") == ["a/b"]


def test_a_bucket_server_that_is_down_is_unavailable_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = reserved.getsockname()[1]
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        with pytest.raises(StoreUnavailableError, match="Cloud Storage: "):
            open_store("gs://models/x").read("a")
