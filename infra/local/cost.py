"""`make cost`: what a month costs, idle and by scores, from measured figures and given prices.

docs/cost.md states the model; its tables are what this prints.
"""

import argparse
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DOCUMENT = REPOSITORY / "docs" / "cost.md"
PRICES = REPOSITORY / "infra" / "local" / "prices.toml"
BENCH_FIGURES = REPOSITORY / "docs" / "figures" / "bench.json"
LOAD_FIGURES = REPOSITORY / "docs" / "figures" / "load.json"
BATCH_FIGURES = REPOSITORY / "docs" / "figures" / "batch.json"
MARK = "make cost"

VOLUMES = tuple(10**power for power in range(3, 11))
FILE_ROWS = tuple(10**power for power in range(6, 11))
BATCH_ROWS = 1_000
LEAST_SHOWN = 0.01  # requests a second
GIB = 2**30
MILLION = 1_000_000
HOUR_SECONDS = 3_600
MONTH_DAYS = 365 / 12

Prices = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """CPU seconds and bytes of the decision record: of one score, and of one row of 1,000."""

    score_seconds: float
    batch_row_seconds: float
    record_bytes: float
    batch_record_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFile:
    """Rows of a Parquet file that one core scores a second, and bytes that a scored row leaves.

    `with_reasons` is with reasons for those who are not approved.
    """

    rows_a_second: float
    with_reasons: float
    bytes_a_row: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A month of one kind of request: CPU time of each, and bytes that record one score."""

    scores: float
    requests: float
    seconds: float
    record_bytes: float = 0


NOTHING = Load(scores=0, requests=0, seconds=0)


def single_load(scores: float, measured: Measured) -> Load:
    """A month of scores, one a request."""
    return Load(
        scores=scores,
        requests=scores,
        seconds=measured.score_seconds,
        record_bytes=measured.record_bytes,
    )


def batch_load(scores: float, measured: Measured) -> Load:
    """A month of scores, 1,000 a request."""
    return Load(
        scores=scores,
        requests=scores / BATCH_ROWS,
        seconds=BATCH_ROWS * measured.batch_row_seconds,
        record_bytes=measured.batch_record_bytes,
    )


def main() -> None:
    """Print the tables; with `--write`, put them into docs/cost.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prices", type=Path, default=PRICES)
    parser.add_argument("--bench", type=Path, default=BENCH_FIGURES, help="figures of `make bench`")
    parser.add_argument("--load", type=Path, default=LOAD_FIGURES, help="figures of `make load`")
    parser.add_argument(
        "--batch", type=Path, default=BATCH_FIGURES, help="figures of `make bench`, of batches"
    )
    parser.add_argument("--cpu-us", type=float, help="CPU of one score, instead of the measured")
    parser.add_argument("--write", action="store_true", help=f"into {DOCUMENT.name}")
    options = parser.parse_args()
    measured = figures_from_documents(
        options.bench.read_text(), options.load.read_text(), options.cpu_us
    )
    scored = file_from_document(options.batch.read_text())
    text = render(measured, scored, tomllib.loads(options.prices.read_text()))
    if options.write:
        DOCUMENT.write_text(fill(DOCUMENT.read_text(), MARK, text))
    print(text)


def figures_from_documents(bench: str, load: str, cpu_us: float | None = None) -> Measured:
    """Read the figures of `make bench` and of `make load`."""
    medians = json.loads(bench)["medians"]
    if cpu_us is None:
        cpu_us = medians["CPU a score, us"]["surety"]
    rows_per_second = medians["1,000 rows, rows/s"]["surety, as they come"]
    return Measured(
        score_seconds=cpu_us / MILLION,
        batch_row_seconds=1 / rows_per_second,
        record_bytes=json.loads(load)["record_bytes"],
        batch_record_bytes=medians["bytes of a decision record, of 1,000"]["surety"],
    )


def file_from_document(batch: str) -> MeasuredFile:
    """Read the figures of `make bench`, its part of batches."""
    figures = json.loads(batch)
    return MeasuredFile(
        rows_a_second=figures["rows_a_second"]["parquet, no reasons"],
        with_reasons=figures["rows_a_second"]["parquet, reasons of the not approved"],
        bytes_a_row=sum(figures["bytes_a_row"].values()),
    )


