"""Decision telemetry: decisions counted by model and outcome, and the length of the cold start.

Plain numbers, changed on the event loop alone: no score waits for a lock or a metrics library.
"""

import math
import os
import time
from collections import Counter
from operator import attrgetter
from pathlib import Path

from models.prediction import ScoredRequest


class DecisionTelemetry:
    """Decisions of this process, and the seconds from its start to the first of them."""

    def __init__(self) -> None:
        self.decisions: Counter[tuple[str, str, str, str]] = Counter()
        self.cold_start_seconds: float | None = None

    def observe(self, scored: ScoredRequest) -> None:
        """Count the decisions of one request."""
        model_name, variant = scored.loaded.manifest.model, scored.variant
        outcomes = Counter(map(attrgetter("decision", "risk_level"), scored.decisions))
        for (decision, risk_level), number in outcomes.items():
            self.decisions[model_name, variant, decision, risk_level] += number
        if self.cold_start_seconds is None:
            self.cold_start_seconds = _seconds_since_start()


def _seconds_since_start() -> float:
    """Return how long ago the server was started, its interpreter's own start included."""
    if _STARTED_AT is None:
        return math.nan
    return time.clock_gettime(time.CLOCK_BOOTTIME) - _STARTED_AT


def _read_start_time() -> float | None:
    """Return seconds from boot to this process; only Linux knows."""
    stat = Path("/proc/self/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")  # the 22nd field of the file


_STARTED_AT = _read_start_time()  # of the server: a forked worker starts later
