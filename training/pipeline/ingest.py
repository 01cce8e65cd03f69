"""One source and one day: delivered, checked, stored in the lake and loaded into the warehouse.

All tables of the source are read and checked before anything is written, and loaded in one
transaction. Whatever is stopped on the way is run again and gives the same tables.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from models.errors import DataError
from training.pipeline.database_source import open_database, read_database
from training.pipeline.delivery import Address, Delivery
from training.pipeline.files_source import read_files
from training.pipeline.lake import Lake
from training.pipeline.rest_source import RestReader
from training.pipeline.source_file import (
    DatabaseSource,
    FilesSource,
    RestSource,
    Source,
)
from training.pipeline.source_table import ContractRows, RefusedRow, SourceTable, check_rows
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import TableLoad, Warehouse

MOST_EXAMPLES = 3
TWICE = "the key is there twice, with different values"
REPEATED = "the row is there twice"

Deliver = Callable[[str, date], Delivery]  # of a table and a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestion:
    """One source, its address, and how many of its rows the contract may refuse."""

    source: Source
    address: Address
    max_refused_share: float


@dataclass(frozen=True, slots=True)
class TableResult:
    """What became of one table: its rows, and the load that has them."""

    rows: int
    refused: int
    load: str
    sha256: str
    outcome: str  # "loaded", or "unchanged" if the warehouse had this load


def ingest(
    ingestion: Ingestion, days: Iterable[date], lake: Lake, warehouse: Warehouse
) -> Iterator[dict[str, TableResult]]:
    """Load days of a source, one after the other, and yield what became of each table.

    Raises
    ------
    DataError
        If the source does not deliver, or not what the contract says, or the contract refuses too
        many rows of a day. Its refused rows are in the quarantine then, and nothing else of that
        day is written.
    """
    with open_source(ingestion.source, ingestion.address) as deliver:
        for day in days:
            yield _ingest_day(ingestion, deliver, day, lake, warehouse)


@contextmanager
def open_source(source: Source, address: Address) -> Iterator[Deliver]:
    """Open a source, and yield the function that delivers a table for a day."""
    place = address.source
    match source:
        case DatabaseSource(tables=queries):
            with open_database(address) as engine:
                yield lambda name, day: read_database(engine, f"{place}.{name}", queries[name], day)
        case FilesSource(tables=files):
            yield lambda name, day: read_files(address, TABLES[name], files[name], day)
        case RestSource(tables=resources):
            reader = RestReader(address=address, source=source)
            yield lambda name, day: reader.read(name, resources[name], day)


def _ingest_day(
    ingestion: Ingestion, deliver: Deliver, day: date, lake: Lake, warehouse: Warehouse
) -> dict[str, TableResult]:
    names = list(ingestion.source.tables)
    checked = {name: _check(TABLES[name], deliver(name, day), day) for name in names}
    for name, rows in checked.items():
        if rows.refused:
            lake.quarantine(name, day, rows.refused)
    _refuse_too_many(checked, ingestion, day)
    loads = [_store(TABLES[name], rows, day, lake) for name, rows in checked.items()]
    changed = [load for load in loads if warehouse.find_load(load.table.table, day) != load.sha256]
    warehouse.replace_days(changed)
    return {
        load.table.table: TableResult(
            rows=load.rows.num_rows,
            refused=load.refused,
            load=load.load,
            sha256=load.sha256,
            outcome="loaded" if load in changed else "unchanged",
        )
        for load in loads
    }


def _check(table: type[SourceTable], delivery: Delivery, day: date) -> ContractRows:
    rows = check_rows(table, delivery.batches, day)
    unreadable = tuple(RefusedRow(n, {}, why) for n, why in delivery.unreadable.items())
    accepted, repeated = separate_repeated(table, rows.accepted)
    return ContractRows(accepted, (*unreadable, *rows.refused, *repeated))


def separate_repeated(
    table: type[SourceTable], rows: pa.Table
) -> tuple[pa.Table, tuple[RefusedRow, ...]]:
    """Return the rows sorted by key, each once, and those that cannot be told apart by their key.

    Of equal rows one stays. Of different rows with the same key none does: nobody could say which.
    """
    key = ", ".join(table.key)
    with duckdb.connect() as connection:
        connection.register("delivered", rows)
        connection.execute(
            f"CREATE TABLE counted AS SELECT *, count(*) OVER (PARTITION BY {key}) AS copies "
            "FROM (SELECT DISTINCT * FROM delivered)"
        )
        once = "SELECT * EXCLUDE copies FROM counted WHERE copies"
        accepted: pa.Table = connection.sql(f"{once} = 1 ORDER BY {key}").to_arrow_table()
        twice: pa.Table = connection.sql(f"{once} > 1 ORDER BY ALL").to_arrow_table()
    repeated = rows.num_rows - accepted.num_rows - twice.num_rows
    faults = [RefusedRow(0, values, TWICE) for values in twice.to_pylist()]
    faults += [RefusedRow(0, {}, REPEATED)] * repeated
    return accepted.cast(rows.schema), tuple(faults)


def _refuse_too_many(checked: Mapping[str, ContractRows], ingestion: Ingestion, day: date) -> None:
    faults = []
    for name, rows in checked.items():
        delivered = rows.accepted.num_rows + len(rows.refused)
        if len(rows.refused) > ingestion.max_refused_share * delivered:
            faults.append(f"{name}: {describe_refused(rows.refused, delivered)}")
    if faults:
        message = (
            f"{ingestion.address.source}: the contract refuses more than "
            f"{ingestion.max_refused_share:.1%} of the rows of {day}, and nothing is "
            f"loaded: {'; '.join(faults)}. The rows are in the lake's quarantine"
        )
        raise DataError(message)


def describe_refused(refused: tuple[RefusedRow, ...], delivered: int) -> str:
    """Describe refused rows by rule, most frequent first, with the numbers of the first ones."""
    by_rule: dict[str, list[int]] = {}
    for row in refused:
        by_rule.setdefault(row.reason, []).append(row.number)
    rules = sorted(by_rule.items(), key=lambda item: -len(item[1]))
    described = []
    for reason, numbers in rules:
        first = ", ".join(str(n) for n in numbers[:MOST_EXAMPLES] if n)
        described.append(f"{reason} ({len(numbers)} rows{f', first {first}' if first else ''})")
    return f"{len(refused)} of {delivered}: {'; '.join(described)}"


def _store(table: type[SourceTable], rows: ContractRows, day: date, lake: Lake) -> TableLoad:
    load = lake.write(table.table, day, rows.accepted)
    return TableLoad(table, day, rows.accepted, load.name, load.sha256, len(rows.refused))
