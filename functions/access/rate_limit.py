"""How often somebody may ask: counted in memory, by this instance alone."""

import math
import re
import time
from dataclasses import dataclass

SECONDS = {"second": 1, "minute": 60, "hour": 3_600}
RATE = re.compile(r"([1-9]\d{0,8})/(second|minute|hour)", re.ASCII)
RATE_FORM = "a count and second, minute or hour, such as 600/minute"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in a window of so many seconds."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """What is left of a rate after one more request."""

    rate: Rate
    is_over: bool
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """What the caller is told, and when to come back if that was too many."""
        told = {
            "RateLimit-Limit": str(self.rate.count),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }
        return told | ({"Retry-After": str(self.reset_seconds)} if self.is_over else {})


def rate_from(text: str) -> Rate | None:
    """Read `600/minute`; None if it is nothing of the kind."""
    found = RATE.fullmatch(text)
    return Rate(int(found[1]), SECONDS[found[2]]) if found else None


class RateCounter:
    """Counts requests in fixed windows."""

    def __init__(self) -> None:
        # Nobody who sets no rate waits for this import.
        from limits.storage import MemoryStorage  # noqa: PLC0415
        from limits.strategies import FixedWindowRateLimiter  # noqa: PLC0415

        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def spend(self, rate: Rate, who: str) -> RateLimitState:
        """Count one request."""
        from limits import RateLimitItemPerSecond  # noqa: PLC0415

        item = RateLimitItemPerSecond(rate.count, rate.seconds)
        is_over = not self._limiter.hit(item, who)
        window = self._limiter.get_window_stats(item, who)
        reset = max(1, math.ceil(window.reset_time - time.time()))
        return RateLimitState(rate, is_over, max(0, window.remaining), reset)
