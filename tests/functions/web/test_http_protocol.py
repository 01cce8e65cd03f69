"""One connection: requests that are answered once and in order, and those that end it."""

import contextlib
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from functions.web.http_protocol import (
    MAX_INCOMPLETE_BYTES,
    MAX_PIPELINED,
    GatheringTransport,
)
from functions.web.middleware import MAX_HEADER_BYTES, MAX_URL_BYTES
from tests.support.raw_http import Answer, drain, exchange
from tests.support.running import Server, running_server

HOST = b"Host: test\r\n"
GET = b"GET /echo/second HTTP/1.1\r\n" + HOST + b"\r\n"
CLOSING_GET = b"GET /echo/last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
BODY = b'{"instances":[]}'
REQUEST_SECONDS = 1.5
BUSY_SECONDS = 8  # more than a busy machine adds to what must happen


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("echo") / "log"
    with running_server(log, "echo", REQUEST_SECONDS=str(REQUEST_SECONDS)) as running:
        yield running


@pytest.fixture
def port(server: Server) -> int:
    port = server.client.base_url.port
    assert port
    return port


def post(*headers: bytes, body: bytes = BODY) -> bytes:
    lines = b"".join(line + b"\r\n" for line in headers)
    return b"POST /echo/first HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"8\r\n" + BODY[:8] + b"\r\n8;x=y\r\n" + BODY[8:] + b"\r\n0\r\nX-Trailer: a\r\n\r\n"
UPGRADES = {
    "an unknown protocol": (b"Connection: Upgrade", b"Upgrade: x"),
    "a WebSocket": (b"Connection: keep-alive, Upgrade", b"Upgrade: websocket"),
    "HTTP/2, as Java and curl offer it": (
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    ),
}


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
@pytest.mark.parametrize("body", ["length", "chunked", "none"])
@pytest.mark.parametrize("cut", ["one segment", "body apart", "byte by byte"])
def test_an_upgrade_is_ignored_and_its_request_answered_body_and_all(
    port: int, upgrade: tuple[bytes, ...], body: str, cut: str
) -> None:
    framed = {
        "length": post(*upgrade, LENGTH),
        "chunked": post(*upgrade, b"Transfer-Encoding: chunked", body=CHUNKED),
        "none": post(*upgrade, body=b""),
    }[body]
    head, blank, rest = framed.partition(b"\r\n\r\n")
    segments = {
        "one segment": [framed + GET + CLOSING_GET],
        "body apart": [head + blank, rest + GET, CLOSING_GET],
        "byte by byte": [bytes([b]) for b in framed] + [GET, CLOSING_GET],
    }[cut]
    answers, is_closed = exchange(port, segments)
    assert [(a.status, a.json()["name"]) for a in answers] == [
        (200, "first"),
        (200, "second"),
        (200, "last"),
    ]
    assert answers[0].json()["body"] == ("" if body == "none" else BODY.decode())
    assert is_closed


def test_a_body_that_looks_like_a_request_is_a_body(port: int) -> None:
    smuggled = b"GET /echo/smuggled HTTP/1.1\r\nHost: test\r\n\r\n"
    length = b"Content-Length: %d" % len(smuggled)
    head = post(b"Connection: Upgrade", b"Upgrade: x", length, body=b"")
    answers, _ = exchange(port, [head, smuggled, CLOSING_GET])
    assert [a.json()["name"] for a in answers] == ["first", "last"]
    assert answers[0].json()["body"] == smuggled.decode()


