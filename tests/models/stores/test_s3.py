import socket

import pytest

from models.errors import StoreUnavailableError
from models.stores.uri import open_store


def test_a_prefix_is_part_of_the_object_and_not_of_its_name(s3_server: str) -> None:
    assert s3_server
    open_store("s3://models/s3/inner/").create("a/b", b"1")
    assert open_store("s3://models/s3").names("inner/") == ["inner/a/b"]
    assert open_store("s3://models/s3/inner").names("") == ["a/b"]


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
