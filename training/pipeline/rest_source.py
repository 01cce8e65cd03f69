"""Rows of a REST interface, page by page, with retries and a limit on the rate."""

import email.utils
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from models.errors import DataError
from training.pipeline.delivery import Address, Batch, Delivery, batch_from_rows
from training.pipeline.source_file import RestSource, RestTable

TIMEOUT_SECONDS = 30.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
MOST_PAGES = 100_000
PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait: for an answer, and by what means between two requests."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    timeout_seconds: float = TIMEOUT_SECONDS


@contextmanager
def open_rest(
    address: Address, source: RestSource, waiting: Waiting | None = None
) -> Iterator["RestReader"]:
    """Open an interface. It is asked when rows are read.

    Raises
    ------
    DataError
        If the address is no address of the web.
    """
    if urlsplit(address.url).scheme not in ("http", "https"):
        message = f"SOURCE_URL_{address.source.upper()} must be http:// or https://"
        raise DataError(message)
    waiting = waiting or Waiting()
    headers = {"authorization": f"Bearer {address.token}"} if address.token else {}
    with httpx.Client(timeout=waiting.timeout_seconds, headers=headers) as client:
        yield RestReader(address, source, client, waiting)


class RestReader:
    """An open interface."""

    def __init__(
        self, address: Address, source: RestSource, client: httpx.Client, waiting: Waiting
    ) -> None:
        self._address = address
        self._source = source
        self._client = client
        self._waiting = waiting
        self._next_request = waiting.monotonic()

    def read(self, name: str, table: RestTable, day: date) -> Delivery:
        """Return the rows of a day. The interface is asked when the batches are taken."""
        return Delivery(self._read_pages(f"{self._address.source}.{name}", table, day))

    def _read_pages(self, place: str, table: RestTable, day: date) -> Iterator[Batch]:
        url: str | None = self._address.url.rstrip("/") + table.path.format(day=day)
        parameters = {name: text.format(day=day) for name, text in table.parameters.items()}
        for page in range(1, MOST_PAGES + 1):
            numbered = parameters | ({table.page: str(page)} if table.page else {})
            answer = self._ask(place, str(url), numbered)
            rows = _rows_from_answer(place, answer, table)
            yield batch_from_rows(rows)
            url, parameters = self._find_next_page(place, answer, table, (str(url), parameters))
            if url is None or (table.page and not rows):
                return
        message = f"{place}: over {MOST_PAGES} pages: the interface repeats itself"
        raise DataError(message)

    def _find_next_page(
        self, place: str, answer: object, table: RestTable, asked_for: tuple[str, dict[str, str]]
    ) -> tuple[str | None, dict[str, str]]:
        if table.page:
            return asked_for
        following = _find_member(answer, table.next) if table.next else None
        if following is None:
            return None, {}
        following = urljoin(asked_for[0], str(following))
        # A token must not be sent to whatever host an answer names.
        if urlsplit(following)[:2] != urlsplit(self._address.url)[:2]:
            message = f"{place}: the next page is on another host, which is not asked"
            raise DataError(message)
        return following, {}

    def _ask(self, place: str, url: str, parameters: Mapping[str, str]) -> object:
        for attempt in range(1, self._source.attempts + 1):
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
            self._keep_rate()
            try:
                response = self._get(url, parameters)
            except httpx.HTTPError as error:
                reason = type(error).__name__
            else:
                if response.status_code not in PASSING:
                    return _json_from_response(place, response)
                reason = f"status {response.status_code}"
                pause = _read_retry_after(response.headers.get("retry-after"), pause)
            if attempt < self._source.attempts:
                self._waiting.sleep(pause)
        message = f"{place}: no answer after {self._source.attempts} attempts: {reason}"
        raise DataError(message)

    def _get(self, url: str, parameters: Mapping[str, str]) -> httpx.Response:
        """Read a whole answer in the time of one: httpx itself only limits each wait for bytes."""
        deadline = self._waiting.monotonic() + self._waiting.timeout_seconds
        with self._client.stream("GET", url, params=dict(parameters) or None) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if self._waiting.monotonic() > deadline:
                    message = "the answer takes too long"
                    raise httpx.ReadTimeout(message)
            headers = {n: v for n, v in response.headers.items() if n != "content-encoding"}
            return httpx.Response(response.status_code, headers=headers, content=bytes(body))

    def _keep_rate(self) -> None:
        """Wait until the next request is due, over all pages and days."""
        now = self._waiting.monotonic()
        if now < self._next_request:
            self._waiting.sleep(self._next_request - now)
        self._next_request = max(now, self._next_request) + 1 / self._source.requests_per_second


def _json_from_response(place: str, response: httpx.Response) -> object:
    if response.status_code != HTTPStatus.OK:
        message = f"{place}: the interface answers with status {response.status_code}"
        raise DataError(message)
    try:
        answer: object = response.json()
    except ValueError as error:
        message = f"{place}: the answer is no JSON: it is cut off, or of another format"
        raise DataError(message) from error
    return answer


def _rows_from_answer(place: str, answer: object, table: RestTable) -> list[dict[str, Any]]:
    rows = _find_member(answer, table.rows)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = f"{place}: the answer has no list of rows as {table.rows!r}"
        raise DataError(message)
    return rows


def _find_member(answer: object, path: str) -> Any:  # noqa: ANN401 -- whatever the answer has
    for name in path.split("."):
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def _read_retry_after(header: str | None, otherwise: float) -> float:
    """Return the seconds of a Retry-After header, which has seconds or a date."""
    if header is None:
        return otherwise
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(header)
        except ValueError:
            return otherwise
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)
