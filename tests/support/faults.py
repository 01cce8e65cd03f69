"""A TCP proxy that does to a connection what networks and stores do to real ones."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Fault = (
    Literal["none", "down", "slow", "steady", "trickle", "truncate", "flip"] | int
)  # an HTTP status
CHUNK = 65_536
SLOW_SECONDS = 3.0
STEADY_BYTES_PER_SECOND = 1_000_000


@dataclass
class FaultyProxy:
    """Passes bytes on to a server, and does `fault` to what it answers.

    `passing_on` is given what a client sends, and says what of it reaches the server.
    """

    target: tuple[str, int]
    fault: Fault = "none"
    passing_on: Callable[[bytes], bytes] = bytes
    stopped: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def serve(self, listener: socket.socket) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self.fault == "down":
                return
            if isinstance(self.fault, int):
                client.recv(CHUNK)
                client.sendall(f"HTTP/1.1 {self.fault} No\r\ncontent-length: 0\r\n\r\n".encode())
                return
            with socket.create_connection(self.target, timeout=10) as server:
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                self._answers(server, client)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                server.sendall(self.passing_on(data))

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        passed = 0
        while data := server.recv(CHUNK):
            if self.fault == "down" or isinstance(self.fault, int):
                return  # a kept connection breaks when the server is gone
            if self.fault == "slow":
                self.stopped.wait(SLOW_SECONDS)
            if self.fault == "steady":
                self.stopped.wait(len(data) / STEADY_BYTES_PER_SECOND)
            if self.fault == "truncate":
                client.sendall(data[: len(data) // 2])
                return
            if self.fault == "trickle":
                self._trickle(data, client)
                continue
            if self.fault == "flip":
                middle = len(data) // 2  # in the body, most often
                data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            client.sendall(data)
            passed += len(data)

    def _trickle(self, data: bytes, client: socket.socket) -> None:
        for i in range(len(data)):
            if self.stopped.wait(0.2):
                return
            client.sendall(data[i : i + 1])


@contextlib.contextmanager
def faulty_proxy(url: str) -> Iterator[FaultyProxy]:
    """Run a proxy before the server at `url` as long as the block lasts."""
    parts = urlsplit(url)
    proxy = FaultyProxy((str(parts.hostname), int(parts.port or 80)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        accepting = threading.Thread(target=proxy.serve, args=(listener,))
        accepting.start()
        try:
            yield proxy
        finally:
            proxy.stopped.set()
            accepting.join()


def wait_until(condition: object, seconds: float = 20.0) -> None:
    """Ask again and again until a condition holds."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
