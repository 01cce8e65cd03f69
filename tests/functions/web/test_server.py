"""The server: what had arrived when it was told to stop is answered."""

import http.client
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.counts import counts
from tests.support.raw_http import drain
from tests.support.running import running_server

KEEP_ALIVE_SECONDS = 5


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
        assert server.process.wait(timeout=9) == 0


def ask_until_told_to_stop(port: int, pause_seconds: float) -> tuple[int, bool]:
    """Use one connection, repeating nothing, until a response announces its end.

    Returns how many requests were answered, and whether one was lost.
    """
    answered = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.connect()
    while connection.sock:
        try:
            connection.request("POST", "/echo/a", body=b"{}")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return answered, True
        answered += 1
        time.sleep(pause_seconds)
    return answered, False


@pytest.mark.soak
@pytest.mark.parametrize("repetition", range(counts().stops))
def test_a_stop_loses_no_request_of_a_connection_that_was_not_announced_to_end(
    tmp_path: Path, repetition: int
) -> None:
    pauses = [0, 0, 0.001, 0.01, 0.05, 0.2, 0.5, 1.0, 2.0, 3.0]
    with running_server(tmp_path / "log", "echo") as server:
        port = server.client.base_url.port
        assert port
        with ThreadPoolExecutor(len(pauses)) as pool:
            clients = [pool.submit(ask_until_told_to_stop, port, pause) for pause in pauses]
            time.sleep(0.5 + repetition / 100)
            server.process.send_signal(signal.SIGTERM)
            outcomes = [client.result() for client in clients]
        assert server.process.wait(timeout=9) == 0
    assert [is_lost for _, is_lost in outcomes] == [False] * len(pauses)
    assert all(answered for answered, _ in outcomes)
    assert server.log_path.read_text() == ""


def test_the_last_of_several_pipelined_requests_announces_the_stop(tmp_path: Path) -> None:
    slow = b"GET /echo/a?seconds=0.6 HTTP/1.1\r\nHost: test\r\n\r\n"
    with running_server(tmp_path / "log", "echo") as server:
        address = ("127.0.0.1", server.client.base_url.port)
        with socket.create_connection(address, timeout=5) as connection:
            connection.sendall(slow + slow)
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.7)
            connection.sendall(slow)
            answers, is_closed = drain(connection)
        assert [a.headers.get("connection") for a in answers] == [None, None, "close"]
        assert is_closed
        assert server.process.wait(timeout=9) == 0


def test_ctrl_c_does_not_wait_for_idle_connections(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", "echo") as server:
        server.client.get("/health/live")
        begin = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=9) == 0
        assert time.monotonic() - begin < KEEP_ALIVE_SECONDS / 2
