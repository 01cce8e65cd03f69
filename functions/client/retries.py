"""Retries: when a call is repeated, and how long that may take in all."""

import random
import time
from dataclasses import dataclass
from http import HTTPStatus

from .errors import UnavailableError
from .transport import FailedTryError, HttpResponse

RETRIED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often to repeat a call after 429, 503 or no connection, and how long one try may take.

    The pause is the server's `Retry-After`; without one, a random time of up to
    `first_pause_seconds`, doubled with each try up to `longest_pause_seconds`, so that clients
    that failed together do not return together.
    """

    most: int = 4
    try_seconds: float = 10.0
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 8.0


class RetryBudget:
    """Retries and time that one call has left."""

    def __init__(self, timeout: float, retries: Retries) -> None:
        self._timeout = timeout
        self._retries = retries
        self._deadline = time.monotonic() + timeout
        self._retried = 0

    def seconds_for_try(self) -> float:
        """Return how long the next try may take.

        Raises
        ------
        UnavailableError
            If the call has no time left.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self.timeout_error()
        return min(self._retries.try_seconds, left)

    def timeout_error(self) -> UnavailableError:
        """Return the error of a call that has no time left."""
        return UnavailableError(f"no response within {self._timeout:g} s")

    def pause_after_response(self, response: HttpResponse) -> float | None:
        """Return seconds until the next try; None if this response is final."""
        if response.status not in RETRIED:
            return None
        requested = read_retry_after(response)
        return self._pause(self._backoff() if requested is None else requested)

    def pause_after_failure(self, error: FailedTryError) -> float:
        """Return seconds until the next try.

        Raises
        ------
        UnavailableError
            If the request may have arrived, or there is no try left.
        """
        pause = None if error.is_sent else self._pause(self._backoff())
        if pause is None:
            message = f"no response at try {self._retried + 1}: {error}"
            raise UnavailableError(message) from error
        return pause

    def _backoff(self) -> float:
        retries = self._retries
        longest = min(
            retries.longest_pause_seconds, retries.first_pause_seconds * 2.0**self._retried
        )
        return random.uniform(0.0, longest)  # noqa: S311 -- no secret

    def _pause(self, seconds: float) -> float | None:
        """Return the pause, if there is a try left and time for it after the pause."""
        is_left = self._retried < self._retries.most
        if not is_left or time.monotonic() + seconds >= self._deadline:
            return None
        self._retried += 1
        return seconds


def read_retry_after(response: HttpResponse) -> float | None:
    """Read `Retry-After` in seconds; a date is ignored."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
