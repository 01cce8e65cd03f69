"""Rows of the toy model in several Parquet files, and as a streamed run opens them."""

from pathlib import Path

import pandas as pd

from models.contract import CreditModel
from models.data_file import DataFile
from tests.support.toy import Toy
from training.reading.parquet_batches import open_parquet
from training.reading.row_validation import Reading
from training.streaming.scan import RowSource

FILES, GROUP_ROWS = 4, 1_500


def write_files(frame: pd.DataFrame, folder: Path) -> Path:
    """Write a frame as files of the same size, each of several row groups."""
    size = -(-len(frame) // FILES)
    for i in range(FILES):
        path = folder / f"part-{i}.parquet"
        frame[i * size : (i + 1) * size].to_parquet(path, row_group_size=GROUP_ROWS)
    return folder


def open_source(
    folder: Path,
    batch_rows: int = 2_000,
    declared: DataFile | None = None,
    model: type[CreditModel] = Toy,
) -> RowSource:
    """Open such files, in batches of so many rows."""
    files = open_parquet(str(folder), batch_rows)
    return RowSource(model=model, files=files, reading=Reading(declared=declared))
