import gzip
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from models.errors import DataError
from training.reading.tabular_files import find_table, is_file, read_table, write_table

CSV = "age,income,home\n40,1e3,own\n,?,7\n"
FRAME = pd.DataFrame({"age": [40, 50], "income": [1.5, 2.5], "home": ["own", "rent"]})


def test_cells_of_a_csv_stay_text_and_rows_have_numbers(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(CSV)
    frame = read_table(str(tmp_path / "rows.csv")).frame
    assert frame.to_dict("list") == {
        "age": ["40", ""],
        "income": ["1e3", "?"],
        "home": ["own", "7"],
    }
    assert frame.index.tolist() == [1, 2]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_is_read_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "folder" / f"rows{suffix}"
    write_table(FRAME, path)
    for location in (str(path), path.as_uri()):
        frame = read_table(location).frame.astype({"age": int, "income": float})
        assert frame.to_dict("list") == FRAME.to_dict("list")


@pytest.mark.parametrize("name", ["rows.csv", "rows.txt", "rows.TSV", "rows.dat", "rows.csv.gz"])
def test_text_files_of_any_name_are_csv_packed_or_not(tmp_path: Path, name: str) -> None:
    data = CSV.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert is_file(name)
    assert len(read_table(str(tmp_path / name)).frame) == 2


def test_the_parquet_files_of_a_folder_are_one_table(tmp_path: Path) -> None:
    for year, ages in ((2023, [20, 30]), (2024, [40])):
        frame = pd.DataFrame({"age": ages, "amount": [Decimal("1.10")] * len(ages)})
        write_table(frame, tmp_path / f"year={year}" / "part-0.parquet")
    for location in (str(tmp_path), tmp_path.as_uri()):
        frame = read_table(location).frame
        assert frame["age"].tolist() == [20, 30, 40]
        assert frame["year"].tolist() == ["2023", "2023", "2024"]
        assert frame.index.tolist() == [1, 2, 3]


def test_files_of_a_folder_must_have_the_same_columns(tmp_path: Path) -> None:
    write_table(FRAME, tmp_path / "a.parquet")
    write_table(FRAME.drop(columns="home"), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="not every file has the columns home"):
        read_table(str(tmp_path))


def test_a_table_of_a_folder_is_found_under_either_suffix_but_not_under_both(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError, match=r"either rows.csv or rows.parquet; neither exists"):
        find_table(str(tmp_path), "rows")
    (tmp_path / "rows.csv").write_text(CSV)
    frame = find_table(f"{tmp_path}/", "rows")
    assert frame["age"].tolist() == ["40", None]
    write_table(pd.DataFrame({"age": [1]}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"either rows.csv or rows.parquet; both exist"):
        find_table(tmp_path.as_uri(), "rows")


def test_other_files_are_neither_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "rows.xlsx").write_text(CSV)
    for location in (tmp_path / "rows.xlsx", tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match=r"--data .*name a file that ends in .csv, .*folder"):
            read_table(str(location))
    with pytest.raises(DataError, match=r"out.txt: the file name must end in .csv or .parquet"):
        write_table(pd.DataFrame(), tmp_path / "out.txt")
    with pytest.raises(DataError, match=r"/dev/null/rows\.csv"):
        write_table(pd.DataFrame(), Path("/dev/null/rows.csv"))


def test_a_named_index_is_a_column_and_another_is_none(tmp_path: Path) -> None:
    FRAME.assign(ref=["a", "b"]).set_index("ref").to_parquet(tmp_path / "ref.parquet")
    FRAME.set_axis([7, 9]).to_parquet(tmp_path / "nameless.parquet")
    frame = read_table(str(tmp_path / "ref.parquet")).frame
    assert list(frame.columns) == ["age", "income", "home", "ref"]
    assert frame["ref"].tolist() == ["a", "b"]
    nameless = read_table(str(tmp_path / "nameless.parquet")).frame
    assert list(nameless.columns) == ["age", "income", "home"]
