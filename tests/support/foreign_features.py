"""The bank of 2,000 customers whose features are computed by DuckDB and by other databases."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet_files

from tests.support.environments import build_environment
from tests.support.foreign_warehouse import ALL_TABLES, load_folder
from tests.support.running import REPOSITORY
from training.pipeline.duckdb_warehouse import DuckDBConnection
from training.pipeline.feature_table import compute_features, load_features, read_outcomes
from training.pipeline.source_table import DAY, arrow_schema
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import Warehouse
from training.synthetic.bank import generate_bank

ENVIRONMENTS = REPOSITORY / "var" / "warehouses"
REQUIREMENTS = REPOSITORY / "tests" / "training" / "pipeline"
CUSTOMERS = 2_000
DAYS = (date(2025, 6, 30), date(2025, 12, 31), date(2026, 6, 30))


@dataclass(frozen=True, slots=True)
class Features:
    """What a database computed: features, rows with outcomes, and what else it answered."""

    features: pa.Table
    outcomes: pa.Table
    answers: dict[str, Any]


def find_python(name: str) -> Path:
    """The Python of an environment, which is built if it is not there."""
    build_environment(ENVIRONMENTS / name, REQUIREMENTS / f"{name}.txt")
    return ENVIRONMENTS / name / "bin" / "python"


def write_bank(folder: Path) -> None:
    """Write the tables of the bank, with the day of each row."""
    for name, rows in generate_bank(DAYS[-1], 3, CUSTOMERS, 14).tables.items():
        schema = arrow_schema(TABLES[name]).append(pa.field(DAY, pa.date32()))
        once = rows.rename(columns={"arrives": DAY}).drop_duplicates([*TABLES[name].key, DAY])
        table = pa.Table.from_pandas(once, preserve_index=False).select(schema.names).cast(schema)
        parquet_files.write_table(table, folder / f"{name}.parquet")
    (folder / "days.json").write_text(json.dumps([str(day) for day in DAYS]))


def compute_on_duckdb(folder: Path) -> Features:
    """Compute features and outcomes of the bank on DuckDB."""
    with duckdb.connect() as database:
        warehouse = Warehouse(DuckDBConnection(database))
        warehouse.initialise(ALL_TABLES)
        load_folder(warehouse, folder)
        features = compute_features(warehouse, DAYS)
        load_features(warehouse, DAYS)
        return Features(features, read_outcomes(warehouse, DAYS[-1]), {})


def compute_elsewhere(kind: str, folder: Path, arguments: Sequence[str] = ()) -> Features:
    """Compute them in an emulator of another database."""
    script = str(REPOSITORY / "tests" / "support" / "foreign_warehouse.py")
    done = subprocess.run(
        [str(find_python(kind)), script, kind, str(folder), *arguments],
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Features(
        parquet_files.read_table(folder / f"{kind}.parquet"),
        parquet_files.read_table(folder / f"{kind}_outcomes.parquet"),
        json.loads(done.stdout.splitlines()[-1]),
    )
