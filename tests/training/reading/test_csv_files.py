import pytest

from models.data_file import CsvDialect
from models.errors import DataError
from training.reading.csv_files import read_csv


def rows(text: str, dialect: CsvDialect = CsvDialect()) -> dict[str, list[str]]:
    frame = read_csv(text.encode(dialect.encoding), dialect).frame
    return {str(name): frame[name].tolist() for name in frame}


def test_the_default_dialect_is_that_of_rfc_4180() -> None:
    text = 'age,home\r\n40,"a ""big"", red\nhouse"\r\n41,own\r\n'
    assert rows(text) == {"age": ["40", "41"], "home": ['a "big", red\nhouse', "own"]}


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("a;b\n1,5;x\n", CsvDialect(delimiter=";", decimal=",")),
        ("a\tb\n1,5\tx\n", CsvDialect(delimiter="\t")),
        ("a,b\n'1,5',x\n", CsvDialect(quote="'")),
        ("a|b\n1,5|x\n", CsvDialect(delimiter="|", encoding="utf-16")),
        ("report of May\n\na;b\n1,5;x\n", CsvDialect(delimiter=";", skip_lines=2)),
        ("1,5;x\n", CsvDialect(delimiter=";", columns=("a", "b"))),
        ("a;b\n7;1,5;x\n", CsvDialect(delimiter=";", extra_cell="first")),
        ("a;b\n1,5;x;\n", CsvDialect(delimiter=";", extra_cell="last")),
        ("a;b;\n1,5;x;\n", CsvDialect(delimiter=";")),
        (";a;b\n7;1,5;x\n", CsvDialect(delimiter=";")),
        ("a;b;;\n1,5;x;;\n", CsvDialect(delimiter=";")),
    ],
)
def test_a_declared_dialect_is_read(text: str, dialect: CsvDialect) -> None:
    assert rows(text, dialect) == {"a": ["1,5"], "b": ["x"]}


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    assert list(read_csv(b"\xef\xbb\xbfa,b\n1,2\n", CsvDialect()).frame.columns) == ["a", "b"]


def test_rows_with_other_numbers_of_cells_are_left_out_by_number() -> None:
    table = read_csv(b"a,b\n1,2\n3\n4,5,6\n7,8\n", CsvDialect())
    assert table.frame["a"].tolist() == ["1", "7"]
    assert table.frame.index.tolist() == [1, 4]
    assert (table.cells, table.misshapen) == (2, {2: 1, 3: 3})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"a,b\n1,2,\n3,4,\n",
            r"as many: they have 3\. Declare --extra-cell first if .*, or --extra-cell last if",
        ),
        (b"a;b,c\n1;2\n3;4\n", r"no row has as many: they have 1\. Declare the delimiter"),
        (b"a,b,a\n1,2,3\n", "these columns twice: a; rename one, or name all with --columns"),
        (b"a,b\n\xff,2\n", "not in the encoding utf-8; declare its own, for example --encoding"),
        (b",,\n1,2,3\n", "the file has no header; declare it with --columns"),
        (b"", "the file has no header"),
        (b"a,b\n", "the file has no rows"),
    ],
)
def test_what_cannot_be_read_names_what_to_declare(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_csv(data, CsvDialect())


def test_a_quote_that_is_never_closed_is_refused_by_its_row() -> None:
    rows = [f"{i},own" for i in range(1, 2_000)]
    rows[999] = '1000,"unclosed'
    data = ("a,b\n" + "\n".join(rows) + "\n").encode()
    with pytest.raises(DataError, match="row 1000: a quote is opened and never closed"):
        read_csv(data, CsvDialect())
    rows[1_500] = '1501,"unclosed'
    with pytest.raises(DataError, match="row 1000, b: the cell goes over 502 lines"):
        read_csv(("a,b\n" + "\n".join(rows) + "\n").encode(), CsvDialect())
