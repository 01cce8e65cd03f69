from datetime import date

import numpy as np
import pytest

from models.annotations import Column, date_from_days
from models.errors import DataError
from tests.support.toy import Toy, toy
from training.reading.applications import fields_from_applications
from training.split import (
    TEST_SHARE,
    Hashes,
    hash_rows,
    hash_texts,
    is_test,
    one_of_each_group,
    split_by_date,
    split_by_hash,
)


def hashes(n: int) -> Hashes:
    return hash_texts(str(i) for i in range(n))


def days(first: str, last: str, n: int) -> Column:
    """Dates at equal distances."""
    ends = np.array([first, last], "datetime64[D]").astype(np.float64)
    return np.floor(np.linspace(ends[0], ends[1], n))


def test_a_quarter_of_the_rows_is_held() -> None:
    share = is_test(hashes(40_000)).mean()
    error = (TEST_SHARE * (1 - TEST_SHARE) / 40_000) ** 0.5
    assert abs(share - TEST_SHARE) < 3 * error


def test_membership_is_a_property_of_the_row() -> None:
    few, many = is_test(hashes(100)), is_test(hashes(1_000))
    np.testing.assert_array_equal(few, many[:100])
    # Written down, so that no later version moves a row to the other side.
    assert np.flatnonzero(few)[:6].tolist() == [8, 9, 13, 29, 39, 41]
    columns = fields_from_applications(Toy, [toy(), toy(home="rent"), toy()])
    assert [f"{h:016x}" for h in hash_rows(Toy, columns).tolist()] == [
        *("e8f4644688a5f1be", "b434c5191afbbf1a", "dacff4bbc799fab0"),
    ]


def test_equal_rows_are_split_like_others() -> None:
    columns = fields_from_applications(Toy, [toy()] * 2_000 + [toy(home="rent")] * 2_000)
    held = is_test(hash_rows(Toy, columns))
    assert 0.2 < held[:2_000].mean() < 0.3
    assert 0.2 < held[2_000:].mean() < 0.3
    few = fields_from_applications(Toy, [toy()] * 50)
    np.testing.assert_array_equal(is_test(hash_rows(Toy, few)), held[:50])


def test_zero_has_one_hash_whatever_its_sign_and_a_missing_value_another() -> None:
    columns = fields_from_applications(Toy, [toy(debt=0.0), toy(debt=0.0)])
    negative = {**columns, "debt": np.array([-0.0, -0.0])}
    absent = {**columns, "debt": np.array([np.nan, np.nan])}
    assert hash_rows(Toy, columns).tolist() == hash_rows(Toy, negative).tolist()
    assert hash_rows(Toy, columns)[0] != hash_rows(Toy, absent)[0]


def test_without_dates_a_hash_alone_decides() -> None:
    split = split_by_hash(hashes(100))
    assert split.in_time is None
    np.testing.assert_array_equal(split.training, ~split.test)


def test_the_last_months_test_a_model_of_the_months_before() -> None:
    dates = days("2023-01-01", "2024-12-31", 4_000)
    split = split_by_date(hashes(4_000), dates, is_grouped=False, last_months=None)
    assert split.in_time is not None
    # A fifth of 24 months is 4.8, so 5 months test the model: August to December.
    assert date_from_days(dates[split.test].min()) == date(2024, 8, 1)
    assert date_from_days(dates[split.training].max()) == date(2024, 7, 31)
    assert (split.training + split.test.astype(int) + split.in_time == 1).all()
    assert split.in_time.sum() / (~split.test).sum() == pytest.approx(0.25, abs=0.03)


def test_only_the_last_months_before_the_test_are_fitted_if_asked() -> None:
    dates = days("2023-01-01", "2024-12-31", 4_000)
    split = split_by_date(hashes(4_000), dates, is_grouped=False, last_months=6)
    assert date_from_days(dates[split.training].min()) == date(2024, 2, 1)


def test_no_group_is_fitted_and_tested() -> None:
    groups = np.tile(hashes(500), 6)
    dates = np.repeat(days("2023-01-01", "2023-06-30", 6), 500)
    split = split_by_date(groups, dates, is_grouped=True, last_months=None)
    assert not set(groups[split.training]) & set(groups[split.test])
    assert split.test.sum() > 100


def test_dates_of_too_few_months_are_refused() -> None:
    dates = days("2023-01-01", "2023-01-31", 100)
    with pytest.raises(DataError, match="the dates have 1 months, and the last ones have 100%"):
        split_by_date(hashes(100), dates, is_grouped=False, last_months=None)


def test_one_row_of_each_group_is_selected_by_its_hash() -> None:
    groups = hashes(500).repeat(6)
    selected = one_of_each_group(groups, np.ones(3_000, bool))
    assert sorted(groups[selected]) == sorted(hashes(500))
    positions = np.flatnonzero(selected) % 6
    assert np.bincount(positions, minlength=6).min() > 50  # none is preferred
    few = one_of_each_group(groups, np.arange(3_000) < 600)
    np.testing.assert_array_equal(few[:600], selected[:600])
    assert not few[600:].any()
