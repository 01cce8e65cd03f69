import pandas as pd
import pytest

from models.errors import DataError
from tests.support.toy import Toy
from training.row_validation import check_rows


def test_all_sound_rows_are_accepted(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame, max_refused_share=0)
    assert (len(rows.applications), rows.refused, rows.refusals) == (4_000, 0, {})
    assert rows.labels.tolist() == toy_frame["is_default"].tolist()


def test_refusals_are_counted_by_fault(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.copy()
    frame.loc[:9, "income"] = -1
    frame.loc[5:7, "home"] = "castle"
    frame.loc[20, "is_default"] = 2
    rows = check_rows(Toy, frame, max_refused_share=0.01)
    assert rows.refused == 11
    assert rows.refusals == {
        "income: Input should be greater than 0": 10,
        "home: Input should be 'own' or 'rent'": 3,
        "is_default: Outcome should be 0 or 1": 1,
    }
    assert len(rows.applications) == len(rows.labels) == len(rows.keys) == 3_989


def test_too_many_refusals_refuse_the_data(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.copy()
    frame.loc[:49, "income"] = -1
    with pytest.raises(DataError, match=r"50 of 4000 rows, .* allows 1.0%: income: "):
        check_rows(Toy, frame, max_refused_share=0.01)


def test_no_rows_at_all_are_refused(toy_frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="there are no rows"):
        check_rows(Toy, toy_frame.head(0), max_refused_share=0.5)


def test_missing_columns_are_named_all_at_once(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.drop(columns=["income", "is_default"])
    with pytest.raises(DataError, match="the data has no column income, is_default"):
        check_rows(Toy, frame, max_refused_share=0)


def test_an_optional_column_may_be_absent(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame.drop(columns="months_since_default"), max_refused_share=0)
    assert {row.model_dump()["months_since_default"] for row in rows.applications} == {None}


def test_a_label_that_is_no_number_refuses_its_row(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.head(200).copy()
    odd: list[object] = [[1], "yes", 1.5, None]
    frame["is_default"] = pd.Series([*odd, *frame["is_default"].iloc[4:]], dtype=object)
    rows = check_rows(Toy, frame, max_refused_share=0.1)
    assert rows.refusals == {"is_default: Outcome should be 0 or 1": 4}


def test_columns_outside_the_contract_are_named_and_ignored(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame.assign(row=1), max_refused_share=0)
    assert rows.ignored == ("row",)


def test_integers_that_a_gap_made_floats_are_integers_again(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame, max_refused_share=0)
    months = {row.model_dump()["months_since_default"] for row in rows.applications}
    assert months == {None, -7, 3, 12, 60}


def test_a_row_has_the_same_key_in_any_file(toy_frame: pd.DataFrame) -> None:
    shuffled = toy_frame.sample(frac=1, random_state=1).assign(row=range(4_000))
    first = check_rows(Toy, toy_frame, 0).keys
    second = check_rows(Toy, shuffled, 0).keys
    assert first != second
    assert sorted(first) == sorted(second)


def test_the_fingerprint_knows_rows_labels_and_order(toy_frame: pd.DataFrame) -> None:
    flipped = toy_frame.assign(is_default=1 - toy_frame["is_default"])
    frames = (toy_frame, toy_frame.iloc[::-1], flipped, toy_frame.head(100))
    assert len({check_rows(Toy, frame, 0).fingerprint() for frame in frames}) == 4
