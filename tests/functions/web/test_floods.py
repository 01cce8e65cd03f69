"""Clients that send too much or too little: others are answered meanwhile, and memory stays."""

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.counts import counts
from tests.support.running import Server, running_server

pytestmark = pytest.mark.soak

CONNECTIONS = 50
MOST_GROWTH_BYTES = 50 * 2**20
FLOOD = """
import contextlib, socket, sys
port, total = map(int, sys.argv[1:])
sent = refused = 0
while sent < total:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(b"GET /echo/a HTTP/1.1\\r\\nHost: test\\r\\nX-Long: ")
        while sent < total:
            peer.sendall(b"a" * 65_536)
            sent += 65_536
    refused += 1
print(refused)
"""


def server_port(server: Server) -> int:
    port = server.client.base_url.port
    assert port
    return port


def ask_until(port: int, is_over: threading.Event) -> list[float]:
    """Ask one after another on one connection; return the seconds of each."""
    seconds = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    while not is_over.is_set():
        begin = time.perf_counter()
        connection.request("GET", "/echo/a")
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - begin)
        assert answer.status == http.client.OK
        time.sleep(0.002)
    connection.close()
    return seconds


def test_a_flood_of_headers_takes_no_memory_and_stops_nobody(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", "echo") as server:
        port, is_over = server_port(server), threading.Event()
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(ask_until, port, is_over)
            time.sleep(0.5)
            before, most = server.resident_bytes(), 0
            share = counts().flood_bytes // CONNECTIONS
            command = [sys.executable, "-c", FLOOD, str(port), str(share)]
            floods = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(CONNECTIONS)]
            while any(flood.poll() is None for flood in floods):
                most = max(most, server.resident_bytes())
                time.sleep(0.05)
            refused = [int(flood.communicate()[0]) for flood in floods]
            is_over.set()
            assert len(asking.result()) > 10
    assert min(refused) >= 1
    assert most - before < MOST_GROWTH_BYTES


def test_half_sent_requests_are_closed_and_slow_nobody(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", "echo", REQUEST_SECONDS="2") as server:
        port, is_over = server_port(server), threading.Event()
        with contextlib.ExitStack() as stack, ThreadPoolExecutor(1) as pool:
            asking = pool.submit(ask_until, port, is_over)
            peers = []
            for i in range(CONNECTIONS):
                peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
                head = b"POST /echo/a HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n12345678"
                peer.sendall(head[: len(head) * (i + 1) // CONNECTIONS])
                peers.append(peer)
            for peer in peers:
                with peer.makefile("rb") as stream:
                    assert stream.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
            is_over.set()
            assert max(asking.result()) < 2  # nobody waited for those to end
