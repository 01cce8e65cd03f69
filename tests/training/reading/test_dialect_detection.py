import numpy as np
import pytest

from models.data_file import CsvDialect
from models.errors import DataError
from training.reading.csv_files import read_csv
from training.reading.dialect_detection import detect_dialect, detect_encoding

ROWS = [(i, round(1_000 + 3.5 * i, 2), "own" if i % 2 else "rent", i % 3) for i in range(300)]
HEADER = ("id", "amount", "home", "children")


def written(delimiter: str = ",", header: str | None = None, end: str = "") -> str:
    lines = [delimiter.join(HEADER) if header is None else header]
    lines += [delimiter.join(map(str, row)) + end for row in ROWS]
    return "\n".join(line for line in lines if line) + "\n"


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (written(), CsvDialect()),
        (written(";"), CsvDialect(delimiter=";")),
        (written("\t"), CsvDialect(delimiter="\t")),
        (written("|"), CsvDialect(delimiter="|")),
        ("Report of May\nby a clerk\n\n" + written(), CsvDialect(skip_lines=3)),
        (written(header=""), CsvDialect(columns=("column_1", "column_2", "column_3", "column_4"))),
        (written(end=","), CsvDialect(extra_cell="last")),
        (written(header="amount,home,children"), CsvDialect(extra_cell="first")),
        (written().replace("own", "'own, alone'"), CsvDialect(quote="'")),
        (written(), CsvDialect(encoding="utf-16")),
    ],
)
def test_a_dialect_is_detected_and_reads_every_row(text: str, dialect: CsvDialect) -> None:
    data = text.encode(dialect.encoding)
    detected = detect_dialect(data)
    assert detected == dialect
    rows = read_csv(data, detected)
    assert (len(rows.frame), rows.misshapen) == (300, {})


def test_a_few_rows_of_another_width_do_not_hide_the_delimiter() -> None:
    short = written().replace("\n150,", "\n150\n9,", 1)
    assert detect_dialect(short.encode()) == CsvDialect()


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("für".encode(), "utf-8"),
        ("für".encode("utf-8-sig"), "utf-8"),
        ("für".encode("utf-16"), "utf-16"),
        (b"plain", "utf-8"),
    ],
)
def test_a_byte_order_mark_or_valid_utf_8_names_the_encoding(data: bytes, encoding: str) -> None:
    assert detect_encoding(data) == encoding


def test_what_is_no_utf_8_is_taken_for_what_windows_writes() -> None:
    text = "Beschäftigung,Höhe\n" + "selbständig,größer als üblich\n" * 50
    assert detect_encoding(text.encode("cp1252")) == "cp1252"


def test_what_is_no_table_is_refused() -> None:
    noise = np.random.default_rng(1).integers(0, 256, 5_000, dtype=np.uint8).tobytes()
    for data in (noise, b"", b"\n\n\n"):
        with pytest.raises(DataError, match="does not look like a CSV; declare --delimiter"):
            detect_dialect(data)
