"""When a call is tried again, and how long that may take in all."""

import random
import time
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from functions.client.errors import UnavailableError

RETRIED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# No connection came about, so nothing was sent: every other failure leaves that open.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often to try again after 429, 503 or no connection, and how long one try may take.

    The pause is what `Retry-After` says; where nothing does, one drawn evenly from nothing to
    `first_pause_seconds`, doubled with each try up to `longest_pause_seconds`: clients that failed
    together do not come back together.
    """

    most: int = 4
    try_seconds: float = 10.0
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 8.0


class Tries:
    """The tries of one call, from its first second on."""

    def __init__(self, timeout: float, retries: Retries) -> None:
        self._timeout = timeout
        self._retries = retries
        self._deadline = time.monotonic() + timeout
        self._retried = 0

    def seconds(self) -> float:
        """How long the next try may take.

        Raises
        ------
        UnavailableError
            If the call has had its time.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self.out_of_time()
        return min(self._retries.try_seconds, left)

    def out_of_time(self) -> UnavailableError:
        """What a call ends in that has had its time."""
        return UnavailableError(f"no answer within {self._timeout:g} s")

    def pause_after_answer(self, response: httpx.Response) -> float | None:
        """Seconds until the next try; None if this answer is the last."""
        if response.status_code not in RETRIED:
            return None
        asked = seconds_asked(response)
        return self._pause(self._backoff() if asked is None else asked)

    def pause_after_failure(self, error: httpx.RequestError) -> float:
        """Seconds until the next try.

        Raises
        ------
        UnavailableError
            If the request may have arrived, or there is no try left.
        """
        pause = self._pause(self._backoff()) if isinstance(error, NOT_SENT) else None
        if pause is None:
            message = f"no answer at try {self._retried + 1}: {type(error).__name__}"
            raise UnavailableError(message) from error
        return pause

    def _backoff(self) -> float:
        retries = self._retries
        longest = min(
            retries.longest_pause_seconds, retries.first_pause_seconds * 2.0**self._retried
        )
        return random.uniform(0.0, longest)  # noqa: S311 -- no secret

    def _pause(self, seconds: float) -> float | None:
        """The pause, if there is a try left and time for it after the pause."""
        is_left = self._retried < self._retries.most
        if not is_left or time.monotonic() + seconds >= self._deadline:
            return None
        self._retried += 1
        return seconds


def seconds_asked(response: httpx.Response) -> float | None:
    """What `Retry-After` says, in seconds; a date is not read."""
    said = response.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() else None
