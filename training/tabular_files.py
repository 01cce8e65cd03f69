"""Tables in CSV or Parquet files: read from a path or a store, written to a path."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from models.errors import DataError, ObjectMissingError
from models.stores.uri import open_store

SUFFIXES = (".csv", ".parquet")


def read_table(location: str, numbers: frozenset[str]) -> pd.DataFrame:
    """Read one file; in a CSV, the columns `numbers` are numbers where a cell is one.

    Raises
    ------
    DataError
        If there is no such file, or it cannot be read as CSV or Parquet.
    """
    try:
        return _frame(location, _bytes(location), numbers)
    except (OSError, ObjectMissingError) as error:
        message = f"--data {location}: {error}"
        raise DataError(message) from error


def find_table(folder: str, name: str, numbers: frozenset[str]) -> pd.DataFrame:
    """Read the one file of a folder, or of a store's prefix, that is called so.

    Raises
    ------
    DataError
        If there is none or there are two, or it cannot be read as CSV or Parquet.
    """
    found = []
    for suffix in SUFFIXES:
        location = f"{folder.rstrip('/')}/{name}{suffix}"
        try:
            found.append((location, _bytes(location)))
        except (FileNotFoundError, NotADirectoryError, ObjectMissingError):
            continue
        except OSError as error:
            message = f"--data {location}: {error}"
            raise DataError(message) from error
    if len(found) != 1:
        there = "there are both" if found else "there is neither"
        message = f"--data {folder}: it needs {name}.csv or {name}.parquet; {there}"
        raise DataError(message)
    return _frame(*found[0], numbers)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table in a form that `read_table` reads, into a folder that is made if need be.

    Raises
    ------
    DataError
        If the name ends in neither .csv nor .parquet, or the file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        message = f"{path}: only .csv and .parquet files are written"
        raise DataError(message)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path, index=False)
    except OSError as error:
        message = f"--output {path}: {error}"
        raise DataError(message) from error


def _bytes(location: str) -> bytes:
    if "://" not in location:
        return Path(location).read_bytes()
    folder, _, name = location.rpartition("/")
    return open_store(folder).read(name).data


def _frame(location: str, data: bytes, numbers: frozenset[str]) -> pd.DataFrame:
    readers: dict[str, Callable[[io.BytesIO], pd.DataFrame]] = {
        ".csv": partial(_csv_frame, numbers),
        ".parquet": pd.read_parquet,
    }
    reader = readers.get(Path(location).suffix.lower())
    if reader is None:
        message = f"--data {location}: only .csv and .parquet files are read"
        raise DataError(message)
    try:
        return reader(io.BytesIO(data))
    except Exception as error:  # the parsers behind pandas raise errors of many libraries
        message = f"--data {location}: not readable as {Path(location).suffix}: {error}"
        raise DataError(message) from error


def _csv_frame(numbers: frozenset[str], data: io.BytesIO) -> pd.DataFrame:
    """Read every cell by itself: one that is no number must not make text of its column."""
    frame = pd.read_csv(data, dtype=str, keep_default_na=False).astype(object)
    for name in numbers & set(frame.columns):
        frame[name] = pd.Series([_number(cell) for cell in frame[name]], dtype=object)
    return frame.replace({"": None})


def _number(cell: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
