"""`make bench-training`: training on ten million rows of fifty columns, beside the bare library.

Ours is `train --engine stream`. The bare library is XGBoost alone: the same Parquet files, read by
pyarrow into the same kind of iterator, with the same parameters. Each run is a process of its own,
in turn, and its peak memory is what Linux counts for it.
"""

import argparse
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as parquet_files
import xgboost

from infra.local.cost import fill, table
from models.features import features
from tests.benchmarks.wide_loan import WideLoan, write_rows
from tests.support.running import REPOSITORY
from training.families.candidates import Fit, build_xgboost
from training.reading.options import DataOptions
from training.run import TrainingJob, finish, prepare
from training.settings import CGROUP, count_threads
from training.streaming.engine import BATCH_ROWS, SAMPLE_ROWS, Engine
from training.streaming.fitting import fit_large
from training.streaming.large_fit import MAX_BIN, Boosting
from training.streaming.preparation import prepare_stream

DOCUMENT = REPOSITORY / "docs" / "large-data.md"
FIGURES = REPOSITORY / "docs" / "figures" / "training_scale.json"
MARK = "make bench-training"
ROWS, QUICK_ROWS, SEED = 10_000_000, 600_000, 5
LIBRARIES = ("numpy", "pandas", "pyarrow", "xgboost-cpu")
GIB = 2**30

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: fitted rows and trees, seconds and CPU seconds of its steps, peak memory.

    `fit` is from the first byte read to the last tree, and `all` is the entire process.
    """

    who: str
    rows: int
    rounds: int
    seconds: dict[str, float]
    cpu_seconds: dict[str, float]
    peak_bytes: int

    def rate(self, step: str) -> float:
        """Rows times rounds a second."""
        return self.rows * self.rounds / self.seconds[step]


def main() -> None:
    """Make the rows, measure both in turn, write the table, and remove the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows; writes nothing")
    parser.add_argument("--rows", type=int, help="that many rows; writes nothing")
    parser.add_argument("--turns", type=int, default=1, help="runs of each (default %(default)s)")
    parser.add_argument("--run", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(asdict(CONTESTANTS[options.run](options.folder))))
        return
    rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    folder = REPOSITORY / "var" / "bench-training"
    load = os.getloadavg()[0]
    try:
        write_rows(folder, rows, SEED)
        runs = [measure(who, folder) for _ in range(options.turns) for who in CONTESTANTS]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures = {**about(load), "rows": rows, "runs": [asdict(run) for run in runs]}
    if rows == ROWS:
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
        DOCUMENT.write_text(fill(DOCUMENT.read_text(), MARK, rendered(figures)))
    print(rendered(figures))


def measure(who: str, folder: Path) -> Measured:
    """Measure one run in a process of its own."""
    command = [sys.executable, __file__, "--run", who, "--folder", str(folder)]
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def run_ours(folder: Path) -> Measured:
    """Train as the command does, but publish nothing."""
    clock = Clock()
    job = TrainingJob(
        model=WideLoan,
        data=DataOptions(values={"data": str(folder)}),
        seed=SEED,
        threads=threads(),
        max_refused_share=0.01,
        engine=Engine(name="stream", sample_rows=SAMPLE_ROWS),
    )
    with (
        clock.step("all"),
        patch("training.run.prepare_stream", clock.measuring("read", prepare_stream)),
        patch("training.run.fit_large", clock.measuring("boost", fit_large)),
    ):
        prepared = prepare(job)
        trained = finish(prepared, prepared.families[0])
    for used in (clock.seconds, clock.cpu_seconds):
        used["fit"] = used["read"] + used["boost"]
    rounds = trained.fitted.result.candidate.build(trained.fit)["classify"].n_estimators
    return clock.finish("ours", trained.manifest.provenance.rows_train, rounds)


def run_bare(folder: Path) -> Measured:
    """Train with XGBoost alone, as its documentation shows."""
    clock = Clock()
    classify = build_xgboost(Fit(WideLoan, SEED, threads())).named_steps["classify"]
    boosting = Boosting.from_classifier(classify, threads())
    with clock.step("all"), clock.step("fit"):
        with clock.step("read"):
            matrix = xgboost.QuantileDMatrix(
                BareBatches(sorted(folder.glob("*.parquet"))), max_bin=MAX_BIN, nthread=threads()
            )
        with clock.step("boost"):
            parameters = {**boosting.parameters, "n_jobs": threads()}
            xgboost.train(parameters, matrix, boosting.rounds)
    return clock.finish("bare", matrix.num_row(), boosting.rounds)


