import csv
import io
import random

import pytest

from functions.batch.csv_ranges import cut_ranges, list_lines
from models.errors import DataError


def write_rows(seed: int, count: int, newline: str) -> bytes:
    """Rows with quotes and line breaks inside cells, and empty lines between some."""
    draw, text = random.Random(seed), io.StringIO(newline="")  # noqa: S311 -- a test
    writer = csv.writer(text, lineterminator=newline)
    for i in range(count):
        writer.writerow([i, draw.choice(["a", 'b "quoted"', "c\nd", "e,f", ""]), i * i])
        if draw.random() < 0.2:
            text.write(newline)
    return text.getvalue().encode()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [1, 40, 1_000, 10_000])
def test_ranges_hold_complete_records_and_know_how_many_come_before(
    monkeypatch: pytest.MonkeyPatch, newline: str, size: int
) -> None:
    monkeypatch.setattr("functions.batch.csv_ranges.SCAN_BYTES", 64)
    body = write_rows(3, 200, newline)
    data = b"i,text,square\n" + body
    ranges = list(cut_ranges(io.BytesIO(data), 14, 1, '"', size))
    assert b"".join(data[r.start : r.stop] for r in ranges) == body
    numbers: list[int] = []
    expected_lines: list[int] = []
    for r in ranges:
        text = data[r.start : r.stop]
        rows = [row for row in csv.reader(io.StringIO(text.decode(), newline="")) if row]
        assert len(rows) == r.rows
        assert r.rows_before == len(numbers)
        assert r.lines_before == data[: r.start].count(b"\n")
        numbers += [int(row[0]) for row in rows]
        lines = list_lines(text, '"') + r.lines_before
        expected_lines += lines.tolist()
    assert numbers == list(range(200))
    for number, line in enumerate(expected_lines):
        assert data.split(b"\n")[line].startswith(f"{number},".encode())


def test_the_last_record_needs_no_line_end() -> None:
    [one] = cut_ranges(io.BytesIO(b"1,2\n3,4"), 0, 0, '"', 100)
    assert (one.rows, one.stop) == (2, 7)


def test_a_quote_that_is_never_closed_is_refused_with_its_row() -> None:
    with pytest.raises(DataError, match="row 2: a quote is opened and never closed"):
        list(cut_ranges(io.BytesIO(b'1,2\n"3,4\n5,6\n'), 0, 0, '"', 100))
