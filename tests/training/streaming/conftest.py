"""Rows of the toy model in several Parquet files, of which two break the contract."""

from pathlib import Path

import pandas as pd
import pytest

from tests.support.monitored import toy_rows
from tests.support.parquet_rows import open_source, write_files
from training.streaming.scan import RowSource


@pytest.fixture(scope="session")
def many_rows() -> pd.DataFrame:
    """Rows 6 and 15,001 are refused."""
    frame = toy_rows(20_000)
    frame.loc[5, "income"] = -1.0
    frame.loc[15_000, "debt"] = 1e39
    return frame


@pytest.fixture(scope="session")
def folder(many_rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(many_rows, tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def source(folder: Path) -> RowSource:
    return open_source(folder)
