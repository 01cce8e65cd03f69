"""Where training rows come from: bundled data, a generator, or a CSV or Parquet file anywhere."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from models.catalogue.application import Application
from models.contract import CreditModel, characteristics, name_of
from models.errors import DataError, ObjectMissingError
from models.stores.opening import open_store
from training.synthetic import application as synthetic_application

BUNDLED = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows as they came, and what to call where they came from."""

    name: str
    frame: pd.DataFrame


def read_source(model: type[CreditModel], location: str | None, seed: int) -> Source:
    """Read training rows.

    Without a location: the bundled data set of the model, or its generator.

    Raises
    ------
    DataError
        If there is no such source, or it cannot be read as CSV or Parquet.
    """
    if location is not None:
        return Source(Path(location).name, _frame(model, location, _bytes(location)))
    name = name_of(model)
    bundled = BUNDLED / f"{name}.parquet"
    if bundled.exists():
        return Source(bundled.name, pd.read_parquet(bundled))
    if model is Application:
        rows = synthetic_application.ROWS
        frame = synthetic_application.generate(rows, seed)
        return Source(f"generated, {rows} rows, seed {seed}", frame)
    message = f"{name} has no bundled data and no generator: name a file with --data"
    raise DataError(message)


def _csv_frame(model: type[CreditModel], data: io.BytesIO) -> pd.DataFrame:
    """Read every cell by itself: one that is no number must not make text of its column."""
    frame = pd.read_csv(data, dtype=str, keep_default_na=False).astype(object)
    numbers = {c.name for c in characteristics(model) if not c.levels or c.is_coded} | {model.label}
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


def write_rows(frame: pd.DataFrame, path: Path) -> None:
    """Write rows in a form that `read_source` reads.

    Raises
    ------
    DataError
        If the name ends in neither .csv nor .parquet.
    """
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path, index=False)
        case _:
            message = f"{path}: only .csv and .parquet files are written"
            raise DataError(message)


def _bytes(location: str) -> bytes:
    try:
        if "://" not in location:
            return Path(location).read_bytes()
        folder, _, name = location.rpartition("/")
        return open_store(folder).read(name).data
    except (OSError, ObjectMissingError) as error:
        message = f"--data {location}: {error}"
        raise DataError(message) from error


def _frame(model: type[CreditModel], location: str, data: bytes) -> pd.DataFrame:
    readers: dict[str, Callable[[io.BytesIO], pd.DataFrame]] = {
        ".csv": partial(_csv_frame, model),
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