class BareBatches(xgboost.DataIter):
    """Parquet files as single-precision batches, without any check."""

    def __init__(self, paths: list[Path]) -> None:
        super().__init__()
        self.paths = paths
        self.names = [f.name for f in features(WideLoan)]
        self.reset()

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over a batch."""
        batch = next(self.batches, None)
        if batch is None:
            return False
        columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in self.names]
        matrix = np.empty((len(batch), len(columns)), np.float32)
        for i, column in enumerate(columns):
            matrix[:, i] = column
        label = batch.column(WideLoan.label).to_numpy().astype(np.float32)
        input_data(data=matrix, label=label, feature_names=self.names)
        return True

    def reset(self) -> None:
        """Begin again."""
        self.batches = self._read()

    def _read(self) -> Iterator[Any]:
        for path in self.paths:
            columns = [*self.names, WideLoan.label]
            yield from parquet_files.ParquetFile(path).iter_batches(BATCH_ROWS, columns=columns)


class Clock:
    """Seconds and CPU seconds of the steps of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what is done meanwhile."""
        began, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = time.perf_counter() - began
        self.cpu_seconds[name] = time.process_time() - cpu

    def measuring(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is measured as a step."""

        def measured(*arguments: object) -> Any:  # noqa: ANN401 -- what the function returns
            with self.step(name):
                return function(*arguments)

        return measured

    def finish(self, who: str, rows: int, rounds: int) -> Measured:
        """Return the figures of this process."""
        return Measured(
            who=who,
            rows=rows,
            rounds=rounds,
            seconds=self.seconds,
            cpu_seconds=self.cpu_seconds,
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )


CONTESTANTS: dict[str, Callable[[Path], Measured]] = {"ours": run_ours, "bare": run_bare}


def threads() -> int:
    """Return how many threads both use."""
    return count_threads(len(os.sched_getaffinity(0)), CGROUP)


def about(load: float) -> Body:
    """Where and when it was measured."""
    text = Path("/proc/cpuinfo").read_text()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": re.findall(r"model name\s*: (.*)", text)[0],
        "cores": threads(),
        "load_average": load,
        "python": platform.python_version(),
        "libraries": {name: version_of(name) for name in LIBRARIES},
    }


def rendered(figures: Body) -> str:
    """The table, and what follows from it."""
    runs = [Measured(**run) for run in figures["runs"]]
    ours, bare = ([run for run in runs if run.who == who] for who in CONTESTANTS)
    libraries = ", ".join(f"{name} {version}" for name, version in figures["libraries"].items())
    fit, cpu = (_share(ours, bare, measure) for measure in (_rate, _cpu_rate))
    entire = _share(ours, bare, lambda run: run.rate("all"))
    peak = max(run.peak_bytes for run in ours) / GIB
    lines = [
        f"Measured {figures['date']} on {figures['machine']}, {figures['cores']} cores, load",
        f"average {figures['load_average']:.1f} before it began; Python {figures['python']},",
        f"{libraries}.\n\n{table(HEADINGS, [_cells(run) for run in runs])}\n\n-",
        f"The large fit, with all checks, makes {fit:.0%} of the bare library's rows x rounds a",
        f"second, and {cpu:.0%} of those a CPU second.\n- With cross-validation, gates and",
        f"evidence it makes {entire:.0%}.\n- The run has at most {peak:.1f} GiB resident.",
    ]
    return " ".join(lines)


def _rate(run: Measured) -> float:
    return run.rate("fit")


def _cpu_rate(run: Measured) -> float:
    return run.rows * run.rounds / run.cpu_seconds["fit"]


def _share(ours: list[Measured], bare: list[Measured], rate: Callable[[Measured], float]) -> float:
    return float(np.median([rate(run) for run in ours]) / np.median([rate(run) for run in bare]))


HEADINGS = (
    *("run", "rows fitted", "trees", "reading, s", "fit, s", "fit, CPU s", "entire run, s"),
    *("rows x rounds/s, million", "peak, GiB"),
)


def _cells(run: Measured) -> list[str]:
    return [
        run.who,
        f"{run.rows:,}",
        str(run.rounds),
        f"{run.seconds['read']:,.0f}",
        f"{run.seconds['fit']:,.0f}",
        f"{run.cpu_seconds['fit']:,.0f}",
        f"{run.seconds['all']:,.0f}",
        f"{run.rate('fit') / 1e6:,.2f}",
        f"{run.peak_bytes / GIB:.2f}",
    ]


if __name__ == "__main__":
    main()