def instances(load: Load, prices: Prices) -> int:
    """Instances that keep the CPU of each below Cloud Run's target, calls coming evenly."""
    busy = load.requests * load.seconds / _month_seconds(prices)
    return max(
        1, math.ceil(busy / (prices["assumed"]["target_cpu"] * prices["installation"]["cpu"]))
    )


def billed_seconds(load: Load, prices: Prices) -> float:
    """Instance time with at least one request in it, each rounded up; calls come at random.

    Windows that begin at random cover a share `1 - exp(-rate * window)` of an instance's month:
    `requests * window` when calls are rare, all of it when they are many.
    """
    rounding = prices["service"]["rounding_seconds"]
    window = rounding * max(1, math.ceil(load.seconds / rounding))
    month, count = _month_seconds(prices), instances(load, prices)
    return month * count * -math.expm1(-load.requests / (month * count) * window)


def service_cost(load: Load, prices: Prices) -> float:
    """Cloud Run's share, the uptime check's calls included."""
    service, made = prices["service"], prices["installation"]
    load = Load(
        scores=load.scores, requests=load.requests + uptime_calls(prices), seconds=load.seconds
    )
    seconds = billed_seconds(load, prices)
    return (
        _beyond(seconds * made["cpu"], service["free_cpu_seconds"]) * service["cpu_second"]
        + _beyond(seconds * made["memory_gib"], service["free_memory_gib_seconds"])
        * service["memory_gib_second"]
        + _beyond(load.requests, service["free_requests"]) / MILLION * service["million_requests"]
    )


def request_log_cost(entries: float, prices: Prices) -> float:
    """What Cloud Logging keeps of each request."""
    gib = entries * prices["assumed"]["request_log_bytes"] / GIB
    return _beyond(gib, prices["logging"]["free_gib"]) * prices["logging"]["gib"]


def decision_log_cost(scores: float, record_bytes: float, prices: Prices) -> float:
    """A month's records written, and all kept records stored once the oldest begin to expire."""
    bigquery = prices["bigquery"]
    written = scores * max(record_bytes, bigquery["least_row_bytes"]) / GIB
    month = scores * record_bytes / GIB
    months = prices["installation"]["decision_log_days"] / MONTH_DAYS
    active = month * min(months, bigquery["active_months"])
    old = month * months - active
    return (
        written * bigquery["streamed_gib"]
        + _beyond(active, bigquery["free_gib"]) * bigquery["active_gib_month"]
        + old * bigquery["long_term_gib_month"]
    )


def edge_cost(requests: float, prices: Prices) -> float:
    """What calls cost at the edge: Cloud Armor, and the load balancer's own log of each."""
    armor = requests / MILLION * prices["edge"]["million_requests"]
    both = request_log_cost(2 * requests, prices) - request_log_cost(requests, prices)
    return armor + both


def always(prices: Prices) -> dict[str, float]:
    """What is there in every installation when nobody calls."""
    other, made, assumed = prices["other"], prices["installation"], prices["assumed"]
    schedules = _beyond(made["scheduler_jobs"], other["scheduler_free_jobs"])
    images = _beyond(assumed["images_gib"], other["image_free_gib"])
    return {
        "scoring service, called by the uptime check": service_cost(NOTHING, prices),
        "training jobs": training_cost(prices),
        "schedules": schedules * other["scheduler_job_month"],
        "models in the bucket": assumed["models_gib"] * other["storage_gib_month"],
        "images": images * other["image_gib_month"],
        "alerts": made["alert_conditions"] * other["alert_condition_month"],
    }


def kept_instance_cost(prices: Prices) -> float:
    """One instance that waits all month."""
    service, made = prices["service"], prices["installation"]
    return _month_seconds(prices) * (
        made["cpu"] * service["idle_cpu_second"]
        + made["memory_gib"] * service["idle_memory_gib_second"]
    )


def sidecar_alerts_cost(prices: Prices) -> float:
    """What the alerts over figures that the sidecar brings cost."""
    number = prices["installation"]["prometheus_alert_conditions"]
    return number * prices["other"]["alert_condition_month"]


