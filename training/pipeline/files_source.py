"""Rows of files that somebody drops into a folder or a bucket: CSV or Parquet, one a day."""

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet_files

from models.annotations import EPOCH
from models.data_file import CsvDialect
from models.errors import DataError, ObjectMissingError, StoreError
from models.stores.uri import open_store
from training.pipeline.contract_check import check_columns
from training.pipeline.delivery import Address, Batch, Delivery
from training.pipeline.source_file import FileTable
from training.pipeline.source_table import SourceTable, TableColumn
from training.pipeline.source_table import columns_from_table as list_columns
from training.reading.cells import ConvertedColumn, convert_dates, convert_numbers
from training.reading.csv_files import read_csv

PARQUET = ".parquet"
GZIP = ".gz"


class Drop(Protocol):
    """Where files are dropped: a store, or a folder on an SFTP server."""

    def download(self, name: str, /) -> bytes:
        """Return the bytes of a file."""


@contextmanager
def open_drop(address: Address, host_key: str = "") -> Iterator[Drop]:
    """Open the place that an address names; `host_key` is that of an SFTP server.

    Raises
    ------
    DataError
        If the server cannot be reached, or is another one.
    DeclarationError
        If the address is neither that of a store nor that of an SFTP server.
    """
    if not is_sftp(address.url):
        yield open_store(address.url)
        return
    from training.pipeline.sftp_drop import open_sftp  # noqa: PLC0415 -- only for its scheme

    with open_sftp(address, host_key) as drop:
        yield drop


def is_sftp(url: str) -> bool:
    """Return whether an address is that of an SFTP server."""
    return url.startswith("sftp://")


def read_files(
    drop: Drop, place: str, contract: type[SourceTable], table: FileTable, day: date
) -> Delivery:
    """Return the rows of a day's file.

    Raises
    ------
    DataError
        If the file is not there, is cut off, or cannot be read as declared.
    """
    name = table.file.format(day=day.strftime(table.day_format))
    place = f"{place}: {name}"
    data = _download(drop, name, place)
    try:
        data = gzip.decompress(data) if name.endswith(GZIP) else data
        if name.removesuffix(GZIP).endswith(PARQUET):
            rows = parquet_files.read_table(io.BytesIO(data))
            columns = dict(zip(rows.column_names, rows.columns, strict=True))
            delivery, count = Delivery([Batch(columns, rows.num_rows)]), rows.num_rows
        else:
            delivery, count = _read_text(data, contract, table)
    except (EOFError, OSError, pa.ArrowException) as error:
        message = f"{place} is cut off or of another format: {error}"
        raise DataError(message) from error
    except DataError as error:
        message = f"{place}: {error}"
        raise DataError(message) from error
    if table.rows_file:
        _compare_count(drop, table.rows_file.format(day=day.strftime(table.day_format)), count)
    return delivery


def _download(drop: Drop, name: str, place: str) -> bytes:
    try:
        return drop.download(name)
    except ObjectMissingError as error:
        message = f"{place} is not there (yet): ask the sender, and ingest the day again"
        raise DataError(message) from error
    except StoreError as error:
        message = f"{place} cannot be read: {error}"
        raise DataError(message) from error


def _compare_count(drop: Drop, name: str, count: int) -> None:
    text = _download(drop, name, f"the file with the number of rows, {name},").decode().strip()
    if text != str(count):
        message = f"{name} says {text[:20]} rows, and the file has {count}: it is cut off"
        raise DataError(message)


def _read_text(data: bytes, contract: type[SourceTable], table: FileTable) -> tuple[Delivery, int]:
    if not data.endswith(b"\n"):
        message = "the last line has no end: the file is cut off"
        raise DataError(message)
    dialect = CsvDialect(
        delimiter=table.delimiter,
        decimal=table.decimal,
        encoding=table.encoding,
        missing=table.missing,
        date=table.date,
    )
    rows = read_csv(data, dialect, allow_empty=True)
    check_columns(contract, map(str, rows.frame.columns))
    columns = {c.name: _convert(rows.frame[c.name], c, dialect) for c in list_columns(contract)}
    unreadable = {
        number: f"the row has {cells} cells, and the header {rows.cells}"
        for number, cells in rows.misshapen.items()
    }
    batch = Batch(columns, len(rows.frame))
    return Delivery([batch], unreadable), len(rows.frame) + len(unreadable)


def _convert(column: pd.Series, declared: TableColumn, dialect: CsvDialect) -> list[Any]:
    """Convert text in the dialect. Cells that cannot be converted stay text, for the contract."""
    text = [None if cell in dialect.missing else cell for cell in column.tolist()]
    if declared.python is float:
        return _fill(text, convert_numbers(column, dialect, {}), float)
    if declared.python is int:
        return _fill(text, convert_numbers(column, dialect, {}), _int_if_possible)
    if declared.python is date:
        return _fill(text, convert_dates(column, dialect), _date_from_days)
    return text


def _fill(
    text: list[Any], converted: ConvertedColumn, convert: Callable[[float], object]
) -> list[Any]:
    readable = ~(np.isnan(converted.numbers) | converted.unreadable)
    values = list(text)
    for index in np.flatnonzero(readable).tolist():
        values[index] = convert(converted.numbers[index])
    return values


def _int_if_possible(number: float) -> float:
    return int(number) if number.is_integer() else float(number)


def _date_from_days(days: float) -> date:
    return EPOCH + timedelta(days=int(days))
