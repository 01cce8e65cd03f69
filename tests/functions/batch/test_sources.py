import gzip
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.batch import sources
from functions.batch.sources import FilePart, InputFile, Location
from models.data_file import CsvDialect
from models.errors import DataError
from models.stores.uri import open_store


def read_all(file: InputFile, columns: list[str]) -> list[tuple[int, dict[str, object]]]:
    """Every row with its number."""
    rows = []
    for part in file.cut():
        for chunk in file.read(part, columns).chunks:
            rows += list(enumerate(chunk.batch.to_pylist(), start=chunk.first_row))
    file.close()
    return rows


@pytest.mark.parametrize("row_group_size", [3, 7, 1_000])
def test_a_parquet_file_is_cut_at_and_within_its_row_groups(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, row_group_size: int
) -> None:
    monkeypatch.setattr(sources, "CHUNK_ROWS", 5)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(100)), "b": [0] * 100}), path, row_group_size)
    file = InputFile.find(Location.from_text(str(path)), CsvDialect())
    assert file.columns == ("a", "b")
    assert read_all(file, ["a"]) == [(i + 1, {"a": i}) for i in range(100)]


def test_a_part_is_read_alike_after_its_neighbour_after_itself_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(50_000))}), path)
    file = InputFile.find(Location.from_text(str(path)), CsvDialect())
    parts = file.cut()

    def read(part: FilePart) -> list[tuple[int, pa.RecordBatch]]:
        return [(chunk.first_row, chunk.batch) for chunk in file.read(part, ["a"]).chunks]

    in_order = [read(part) for part in parts]
    assert [read(part) for part in reversed(parts)] == in_order[::-1]
    assert read(parts[2]) == read(parts[2]) == in_order[2]
    file.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_csv_is_read_in_its_encoding_packed_or_not(
    tmp_path: Path, encoding: str, suffix: str
) -> None:
    text = 'note\n"name";"Größe"\r\n"a\nb";1\r\n\r\nc;2\r\n'
    data = text.encode(encoding)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith(".gz") else data)
    dialect = CsvDialect(
        delimiter=";", skip_lines=1, encoding="utf-8" if encoding == "utf-8-sig" else encoding
    )
    file = InputFile.find(Location.from_text(str(path)), dialect)
    assert file.columns == ("name", "Größe")
    rows = read_all(file, ["name", "Größe"])
    assert rows == [(1, {"name": "a\nb", "Größe": "1"}), (2, {"name": "c", "Größe": "2"})]


def test_rows_of_another_shape_are_named_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3\n5,6\n")
    file = InputFile.find(Location.from_text(str(path)), CsvDialect())
    [part] = file.cut()
    rows = file.read(part, ["b"])
    assert rows.misshapen == [(2, "1 cells, where the header has 2")]
    assert [(c.first_row, c.batch.to_pylist()) for c in rows.chunks] == [
        (1, [{"b": "2"}]),
        (3, [{"b": "6"}]),
    ]
    file.close()


def test_a_row_that_is_not_in_the_encoding_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\n"x\ny",1\n\nz\xff,2\n3\n"\xfe\n",4\n\xc3\xa9,5\nlast\xff,6')
    file = InputFile.find(Location.from_text(str(path)), CsvDialect())
    [part] = file.cut()
    rows = file.read(part, ["a", "b"])
    rule = "not in the encoding utf-8; declare its own: --encoding"
    shape = "1 cells, where the header has 2"
    assert rows.misshapen == [(2, rule), (3, shape), (4, rule), (6, rule)]
    assert rows.lines is not None
    assert rows.lines.tolist() == [2, 5, 6, 7, 9, 10]
    assert [(c.first_row, c.batch.to_pylist()) for c in rows.chunks] == [
        (1, [{"a": "x\ny", "b": "1"}]),
        (5, [{"a": "é", "b": "5"}]),
    ]
    file.close()


def test_a_file_without_a_header_has_the_declared_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,2,\n3,4,\n")
    dialect = CsvDialect(columns=("a", "b"), extra_cell="last")
    file = InputFile.find(Location.from_text(str(path)), dialect)
    assert read_all(file, ["a", "b"]) == [(1, {"a": "1", "b": "2"}), (2, {"a": "3", "b": "4"})]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.xlsx", b"x", "the name must end in .csv"),
        ("a.parquet", b"no parquet", "not readable"),
        ("a.csv", b"a,b\n", "the file has no rows"),
        ("a.csv", b'a,b\n"1,2\n', "a quote is opened and never closed"),
        ("a.csv", b"a,a\n1,2\n", "these columns twice: a"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with (
        pytest.raises(DataError, match=f"--input file://.*{name}: .*{message}"),
        closing(InputFile.find(Location.from_text(str(tmp_path / name)), CsvDialect())) as file,
    ):
        file.cut()


def test_an_object_of_a_bucket_is_read_in_ranges(
    bucket_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket_server)
    open_store("gs://models/inbox").create("few.csv", b"a,b\n1,2\n3,4\n")
    file = InputFile.find(Location.from_text("gs://models/inbox/few.csv"), CsvDialect())
    assert read_all(file, ["a"]) == [(1, {"a": "1"}), (2, {"a": "3"})]
