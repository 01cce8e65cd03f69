"""Loads and features in another database's emulator, run by the Python of its own environment.

`foreign_warehouse.py snowflake FOLDER` or `foreign_warehouse.py bigquery FOLDER URL`. FOLDER has
the tables of the warehouse as Parquet, with the day of each row; the features and outcomes of the
days in `days.json` are written beside them, and what the database answers is printed as JSON.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet_files
from pyarrow import compute

from training.pipeline.feature_table import (
    CustomerFeatureRow,
    compute_features,
    load_features,
    read_outcomes,
)
from training.pipeline.quality import QualityCheckRow, check_quality
from training.pipeline.quality_limits import QualityLimits
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import LoadRow, TableLoad, Warehouse

ALL_TABLES = TABLES | {row.table: row for row in (LoadRow, QualityCheckRow, CustomerFeatureRow)}


@contextmanager
def open_emulated(kind: str, url: str) -> Iterator[Warehouse]:
    """Open a fakesnow session, or a dataset of an emulator of BigQuery."""
    if kind == "snowflake":
        import fakesnow  # noqa: PLC0415 -- only its environment has it

        with fakesnow.patch():
            import snowflake.connector  # noqa: PLC0415

            from training.pipeline.snowflake_warehouse import SnowflakeConnection  # noqa: PLC0415

            session = snowflake.connector.connect(database="BANK", schema="RISK")
            yield Warehouse(SnowflakeConnection(session, "risk"))
    else:
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
        from google.cloud import bigquery  # noqa: PLC0415

        from training.pipeline.bigquery_warehouse import BigQueryConnection  # noqa: PLC0415

        client = bigquery.Client(
            "bank",
            AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": url},
        )
        client.create_dataset("risk", exists_ok=True)
        yield Warehouse(BigQueryConnection(client, "risk"))


def load_folder(warehouse: Warehouse, folder: Path) -> None:
    """Load the tables of a folder, each day as one load."""
    loads = []
    for name, table in TABLES.items():
        rows = parquet_files.read_table(folder / f"{name}.parquet")
        for day in compute.unique(rows["day"]).to_pylist():
            part = rows.filter(compute.equal(rows["day"], pa.scalar(day, pa.date32())))
            loads.append(TableLoad(table, day, part.drop_columns("day"), "load", "1"))
    warehouse.replace_days(loads)
    warehouse.replace_days(loads)  # again: nothing is there twice


def main() -> None:
    """Load, compute, write and print."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    days = [date.fromisoformat(day) for day in json.loads((folder / "days.json").read_text())]
    with open_emulated(kind, sys.argv[3] if len(sys.argv) > 3 else "") as warehouse:
        created = warehouse.initialise(ALL_TABLES)
        faults = warehouse.check(ALL_TABLES)
        load_folder(warehouse, folder)
        parquet_files.write_table(compute_features(warehouse, days), folder / f"{kind}.parquet")
        rows = load_features(warehouse, days)
        outcomes = read_outcomes(warehouse, days[-1])
        parquet_files.write_table(outcomes, folder / f"{kind}_outcomes.parquet")
        checks = check_quality(warehouse, [days[-1]], QualityLimits())
    verdicts = {
        f"{name}.{check.name}.{check.column}": [check.figure, check.outcome]
        for (name, _), judged in checks.items()
        for check in judged
    }
    result = {"created": created, "faults": faults, "rows": rows, "verdicts": verdicts}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
