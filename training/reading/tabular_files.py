"""Tables from files: CSV and Parquet, one file or the Parquet files of a folder or prefix."""

import gzip
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet_files

from models.data_file import CsvDialect
from models.errors import DataError, ObjectMissingError
from models.stores.store import OpenedStore
from models.stores.uri import open_store
from training.reading.columns import refuse_repeated
from training.reading.csv_files import TableRows, read_csv
from training.reading.parquet_batches import (
    columns_from_folders,
    frame_from_table,
    require_same_columns,
)

SUFFIXES = (".csv", ".parquet")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")


def read_table(location: str, dialect: CsvDialect = CsvDialect()) -> TableRows:
    """Read one .csv or .parquet file, or every Parquet file below a folder or prefix.

    Raises
    ------
    DataError
        If nothing is there, or it cannot be read in the declared dialect or as Parquet.
    """
    if is_file(location):
        return _read_bytes(location, read_bytes(location), dialect)
    return _read_folder(location)


def is_text_file(location: str) -> bool:
    """Return whether a location has the suffix of a file that is read as CSV."""
    return _suffix(location) in TEXT_SUFFIXES


def is_file(location: str) -> bool:
    """Return whether a location has the suffix of a file that can be read."""
    return _suffix(location) in (*TEXT_SUFFIXES, ".parquet")


def find_table(folder: str, name: str) -> pd.DataFrame:
    """Read the file `name` with either suffix from a folder or from a prefix of a store.

    Empty cells of a CSV are absent values.

    Raises
    ------
    DataError
        If neither or both files exist, or the file cannot be read as CSV or Parquet.
    """
    files = []
    for suffix in SUFFIXES:
        location = f"{folder.rstrip('/')}/{name}{suffix}"
        try:
            files.append((location, _download(location)))
        except (FileNotFoundError, NotADirectoryError, ObjectMissingError):
            continue
        except OSError as error:
            message = f"--data {location}: {error}"
            raise DataError(message) from error
    if len(files) != 1:
        state = "both exist" if files else "neither exists"
        message = f"--data {folder}: it must have either {name}.csv or {name}.parquet; {state}"
        raise DataError(message)
    return _read_bytes(*files[0], CsvDialect()).frame.replace({"": None})


def write_table(frame: pd.DataFrame, path: Path, *, is_appended: bool = False) -> None:
    """Write a table in a form that `read_table` reads. Its folder is created if necessary.

    Rows may be appended to a CSV file.

    Raises
    ------
    DataError
        If the suffix is neither .csv nor .parquet, or the file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        message = f"{path}: the file name must end in .csv or .parquet"
        raise DataError(message)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            frame.to_csv(
                path, index=False, mode="a" if is_appended else "w", header=not is_appended
            )
        else:
            frame.to_parquet(path, index=False)
    except OSError as error:
        message = f"{path}: {error}"
        raise DataError(message) from error


def _suffix(location: str) -> str:
    return Path(location.lower().removesuffix(".gz")).suffix


def read_bytes(location: str) -> bytes:
    """Read a file or an object, unpacked if its name ends in .gz.

    Raises
    ------
    DataError
        If it does not exist or cannot be unpacked.
    """
    try:
        return _download(location)
    except (OSError, EOFError, ObjectMissingError) as error:
        message = f"--data {location}: {error}"
        raise DataError(message) from error


def _download(location: str) -> bytes:
    if "://" in location:
        folder, _, name = location.rpartition("/")
        data = open_store(folder).download(name)
    else:
        data = Path(location).read_bytes()
    return gzip.decompress(data) if location.lower().endswith(".gz") else data


def _read_folder(location: str) -> TableRows:
    """Read the Parquet files below a folder, in the order of their names."""
    path = Path(location)
    store = open_store(location if "://" in location else path.resolve().as_uri())
    names = [n for n in store.names("") if n.lower().endswith(".parquet")]
    if path.is_file() or not names:
        message = (
            f"--data {location}: name a file that ends in {', '.join(TEXT_SUFFIXES)} or .parquet, "
            "or a folder with .parquet files"
        )
        raise DataError(message)
    frames = [_read_part(f"{location.rstrip('/')}/{name}", store, name) for name in names]
    require_same_columns(location, [frame.columns for frame in frames])
    return TableRows(_number_rows(pd.concat(frames, ignore_index=True)))


def _read_part(location: str, store: OpenedStore, name: str) -> pd.DataFrame:
    """Read one file of a folder. Folders such as `year=2024` are columns of their files."""
    frame = _read_bytes(location, store.download(name), CsvDialect()).frame
    folders = columns_from_folders(name)
    return frame.assign(**{column: folders[column] for column in folders if column not in frame})


def _read_bytes(location: str, data: bytes, dialect: CsvDialect) -> TableRows:
    try:
        if is_text_file(location):
            return read_csv(data, dialect)
        return TableRows(_number_rows(_read_parquet(data)))
    except DataError as error:
        message = f"--data {location}: {error}"
        raise DataError(message) from error
    except (pa.ArrowException, ValueError, TypeError, OSError) as error:
        message = f"--data {location}: not readable as {_suffix(location)}: {error}"
        raise DataError(message) from error


def _read_parquet(data: bytes) -> pd.DataFrame:
    table = parquet_files.read_table(io.BytesIO(data))
    refuse_repeated(table.column_names)
    return frame_from_table(table)


def _number_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with rows numbered from 1, whatever index it was written with."""
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame
