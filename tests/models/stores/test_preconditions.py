"""A service that ignores preconditions is refused before anything is written to it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from models.errors import DeclarationError, StoreUnavailableError
from models.stores.preconditions import PROBE, prove_preconditions
from models.stores.s3 import S3Store
from models.stores.uri import open_store
from tests.support.running import REPOSITORY

CONDITIONS = ("if-none-match", "if-match")


@pytest.fixture
def forgetful(
    request: pytest.FixtureRequest, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A server before the real one that leaves out the headers it does not know."""
    ignored = request.param

    class Forgetful(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {n: v for n, v in self.headers.items() if n.lower() not in ignored}
            self.pass_on("PUT", headers, body)

        def do_GET(self) -> None:
            self.pass_on("GET", dict(self.headers), b"")

        def pass_on(self, method: str, headers: dict[str, str], body: bytes) -> None:
            url = s3_server + self.path
            with httpx.Client(trust_env=False) as client:
                answer = client.request(method, url, headers=headers, content=body)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield url
        server.shutdown()


def test_every_kind_of_store_proves_itself_again_and_again(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    for server in ("bucket_server", "s3_server"):
        request.getfixturevalue(server)
    for scheme in ("file", "gs", "s3"):
        uri = tmp_path.as_uri() if scheme == "file" else f"{scheme}://models/{tmp_path.name}"
        store = open_store(uri)
        for _ in range(2):
            prove_preconditions(store)
        assert store.read(PROBE).data == b"probe"


@pytest.mark.parametrize(
    ("forgetful", "fault"),
    [
        (CONDITIONS, "creates an object that exists (it ignores If-None-Match)"),
        (("if-none-match",), "creates an object that exists (it ignores If-None-Match)"),
        (("if-match",), "replaces an object that has changed (it ignores If-Match)"),
    ],
    indirect=["forgetful"],
)
def test_a_service_that_ignores_preconditions_is_refused(
    forgetful: str, fault: str, tmp_path: Path
) -> None:
    assert forgetful
    store = open_store(f"s3://models/{tmp_path.name}")
    with pytest.raises(DeclarationError) as raised:
        prove_preconditions(store)
    assert str(raised.value).startswith(f"this store {fault}: of two promotions at once")


@pytest.mark.parametrize("forgetful", [CONDITIONS], indirect=True)
@pytest.mark.parametrize("command", ["train", "verify"])
def test_no_command_trusts_such_a_service(forgetful: str, command: str, tmp_path: Path) -> None:
    assert forgetful
    uri = f"s3://models/{tmp_path.name}"
    done = subprocess.run(
        [sys.executable, "-m", "training", command, "--model", "german_credit", "--store", uri],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "it ignores If-None-Match" in " ".join(done.stderr.split())


@pytest.mark.parametrize("setting", ["when_required", "when_supported"])
def test_checksums_are_as_the_environment_says(
    setting: str, s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3_server
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", setting)
    store = S3Store("models", "checksums")
    config = store._open_client().meta.config  # noqa: SLF001 -- what the library made of it
    assert config.request_checksum_calculation == setting  # type: ignore[attr-defined]


def test_a_file_system_without_hard_links_is_refused_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(StoreUnavailableError, match="has no hard links, which a store needs"):
        open_store(tmp_path.as_uri()).create("a", b"1")
