from typing import Annotated, Self

import pandas as pd
import pytest
from pydantic import model_validator

from models.annotations import Private, Reason, Risk
from models.data_file import DataFile, OutcomeValue
from models.errors import DataError
from tests.support.toy import Toy
from training.reading.row_validation import Reading, check_rows


class Boundless(Toy):
    """The toy model without bounds on two amounts."""

    income: Annotated[float, Risk(-1), Reason("T1", "Income")]
    debt: Annotated[float, Risk(+1), Private(), Reason("T2", "Debt is high")]


class Careful(Toy):
    """The toy model with a rule on two fields."""

    @model_validator(mode="after")
    def _require_solvency(self) -> Self:
        if self.debt >= self.income:
            message = "debt must be below income"
            raise ValueError(message)
        return self


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
        "home: Input should be 'own' or 'rent'; the cell has text": 3,
        "is_default: Outcome should be 0 or 1; the cell has a number": 1,
    }
    assert [fault.first_rows for fault in rows.faults] == [(0, 1, 2), (5, 6, 7), (20,)]
    assert len(rows.applications) == len(rows.labels) == len(rows.hashes) == 3_989
    assert rows.row_numbers[:2].tolist() == [10, 11]


def test_too_many_refusals_refuse_the_data(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.copy()
    frame.loc[:49, "income"] = -1
    with pytest.raises(DataError, match=r"50 of 4000 rows, .* allows 1.0%: income: "):
        check_rows(Toy, frame, max_refused_share=0.01)


def test_no_rows_at_all_are_refused(toy_frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="there are no rows"):
        check_rows(Toy, toy_frame.head(0), max_refused_share=0.5)


def test_a_word_for_an_absent_value_is_named_with_what_to_declare(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.astype({"income": object})
    frame.loc[:49, "income"] = "NA"
    message = (
        r'income: Input should be a valid number; the cell has the word "NA" '
        r"\(50 rows, first 0, 1, 2; declare --missing NA\)"
    )
    with pytest.raises(DataError, match=message):
        check_rows(Toy, frame, max_refused_share=0.01)


def test_a_required_value_that_is_absent_is_a_fault(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.copy()
    frame.loc[7, ["income", "home"]] = None
    rows = check_rows(Toy, frame, max_refused_share=0.01)
    assert list(rows.refusals) == [
        "income: Input should be a valid number; the cell has no value",
        "home: Input should be 'own' or 'rent'; the cell has no value",
    ]


def test_a_number_beyond_all_bounds_refuses_its_row_and_not_the_run(
    toy_frame: pd.DataFrame,
) -> None:
    frame = toy_frame.head(200).assign(debt=0.0)
    frame.loc[3, "debt"] = 1e39
    frame.loc[4, "income"] = 5e-324  # debt / income is infinite
    frame.loc[4, "debt"] = 1e6
    rows = check_rows(Boundless, frame, max_refused_share=0.05)
    assert rows.refusals == {
        "debt: Number should be at most 1e+38": 1,
        "debt_to_income: Number cannot be computed: its inputs are out of proportion": 1,
    }
    assert rows.row_numbers.tolist() == [i for i in range(200) if i not in (3, 4)]


def test_a_rule_of_the_model_refuses_rows_like_a_rule_of_a_field(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Careful, toy_frame, max_refused_share=0.9)
    assert rows.refusals == {
        "the row: Value error, debt must be below income": int(
            (toy_frame["debt"] >= toy_frame["income"]).sum()
        )
    }


def test_whole_numbers_are_required_where_the_contract_says_so(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.astype({"age": object})
    frame.loc[0, "age"] = 40.5
    frame.loc[1, "age"] = "41.0"
    rows = check_rows(Toy, frame, max_refused_share=0.01)
    [rule] = rows.refusals
    assert rule.startswith("age: Input should be a valid integer")
    assert rows.columns["age"][0] == 41


def test_refused_rows_are_listed_with_their_faults(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.copy()
    frame.loc[7, "income"] = -1
    frame.loc[7, "home"] = "castle"
    frame.loc[9, "is_default"] = 5
    refused = check_rows(Toy, frame, max_refused_share=0.01).list_refused(frame)
    assert refused["row"].tolist() == [7, 9]
    home = "home: Input should be 'own' or 'rent'; the cell has text"
    assert refused["fault"].tolist() == [
        f"{home}; income: Input should be greater than 0",
        "is_default: Outcome should be 0 or 1; the cell has a number",
    ]
    assert refused["home"].tolist() == ["castle", frame.loc[9, "home"]]


def test_missing_columns_are_named_all_at_once(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.drop(columns=["income", "is_default"])
    with pytest.raises(DataError, match=r"no column income: .*; the data has no column is_default"):
        check_rows(Toy, frame, max_refused_share=0)


def test_an_optional_column_may_be_absent_if_that_is_declared(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.drop(columns="months_since_default")
    with pytest.raises(DataError, match="declare --without months_since_default"):
        check_rows(Toy, frame, 0)
    rows = check_rows(Toy, frame, 0, Reading(without=("months_since_default",)))
    assert {row.model_dump()["months_since_default"] for row in rows.applications} == {None}
    assert rows.absent == ("months_since_default",)


def test_a_label_that_is_no_number_refuses_its_row(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.head(200).copy()
    odd: list[object] = [[1], "yes", 1.5, None]
    frame["is_default"] = pd.Series([*odd, *frame["is_default"].iloc[4:]], dtype=object)
    rows = check_rows(Toy, frame, max_refused_share=0.1)
    assert rows.refusals == {
        f"is_default: Outcome should be 0 or 1; the cell has {kind}": 1
        for kind in ("a list", "text", "a number", "no value")
    }


def test_excluded_outcomes_are_left_out_and_are_no_faults(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.astype({"is_default": str})
    frame.loc[:9, "is_default"] = "cancelled"
    frame.loc[3, "income"] = -1
    outcome: dict[str, OutcomeValue] = {"1": 1, "0": 0, "cancelled": None}
    rows = check_rows(Toy, frame, 0, Reading(declared=DataFile(outcome=outcome)))
    assert (rows.excluded, rows.refused, len(rows.labels)) == (10, 0, 3_990)


def test_columns_outside_the_contract_are_named_and_ignored(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame.assign(row=1), max_refused_share=0)
    assert rows.ignored == ("row",)


def test_integers_that_a_gap_made_floats_are_integers_again(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame, max_refused_share=0)
    months = {row.model_dump()["months_since_default"] for row in rows.applications}
    assert months == {None, -7, 3, 12, 60}


def test_a_row_has_the_same_key_in_any_file(toy_frame: pd.DataFrame) -> None:
    shuffled = toy_frame.sample(frac=1, random_state=1).assign(row=range(4_000))
    first = check_rows(Toy, toy_frame, 0).hashes.tolist()
    second = check_rows(Toy, shuffled, 0).hashes.tolist()
    assert first != second
    assert sorted(first) == sorted(second)


def test_the_fingerprint_knows_rows_labels_and_order(toy_frame: pd.DataFrame) -> None:
    flipped = toy_frame.assign(is_default=1 - toy_frame["is_default"])
    frames = (toy_frame, toy_frame.iloc[::-1], flipped, toy_frame.head(100))
    assert len({check_rows(Toy, frame, 0).fingerprint() for frame in frames}) == 4


def test_an_outcome_that_is_no_declared_word_says_so(toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.astype({"is_default": object})
    frame.loc[0, "is_default"] = "open"
    rows = check_rows(Toy, frame, 0.01, Reading(declared=DataFile(outcome={"1": 1, "0": 0})))
    assert list(rows.refusals) == [
        "is_default: Outcome should be one of the declared words; the cell has text"
    ]