def sidecar_cost(prices: Prices) -> float:
    """What the Prometheus sidecar adds: instance-based billing, for both containers.

    The uptime check calls more often than an idle instance is stopped, so one instance is
    always there.
    """
    job, made = prices["job"], prices["installation"]
    cpu = _month_seconds(prices) * (made["cpu"] + made["sidecar_cpu"])
    memory = _month_seconds(prices) * (made["memory_gib"] + made["sidecar_memory_gib"])
    return (
        _beyond(cpu, job["free_cpu_seconds"]) * job["cpu_second"]
        + _beyond(memory, job["free_memory_gib_seconds"]) * job["memory_gib_second"]
    )


def idle_edge_cost(prices: Prices) -> float:
    """A load balancer's rule, and a security policy with its rules."""
    edge = prices["edge"]
    balancer = prices["assumed"]["hours_month"] * edge["forwarding_rule_hour"]
    rules = prices["installation"]["armor_rules"] * edge["rule_month"]
    return balancer + edge["policy_month"] + rules


def training_cost(prices: Prices) -> float:
    """A month of training runs."""
    return job_cost(training_seconds(prices), prices)


def training_seconds(prices: Prices) -> float:
    """The seconds of a month's training runs."""
    made, assumed = prices["installation"], prices["assumed"]
    return made["training_jobs"] * assumed["training_runs_month"] * assumed["training_seconds"]


def pipeline_cost(prices: Prices) -> float:
    """What the data pipeline adds: a schedule for each job, its nightly runs, and the lake.

    The free schedules and the free time of jobs are used by what is there without it.
    """
    made, assumed, other = prices["installation"], prices["assumed"], prices["other"]
    nights = made["pipeline_jobs"] * MONTH_DAYS * assumed["pipeline_seconds"]
    runs = job_cost(training_seconds(prices) + nights, prices) - training_cost(prices)
    schedules = made["pipeline_jobs"] * other["scheduler_job_month"]
    return schedules + runs + assumed["lake_gib"] * other["storage_gib_month"]


def lending_cost(prices: Prices) -> float:
    """What the loan book adds while nobody calls: its database, its jobs, their alerts.

    The free schedules and the free time of jobs are used by what is there without it.
    """
    made, assumed, other = prices["installation"], prices["assumed"], prices["other"]
    job = prices["job"]
    seconds = max(assumed["lending_run_seconds"], job["least_seconds"])
    runs = made["lending_runs_day"] * MONTH_DAYS * seconds
    cpu = training_seconds(prices) * made["training_cpu"]
    memory = training_seconds(prices) * made["training_memory_gib"]
    work = (
        _beyond(cpu + runs, job["free_cpu_seconds"]) * job["cpu_second"]
        + _beyond(memory + runs * made["lending_memory_gib"], job["free_memory_gib_seconds"])
        * job["memory_gib_second"]
    ) - training_cost(prices)
    schedules = made["lending_jobs"] * other["scheduler_job_month"]
    alerts = made["lending_alert_conditions"] * other["alert_condition_month"]
    return database_cost(prices) + work + schedules + alerts


def dashboard_cost(prices: Prices) -> float:
    """What the dashboard adds while nobody has it open: its alert, for it scales from zero."""
    number = prices["installation"]["dashboard_alert_conditions"]
    return number * prices["other"]["alert_condition_month"]


def dashboard_hour_cost(prices: Prices) -> float:
    """An hour in which somebody has a page open: a connection is a request as long as it lasts."""
    service, made = prices["service"], prices["installation"]
    memory = made["dashboard_memory_gib"] * service["memory_gib_second"]
    return HOUR_SECONDS * (made["cpu"] * service["cpu_second"] + memory)


def batch_cost(prices: Prices) -> float:
    """What batches add while no file lands and nobody asks: their alert."""
    number = prices["installation"]["batch_alert_conditions"]
    return number * prices["other"]["alert_condition_month"]