DOUBTFUL = {
    "two lengths": post(LENGTH, b"Content-Length: 3"),
    "a length and chunks": post(LENGTH, b"Transfer-Encoding: chunked", body=CHUNKED),
    "a length, chunks and an upgrade": post(
        *UPGRADES["an unknown protocol"], LENGTH, b"Transfer-Encoding: chunked", body=CHUNKED
    ),
    "chunks that are not last": post(b"Transfer-Encoding: chunked, identity", body=CHUNKED),
    "a coding nobody knows": post(b"Transfer-Encoding: xchunked", body=CHUNKED),
    "a signed length": post(b"Content-Length: +16"),
    "a length in hexadecimal": post(b"Content-Length: 0x10"),
    "a space before the colon": post(b"Content-Length : 16"),
    "a folded header": post(b"X-Folded: a\r\n b", LENGTH),
    "a line ended by LF alone": post(LENGTH).replace(b"\r\n", b"\n"),
    "a NUL in a header": post(b"X-Nul: a\0b", LENGTH),
    "a CR in a header": post(b"X-Cr: a\rb", LENGTH),
    "chunks of a negative size": post(b"Transfer-Encoding: chunked", body=b"-1\r\n\r\n"),
    "chunks of an enormous size": post(b"Transfer-Encoding: chunked", body=b"F" * 17 + b"\r\n"),
    "a chunk that is too long": post(b"Transfer-Encoding: chunked", body=b"1\r\nab\r\n0\r\n\r\n"),
    "CONNECT": b"CONNECT test:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT with a body": b"CONNECT test:443 HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n\r\n" + BODY,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": b"GET /echo/first HTTP/3.7\r\n" + HOST + b"\r\n",
    "version 2": b"GET /echo/first HTTP/2.0\r\n" + HOST + b"\r\n",
    "version 0.9": b"GET /echo/first HTTP/0.9\r\n" + HOST + b"\r\n",
    "no host": b"GET /echo/first HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /echo/first HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "no version": b"GET /echo/first\r\n\r\n",
    "a path that is not ASCII": b"GET /echo/\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("doubtful", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_doubtful_request_is_the_last_of_its_connection(port: int, doubtful: bytes) -> None:
    answers, is_closed = exchange(port, [doubtful + GET, GET])
    assert [a.status for a in answers] == [400]
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].headers["connection"] == "close"
    assert "x-request-id" in answers[0].headers
    assert is_closed


