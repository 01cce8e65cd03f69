"""How Cloud Run would scale scoring: a simulation of its autoscaler, fed with what was measured.

Assumptions, from Cloud Run's documentation and the measured process:

- Requests come at random (Poisson) and go to instances evenly. One instance works off one request
  after another, each taking the measured CPU time.
- An instance is added when the CPU of those there, averaged over the last minute, passes 60 %, or
  when requests in progress pass 60 % of `concurrency`. A new one takes the measured cold start.
- Requests beyond `concurrency` of every instance wait for up to 10 seconds, then get 429.
- Nothing scales down within the simulated minutes, and no instance fails.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from infra.local.cost import table

TARGET = 0.6
WINDOW_SECONDS = 60.0
PENDING_SECONDS = 10.0
CONCURRENCY = 80
STEP_SECONDS = 0.05
SECONDS = 180.0
CEILINGS = (1, 10, 100)
SHARES = (0.5, 0.8, 0.95, 1.2)  # of what all instances of a ceiling can do
HEADINGS = (
    *("instances at most", "scores/s", "of the ceiling", "instances in the end"),
    *("first minute: p50", "p99", "last minute: p99", "refused"),
)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One instance: seconds of CPU a request, and of its start."""

    request_seconds: float
    start_seconds: float


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What callers see after a load begins at an idle service; latencies in seconds."""

    ceiling: int
    rate: float
    share: float
    instances: int
    first_p50: float
    first_p99: float
    last_p99: float
    refused: float


def simulate(service: Service, ceiling: int, share: float, seed: int = 21) -> Simulated:
    """Offer a share of what `ceiling` instances can do, from one moment to the next."""
    rate = share * ceiling / service.request_seconds
    random = np.random.default_rng(seed)
    arrivals = random.poisson(rate * STEP_SECONDS, round(SECONDS / STEP_SECONDS)).tolist()
    latencies, instances = _run(service, ceiling, arrivals)
    minute = round(60 / STEP_SECONDS)
    return Simulated(
        ceiling=ceiling,
        rate=rate,
        share=share,
        instances=instances,
        first_p50=_quantile(latencies[:minute], 0.5),
        first_p99=_quantile(latencies[:minute], 0.99),
        last_p99=_quantile(latencies[-minute:], 0.99),
        refused=1 - sum(accepted for _, accepted in latencies) / sum(arrivals),
    )


def _run(
    service: Service, ceiling: int, arrivals: Sequence[int]
) -> tuple[list[tuple[float, float]], int]:
    """Each step's latency and how many requests it is of; and the instances in the end."""
    starting = deque([service.start_seconds])
    busy: deque[float] = deque(maxlen=round(WINDOW_SECONDS / STEP_SECONDS))
    ready, backlog = 0, 0.0
    latencies = []
    for step, arrived in enumerate(arrivals):
        now = step * STEP_SECONDS
        while starting and starting[0] <= now:
            starting.popleft()
            ready += 1
        coming = ready + len(starting)
        room = coming * (CONCURRENCY + PENDING_SECONDS / service.request_seconds)
        accepted = min(arrived, max(0.0, room - backlog))
        waiting = starting[0] - now if not ready else 0.0
        latency = waiting + (backlog / coming + 1) * service.request_seconds
        latencies.append((latency, accepted))
        worked = min(backlog + accepted, ready * STEP_SECONDS / service.request_seconds)
        backlog += accepted - worked
        busy.append(worked * service.request_seconds / STEP_SECONDS)  # instances
        wanted = max(
            math.ceil(sum(busy) / len(busy) / TARGET),
            math.ceil(backlog / (TARGET * CONCURRENCY)),
        )
        new = min(wanted, ceiling) - ready - len(starting)
        starting.extend([now + service.start_seconds] * new)
    return latencies, ready


def _quantile(latencies: Sequence[tuple[float, float]], share: float) -> float:
    """The latency that a share of the requests does not pass."""
    values, weights = np.array(sorted(latencies)).T
    return float(values[np.searchsorted(np.cumsum(weights), share * weights.sum())])


def simulation_table(service: Service) -> str:
    """The table: every ceiling, every share of it."""
    return table(HEADINGS, list(map(_cells, _simulate_all(service))))


def _simulate_all(service: Service) -> Iterable[Simulated]:
    return (simulate(service, *case) for case in product(CEILINGS, SHARES))


def _cells(one: Simulated) -> list[str]:
    return [
        f"{one.ceiling}",
        f"{one.rate:,.0f}",
        f"{one.share:.0%}",
        f"{one.instances}",
        *map(_duration, (one.first_p50, one.first_p99, one.last_p99)),
        f"{one.refused:.1%}",
    ]


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1_000 * seconds:.1f} ms"
