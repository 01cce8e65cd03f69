import re

import pytest

from models.errors import DataError
from training.families.search_space import SHARES, SPACES, check_parameters


def test_the_families_share_all_the_seconds() -> None:
    assert list(SHARES) == list(SPACES)
    assert sum(SHARES.values()) == pytest.approx(1.0)


def test_parameters_of_a_space_are_accepted() -> None:
    check_parameters("lightgbm", {"num_leaves": 8, "learning_rate": 0.03})
    check_parameters("logistic", {"C": 1.0})


@pytest.mark.parametrize(
    ("family", "parameters", "fault"),
    [
        ("additive", {}, "additive has no parameters; those of logistic, random_forest, xgboost"),
        ("forest", {}, "forest has no parameters"),
        ("logistic", {"c": 1.0}, "logistic has no c; it has C"),
        (
            "lightgbm",
            {"num_leaves": 999},
            "lightgbm num_leaves must be a whole number from 4 to 24, got 999",
        ),
        ("logistic", {"C": 1e9}, "logistic C must be a number from 0.0001 to 100, got"),
        ("lightgbm", {"num_leaves": "8"}, "got '8'"),
        ("lightgbm", {"num_leaves": True}, "got True"),
        ("lightgbm", {"n_estimators": 125}, "from 100 to 600 in steps of 50"),
    ],
)
def test_other_parameters_are_refused_by_name(
    family: str, parameters: dict[str, float], fault: str
) -> None:
    with pytest.raises(DataError, match=re.escape(fault)):
        check_parameters(family, parameters)
