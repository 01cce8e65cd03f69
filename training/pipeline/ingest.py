"""Days of one source: delivered, checked, stored in the lake and loaded into the warehouse.

All tables of a day are read and checked before any of them is written. The loads of a day, and of
up to a month of days, are one transaction. Whatever is stopped on the way is run again and gives
the same tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from models.errors import DataError
from training.pipeline.contract_check import (
    ContractRows,
    RefusedRow,
    check_rows,
    separate_repeated,
)
from training.pipeline.database_source import open_database, read_database
from training.pipeline.delivery import Address, Delivery
from training.pipeline.files_source import open_drop, read_files
from training.pipeline.lake import Lake
from training.pipeline.rest_source import open_rest
from training.pipeline.source_file import (
    DatabaseSource,
    FilesSource,
    RestSource,
    Source,
)
from training.pipeline.source_table import SourceTable
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import TableLoad, Warehouse

MOST_EXAMPLES = 3
DAYS_A_TRANSACTION, ROWS_A_TRANSACTION = 31, 1_000_000

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


DayResult = dict[str, TableResult]  # by table


def ingest(
    ingestion: Ingestion, days: Sequence[date], lake: Lake, warehouse: Warehouse
) -> Iterator[DayResult]:
    """Load days of a source, one after the other, and yield what became of the tables of each.

    Raises
    ------
    DataError
        If the source does not deliver, or not what the contract says, or the contract refuses too
        many rows of a day. Its refused rows are in the quarantine then, and nothing else of that
        day is written. The days before it are loaded.
    """
    with open_source(ingestion.source, ingestion.address) as deliver:
        pending: list[TableLoad] = []
        try:
            for day in days:
                if _is_full(pending):
                    yield from _load(pending, warehouse)
                    pending = []
                pending += _prepare_day(ingestion, deliver, day, lake)
        except DataError:
            yield from _load(pending, warehouse)
            raise
        yield from _load(pending, warehouse)


@contextmanager
def open_source(source: Source, address: Address) -> Iterator[Deliver]:
    """Open a source, and yield the function that delivers a table for a day."""
    place = address.source
    match source:
        case DatabaseSource(tables=queries):
            with open_database(address) as engine:
                yield lambda name, day: read_database(engine, f"{place}.{name}", queries[name], day)
        case FilesSource(tables=files, host_key=host_key):
            with open_drop(address, host_key) as drop:
                yield lambda name, day: read_files(
                    drop, f"{place}.{name}", TABLES[name], files[name], day
                )
        case RestSource(tables=resources):
            with open_rest(address, source) as reader:
                yield lambda name, day: reader.read(name, resources[name], day)


def _is_full(pending: Sequence[TableLoad]) -> bool:
    days = {load.day for load in pending}
    rows = sum(load.rows.num_rows for load in pending)
    return len(days) >= DAYS_A_TRANSACTION or rows >= ROWS_A_TRANSACTION


def _prepare_day(ingestion: Ingestion, deliver: Deliver, day: date, lake: Lake) -> list[TableLoad]:
    """Read and check every table of a day, and store them in the lake."""
    names = list(ingestion.source.tables)
    checked = {name: _check(TABLES[name], deliver(name, day), day) for name in names}
    for name, rows in checked.items():
        if rows.refused:
            lake.quarantine(name, day, rows.refused)
    _refuse_too_many(checked, ingestion, day)
    return [_store(TABLES[name], rows, day, lake) for name, rows in checked.items()]


def _load(loads: Sequence[TableLoad], warehouse: Warehouse) -> Iterator[DayResult]:
    """Load what the warehouse does not have, and yield the results of each day."""
    if not loads:
        return
    days = sorted({load.day for load in loads})
    present = warehouse.find_loads(days)
    changed = [load for load in loads if present.get((load.table.table, load.day)) != load.sha256]
    warehouse.replace_days(changed)
    for day in days:
        yield {
            load.table.table: TableResult(
                rows=load.rows.num_rows,
                refused=load.refused,
                load=load.load,
                sha256=load.sha256,
                outcome="loaded" if load in changed else "unchanged",
            )
            for load in loads
            if load.day == day
        }


def _check(table: type[SourceTable], delivery: Delivery, day: date) -> ContractRows:
    rows = check_rows(table, delivery.batches, day)
    unreadable = tuple(RefusedRow(n, {}, why) for n, why in delivery.unreadable.items())
    accepted, repeated = separate_repeated(table, rows.accepted)
    return ContractRows(accepted, (*unreadable, *rows.refused, *repeated))


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
