"""What this process has answered since it began: counted as it goes, read by `/metrics`.

Plain numbers, changed on the event loop alone: no score waits for a lock or a metrics library.
"""

import math
import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import Route
from starlette.types import Scope

from functions.scoring.decision_engine import Answer

BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class Latencies:
    """How many answers took up to each bound, the last entry those beyond; and all seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))
    seconds: float = 0.0


class Counts:
    """Answers by route and status, decisions by model, and how long the first one took to come."""

    def __init__(self) -> None:
        self.latencies: dict[tuple[str, int], Latencies] = {}
        self.decisions: Counter[tuple[str, str, str, str]] = Counter()
        self.cold_start_seconds: float | None = None
        self._paths: dict[object, str] = {}

    def know(self, routes: Sequence[Route]) -> None:
        """Note the routes there are: an answer is counted under its route's pattern."""
        self._paths = {route.endpoint: route.path for route in routes}

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one answer."""
        key = self._paths.get(scope.get("endpoint"), "none"), status
        found = self.latencies.get(key)
        if found is None:
            found = self.latencies[key] = Latencies()
        found.counts[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        found.seconds += seconds

    def decided(self, answer: Answer) -> None:
        """Count the decisions of one answer."""
        model, variant = answer.loaded.manifest.model, answer.variant
        for decision in answer.decisions:
            self.decisions[model, variant, decision.decision, decision.risk_level] += 1
        if self.cold_start_seconds is None:
            self.cold_start_seconds = _seconds_since_start()


def _seconds_since_start() -> float:
    """Return how long ago the server was started, its interpreter's own start included."""
    return math.nan if _STARTED is None else time.clock_gettime(time.CLOCK_BOOTTIME) - _STARTED


def _started() -> float | None:
    """Seconds from boot to this process; Linux tells, elsewhere it is unknown."""
    stat = Path("/proc/self/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")  # the 22nd field of all


_STARTED = _started()  # of the first process: a worker that is forked begins later than its server
