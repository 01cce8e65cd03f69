from pathlib import Path

import pandas as pd
import pytest

from models.errors import DataError
from training.tabular_files import find_table, read_table, write_table

NUMBERS = frozenset({"age", "income"})
CSV = "age,income,home\n40,1e3,own\n,?,7\n"


def test_cells_of_a_csv_are_converted_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(CSV)
    frame = read_table(str(tmp_path / "rows.csv"), NUMBERS)
    assert frame.to_dict("list") == {
        "age": [40, None],
        "income": [1_000.0, "?"],
        "home": ["own", "7"],  # not among the numbers, so it stays text
    }
    assert [type(value) for value in frame["age"]] == [int, type(None)]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_is_read_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"age": [40, 50], "income": [1.5, 2.5], "home": ["own", "rent"]})
    path = tmp_path / "folder" / f"rows{suffix}"
    write_table(frame, path)
    for location in (str(path), path.as_uri()):
        assert read_table(location, NUMBERS).to_dict("list") == frame.to_dict("list")


def test_a_table_of_a_folder_is_found_under_either_suffix_but_not_under_both(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError, match=r"either rows.csv or rows.parquet; neither exists"):
        find_table(str(tmp_path), "rows", NUMBERS)
    (tmp_path / "rows.csv").write_text(CSV)
    assert len(find_table(f"{tmp_path}/", "rows", NUMBERS)) == 2
    write_table(pd.DataFrame({"age": [1]}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"either rows.csv or rows.parquet; both exist"):
        find_table(tmp_path.as_uri(), "rows", NUMBERS)


def test_other_files_are_neither_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text(CSV)
    with pytest.raises(DataError, match=r"--data .*rows.txt: the file name must end in .csv or"):
        read_table(str(tmp_path / "rows.txt"), NUMBERS)
    with pytest.raises(DataError, match=r"--output .*out.txt: the file name must end in .csv or"):
        write_table(pd.DataFrame(), tmp_path / "out.txt")
    with pytest.raises(DataError, match=r"--output /dev/null/rows\.csv"):
        write_table(pd.DataFrame(), Path("/dev/null/rows.csv"))
