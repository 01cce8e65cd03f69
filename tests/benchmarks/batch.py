"""`make bench`, its part of batches: rows a second a core, and where a row's time goes.

The benchmark model scores a Parquet and a CSV file in one process, one part at a time, and counts
the processor time of it. Then the stages run by themselves on the same chunks. Writes
docs/figures/batch.json and its section of docs/batch.md.
"""

import io
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from functions.batch.part_scoring import PartScorer
from functions.batch.plans import BatchRequest, Planning, find_file, make_plan, read_columns
from functions.batch.rows import ValidRows
from functions.batch.sources import Chunk, FilePart
from infra.local.cost import fill, table
from models.catalogue.application import Application
from models.contract import characteristics
from models.decision_columns import decide_columns
from models.evidence.batch_records import BlockChain, BlockContent, SaltSource, record_block
from models.evidence.hash_chain import Seal
from models.features import Matrix, columns_from_fields, matrix_from_columns
from models.registry.serving import load_version
from models.stores.uri import open_store
from tests.benchmarks.fixed_model import publish_benchmark_model
from tests.benchmarks.report import BENCH, about, command_line
from tests.support.running import REPOSITORY
from training.synthetic.application import generate

MARK = "make bench, batches"
FIGURES = BENCH.figures.with_name("batch.json")
PAGE = REPOSITORY / "docs" / "batch.md"
SEAL = Seal("k" * 32)
MICROSECONDS = 1e6
GOALS = {"parquet, no reasons": 100_000, "parquet, reasons of the not approved": 25_000}
RECORD, RECORD_GOAL = "record", 3.0
ROUNDS = 3


@dataclass(frozen=True)
class Case:
    """A file and what is asked of it."""

    name: str
    file: Path
    reasons: str
    rows: int


def main() -> None:
    """Measure, print, and write unless it is a trial."""
    quick = command_line(__doc__).quick
    where = about()
    with TemporaryDirectory(prefix="batch-") as folder:
        cases = write_cases(Path(folder), 20_000 if quick else 200_000)
        speeds = {
            case.name: measure_case(Path(folder), case, 1 if quick else ROUNDS) for case in cases
        }
        stages = measure_stages(Path(folder), cases[0])
        weight = measure_bytes(Path(folder), cases[0])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"about": where, "rows_a_second": speeds, "stages": stages, "memory_mib": memory}
    figures["bytes_a_row"] = weight
    print(render(figures))
    if not quick:
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
        PAGE.write_text(fill(PAGE.read_text(), MARK, render(figures)))


