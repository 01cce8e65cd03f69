from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.features import columns_from_fields, matrix_from_columns
from tests.support.parquet_rows import open_source
from tests.support.toy import Toy
from training.reading.row_validation import check_rows
from training.streaming.scan import RowSource, ScannedRows, scan_rows
from training.streaming.selected_rows import SelectedRows, read_sample, select_rows


@pytest.fixture(scope="module")
def scanned(source: RowSource) -> ScannedRows:
    return scan_rows(source, 0.01)


@pytest.fixture(scope="module")
def every_third(source: RowSource, scanned: ScannedRows) -> SelectedRows:
    return select_rows(source, scanned, np.arange(len(scanned.labels)) % 3 == 0)


@pytest.mark.parametrize("batch_rows", [333, 65_536])
def test_selected_rows_are_those_of_a_check_in_memory(
    folder: Path, many_rows: pd.DataFrame, batch_rows: int
) -> None:
    source = open_source(folder, batch_rows)
    scanned = scan_rows(source, 0.01)
    is_selected = scanned.hashes % np.uint64(2) == 0
    batches = list(select_rows(source, scanned, is_selected).read_matrices())
    rows = check_rows(Toy, many_rows.set_axis(range(1, 20_001)), 0.01)
    matrix = matrix_from_columns(Toy, columns_from_fields(Toy, rows.columns))[is_selected]
    np.testing.assert_array_equal(np.concatenate([m for m, _ in batches]), matrix)
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(labels, rows.labels[is_selected])


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_shares_have_every_row_once_in_order(every_third: SelectedRows, count: int) -> None:
    shares = [every_third.share(i, count) for i in range(count)]
    read = [list(share.read_matrices()) for share in shares]
    batches = [matrix for share in read for matrix, _ in share]
    labels = np.concatenate([label for share in read for _, label in share])
    entire = np.concatenate([matrix for matrix, _ in every_third.read_matrices()])
    np.testing.assert_array_equal(np.concatenate(batches), entire)
    np.testing.assert_array_equal(labels, every_third.labels)


def test_shares_have_about_as_many_rows(every_third: SelectedRows) -> None:
    sizes = [len(every_third.share(i, 4).labels) for i in range(4)]
    assert sum(sizes) == 6_666
    assert max(sizes) < 2 * min(sizes)


def test_the_sample_is_a_table_with_the_counts_of_all_rows(
    source: RowSource, scanned: ScannedRows, many_rows: pd.DataFrame
) -> None:
    is_drawn = np.arange(len(scanned.labels)) % 5 == 1
    sample = read_sample(source, scanned, is_drawn)
    rows = check_rows(Toy, many_rows.set_axis(range(1, 20_001)), 0.01)
    assert (len(sample.labels), sample.refused) == (4_000, 2)
    np.testing.assert_array_equal(sample.labels, rows.labels[is_drawn])
    np.testing.assert_array_equal(sample.hashes, rows.hashes[is_drawn])
    np.testing.assert_array_equal(sample.row_numbers, rows.row_numbers[is_drawn])
    for name, column in sample.columns.items():
        np.testing.assert_array_equal(column, rows.columns[name][is_drawn])
