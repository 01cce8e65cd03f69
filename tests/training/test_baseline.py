import numpy as np
import pytest

from models.features import columns_from_applications, matrix_from_columns
from tests.support.toy import Toy, toy
from training.baseline import fit_baseline, spreads_from_matrix
from training.reading.applications import fields_from_applications


def test_the_reference_is_the_median_and_mode_of_good_rows_alone() -> None:
    rows = [
        toy(income=10_000.0, home="own", months_since_default=None),
        toy(income=20_000.0, home="rent", months_since_default=12),
        toy(income=30_000.0, home="rent", months_since_default=24),
        toy(income=1.0, home="own", months_since_default=None),
    ]
    baseline = fit_baseline(Toy, fields_from_applications(Toy, rows), np.array([0, 0, 0, 1]))
    assert baseline == {
        "income": 20_000.0,
        "debt": 10_000.0,
        "home": "rent",
        "months_since_default": 12,
    }


def test_a_value_that_is_mostly_absent_is_absent_in_the_reference() -> None:
    rows = [toy(months_since_default=value) for value in (None, None, 12)]
    baseline = fit_baseline(Toy, fields_from_applications(Toy, rows), np.zeros(3, dtype=np.int64))
    assert baseline["months_since_default"] is None


def test_a_special_code_is_no_amount() -> None:
    rows = [toy(months_since_default=value) for value in (-7, -7, 10, 20, 30, 40)]
    baseline = fit_baseline(Toy, fields_from_applications(Toy, rows), np.zeros(6, dtype=np.int64))
    assert baseline["months_since_default"] == 20
    rows = [toy(months_since_default=value) for value in (-7, -7, -7, 20, 30)]
    baseline = fit_baseline(Toy, fields_from_applications(Toy, rows), np.zeros(5, dtype=np.int64))
    assert baseline["months_since_default"] == -7


def test_spreads_are_those_of_amounts_of_scored_fields() -> None:
    rows = [
        toy(income=1_000.0 * i, months_since_default=value)
        for i, value in enumerate([None, -7, 10, 20, 30, 40, 50], start=1)
    ]
    spreads = spreads_from_matrix(
        Toy, matrix_from_columns(Toy, columns_from_applications(Toy, rows))
    )
    assert set(spreads) == {"income", "debt", "months_since_default"}
    assert spreads["income"].interquartile_range == 3_000
    assert spreads["income"].lowest == pytest.approx(1_060)
    assert spreads["months_since_default"].interquartile_range == 20
    assert spreads["months_since_default"].lowest == pytest.approx(10.4)


def test_a_number_without_any_amount_has_no_spread() -> None:
    rows = [toy(months_since_default=value) for value in (None, -7)]
    spreads = spreads_from_matrix(
        Toy, matrix_from_columns(Toy, columns_from_applications(Toy, rows))
    )
    assert set(spreads) == {"income", "debt"}
