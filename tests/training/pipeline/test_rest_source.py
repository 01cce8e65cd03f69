"""An interface that pages, refuses, is slow, is down, or answers half."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from email.utils import formatdate
from time import monotonic, time
from typing import Any

import pytest

from models.errors import DataError
from tests.training.pipeline.conftest import ScriptedInterface
from training.pipeline.delivery import Address
from training.pipeline.rest_source import RestReader, Waiting, open_rest
from training.pipeline.source_file import RestSource, RestTable

DAY = date(2026, 6, 1)
TOKEN = "opaque"  # noqa: S105 -- nobody's
TABLE = RestTable(path="/rates", rows="data", parameters={"on": "{day}"}, next="meta.next")
NUMBERED = RestTable(path="/rates/{day}", rows="data", page="page")
SOURCE = RestSource(
    kind="rest", tables={"macro_indicators": TABLE}, requests_per_second=4, attempts=3
)


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@contextmanager
def opened(url: str, clock: Clock) -> Iterator[RestReader]:
    waiting = Waiting(clock.sleep, clock.monotonic, timeout_seconds=5)
    with open_rest(Address("macro", url, TOKEN), SOURCE, waiting) as reader:
        yield reader


def read(url: str, table: RestTable = TABLE, clock: Clock | None = None) -> list[Any]:
    with opened(url, clock or Clock()) as reader:
        batches = reader.read("rates", table, DAY).batches
        return [value for batch in batches for value in batch.columns.get("rate", ())]


def page(*rates: int, following: str | None = None) -> dict[str, Any]:
    return {"data": [{"rate": rate} for rate in rates], "meta": {"next": following}}


def test_pages_are_followed_by_their_address(interface: ScriptedInterface) -> None:
    interface.answer(page(1, 2, following="/rates?on=2026-06-01&cursor=x"))
    interface.answer(page(3))
    assert read(interface.url) == [1, 2, 3]
    assert interface.requests == [
        ("/rates?on=2026-06-01", f"Bearer {TOKEN}"),
        ("/rates?on=2026-06-01&cursor=x", f"Bearer {TOKEN}"),
    ]


def test_pages_are_followed_by_their_number_until_one_is_empty(
    interface: ScriptedInterface,
) -> None:
    for answer in (page(1), page(2), page()):
        interface.answer(answer)
    assert read(interface.url, NUMBERED) == [1, 2]
    paths = [path for path, _ in interface.requests]
    assert paths == [f"/rates/2026-06-01?page={number}" for number in (1, 2, 3)]


def test_the_next_page_must_be_on_the_same_host(interface: ScriptedInterface) -> None:
    interface.answer(page(1, following="http://elsewhere.example/rates"))
    with pytest.raises(DataError, match="the next page is on another host, which is not asked"):
        read(interface.url)


def test_what_passes_is_asked_again_after_a_growing_pause(interface: ScriptedInterface) -> None:
    interface.answer({}, status=503)
    interface.answer({}, status=429)
    interface.answer(page(1))
    clock = Clock()
    assert read(interface.url, clock=clock) == [1]
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", 0.5), ("9999", 60.0)])
def test_retry_after_is_kept_within_a_minute(
    interface: ScriptedInterface, header: str, seconds: float
) -> None:
    interface.answer({}, status=503, retry_after=header)
    interface.answer(page(1))
    clock = Clock()
    read(interface.url, clock=clock)
    assert clock.slept[0] == seconds


def test_retry_after_may_be_a_date(interface: ScriptedInterface) -> None:
    interface.answer({}, status=503, retry_after=formatdate(time() + 30, usegmt=True))
    interface.answer(page(1))
    clock = Clock()
    read(interface.url, clock=clock)
    assert 20 < clock.slept[0] <= 31


def test_the_rate_holds_over_pages_and_days(interface: ScriptedInterface) -> None:
    clock = Clock()
    with opened(interface.url, clock) as reader:
        for _ in range(3):
            interface.answer(page(1))
            list(reader.read("rates", TABLE, DAY).batches)
    assert clock.slept == [0.25, 0.25]


def test_an_interface_that_is_down_is_named_after_its_attempts(
    interface: ScriptedInterface,
) -> None:
    for _ in range(3):
        interface.answer({}, status=502)
    with pytest.raises(DataError, match=r"macro\.rates: no answer after 3 attempts: status 502"):
        read(interface.url)


@pytest.mark.parametrize("pause", [0.05, 5.0], ids=["drop by drop", "silent"])
def test_an_interface_that_is_slow_is_named_after_its_attempts(pause: float) -> None:
    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
            while not ended.wait(pause):
                connection.sendall(b" ")

    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(4) as pool:

        def accept() -> None:
            for _ in range(3):
                pool.submit(serve, server.accept()[0])

        pool.submit(accept)
        clock = Clock()
        waiting = Waiting(clock.sleep, monotonic, timeout_seconds=0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with (
            open_rest(Address("macro", url, TOKEN), SOURCE, waiting) as reader,
            pytest.raises(DataError, match="no answer after 3 attempts: ReadTimeout"),
        ):
            list(reader.read("rates", TABLE, DAY).batches)
        ended.set()


def test_a_host_that_nobody_listens_on_is_named() -> None:
    with pytest.raises(DataError, match="no answer after 3 attempts: ConnectError"):
        read("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 404, "the interface answers with status 404"),
        (b'{"data": [{"ra', 200, "the answer is no JSON: it is cut off"),
        ({"rows": []}, 200, "the answer has no list of rows as 'data'"),
        ({"data": [1]}, 200, "the answer has no list of rows as 'data'"),
    ],
)
def test_another_answer_is_named(
    interface: ScriptedInterface, body: object, status: int, message: str
) -> None:
    interface.answer(body, status=status)
    with pytest.raises(DataError, match=message):
        read(interface.url)


def test_an_interface_that_repeats_itself_ends(
    interface: ScriptedInterface, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.pipeline.rest_source.MOST_PAGES", 2)
    for _ in range(2):
        interface.answer(page(1, following="/rates"))
    with pytest.raises(DataError, match="over 2 pages: the interface repeats itself"):
        read(interface.url)


def test_the_address_must_be_of_the_web() -> None:
    with pytest.raises(DataError, match="SOURCE_URL_MACRO must be http:// or https://"):
        read("ftp://host")
