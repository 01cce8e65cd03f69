from datetime import date
from typing import ClassVar

import pandas as pd

from models.annotations import CalendarDate
from models.data_file import CsvDialect, DataFile
from tests.support.toy import Toy
from training.reading.model_draft import PLACEHOLDERS
from training.reading.remarks import list_remarks, remark_on_future
from training.reading.row_validation import Reading, check_rows


def test_sound_rows_have_no_remarks(toy_frame: pd.DataFrame) -> None:
    assert list_remarks(check_rows(Toy, toy_frame, 0)) == ()


def test_columns_that_say_nothing_and_excluded_rows_are_mentioned(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.assign(home="own", months_since_default=None).astype({"is_default": str})
    frame.loc[:1, "is_default"] = "open"
    outcome = DataFile(outcome={"1": 1, "0": 0, "open": None})
    assert list_remarks(check_rows(Toy, frame, 0, Reading(declared=outcome))) == (
        "is_default: excluded outcome, left out (2 rows)",
        "home: every row has the same value",
        "months_since_default: no row has a value",
    )


def test_a_field_that_the_data_lacks_is_mentioned(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.drop(columns="months_since_default")
    rows = check_rows(Toy, frame, 0, Reading(without=("months_since_default",)))
    assert list_remarks(rows) == (
        "months_since_default: the data has no such column, so no row has a value",
    )


class Drafted(Toy):
    """The toy model as a draft has it, with a date."""

    label_definition: ClassVar = PLACEHOLDERS["label_definition"]
    horizon: ClassVar = PLACEHOLDERS["horizon"]
    born: CalendarDate


def test_what_a_draft_left_to_be_stated_is_remarked_on(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Drafted, toy_frame.assign(born="1975-06-15"), 0)
    still = "still as drafted, so nobody knows what is predicted"
    assert list_remarks(rows)[:2] == (
        f"label_definition: {still}; state what counts as a default",
        f"horizon: {still}; state the period over which it is predicted",
    )


def test_years_of_two_digits_that_give_the_future_are_remarked_on(toy_frame: pd.DataFrame) -> None:
    csv = CsvDialect(date="%d/%m/%y")
    frame = toy_frame.assign(born="31/12/40")
    rows = check_rows(Drafted, frame, 0, Reading(declared=DataFile(csv=csv)))
    assert remark_on_future(rows, csv, date(2026, 11, 30)) == (
        "born: dates up to 2040-12-31, which is in the future; write years with four digits",
    )
    assert remark_on_future(rows, csv, date(2041, 1, 1)) == ()


def test_numbers_of_two_units_are_remarked_on(toy_frame: pd.DataFrame) -> None:
    debt = toy_frame["debt"].round(2).astype(str)
    frame = toy_frame.assign(debt=debt.where(toy_frame.index % 2 == 0, "$" + debt))
    declared = DataFile(csv=CsvDialect(symbols=("$",)))
    assert list_remarks(check_rows(Toy, frame, 0, Reading(declared=declared))) == (
        "debt: of 4000 numbers 2000 have $, 2000 have no symbol: of different units?",
    )


def test_weights_that_are_shares_are_remarked_on(toy_frame: pd.DataFrame) -> None:
    declared = Reading(declared=DataFile(weight_column="wt"))
    small, sound = (
        list_remarks(check_rows(Toy, toy_frame.assign(wt=weight), 0, declared))
        for weight in (0.5, 1.0)
    )
    assert small[1].startswith("wt: the weights are below 1 on average; a weight is how many")
    assert len(sound) == 1
