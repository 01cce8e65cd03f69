import io

import pytest

from models.data_file import CsvDialect
from models.errors import DataError
from models.reading.csv_text import decode, read_header, read_rows


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    stream = io.StringIO(decode(b"\xef\xbb\xbfage,income\n1,2\n", CsvDialect()), newline="")
    assert read_header(stream, CsvDialect()) == ["age", "income"]
    assert stream.read() == "1,2\n"


def test_cells_stay_text_and_rows_of_another_shape_are_told_apart() -> None:
    misshapen: dict[int, int] = {}
    table = read_rows('1,"a\nb"\n2\n3,c\n', ["n", "t"], CsvDialect(), misshapen)
    assert table.to_pydict() == {"n": ["1", "3"], "t": ["a\nb", "c"]}
    assert misshapen == {2: 1}


def test_another_encoding_than_the_declared_one_is_refused() -> None:
    with pytest.raises(DataError, match="not in the encoding utf-8; declare its own"):
        decode("Größe".encode("cp1252"), CsvDialect())