def write_cases(folder: Path, rows: int) -> list[Case]:
    """Publish the model, and write the files."""
    publish_benchmark_model((folder / "store").as_uri(), folder / "model.ubj")
    applications = pa.Table.from_pandas(generate(rows, seed=3))
    parquet, csv, few = folder / "a.parquet", folder / "a.csv", folder / "few.parquet"
    pq.write_table(applications, parquet)
    pq.write_table(applications.slice(0, rows // 10), few)
    arrow_csv.write_csv(applications, csv)
    return [
        Case("parquet, no reasons", parquet, "none", rows),
        Case("CSV, no reasons", csv, "none", rows),
        Case("parquet, reasons of the not approved", few, "adverse", rows // 10),
        Case("parquet, reasons of all", few, "all", rows // 10),
    ]


def scorer_from_case(folder: Path, case: Case) -> tuple[PartScorer, list[FilePart]]:
    """Plan a run."""
    models = open_store((folder / "store").as_uri())
    request = BatchRequest.model_validate(
        {"model": "application", "input": str(case.file), "reasons": case.reasons}
    )
    file = find_file(request, Application)
    plan = make_plan(request, file, Planning(models, Application, SEAL, datetime.now(UTC)))
    loaded = load_version(models, Application, plan.version)
    return PartScorer(plan, file, Application, loaded, SEAL), plan.list_parts()


def measure_case(folder: Path, case: Case, rounds: int) -> float:
    """Return rows a second of processor time: the median of rounds, after one part to warm up."""
    scorer, parts = scorer_from_case(folder, case)
    scorer.score(parts[0])
    speeds = []
    for _ in range(rounds):
        start = time.process_time()
        for part in parts:
            scorer.score(part)
        speeds.append(case.rows / (time.process_time() - start))
    scorer.file.close()
    return sorted(speeds)[len(speeds) // 2]


def measure_bytes(folder: Path, case: Case) -> dict[str, float]:
    """Return the bytes of Parquet that a scored row leaves."""
    scorer, parts = scorer_from_case(folder, case)
    scored = [scorer.score(part) for part in parts]
    scorer.file.close()
    sizes = {
        "results": sum(len(part.results) for part in scored),
        "records": sum(len(part.records) for part in scored),
    }
    return {name: size / case.rows for name, size in sizes.items()}


def measure_stages(folder: Path, case: Case) -> dict[str, float]:
    """Return the microseconds a row of each stage, on the chunks of the whole file."""
    scorer, parts = scorer_from_case(folder, case)
    names = read_columns(scorer.plan, Application)
    clock = StageClock(case.rows)
    for part in parts:
        read = partial(scorer.file.read, part, names)
        chunks = clock.time("read", lambda read=read: list(read().chunks))  # type: ignore[misc]  # mypy cannot infer a default
        valid = clock.time("validate", partial(validate_all, scorer, chunks))
        matrices = clock.time("features", partial(build_matrices, valid))
        decide = partial(decide_columns, scorer.loaded.scorer)
        decided = clock.time("decide", partial(apply_to_all, decide, matrices))
        contents = [
            BlockContent(
                rows=r.row_indices + c.first_row,
                decided=d,
                inputs={n: r.fields[n] for n in scorer.layout.inputs},
                matrix=m,
            )
            for c, r, d, m in zip(chunks, valid, decided, matrices, strict=True)
        ]
        clock.time(RECORD, partial(write_records, scorer, part, contents))
    scorer.file.close()
    return clock.stages


class StageClock:
    """Adds up the processor time of stages, in microseconds a row."""

    def __init__(self, rows: int) -> None:
        self.stages: dict[str, float] = {}
        self._rows = rows

    def time(self, name: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 -- what the stage gives
        """Do the work of a stage, and return its result."""
        start = time.process_time()
        result = work()
        spent = (time.process_time() - start) * MICROSECONDS / self._rows
        self.stages[name] = self.stages.get(name, 0.0) + spent
        return result


def validate_all(scorer: PartScorer, chunks: list[Chunk]) -> list[ValidRows]:
    """Validate the rows of chunks."""
    return [scorer.validator.validate(chunk.batch) for chunk in chunks]


def apply_to_all(function: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    """Apply a function to every value."""
    return list(map(function, values))


def build_matrices(valid: list[ValidRows]) -> list[Matrix]:
    """Compute the features of the rows of chunks."""
    scored = columns_of_scored()
    fields = [{name: rows.fields[name] for name in scored} for rows in valid]
    columns = [columns_from_fields(Application, chunk) for chunk in fields]
    return [matrix_from_columns(Application, chunk) for chunk in columns]


def write_records(scorer: PartScorer, part: FilePart, contents: list[BlockContent]) -> None:
    """Commit to every row of a part, link its blocks, and write them as Parquet."""
    shared = scorer.share(part)
    chain, salts = BlockChain(SEAL, shared), SaltSource(SEAL.salt_secret or b"", shared)
    schema = scorer.layout.schema()
    with pq.ParquetWriter(io.BytesIO(), schema, use_dictionary=["risk_level", "decision"]) as file:
        for content in contents:
            records = record_block(chain, salts, content)
            columns = scorer.layout.build(shared["batch"], content, records)
            arrays = [columns[name] for name in schema.names]
            file.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


def columns_of_scored() -> list[str]:
    """Names of the fields that the model scores."""
    return [c.name for c in characteristics(Application) if not c.protected and c.compute is None]


def render(figures: dict[str, Any]) -> str:
    """Render the tables, each goal with its verdict."""
    where = figures["about"]
    speeds = [
        [
            name,
            f"{speed:,.0f}",
            f"{goal:,}" if (goal := GOALS.get(name)) else "",
            verdict(speed, goal),
        ]
        for name, speed in figures["rows_a_second"].items()
    ]
    record = figures["stages"][RECORD]
    stages = [[name, f"{spent:.2f}"] for name, spent in figures["stages"].items()]
    reached = "reached" if record <= RECORD_GOAL else "**missed**"
    circumstances = (
        f"Measured on {where['date']} at {where['commit']}: {where['machine']}, load average "
        f"{where['load_average']:.1f}. The process had {figures['memory_mib']:,.0f} MiB at most, "
        "with the libraries that wrote the files."
    )
    cost = (
        f"The record costs {record:.2f} µs a row; the goal is at most {RECORD_GOAL:g}: {reached}."
    )
    speed_table = table(("with record", "rows a second a core", "goal", ""), speeds)
    stage_table = table(("stage, Parquet, no reasons", "µs a row"), stages)
    weight = figures["bytes_a_row"]
    stored = (
        f"A row leaves {weight['results']:,.0f} bytes of results and {weight['records']:,.0f} of "
        "records, as compressed Parquet."
    )
    return f"{circumstances}\n\n{speed_table}\n\n{stage_table}\n\n{cost} {stored}"


def goal_text(name: str) -> str:
    """Write the goal of a case, if it has one."""
    return f"{GOALS[name]:,}" if name in GOALS else ""


def verdict(speed: float, goal: int | None) -> str:
    """Say whether a goal was reached."""
    if goal is None:
        return ""
    return "reached" if speed >= goal else "**missed**"


if __name__ == "__main__":
    main()
