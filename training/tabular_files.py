"""CSV and Parquet files: read from a path or a store, written to a path."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from models.errors import DataError, ObjectMissingError
from models.stores.uri import open_store

SUFFIXES = (".csv", ".parquet")


def read_table(location: str, numbers: frozenset[str]) -> pd.DataFrame:
    """Read one file. In a CSV, cells of the columns `numbers` are converted to numbers if possible.

    Raises
    ------
    DataError
        If the file does not exist, or cannot be read as CSV or Parquet.
    """
    try:
        return _frame_from_bytes(location, _read_bytes(location), numbers)
    except (OSError, ObjectMissingError) as error:
        message = f"--data {location}: {error}"
        raise DataError(message) from error


def find_table(folder: str, name: str, numbers: frozenset[str]) -> pd.DataFrame:
    """Read the file `name` with either suffix from a folder or from a prefix of a store.

    Raises
    ------
    DataError
        If neither or both files exist, or the file cannot be read as CSV or Parquet.
    """
    files = []
    for suffix in SUFFIXES:
        location = f"{folder.rstrip('/')}/{name}{suffix}"
        try:
            files.append((location, _read_bytes(location)))
        except (FileNotFoundError, NotADirectoryError, ObjectMissingError):
            continue
        except OSError as error:
            message = f"--data {location}: {error}"
            raise DataError(message) from error
    if len(files) != 1:
        state = "both exist" if files else "neither exists"
        message = f"--data {folder}: it must have either {name}.csv or {name}.parquet; {state}"
        raise DataError(message)
    return _frame_from_bytes(*files[0], numbers)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table in a form that `read_table` reads. Its folder is created if necessary.

    Raises
    ------
    DataError
        If the suffix is neither .csv nor .parquet, or the file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        message = f"--output {path}: the file name must end in .csv or .parquet"
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


def _read_bytes(location: str) -> bytes:
    if "://" not in location:
        return Path(location).read_bytes()
    folder, _, name = location.rpartition("/")
    return open_store(folder).download(name)


def _frame_from_bytes(location: str, data: bytes, numbers: frozenset[str]) -> pd.DataFrame:
    readers: dict[str, Callable[[io.BytesIO], pd.DataFrame]] = {
        ".csv": partial(_frame_from_csv, numbers),
        ".parquet": pd.read_parquet,
    }
    reader = readers.get(Path(location).suffix.lower())
    if reader is None:
        message = f"--data {location}: the file name must end in .csv or .parquet"
        raise DataError(message)
    try:
        return reader(io.BytesIO(data))
    except Exception as error:  # the parsers behind pandas raise errors of many types
        message = f"--data {location}: not readable as {Path(location).suffix}: {error}"
        raise DataError(message) from error


def _frame_from_csv(numbers: frozenset[str], data: io.BytesIO) -> pd.DataFrame:
    """Convert every cell separately, so that one bad cell does not turn its column into text."""
    frame = pd.read_csv(data, dtype=str, keep_default_na=False).astype(object)
    for name in numbers & set(frame.columns):
        frame[name] = pd.Series([_convert_cell(cell) for cell in frame[name]], dtype=object)
    return frame.replace({"": None})


def _convert_cell(cell: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
