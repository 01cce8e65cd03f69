from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from models.data_file import CsvDialect, OutcomeValue
from models.reading.cells import Levels
from training.reading.cells import (
    convert_dates,
    convert_levels,
    convert_numbers,
    convert_outcomes,
    describe_cell,
)

GERMAN = CsvDialect(delimiter=";", decimal=",", thousands=".", symbols=("€", "%"))
AMERICAN = CsvDialect(thousands=",", symbols=("$", "%"), missing=("", "NA", "n/a"))


def number(cell: object, dialect: CsvDialect = CsvDialect()) -> float | None:
    """Convert one cell: None if it is unreadable."""
    cells = convert_numbers(pd.Series([cell], dtype=object), dialect, {})
    return None if cells.unreadable[0] else float(cells.numbers[0])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1100", 1100.0),
        (" -1.5 ", -1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        (7, 7.0),
        (2.5, 2.5),
        (True, 1.0),
        (Decimal("1.10"), 1.1),
        (np.int64(3), 3.0),
    ],
)
def test_numbers_of_any_type_are_read(cell: object, expected: float) -> None:
    assert number(cell) == expected


@pytest.mark.parametrize(
    "cell",
    ["1_100", "0x10", "1,100", "$5", "8.9%", "1 100", "inf", "nan", "1e999", "abc", "\u0661", [1]],
)
def test_what_is_no_number_in_the_dialect_is_never_guessed(cell: object) -> None:
    assert number(cell) is None


@pytest.mark.parametrize(
    ("cell", "dialect", "expected"),
    [
        ("$1,234.00", AMERICAN, 1234.0),
        ("-1,234,567", AMERICAN, -1234567.0),
        ("8.90%", AMERICAN, 8.9),
        ("1.234,50 €", GERMAN, 1234.5),
        ("0,5", GERMAN, 0.5),
        ("1.5", GERMAN, None),
        ("12,34", AMERICAN, None),
        ("1,2345", AMERICAN, None),
        ("0,500", AMERICAN, None),
    ],
)
def test_separators_and_symbols_are_read_as_declared(
    cell: str, dialect: CsvDialect, expected: float | None
) -> None:
    assert number(cell, dialect) == expected


def test_declared_missing_words_are_absent_and_others_are_not() -> None:
    column = pd.Series(["NA", "n/a", "", None, "-", np.nan], dtype=object)
    cells = convert_numbers(column, AMERICAN, {})
    assert np.isnan(cells.numbers).tolist() == [True] * 6
    assert cells.unreadable.tolist() == [False, False, False, False, True, False]


def test_words_and_a_factor_apply_before_the_contract() -> None:
    column = pd.Series(["90", "unknown", "none"])
    cells = convert_numbers(column, CsvDialect(), {"unknown": None, "none": 0}, factor=0.01)
    np.testing.assert_array_equal(cells.numbers, [0.9, np.nan, 0.0])
    codes = convert_numbers(pd.Series(["1.5", "-1"]), CsvDialect(), {"-1": -1}, factor=1_000.0)
    assert codes.numbers.tolist() == [1_500.0, -1.0]


def test_numeric_columns_of_parquet_are_read_with_their_gaps() -> None:
    for dtype in ("Int64", "Float64", "boolean"):
        column = pd.Series([1, None, 0], dtype=dtype)
        cells = convert_numbers(column, CsvDialect(), {})
        np.testing.assert_array_equal(cells.numbers, [1.0, np.nan, 0.0])
    assert convert_numbers(pd.Series([np.inf, 1.0]), CsvDialect(), {}).unreadable.tolist() == [
        *(True, False)
    ]


def test_levels_are_read_by_text_word_or_code() -> None:
    levels = Levels(("own", "rent"))
    column = pd.Series(["own", " rent", "R", "castle", "", None]).astype("category")
    cells = convert_levels(column, CsvDialect(), {"R": "rent"}, levels)
    np.testing.assert_array_equal(cells.numbers, [0, 1, 1, np.nan, np.nan, np.nan])
    assert cells.unreadable.tolist() == [False, False, False, True, False, False]
    column = pd.Series(["1", 2.0, 2, "Y", "3", 1.5], dtype=object)
    cells = convert_levels(column, CsvDialect(), {"Y": 1}, Levels((1, 2)))
    np.testing.assert_array_equal(cells.numbers, [0, 1, 1, 0, np.nan, np.nan])
    assert cells.unreadable.tolist() == [False, False, False, False, True, True]


