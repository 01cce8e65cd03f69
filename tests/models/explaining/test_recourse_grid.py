from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest

from models.annotations import Changeable, Ordered, Reason, Risk
from models.contract import CreditModel, characteristics
from models.discovery import credit_models
from models.explaining.recourse_grid import (
    MOST_VALUES,
    Choice,
    Spread,
    _count_changes,
    allowed_values,
    build_grid,
    choices_from_columns,
    grid_step,
    search_limits,
)
from models.features import columns_from_applications
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds
from tests.support.toy import Toy, toy

SPREADS = {
    "debt": Spread(lowest=-500.0, highest=3_400.0, interquartile_range=2_000.0),
    "months_since_default": Spread(lowest=-8.0, highest=2.0, interquartile_range=0.0),
}
BY_NAME = {c.name: c for c in characteristics(Toy)}


def choices(**changes: object) -> dict[str, Choice]:
    columns = columns_from_applications(Toy, [toy(**changes)])
    return {c.characteristic.name: c for c in choices_from_columns(Toy, SPREADS, columns)}


def test_a_grid_holds_multiples_of_the_step_within_the_contract_and_the_training_rows() -> None:
    assert build_grid(Toy, BY_NAME["debt"], SPREADS).tolist() == [0, 1_000, 2_000, 3_000]


def test_a_special_code_is_never_proposed() -> None:
    grid = build_grid(Toy, BY_NAME["months_since_default"], SPREADS).tolist()
    assert grid == [-6, -5, -4, -3, -2, -1, 0, 1, 2]


def test_a_step_of_a_hundredth_gives_hundredths() -> None:
    model = credit_models()["application"]
    [dti] = [c for c in characteristics(model) if c.name == "debt_to_income"]
    spread = Spread(lowest=0.07, highest=0.35, interquartile_range=0.1)
    grid = build_grid(model, dti, {"debt_to_income": spread}).tolist()
    assert grid == [float(f"0.{n:02}") for n in range(7, 36)]


def test_a_bound_that_is_excluded_is_not_proposed() -> None:
    model = credit_models()["application"]
    [amount] = [c for c in characteristics(model) if c.name == "loan_amount"]
    spread = Spread(lowest=0.0, highest=200.0, interquartile_range=1.0)
    assert build_grid(model, amount, {"loan_amount": spread}).tolist() == [100, 200]


def test_choices_start_from_the_present_value_and_go_outwards() -> None:
    debt = choices(debt=1_400.0)["debt"]
    assert debt.column.tolist() == [1_400, 1_000, 2_000, 0, 3_000]
    np.testing.assert_allclose(debt.distances, [0, 0.2, 0.3, 0.7, 0.8])


def test_another_level_is_one_unit_away() -> None:
    home = choices(home="rent")["home"]
    assert (home.column.tolist(), home.distances.tolist()) == ([1, 0], [0, 1])


class Rated(Toy):
    """The toy model with a grade whose levels are in an order."""

    grade: Annotated[
        Literal["A", "B", "C"], Ordered(), Risk(+1), Changeable(), Reason("T5", "Low grade")
    ]


def test_ordered_levels_are_as_far_apart_as_they_are_declared() -> None:
    rated = Rated.model_validate(toy().model_dump(exclude_none=True) | {"grade": "C"})
    columns = columns_from_applications(Rated, [rated])
    by_name = {c.characteristic.name: c for c in choices_from_columns(Rated, SPREADS, columns)}
    grade = by_name["grade"]
    assert (grade.column.tolist(), grade.distances.tolist()) == ([2, 1, 0], [0, 1, 2])
    assert {"field": "grade", "levels": ["A", "B", "C"]} in allowed_values(Rated, SPREADS)


def test_where_the_quartiles_coincide_a_step_is_one_unit_away() -> None:
    months = choices(months_since_default=0)["months_since_default"]
    assert months.distances.tolist() == [0, 1, 1, 2, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("value", [None, -7])
def test_what_is_absent_or_special_stays(value: int | None) -> None:
    assert set(choices(months_since_default=value)) == {"debt", "home"}


def test_only_changeable_fields_of_known_spread_move() -> None:
    columns = columns_from_applications(Toy, [toy()])
    assert [c.characteristic.name for c in choices_from_columns(Toy, {}, columns)] == ["home"]


def test_allowed_values_are_told_as_an_application_says_them() -> None:
    assert allowed_values(Toy, SPREADS) == [
        {"field": "debt", "lowest": 0.0, "highest": 3_000.0, "step": 1_000},
        {"field": "home", "levels": ["own", "rent"]},
        {"field": "months_since_default", "lowest": -6, "highest": 2, "step": 1.0},
    ]


@pytest.mark.parametrize("name", credit_models())
def test_every_value_of_a_grid_is_accepted_by_the_contract(name: str) -> None:
    model = credit_models()[name]
    wide = Spread(lowest=-1e4, highest=1e4, interquartile_range=1.0)
    for c in characteristics(model):
        if c.changeable and not c.levels:
            for value in build_grid(model, c, {c.name: wide}).tolist():
                proposed = int(value) if c.is_integer else value
                model.__pydantic_validator__.validate_assignment(
                    model.model_construct(), c.name, proposed
                )


@pytest.mark.parametrize(
    ("sizes", "fields", "expected"),
    [([1, 1, 1], 3, 7), ([2, 3], 2, 2 + 3 + 6), ([2, 3, 5], 3, 10 + 31 + 30), ([4], 1, 4)],
)
def test_joint_changes_are_counted_as_trying_them_all_would(
    sizes: list[int], fields: int, expected: int
) -> None:
    assert _count_changes(sizes, fields) == expected


def test_a_number_without_a_direction_gets_a_coarser_step_and_says_so() -> None:
    model = credit_models()["application"]
    [term] = [c for c in characteristics(model) if c.name == "loan_term"]
    limits = search_limits(model)
    spread = Spread(lowest=1.0, highest=1.0 + 5 * limits.values, interquartile_range=1.0)
    [amount] = [c for c in characteristics(model) if c.name == "loan_amount"]
    wide = {
        "loan_term": spread,
        "loan_amount": Spread(lowest=0, highest=1e12, interquartile_range=1),
    }
    for c, most in ((term, limits.values), (amount, MOST_VALUES)):
        grid = build_grid(model, c, wide)
        assert 1 < len(grid) <= most
        step = grid_step(model, c, wide[c.name])
        assert np.diff(grid) == pytest.approx(step)
        assert (grid / (c.step or 1)).round(6).tolist() == (grid // (c.step or 1)).tolist()
    searched = {entry["field"]: entry for entry in allowed_values(model, wide)}
    assert searched["loan_amount"]["step"] == grid_step(model, amount, wide["loan_amount"])


class Levels(CreditModel):
    """Two fields of 500 levels each."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    branch: Annotated[Literal[tuple(map(str, range(500)))], Changeable(), Reason("L1", "Branch")]  # type: ignore[valid-type]
    dealer: Annotated[Literal[tuple(map(str, range(500)))], Changeable(), Reason("L2", "Dealer")]  # type: ignore[valid-type]


def test_fields_with_very_many_levels_are_not_changed_together() -> None:
    limits = {name: search_limits(model) for name, model in credit_models().items()}
    assert {limit.fields for limit in limits.values()} <= {2, 3}
    assert search_limits(Levels).fields == 1
