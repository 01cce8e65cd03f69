"""One day of the data pipeline on this machine: what `make pipeline` does.

Three sources of a synthetic bank are started: PostgreSQL, a folder of CSV files and an HTTP
interface. Then each step runs as the schedule in the cloud would run it: every source is ingested,
from the first day that the bank has, data quality is checked, features are computed, and the model
`customer` is trained from them. Its champion decides on the bank's customers, outcomes are joined
to the decisions, and monitoring measures the day on a page. Run again, it changes nothing but the
model's version.

The last line of standard output is one JSON object.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = ("core_banking", "crm", "macro")
DAY = "2026-11-28"
STOP_SECONDS = 20

Environment = Mapping[str, str]


class PipelineError(Exception):
    """A step failed."""


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """Where a run keeps what it makes, and its last day."""

    folder: Path
    day: str
    is_default: bool = False  # the folder is the one that `make pipeline` uses

    @property
    def bank(self) -> Path:
        """The tables of the synthetic bank."""
        return self.folder / "bank"

    @property
    def page(self) -> Path:
        """What monitoring measured of the day."""
        return self.folder / "monitoring.html"

    def name_metrics(self, step: str) -> tuple[str, str]:
        """Return the option with the file of figures that a local Prometheus reads."""
        folder = REPOSITORY / "var" / "metrics" if self.is_default else self.folder / "metrics"
        return "--metrics", str(folder / f"pipeline-{step}.prom")

    def name_variables(self) -> dict[str, str]:
        """Return the variables that the steps read, unless the environment has them."""
        return {
            "LAKE_URI": (self.folder / "lake").as_uri(),
            "WAREHOUSE_URL": f"duckdb:///{self.folder / 'warehouse.duckdb'}",
            "MODEL_STORE": (self.folder / "store").as_uri(),
        }


def main() -> int:
    """Run the day; 1 if a step fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", default=DAY, help="the last day (default %(default)s)")
    parser.add_argument(
        "--folder", type=Path, help="where everything is made (default var/pipeline)"
    )
    parser.add_argument("--customers", help="how many customers the bank has (default 6000)")
    parser.add_argument("--months", help="how many months its history has (default 30)")
    parser.add_argument("--open", action="store_true", help="open the page of monitoring")
    parser.add_argument("--family", action="append", default=[], help="passed on to train")
    options = parser.parse_args()
    folder = options.folder or REPOSITORY / "var" / "pipeline" / options.day
    run = PipelineRun(folder.resolve(), options.day, is_default=options.folder is None)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        size = {"--rows": options.customers, "--months": options.months}
        bank = [text for name, value in size.items() if value for text in (name, value)]
        families = [text for family in options.family for text in ("--family", family)]
        print(json.dumps(run_day(run, bank, families)))
        if options.open:
            open_page(run.page)
    except KeyboardInterrupt:
        return 130
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def run_day(run: PipelineRun, size: list[str], families: list[str]) -> dict[str, Any]:
    """Run every step of the day, and return what became of each.

    `size` and `families` are options of `generate` and of `train`.
    """
    variables = run.name_variables() | dict(os.environ)
    day = ("--day", run.day)
    output = ("--output", str(run.bank))
    bank = run_step(variables, "generate", "--source", "bank", *day, *output, *size)
    since = ("--since", str(bank["first_day"]))
    training = str(run.folder / "customer.parquet")
    with running_sources(run) as addresses:
        variables |= addresses
        steps = {
            f"ingest {source}": run_step(variables, "ingest", "--source", source, *since, *day)
            for source in SOURCES
        }
    metrics = run.name_metrics("quality")
    steps["quality"] = run_step(variables, "quality", *since, *day, *metrics)
    steps["features"] = run_step(variables, "features", *since, *day, "--training", training)
    steps["snapshot"] = run_step(variables, "snapshot", *day)
    steps["train"] = run_step(
        variables, "train", "--model", "customer", "--data", training, *families
    )
    steps |= monitor_day(run, variables)
    return {"outcome": "ran", "day": run.day, "steps": steps}


def monitor_day(run: PipelineRun, variables: Environment) -> dict[str, dict[str, Any]]:
    """Let the champion decide on the bank's customers, and measure the day; return the steps.

    Without a champion there is nothing to monitor: its gates kept the first version back.
    """
    if not (run.folder / "store" / "champions" / "customer.json").exists():
        return {"monitor": {"outcome": "no champion"}}
    log, outcomes = run.folder / "decisions.jsonl", run.folder / "outcomes.csv"
    day = ("--day", run.day)
    shared = ("--model", "customer", "--log", str(log), *day)
    source = ("--source", "decisions", *day, "--output", str(run.folder))
    output = ("--output", str(run.page), *run.name_metrics("monitor"))
    return {
        "decide": run_step(variables, "generate", *source),
        "outcomes": run_step(variables, "outcomes", *shared, "--data", str(outcomes)),
        "monitor": run_step(variables, "monitor", *shared, *output),
    }


def open_page(page: Path) -> None:
    """Open a page in the browser of whoever sits here, and say where it is."""
    if page.exists():
        print(f"\nmonitoring: {page}", file=sys.stderr)
        webbrowser.open(page.as_uri())


@contextlib.contextmanager
def running_sources(run: PipelineRun) -> Iterator[dict[str, str]]:
    """Start the three sources, and yield the variables that name them."""
    command = [sys.executable, "infra/local/bank_sources.py", "--bank", str(run.bank)]
    command += ["--folder", str(run.folder / "sources"), "--day", run.day]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            message = f"the sources ended with exit code {process.wait()}"
            raise PipelineError(message)
        variables: dict[str, str] = json.loads(line)
        yield variables
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)
        if process.stdout:
            process.stdout.close()


def run_step(variables: Environment, command: str, *arguments: str) -> dict[str, Any]:
    """Run one command of training, and return the JSON object of its last line."""
    name = " ".join((command, *arguments))
    print(f"\npython -m training {name}", file=sys.stderr, flush=True)
    began = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "training", command, *arguments],
        cwd=REPOSITORY,
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode:
        message = f"{command} ended with exit code {result.returncode}"
        raise PipelineError(message)
    summary: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    seconds = round(time.monotonic() - began, 1)
    print(f"{command}: {summary.get('outcome', 'written')} in {seconds} s", file=sys.stderr)
    return summary


if __name__ == "__main__":
    sys.exit(main())
