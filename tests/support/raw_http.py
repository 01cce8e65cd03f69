"""HTTP/1.1 by hand: requests that no client library sends, and all answers of a connection."""

import contextlib
import http.client
import io
import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One response of a connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 -- JSON may be anything
        return json.loads(self.body)


def read_answers(stream: io.BufferedReader) -> Iterator[Answer]:
    """Read one response after another until the connection ends."""
    while line := stream.readline():
        headers = {n.lower(): value for n, value in http.client.parse_headers(stream).items()}
        body = stream.read(int(headers.get("content-length", "0")))
        yield Answer(int(line.split(b" ")[1]), headers, body)


def exchange(port: int, segments: Sequence[bytes], seconds: float = 5) -> tuple[list[Answer], bool]:
    """Send segments one by one; return all answers, and whether the server closed the connection.

    It is given `seconds` to do so.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):  # it has answered and closed before the end
            for segment in segments:
                connection.sendall(segment)
        return drain(connection)


def drain(connection: socket.socket) -> tuple[list[Answer], bool]:
    """Read all answers of a connection, and whether the server closed it within its timeout."""
    answers: list[Answer] = []
    with connection.makefile("rb") as stream:
        try:
            answers.extend(read_answers(stream))
        except TimeoutError:
            return answers, False
        except ConnectionError:
            return answers, True
    return answers, True
