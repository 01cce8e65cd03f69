from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.annotations import date_from_days
from models.data_file import DataFile
from models.errors import DataError
from tests.support.dated_loan import DatedLoan, dated_rows
from tests.support.toy import Toy
from training.parts import (
    LEAST_OF_EACH_OUTCOME,
    list_split_remarks,
    part_from_rows,
    split_rows,
)
from training.reading.row_validation import Reading, check_rows


def test_without_dates_a_quarter_of_the_rows_judges_the_model(toy_frame: pd.DataFrame) -> None:
    parts = split_rows(check_rows(Toy, toy_frame, 0), None)
    assert parts.in_time is None
    assert parts.test.is_held.all()
    assert not parts.training.is_held.any()
    assert len(parts.training.labels) + len(parts.test.labels) == 4_000
    assert parts.test.span_dates() is None
    assert parts.test.find_unfitted(None).all()


def test_with_dates_the_last_months_judge_a_model_of_earlier_rows() -> None:
    parts = split_rows(check_rows(DatedLoan, dated_rows(4_000), 0), None)
    fitted, tested, in_time = parts.training, parts.test, parts.in_time
    assert in_time is not None
    assert fitted.span_dates()[1] < tested.span_dates()[0]  # type: ignore[index]  # they have dates
    assert in_time.span_dates()[1] < tested.span_dates()[0]  # type: ignore[index]  # likewise
    assert in_time.is_held.all()
    assert 0.15 < tested.is_held.mean() < 0.35
    assert fitted.groups is None


def test_a_champion_is_compared_only_on_rows_that_it_was_not_fitted_to() -> None:
    tested = split_rows(check_rows(DatedLoan, dated_rows(4_000), 0), None).test
    assert tested.dates is not None
    middle = date_from_days(float(np.median(tested.dates)))
    unfitted = tested.find_unfitted(middle)
    later = np.array([date_from_days(day) > middle for day in tested.dates])
    np.testing.assert_array_equal(unfitted, tested.is_held | later)
    np.testing.assert_array_equal(tested.find_unfitted(None), tested.is_held)
    assert tested.find_unfitted(date(2000, 1, 1)).all()


def test_groups_stay_together_and_reach_the_folds(toy_frame: pd.DataFrame) -> None:
    frame = pd.concat([toy_frame.head(1_000).assign(who=range(1_000))] * 4, ignore_index=True)
    reading = Reading(declared=DataFile(group_column="who"))
    parts = split_rows(check_rows(Toy, frame, 0, reading), None)
    assert parts.training.groups is not None
    assert parts.test.groups is not None
    assert not set(parts.training.groups) & set(parts.test.groups)


def test_one_row_of_each_group_tests_the_model(toy_frame: pd.DataFrame) -> None:
    """Four equal rows a customer are the evidence of one: intervals must not know better."""
    customers = toy_frame.head(1_000).assign(who=range(1_000))
    reading = Reading(declared=DataFile(group_column="who"))
    panel = check_rows(Toy, pd.concat([customers] * 4, ignore_index=True), 0, reading)
    parts = split_rows(panel, None)
    assert parts.test.units == len(parts.test.labels)
    assert len(parts.training.labels) == 4 * parts.training.units
    assert parts.training.effective_rows == parts.training.units
    single = split_rows(check_rows(Toy, customers, 0, reading), None).test
    assert sorted(parts.test.columns["debt"]) == sorted(single.columns["debt"])
    assert len(part_from_rows(panel).labels) == 1_000
    [remark] = list_split_remarks(parts)
    assert remark.startswith(f"split: one row of each of {parts.test.units} groups tests the model")


def test_all_rows_or_those_never_fitted_are_one_part(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame, 0)
    assert len(part_from_rows(rows).labels) == 4_000
    held = part_from_rows(rows, only_held=True)
    assert held.is_held.all()
    assert 800 < len(held.labels) < 1_200


def test_parts_that_are_too_small_and_months_without_dates_are_refused(
    toy_frame: pd.DataFrame,
) -> None:
    few = check_rows(Toy, toy_frame.head(150), 0)
    with pytest.raises(DataError, match=f"at least {LEAST_OF_EACH_OUTCOME} of each are needed"):
        split_rows(few, None)
    with pytest.raises(DataError, match="--last-months needs a date column"):
        split_rows(few, 12)


def test_parts_that_differ_more_than_chance_are_remarked_on(toy_frame: pd.DataFrame) -> None:
    sound = split_rows(check_rows(Toy, toy_frame, 0), None)
    assert list_split_remarks(sound) == ()
    worse = replace(
        sound.test,
        labels=np.maximum(sound.test.labels, sound.training.labels[: len(sound.test.labels)]),
    )
    [rate] = list_split_remarks(replace(sound, test=worse))
    assert rate.startswith("split: the default rate is 0.")
    few = replace(sound.training, labels=sound.training.labels[:1_500])
    [share] = list_split_remarks(replace(sound, training=few))
    assert share.startswith("split: 40% of the rows or groups test the model instead of 25%")
