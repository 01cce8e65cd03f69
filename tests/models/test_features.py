import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue.application import Application
from models.errors import FeatureError
from models.features import columns_from_applications, features, matrix_from_columns
from tests.support.toy import Toy, toy

NAN = math.nan


def matrix(*applications: Toy) -> list[list[float]]:
    columns = columns_from_applications(Toy, applications)
    encoded: list[list[float]] = matrix_from_columns(Toy, columns).tolist()
    return encoded


def test_columns_of_the_matrix_follow_the_declaration_without_protected_fields() -> None:
    assert [f.name for f in features(Toy)] == [
        "income",
        "debt",
        "home=own",
        "home=rent",
        "months_since_default",
        "months_since_default=-7",
        "months_since_default=missing",
        "debt_to_income",
    ]


def test_only_numbers_carry_a_sign() -> None:
    assert [f.sign for f in features(Toy)] == [-1, 1, 0, 0, -1, 0, 0, 1]


@pytest.mark.parametrize(
    ("months", "encoded"),
    [(5, [5.0, 0.0, 0.0]), (-7, [NAN, 1.0, 0.0]), (None, [NAN, 0.0, 1.0])],
)
def test_special_and_missing_values_become_nan_and_an_indicator(
    months: int | None, encoded: list[float]
) -> None:
    row = matrix(toy(months_since_default=months))[0]
    np.testing.assert_array_equal(
        row, [50_000.0, 10_000.0, 1.0, 0.0, *encoded, float(np.float32(0.2))]
    )


def test_a_derived_function_sees_special_codes_as_missing() -> None:
    columns = columns_from_applications(Toy, [toy(months_since_default=-7)])
    assert columns["months_since_default"][0] == -7


def test_derived_numbers_of_the_application_follow_the_documented_formulas() -> None:
    fields = {"income": 75_000.0, "loan_amount": 20_000.0, "loan_term": 36}
    columns = {name: np.array([float(value)]) for name, value in fields.items()}
    columns["monthly_payment"] = Application.monthly_payment.compute(columns)
    share = Application.payment_to_income.compute(columns)
    assert columns["monthly_payment"][0] == int(20_000 / 36 * 1.05) == 583
    assert share[0] == pytest.approx(12 * 583 / 75_000)


def test_a_derived_number_that_is_infinite_is_refused() -> None:
    with pytest.raises(FeatureError, match="debt_to_income cannot be computed"):
        matrix(toy(income=5e-324, debt=1e6))


rows = st.builds(
    toy,
    income=st.floats(1, 1e6),
    debt=st.floats(0, 1e6),
    home=st.sampled_from(["own", "rent"]),
    months_since_default=st.one_of(st.none(), st.just(-7), st.integers(0, 999)),
)


@given(st.lists(rows, min_size=1, max_size=20))
def test_a_row_has_the_same_features_alone_and_in_a_batch(applications: list[Toy]) -> None:
    alone = [matrix(application)[0] for application in applications]
    np.testing.assert_array_equal(matrix(*applications), alone)


def test_a_number_that_trees_could_not_read_is_refused_by_name() -> None:
    columns = columns_from_applications(Toy, [toy(), toy()])
    with pytest.raises(FeatureError, match="debt cannot be computed"):
        matrix_from_columns(Toy, {**columns, "debt": np.array([1.0, -2e38])})
