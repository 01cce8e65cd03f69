"""The tables of docs/scale.md beyond one process: the loan book, the whole stack, its scaling.

Everything is computed from figures that benchmarks measured; nothing is measured here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.cost import table
from tests.benchmarks.scaling import CEILINGS, Service, simulation_table

BOOK_HEADINGS = (
    *("request", "clients", "requests/s", "p50, ms", "p99, ms"),
    *("CPU a request: book, ms", "PostgreSQL, ms", "scoring, ms"),
)
STACK_HEADINGS = ("", *(f"{count}" for count in CEILINGS), "what saturates first")
DATABASE_CPUS = 1  # of the tier that Terraform makes by default
MILLION = 1_000_000

Figures = Mapping[str, Any]


def book_table(steps: Sequence[Figures]) -> str:
    """Requests of the loan book, and whose CPU they take."""
    return table(
        BOOK_HEADINGS,
        [
            [
                step["request"],
                f"{step['clients']}",
                f"{step['requests_per_second']:,.0f}",
                *(f"{step[name]:,.1f}" for name in ("p50_ms", "p99_ms")),
                *(f"{step[name]:,.2f}" for name in ("book_ms", "database_ms", "scoring_ms")),
            ]
            for step in steps
        ],
    )


def stack_table(load: Figures, batch: Figures, pipeline: Figures) -> str:
    """What 1, 10 and 100 instances of each part do, and which of its limits comes first."""
    single = busiest_step(load, 1)
    many = busiest_step(load, 1_000)
    score_rate, row_rate = MILLION / single["cpu_us"], 1_000 * MILLION / many["cpu_us"]
    day = sum(pipeline["medians"]["by the clock, s"].values())
    lines = [
        ["scores a second, one a request", *_scaled(score_rate), "CPU of the instances"],
        [
            "MB of decision records a second at that rate",
            *_scaled(score_rate * load["record_bytes"] / MILLION, digits=1),
            "quotas of Cloud Logging and BigQuery",
        ],
        ["scores a second, 1,000 a request", *_scaled(row_rate), "CPU of the instances"],
        *(_book_line(load["book"], request) for request in ("apply", "repay", "summary")),
        *(
            [f"rows of a file a second, {name}", *_scaled(rate), "CPU of the tasks"]
            for name, rate in batch["rows_a_second"].items()
            if name.startswith("parquet")
        ),
        [
            "seconds of the pipeline for a day of 1,000,000 payments",
            *(f"{day:,.0f}", "", ""),
            "one process a day",
        ],
    ]
    return table(STACK_HEADINGS, lines)


def scaling_table(load: Figures, bench: Figures) -> str:
    """What a sudden load meets: `tests.benchmarks.scaling`, with the measured times."""
    service = Service(
        request_seconds=busiest_step(load, 1)["cpu_us"] / MILLION,
        start_seconds=bench["medians"]["cold start, ms"]["surety"] / 1_000,
    )
    return simulation_table(service)


def busiest_step(load: Figures, rows: int) -> Figures:
    """The step with the most requests a second, of those with so many rows a request."""
    steps = [step for step in load["steps"] if step["rows"] == rows]
    return max(steps, key=lambda step: float(step["requests_per_second"]))


def _scaled(rate: float, digits: int = 0) -> list[str]:
    return [f"{count * rate:,.{digits}f}" for count in CEILINGS]


def _book_line(steps: Sequence[Figures], request: str) -> list[str]:
    """Requests a second by instances of the book, until the one database is busy."""
    step = max(
        (step for step in steps if step["request"] == request),
        key=lambda step: float(step["requests_per_second"]),
    )
    most = DATABASE_CPUS * 1_000 / step["database_ms"]
    own = 1_000 / step["book_ms"]
    cells = [f"{min(count * own, most):,.0f}" for count in CEILINGS]
    enough = most / own
    limit = f"PostgreSQL with {DATABASE_CPUS} vCPU, from {enough:.1f} instances"
    return [f"`{request}` of the loan book a second", *cells, limit]
