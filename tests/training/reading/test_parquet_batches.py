from pathlib import Path

import pandas as pd
import pytest

from models.errors import DataError
from training.reading.parquet_batches import ParquetFiles, open_parquet


def write(folder: Path, name: str, frame: pd.DataFrame, group_rows: int = 2) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / name, row_group_size=group_rows)


def numbered(first: int, last: int) -> pd.DataFrame:
    return pd.DataFrame({"n": range(first, last + 1), "text": "x"})


@pytest.fixture
def files(tmp_path: Path) -> ParquetFiles:
    write(tmp_path, "a.parquet", numbered(1, 5))
    write(tmp_path, "b.parquet", numbered(6, 9))
    return open_parquet(str(tmp_path), batch_rows=3)


def test_batches_number_their_rows_through_all_files(files: ParquetFiles) -> None:
    frames = list(files.read(files.blocks, ["n"]))
    assert files.rows == 9
    assert [frame.index.tolist() for frame in frames] == [[1, 2, 3], [4], [5], [6, 7, 8], [9]]
    assert all(frame["n"].tolist() == frame.index.tolist() for frame in frames)
    assert len(frames) == files.count_batches(files.blocks)


def test_small_row_groups_are_read_together(files: ParquetFiles) -> None:
    assert [(block.file, block.row_groups, block.rows_before) for block in files.blocks] == [
        *(("a.parquet", (0, 1), 0), ("a.parquet", (2,), 4)),
        ("b.parquet", (0, 1), 5),
    ]


def test_some_blocks_are_read_without_the_others(files: ParquetFiles) -> None:
    [last] = files.read(files.blocks[1:2], ["n"])
    assert last["n"].tolist() == last.index.tolist() == [5]


def test_a_row_is_located_by_file_and_number(files: ParquetFiles) -> None:
    assert [files.locate(n) for n in (1, 5, 6, 9)] == [
        *("a.parquet row 1", "a.parquet row 5", "b.parquet row 1", "b.parquet row 4")
    ]


def test_one_file_and_a_uri_are_read_likewise(tmp_path: Path, files: ParquetFiles) -> None:
    for location in (str(tmp_path / "a.parquet"), (tmp_path / "a.parquet").as_uri()):
        one = open_parquet(location, 10)
        [frame] = one.read(one.blocks, ["n"])
        assert frame["n"].tolist() == [1, 2, 3, 4, 5]
    remote = open_parquet(tmp_path.as_uri(), 3)
    assert remote.blocks == files.blocks
    assert [frame["n"].tolist() for frame in remote.read(remote.blocks, ["n"])] == [
        frame["n"].tolist() for frame in files.read(files.blocks, ["n"])
    ]


def test_folders_and_a_named_index_are_columns_and_another_index_is_none(tmp_path: Path) -> None:
    write(tmp_path, "year=2024/a.parquet", numbered(1, 2).set_index("text"))
    write(tmp_path, "year=2025/a.parquet", numbered(3, 3).set_index("text"))
    files = open_parquet(str(tmp_path), 10)
    assert files.columns == ("n", "text", "year")
    [first, _] = files.read(files.blocks, ["text", "n"])
    assert first[["text", "n"]].to_numpy().tolist() == [["x", 1], ["x", 2]]
    frames = files.read(files.blocks, ["n", "year"])
    assert [frame.to_numpy().tolist() for frame in frames] == [
        [[1, "2024"], [2, "2024"]],
        [[3, "2025"]],
    ]


def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"reads Parquet; name a file .* --engine memory"):
        open_parquet(str(tmp_path), 10)
    (tmp_path / "a.parquet").write_text("n\n1\n")
    with pytest.raises(DataError, match=r"a\.parquet: not readable as Parquet"):
        open_parquet(str(tmp_path), 10)
    write(tmp_path, "a.parquet", numbered(1, 2))
    write(tmp_path, "b.parquet", numbered(3, 4).rename(columns={"text": "txt"}))
    with pytest.raises(DataError, match="not every file has the columns text, txt"):
        open_parquet(str(tmp_path), 10)
    with pytest.raises(DataError, match=r"c\.parquet: not readable as Parquet: .*c\.parquet"):
        open_parquet(str(tmp_path / "c.parquet"), 10)
