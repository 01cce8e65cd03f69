"""Rate limits: requests counted in memory, by this instance alone."""

import math
import re
import time
from dataclasses import dataclass

SECONDS = {"second": 1, "minute": 60, "hour": 3_600}
RATE = re.compile(r"([1-9]\d{0,8})/(second|minute|hour)", re.ASCII)
RATE_FORM = "a count and second, minute or hour, such as 600/minute"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests in each window of `seconds`."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """What remains of a rate after one more request."""

    rate: Rate
    is_exceeded: bool
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """Return the `RateLimit-*` headers, and `Retry-After` if the rate is exceeded."""
        headers = {
            "RateLimit-Limit": str(self.rate.count),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }
        return headers | ({"Retry-After": str(self.reset_seconds)} if self.is_exceeded else {})


def rate_from_text(text: str) -> Rate | None:
    """Parse a rate such as `600/minute`; None if it is not one."""
    match = RATE.fullmatch(text)
    return Rate(int(match[1]), SECONDS[match[2]]) if match else None


class RateCounter:
    """Counts requests in fixed windows."""

    def __init__(self) -> None:
        # A service without a rate does not wait for this import.
        from limits.storage import MemoryStorage  # noqa: PLC0415
        from limits.strategies import FixedWindowRateLimiter  # noqa: PLC0415

        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def count(self, rate: Rate, name: str) -> RateLimitState:
        """Count one request of a caller."""
        from limits import RateLimitItemPerSecond  # noqa: PLC0415

        item = RateLimitItemPerSecond(rate.count, rate.seconds)
        is_exceeded = not self._limiter.hit(item, name)
        window = self._limiter.get_window_stats(item, name)
        reset = max(1, math.ceil(window.reset_time - time.time()))
        return RateLimitState(rate, is_exceeded, max(0, window.remaining), reset)
