"""Rows to train from: feature rows of the warehouse whose outcome is known."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as parquet_files

from models.errors import DataError
from training.days import parse_day
from training.pipeline.feature_table import (
    draw_observations,
    leave_out_optional,
    read_outcomes,
)
from training.pipeline.warehouse import Warehouse
from training.pipeline.warehouse_url import open_warehouse
from training.settings import PipelineSettings

PREFIX = "warehouse:"
HORIZON = timedelta(days=365)


def write_observations(warehouse: Warehouse, day: date, file: Path) -> int:
    """Write one row of each customer whose outcome is known at the end of a day; return how many.

    Raises
    ------
    DataError
        If no outcome is known yet.
    """
    observations = leave_out_optional(draw_observations(read_outcomes(warehouse, day)))
    if not observations.num_rows:
        message = (
            f"no feature row before {day - HORIZON} has an outcome; compute earlier ones with "
            f"features --since"
        )
        raise DataError(message)
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet_files.write_table(observations, file)
    return int(observations.num_rows)


@contextmanager
def open_observations(data: str | None, settings: PipelineSettings) -> Iterator[str | None]:
    """Yield the location of training data. `warehouse:DAY` is read into a file meanwhile.

    Raises
    ------
    DataError
        If the day is none, or no outcome is known on it.
    """
    if data is None or not data.startswith(PREFIX):
        yield data
        return
    try:
        day = parse_day(data.removeprefix(PREFIX))
    except argparse.ArgumentTypeError as error:
        message = f"--data {data}: {error}"
        raise DataError(message) from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"observations-{day}.parquet"
        with open_warehouse(settings.warehouse_url, settings.warehouse_secret) as warehouse:
            write_observations(warehouse, day, file)
        yield str(file)