def batch_hour_cost(prices: Prices) -> float:
    """An hour of an instance of the API: instance-based billing, without what is free."""
    job, made = prices["job"], prices["installation"]
    memory = made["batch_memory_gib"] * job["memory_gib_second"]
    return HOUR_SECONDS * (made["cpu"] * job["cpu_second"] + memory)


def file_seconds(rows: float, rows_a_second: float, prices: Prices) -> float:
    """Seconds that are billed for a file that all tasks share, for each at least the minimum."""
    tasks = prices["installation"]["batch_tasks"]
    return tasks * max(rows / tasks / rows_a_second, prices["job"]["least_seconds"])


def file_cost(rows: float, rows_a_second: float, prices: Prices) -> float:
    """What the job's tasks cost for a file a month: the free time is used by what else runs."""
    job, made = prices["job"], prices["installation"]
    memory = made["batch_memory_gib"] * job["memory_gib_second"]
    seconds = file_seconds(rows, rows_a_second, prices)
    return seconds * (made["cpu"] * job["cpu_second"] + memory)


def file_storage_cost(rows: float, bytes_a_row: float, prices: Prices) -> float:
    """A month of storing results and records of a file a month, once the oldest begin to expire."""
    months = prices["installation"]["decision_log_days"] / MONTH_DAYS
    return rows * bytes_a_row * months / GIB * prices["other"]["storage_gib_month"]


def database_cost(prices: Prices) -> float:
    """A month of the loan book's database, which never stops, and of the address to it."""
    database, made, assumed = prices["database"], prices["installation"], prices["assumed"]
    hour = (
        made["database_cpu"] * database["cpu_hour"]
        + made["database_memory_gib"] * database["memory_gib_hour"]
        + database["endpoint_hour"]
    )
    disk = made["database_disk_gib"] * database["disk_gib_month"]
    backups = assumed["backups_gib"] * database["backup_gib_month"]
    return assumed["hours_month"] * hour + disk + backups


def job_cost(seconds: float, prices: Prices) -> float:
    """What jobs of the size of training cost that run so long in a month."""
    job, made = prices["job"], prices["installation"]
    return (
        _beyond(seconds * made["training_cpu"], job["free_cpu_seconds"]) * job["cpu_second"]
        + _beyond(seconds * made["training_memory_gib"], job["free_memory_gib_seconds"])
        * job["memory_gib_second"]
    )


def uptime_calls(prices: Prices) -> float:
    """Calls a month of the uptime check."""
    period = prices["installation"]["uptime_period_seconds"]
    return _month_seconds(prices) / period * prices["assumed"]["uptime_places"]


def render(measured: Measured, scored: MeasuredFile, prices: Prices) -> str:
    """All tables of the document."""
    single = [single_load(n, measured) for n in VOLUMES]
    batches = [batch_load(n, measured) for n in VOLUMES]
    inputs = (
        f"Prices entered {prices['entered']}.",
        f"A score takes {1e6 * measured.score_seconds:,.0f} µs of CPU,",
        f"{BATCH_ROWS:,} in one request {1e3 * batches[0].seconds:,.0f} ms;",
        f"a decision record weighs {measured.record_bytes:,.0f} bytes,",
        f"{measured.batch_record_bytes:,.0f} among {BATCH_ROWS:,} of a request.",
    )
    hours = (
        f"An instance of the dashboard, an hour: {dashboard_hour_cost(prices):.2f}. "
        f"One of the API of batches: {batch_hour_cost(prices):.2f}."
    )
    return "\n\n".join(
        [
            " ".join(inputs),
            "### Idle, dollars a month",
            idle_table(prices),
            hours,
            "### One score a request, dollars a month",
            volume_table(single, prices),
            f"### {BATCH_ROWS:,} scores a request, dollars a month",
            volume_table(batches, prices),
            "### One Parquet file, dollars a month",
            file_table(scored, prices),
        ]
    )