def test_other_texts_count_as_the_declared_level() -> None:
    column = pd.Series(["own", "castle", "", 7], dtype=object)
    cells = convert_levels(column, CsvDialect(), {}, Levels(("own", "rent"), other="rent"))
    np.testing.assert_array_equal(cells.numbers, [0, 1, np.nan, np.nan])
    assert cells.unreadable.tolist() == [False, False, False, True]


def test_outcomes_are_numbers_unless_words_are_declared() -> None:
    column = pd.Series(["1", 0, Decimal(1), True, 0.0, "2", "yes", None], dtype=object)
    cells = convert_outcomes(column, CsvDialect(), {})
    np.testing.assert_array_equal(cells.numbers[:5], [1, 0, 1, 1, 0])
    assert cells.unreadable.tolist() == [False] * 5 + [True] * 3


def test_declared_outcomes_may_exclude_rows() -> None:
    words: dict[str, OutcomeValue] = {"CHGOFF": 1, "P I F": 0, "CANCLD": None, "": None}
    column = pd.Series(["CHGOFF", "P I F ", "CANCLD", None, "1", "other"], dtype=object)
    cells = convert_outcomes(column, CsvDialect(), words)
    np.testing.assert_array_equal(cells.numbers[:4], [1, 0, np.nan, np.nan])
    assert cells.unreadable.tolist() == [False] * 4 + [True] * 2
    coded = convert_outcomes(pd.Series([1, 2, 2.0]), CsvDialect(), {"1": 0, "2": 1})
    assert coded.numbers.tolist() == [0.0, 1.0, 1.0]
    spaced = convert_outcomes(pd.Series([" Fully Paid "]), CsvDialect(), {" Fully Paid ": 0})
    assert spaced.numbers.tolist() == [0.0]
    booleans = convert_outcomes(pd.Series([True, False]), CsvDialect(), {"True": 0, "False": 1})
    assert booleans.numbers.tolist() == [0.0, 1.0]


def test_a_time_in_a_zone_has_the_date_of_its_zone() -> None:
    times = pd.Series(pd.to_datetime(["1970-01-02 00:30"]).tz_localize("Asia/Kolkata"))
    assert convert_dates(times, CsvDialect()).numbers.tolist() == [1]  # in UTC it is the day before


def test_a_whole_number_is_a_date_only_if_the_format_is_declared() -> None:
    numbers = pd.Series([19_700_102, 19_701_231, 5])
    compact = convert_dates(numbers, CsvDialect(date="%Y%m%d"))
    assert compact.numbers[:2].tolist() == [1, 364]
    assert compact.unreadable.tolist() == [False, False, True]
    assert convert_dates(numbers, CsvDialect()).unreadable.all()


def test_dates_are_days_since_1970() -> None:
    moment = datetime(1970, 1, 4, tzinfo=UTC)
    column = pd.Series(["1970-01-02", date(1970, 1, 3), moment, "", "x"], dtype=object)
    cells = convert_dates(column, CsvDialect())
    np.testing.assert_array_equal(cells.numbers, [1, 2, 3, np.nan, np.nan])
    assert cells.unreadable.tolist() == [False] * 4 + [True]
    times = convert_dates(
        pd.Series(["1970-01-02 10:00:00+00:00", "1970-01-02T10:00"]), CsvDialect()
    )
    assert times.numbers.tolist() == [1.0, 1.0]
    german = convert_dates(pd.Series(["31.12.1970"]), CsvDialect(date="%d.%m.%Y"))
    assert german.numbers.tolist() == [364.0]
    exact = pd.Series(pd.to_datetime(["1970-01-02 23:59:59.999999999", "NaT"]))
    np.testing.assert_array_equal(convert_dates(exact, CsvDialect()).numbers, [1, np.nan])


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("NA", 'the word "NA"'),
        ("8.9%", "a per cent"),
        ("$1,234.00", "an amount with a currency sign"),
        ("12 €", "an amount with a currency sign"),
        ("1_100", "a number with an underscore"),
        ("1,100", "a number with separators"),
        ("2024-05-01", "a date"),
        ("Jane Doe", "text"),
        ("k.A.", 'the word "k.A."'),
        ("not asked", "text"),
        ("A42", "text"),
        ("AB 12", "text"),
        ("7", "another number"),
        ("EUR 1.234,50", "an amount with a currency sign"),
        (None, "no value"),
        (3.5, "a number"),
        ([1], "a list"),
        ({"a": 1}, "a record"),
        (b"1", "bytes"),
        (timedelta(days=1), "a duration"),
        (time(12), "a value of another type"),
        (" ", "no value"),
        ("-inf", "an infinite number"),
    ],
)
def test_an_unreadable_cell_is_described_and_not_repeated(cell: object, kind: str) -> None:
    assert describe_cell(cell) == kind