@pytest.mark.parametrize("doubtful", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_doubtful_request_does_not_take_the_place_of_an_answer_before_it(
    port: int, doubtful: bytes
) -> None:
    slow = b"GET /echo/slow?seconds=0.1 HTTP/1.1\r\n" + HOST + b"\r\n"
    answers, is_closed = exchange(port, [slow + GET + doubtful + GET])
    assert [(a.status, a.json()["name"]) for a in answers] == [(200, "slow"), (200, "second")]
    assert is_closed


def flood(port: int, head: bytes, line: bytes) -> list[Answer]:
    """Send a line again and again, more than any head may have; return the answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head)
        with contextlib.suppress(ConnectionError):
            for _ in range(0, 4 * MAX_INCOMPLETE_BYTES, len(line)):
                connection.sendall(line)
                time.sleep(0.001)
        return drain(connection)[0]


FLOODS = {
    "one header": (b"GET /echo/a HTTP/1.1\r\nX-Long: ", b"a" * 1024, 431),
    "the name of a header": (b"GET /echo/a HTTP/1.1\r\n", b"a" * 1024, 431),
    "short headers": (b"GET /echo/a HTTP/1.1\r\n", b"a: b\r\n" * 200, 431),
    "the URL": (b"GET /echo/", b"a" * 1024, 414),
    "the method": (b"", b"GET" * 300, 400),
    "blank lines": (b"", b"\r\n" * 500, 400),
    "trailers": (
        post(b"Transfer-Encoding: chunked", body=b"1\r\na\r\n0\r\n"),
        b"a: b\r\n" * 200,
        431,
    ),
    "a trailer": (
        post(b"Transfer-Encoding: chunked", body=b"1\r\na\r\n0\r\nX-Long: "),
        b"a" * 1024,
        431,
    ),
    "the extension of a chunk": (
        post(b"Transfer-Encoding: chunked", body=b"1;x="),
        b"a" * 1024,
        431,
    ),
    "headers of an upgrade": (
        post(*UPGRADES["a WebSocket"], body=b"")[:-2],
        b"a: b\r\n" * 200,
        431,
    ),
}


@pytest.mark.parametrize(("head", "line", "status"), FLOODS.values(), ids=FLOODS)
def test_a_head_without_end_is_refused_while_it_arrives(
    port: int, head: bytes, line: bytes, status: int
) -> None:
    assert [answer.status for answer in flood(port, head, line)] == [status]


@pytest.mark.parametrize(
    ("path", "long", "status"),
    [("/echo/a", "a" * MAX_HEADER_BYTES, 431), ("/" + "a" * MAX_URL_BYTES, "", 414)],
)
def test_a_page_of_another_origin_can_read_that_its_request_is_too_large(
    server: Server, path: str, long: str, status: int
) -> None:
    headers = {"Origin": "https://page.example", "X-Long": long}
    answer = server.client.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "https://page.example"


def test_refusals_are_counted(server: Server, port: int) -> None:
    def count() -> float:
        lines = server.client.get("/metrics").text.splitlines()
        start = 'surety_request_seconds_count{route="none",status="400"} '
        return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))

    before = count()
    exchange(port, [DOUBTFUL["not HTTP"]])
    assert count() == before + 1


HALF_SENT = {
    "a head": b"POST /echo/a HTTP/1.1\r\nHost: t",
    "a body": post(LENGTH, body=b"{"),
    "a chunk": post(b"Transfer-Encoding: chunked", body=b"5\r\nab"),
    "a body behind an upgrade": post(*UPGRADES["a WebSocket"], LENGTH, body=b"{"),
}


@pytest.mark.parametrize("half", HALF_SENT.values(), ids=HALF_SENT)
def test_a_request_that_is_half_sent_is_answered_408_and_closed(port: int, half: bytes) -> None:
    begin = time.monotonic()
    answers, is_closed = exchange(port, [half], seconds=10)
    assert [a.status for a in answers] == [408]
    assert is_closed
    assert REQUEST_SECONDS * 0.9 <= time.monotonic() - begin < REQUEST_SECONDS + BUSY_SECONDS


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "a blank line"])
def test_a_connection_that_sends_nothing_is_closed(port: int, sent: bytes) -> None:
    answers, is_closed = exchange(port, [sent], seconds=10)
    assert answers == []
    assert is_closed


def test_bytes_that_trickle_do_not_prolong_a_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        begin = time.monotonic()
        connection.sendall(b"GET /echo/a HTTP/1.1\r\nX-Slow: ")
        with pytest.raises(ConnectionError):  # noqa: PT012 -- whichever of them meets the end
            while time.monotonic() - begin < 2 * BUSY_SECONDS:
                connection.sendall(b"a")
                time.sleep(0.05)
        assert time.monotonic() - begin < REQUEST_SECONDS + BUSY_SECONDS


def test_a_client_that_leaves_between_pipelined_requests_is_no_error(
    server: Server, port: int
) -> None:
    slow = b"GET /echo/slow?seconds=0.1 HTTP/1.1\r\n" + HOST + b"\r\n"
    for linger in (b"\1\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\0"):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)  # by reset, and by FIN
        connection.sendall(slow + slow + post(LENGTH, body=b"{"))
        time.sleep(0.05)
        connection.close()
    time.sleep(0.4)
    assert server.client.get("/health/live").status_code == httpx.codes.OK
    assert server.log() == []
    assert server.log_path.read_text() == ""


def test_many_requests_in_one_segment_are_answered_in_order(port: int) -> None:
    requests = [b"GET /echo/%d HTTP/1.1\r\n" % n + HOST + b"\r\n" for n in range(50)]
    answers, _ = exchange(port, [b"".join(requests) + CLOSING_GET])
    assert [a.json()["name"] for a in answers] == [*map(str, range(50)), "last"]


def test_requests_that_nobody_waits_for_take_no_memory(server: Server, port: int) -> None:
    slow = b"GET /echo/a?seconds=0.05 HTTP/1.1\r\nHost: a\r\n\r\n"
    before = server.resident_bytes()
    with socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection:
        end = time.monotonic() + 1.5
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                connection.sendall(slow * 500)
    assert server.resident_bytes() - before < 30 * 2**20


def test_more_requests_than_may_wait_end_the_connection_behind_those_that_may(port: int) -> None:
    request = b"GET /echo/%d HTTP/1.1\r\n" + HOST + b"\r\n"
    many = b"".join(request % number for number in range(MAX_PIPELINED + 50))
    answers, is_closed = exchange(port, [many])
    assert is_closed
    names = [int(answer.json()["name"]) for answer in answers]
    assert names == list(range(len(names)))
    assert MAX_PIPELINED <= len(names) < MAX_PIPELINED + 50
    assert answers[-1].headers["connection"] == "close"


@pytest.mark.parametrize("is_late", [False, True])
def test_a_connection_whose_answer_came_before_its_body_is_closed_when_it_is_idle(
    port: int, *, is_late: bool
) -> None:
    body = b"a" * 500_000
    head = b"POST /nope HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port), timeout=2 * BUSY_SECONDS) as connection:
        connection.sendall(head)
        time.sleep(0.3 if is_late else 0)
        connection.sendall(body)
        begin = time.monotonic()
        answers, is_closed = drain(connection)
    assert [answer.status for answer in answers] == [404]
    assert is_closed
    assert time.monotonic() - begin < 5 + BUSY_SECONDS


def test_a_client_that_sends_no_more_is_answered(port: int) -> None:
    slow = b"GET /echo/slow?seconds=0.3 HTTP/1.1\r\n" + HOST + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(slow + GET)
        connection.shutdown(socket.SHUT_WR)
        answers, is_closed = drain(connection)
    assert [answer.json()["name"] for answer in answers] == ["slow", "second"]
    assert is_closed


def test_an_answer_before_a_large_body_is_not_lost_to_a_reset(port: int) -> None:
    head = b"POST /nope HTTP/1.0\r\nContent-Length: 6000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head + b"a" * 100_000)
        answers, is_closed = drain(connection)
    assert [answer.status for answer in answers] == [404]
    assert is_closed


def test_the_absolute_form_may_have_no_path_and_old_clients_get_no_interim_answer(
    port: int,
) -> None:
    answers, _ = exchange(
        port, [b"GET http://test HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"]
    )
    assert [answer.status for answer in answers] == [404]
    old = b"POST /echo/a HTTP/1.0\r\nExpect: 100-continue\r\n" + LENGTH + b"\r\n\r\n" + BODY
    answers, _ = exchange(port, [old])
    assert [answer.status for answer in answers] == [200]


def test_an_interim_answer_invites_a_body_behind_an_upgrade(port: int) -> None:
    head = post(*UPGRADES["a WebSocket"], LENGTH, b"Expect: 100-continue", body=b"")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


class Written:
    """A transport that remembers what is written to it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.writes.append(b"closed")


def gathering() -> tuple[Any, Written, GatheringTransport]:
    written = Written()
    cycle: Any = SimpleNamespace(transport=written, response_started=False)
    return cycle, written, GatheringTransport(cycle)


def test_a_head_is_sent_with_the_first_part_of_its_body() -> None:
    cycle, written, transport = gathering()
    transport.write(b"100 Continue")
    cycle.response_started = True
    for data in (b"head,", b"body", b"more"):
        transport.write(data)
    transport.close()
    assert written.writes == [b"100 Continue", b"head,body", b"more", b"closed"]


def test_a_head_whose_body_fails_is_sent_before_the_connection_is_closed() -> None:
    cycle, written, transport = gathering()
    cycle.response_started = True
    transport.write(b"head")
    transport.close()
    assert written.writes == [b"head", b"closed"]


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
def test_a_head_without_a_body_is_sent_too(port: int, method: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=BUSY_SECONDS) as connection:
        connection.sendall(method + b" /empty HTTP/1.1\r\n" + HOST + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 ")
