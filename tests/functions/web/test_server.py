"""The server: what had arrived when it was told to stop is answered."""

import http.client
import signal
import time
from pathlib import Path

import httpx

from tests.support.running import running_server


def test_requests_still_unread_when_the_stop_is_told_are_answered(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", MODEL_STORE=(tmp_path / "store").as_uri()) as server:
        address = httpx.URL(server.client.base_url)
        current, new = (
            http.client.HTTPConnection(address.host, address.port, timeout=5) for _ in range(2)
        )
        current.request("GET", "/health/live")
        current.getresponse().read()
        server.process.send_signal(signal.SIGSTOP)
        for connection in (current, new):
            connection.request("GET", "/health/live")
        time.sleep(0.2)  # longer than the server's own tick: it looks at the signal first
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        for connection in (current, new):
            assert connection.getresponse().status == http.client.OK
            connection.close()
        assert server.process.wait(timeout=9) == -signal.SIGTERM
