import math

import pytest

from models.data_file import CsvDialect
from models.reading.cells import (
    Levels,
    describe_cell,
    is_absent,
    parse_date,
    parse_level,
    parse_number,
    parse_scaled,
)

GERMAN = CsvDialect(delimiter=";", decimal=",", thousands=".", symbols=("€",), date="%d.%m.%Y")


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1.234,5 €", 1234.5), ("-3", -3.0), (7, 7.0), (True, 1.0), ("12.34", None)],
)
def test_a_number_is_read_as_its_dialect_writes_it(cell: object, number: float | None) -> None:
    assert parse_number(GERMAN, {}, cell) == number


def test_a_factor_is_for_numbers_and_not_for_words() -> None:
    assert parse_scaled(CsvDialect(), {"none": 0}, 0.01, "5") == 0.05
    assert parse_scaled(CsvDialect(), {"full": 1}, 0.01, "full") == 1


def test_a_level_has_the_place_of_its_declaration() -> None:
    assert parse_level(CsvDialect(), {"eigen": "own"}, Levels(("rent", "own")), " eigen ") == 1
    assert parse_level(CsvDialect(), {}, Levels(("rent", "own")), "mortgage") is None
    assert parse_level(CsvDialect(), {}, Levels((10, 20)), "20.0") == 1


def test_a_date_counts_days_since_1970() -> None:
    assert parse_date(GERMAN, "03.01.1970") == 2
    assert parse_date(GERMAN, "1970-01-03") is None


@pytest.mark.parametrize("cell", [None, math.nan])
def test_nothing_is_absent_and_is_described_as_no_value(cell: object) -> None:
    assert is_absent(cell)
    assert describe_cell(cell) == "no value"
    assert math.isnan(parse_number(CsvDialect(), {}, cell) or 0)
