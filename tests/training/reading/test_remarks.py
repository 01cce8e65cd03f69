import pandas as pd

from models.data_file import DataFile
from tests.support.toy import Toy
from training.reading.remarks import list_remarks
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
