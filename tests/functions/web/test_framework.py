"""functions-framework serves with our protocol, and stops as our server does."""

import signal
from pathlib import Path

import pytest

from tests.support.raw_http import exchange
from tests.support.running import ServerKind, running_server


@pytest.mark.parametrize("kind", ["framework", "retrain framework"])
def test_it_ignores_upgrades_refuses_what_is_doubtful_and_stops_with_status_0(
    kind: ServerKind, tmp_path: Path
) -> None:
    variables = {"MODEL_STORE": (tmp_path / "store").as_uri(), "RETRAIN_RUNNER": "local"}
    with running_server(tmp_path / "log", kind, **variables) as server:
        port = server.client.base_url.port
        assert port
        head = b"GET /health/live HTTP/1.1\r\nHost: test\r\n"
        upgrade = b"Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\n"
        answers, _ = exchange(port, [head + upgrade, b"{}" + head + b"Connection: close\r\n\r\n"])
        assert [answer.status for answer in answers] == [200, 200]
        answers, is_closed = exchange(port, [b"GET /health/live HTTP/0.9\r\n\r\n" + head])
        assert [answer.status for answer in answers] == [400]
        assert is_closed
        server.client.close()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=15) == 0