def idle_table(prices: Prices) -> str:
    """Items, and their sum in eight installations."""
    instance, edge = kept_instance_cost(prices), idle_edge_cost(prices)
    sidecar = sidecar_cost(prices) + sidecar_alerts_cost(prices)
    pipeline, lending = pipeline_cost(prices), lending_cost(prices)
    dashboard, batch = dashboard_cost(prices), batch_cost(prices)
    rows: list[tuple[str, Sequence[float]]] = [
        *((item, (cost,) * 8) for item, cost in always(prices).items()),
        ("`min_instances = 1`", (0, instance, 0, 0, 0, 0, 0, 0)),
        ("`enable_edge = true`", (0, 0, edge, 0, 0, 0, 0, 0)),
        ("`enable_prometheus = true`", (0, 0, 0, sidecar, 0, 0, 0, 0)),
        ("`enable_pipeline = true`", (0, 0, 0, 0, pipeline, 0, 0, 0)),
        ("`enable_lending = true`", (0, 0, 0, 0, 0, lending, lending, 0)),
        ("`enable_dashboard = true`", (0, 0, 0, 0, 0, 0, dashboard, 0)),
        ("`enable_batch = true`", (0, 0, 0, 0, 0, 0, 0, batch)),
    ]
    sums = [sum(column) for column in zip(*(costs for _, costs in rows), strict=True)]
    cells = [[item, *map(_dollars, costs)] for item, costs in [*rows, ("**all**", sums)]]
    headings = (
        *("item", "as shipped", "one instance kept", "edge", "Prometheus", "pipeline"),
        *("loan book", "dashboard", "batches"),
    )
    return table(headings, cells)


def volume_table(loads: Sequence[Load], prices: Prices) -> str:
    """One line for each volume; idle items that are not the service's own are not in it."""
    return table(
        (
            *("scores", "requests/s, mean", "instances", "Cloud Run", "request log"),
            *("decision log", "sum", "per million scores", "the edge adds"),
        ),
        [_volume_cells(load, prices) for load in loads],
    )


def file_table(scored: MeasuredFile, prices: Prices) -> str:
    """One line for each number of rows of a file that is scored once a month."""
    tasks = prices["installation"]["batch_tasks"]
    cells = []
    for rows in FILE_ROWS:
        minutes = file_seconds(rows, scored.rows_a_second, prices) / tasks / 60
        plain = file_cost(rows, scored.rows_a_second, prices)
        reasoned = file_cost(rows, scored.with_reasons, prices)
        stored = file_storage_cost(rows, scored.bytes_a_row, prices)
        total = plain + stored
        costs = (plain, reasoned, stored, total, total / rows * MILLION)
        cells.append([f"{rows:,}", f"{minutes:,.0f}", *map(_dollars, costs)])
    headings = ("rows", f"minutes, {tasks:.0f} tasks", "Cloud Run", "Cloud Run, with reasons")
    return table((*headings, "results and records", "sum without reasons", "per million"), cells)


def month_costs(load: Load, prices: Prices) -> tuple[float, float, float]:
    """What Cloud Run, the request log and the decision log cost."""
    return (
        service_cost(load, prices),
        request_log_cost(load.requests, prices),
        decision_log_cost(load.scores, load.record_bytes, prices),
    )


def _volume_cells(load: Load, prices: Prices) -> list[str]:
    costs = month_costs(load, prices)
    total = sum(costs)
    return [
        f"{load.scores:,.0f}",
        _rate(load.requests / _month_seconds(prices)),
        str(instances(load, prices)),
        *map(_dollars, costs),
        _dollars(total),
        _dollars(total / load.scores * MILLION),
        _dollars(edge_cost(load.requests, prices)),
    ]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, the first column to the left."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(document: str, mark: str, text: str) -> str:
    """Put a text between a document's two marks of this name."""
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
    if len(re.findall(pattern, document, re.DOTALL)) != 1:
        message = f"the document must have the mark {mark!r} exactly once"
        raise ValueError(message)
    return re.sub(pattern, lambda _: f"{begin}{text}\n{end}", document, flags=re.DOTALL)


def _month_seconds(prices: Prices) -> float:
    return prices["assumed"]["hours_month"] * HOUR_SECONDS


def _beyond(amount: float, free: float) -> float:
    return max(0.0, amount - free)


def _rate(a_second: float) -> str:
    return f"{a_second:,.2f}" if a_second >= LEAST_SHOWN else f"< {LEAST_SHOWN}"


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}"


if __name__ == "__main__":
    main()
