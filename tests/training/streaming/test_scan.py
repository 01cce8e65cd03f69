from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.data_file import DataFile
from models.errors import DataError
from tests.support.dated_loan import DatedLoan, dated_rows
from tests.support.parquet_rows import open_source, write_files
from tests.support.toy import Toy
from training.reading.parquet_batches import open_parquet
from training.reading.row_validation import CheckedRows, Reading, validate_rows
from training.streaming import scan
from training.streaming.scan import RowSource, ScannedRows, scan_rows


def require_equal(scanned: ScannedRows, rows: CheckedRows) -> None:
    """A scan must know of every row what the ordinary run knows."""
    np.testing.assert_array_equal(scanned.row_numbers, rows.row_numbers)
    np.testing.assert_array_equal(scanned.labels, rows.labels)
    np.testing.assert_array_equal(scanned.hashes, rows.hashes)
    assert scanned.sha256 == rows.fingerprint()
    assert (scanned.refused, scanned.excluded) == (rows.refused, rows.excluded)
    assert {fault.rule: fault.rows for fault in scanned.faults} == rows.refusals
    assert (scanned.ignored, scanned.absent) == (rows.ignored, rows.absent)


def number(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis(range(1, len(frame) + 1))


@pytest.mark.parametrize("batch_rows", [700, 65_536])
def test_a_scan_in_any_batches_says_what_a_check_of_all_rows_says(
    folder: Path, many_rows: pd.DataFrame, batch_rows: int
) -> None:
    # Two of the rows are equal, in different files: the second has a hash of its own.
    twice = pd.concat([many_rows, many_rows[:3]], ignore_index=True).assign(spare=1)
    write_files(twice, folder)
    scanned = scan_rows(open_source(folder, batch_rows), 0.01)
    require_equal(scanned, validate_rows(Toy, number(twice)))
    assert scanned.ignored == ("spare",)
    assert len(set(scanned.hashes.tolist())) == 20_001
    write_files(many_rows, folder)


def test_refused_rows_are_counted_and_named_by_file(source: RowSource) -> None:
    scanned = scan_rows(source, 0.01, lists_refused=True)
    assert [(fault.rule, fault.rows, fault.first_rows) for fault in scanned.faults] == [
        ("income: Input should be greater than 0", 1, ("part-0.parquet row 6",)),
        ("debt: Input should be less than or equal to 1000000", 1, ("part-3.parquet row 1",)),
    ]
    assert scanned.refused_frame is not None
    assert scanned.refused_frame[["row", "fault", "income"]].to_numpy().tolist()[0] == [
        *("part-0.parquet row 6", "income: Input should be greater than 0", -1.0)
    ]


def test_no_more_refused_rows_are_listed_than_memory_has_room_for(
    source: RowSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "MOST_LISTED", 1)
    scanned = scan_rows(source, 0.01, lists_refused=True)
    assert scanned.refused == 2
    assert scanned.refused_frame is not None
    assert len(scanned.refused_frame) == 1


def test_a_scan_ends_as_soon_as_too_many_rows_are_refused(
    many_rows: pd.DataFrame, tmp_path: Path
) -> None:
    broken = many_rows.assign(income=many_rows["income"].where(many_rows.index > 3_000, -1.0))
    source = open_source(write_files(broken, tmp_path))
    message = r"refuses 2000 of the first 2000 rows, .* allows 1.0%: income: Input should be great"
    with pytest.raises(DataError, match=message):
        scan_rows(source, 0.01)


def test_a_missing_column_ends_a_scan_before_it_begins(
    many_rows: pd.DataFrame, tmp_path: Path
) -> None:
    source = open_source(write_files(many_rows.drop(columns="debt"), tmp_path))
    with pytest.raises(DataError, match="the data has no column debt"):
        scan_rows(source, 0.01)


@pytest.mark.parametrize("batch_rows", [90, 10_000])
def test_identifiers_are_compared_across_batches(tmp_path: Path, batch_rows: int) -> None:
    frame = dated_rows(800)
    frame["loan"] = frame["loan"].mask(frame.index == 700, "L3").mask(frame.index == 701)
    source = open_source(write_files(frame, tmp_path), batch_rows, DatedLoan.data_file, DatedLoan)
    scanned = scan_rows(source, 0.01)
    rows = validate_rows(DatedLoan, number(frame))
    require_equal(scanned, rows)
    assert scanned.refused == 2
    assert scanned.special.dates is not None
    np.testing.assert_array_equal(scanned.special.dates, rows.special.dates)
    [first] = [f.first_rows for f in scanned.faults if f.rule == "loan: Row should be there once"]
    assert first == ("part-3.parquet row 101",)


def test_rows_of_one_group_have_one_hash_in_all_files(
    many_rows: pd.DataFrame, tmp_path: Path
) -> None:
    frame = many_rows.assign(who=many_rows.index % 5_000)
    declared = DataFile(group_column="who")
    scanned = scan_rows(open_source(write_files(frame, tmp_path), declared=declared), 0.01)
    require_equal(scanned, validate_rows(Toy, number(frame), Reading(declared=declared)))
    assert len(set(scanned.hashes.tolist())) == 5_000


def test_keys_of_different_types_in_two_files_are_refused(tmp_path: Path) -> None:
    rows = dated_rows(20).assign(customer=range(20))
    rows[:10].to_parquet(tmp_path / "a.parquet")
    rows[10:].astype({"customer": str}).to_parquet(tmp_path / "b.parquet")
    source = RowSource(
        model=DatedLoan,
        files=open_parquet(str(tmp_path), 8),
        reading=Reading(declared=replace(DatedLoan.data_file, group_column="customer")),
    )
    with pytest.raises(DataError, match="customer: some keys are texts and others are numbers"):
        scan_rows(source, 0.01)
