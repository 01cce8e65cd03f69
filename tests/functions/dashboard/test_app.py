"""The dashboard's server, as its container runs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.functions.dashboard.conftest import ENVIRONMENT
from tests.support.running import Server, run_module, running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server; nothing that it would ask is there."""
    log = Path(tmp_path_factory.mktemp("dashboard")) / "log"
    with running_server(log, kind="dashboard module", **ENVIRONMENT) as running:
        yield running


def test_health_and_metrics_are_those_of_every_function(server: Server) -> None:
    assert server.client.get("/health/live").json() == {"status": "live"}
    assert server.client.get("/health/ready").json() == {"status": "ready"}
    metrics = server.client.get("/metrics").text
    assert 'surety_request_seconds_count{route="/health/live",status="200"}' in metrics


def test_the_first_page_is_complete_and_closed(server: Server) -> None:
    response = server.client.get("/loans", headers={"accept": "text/html"})
    assert "BACKEND_BASE_URL" in response.text
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert "x-request-id" in response.headers


def test_a_browser_speaks_to_it_over_a_websocket(server: Server) -> None:
    url = str(server.client.base_url).replace("http", "ws")
    with connect(f"{url}/_stcore/stream", origin=Origin(str(server.client.base_url))) as socket:
        assert socket.protocol.state.name == "OPEN"


def test_signing_in_without_an_issuer_is_no_crash(server: Server) -> None:
    response = server.client.get("/auth/login")
    assert response.status_code in {302, 500, 502}
    assert "secret" not in response.text


def test_wrong_settings_end_it_by_name() -> None:
    done = run_module("functions.dashboard", LENDING_URL="", COOKIE_SECRET="short")  # noqa: S106 -- of nobody
    assert done.returncode == 2
    assert "LENDING_URL: must be https://host" in done.stderr
    assert "COOKIE_SECRET" in done.stderr
