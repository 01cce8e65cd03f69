from dataclasses import replace

import pytest

from models.gate_policy import GatePolicy
from training.gate import Gate
from training.group_gates import judge_groups
from training.model_review import GroupFigures

POLICY = GatePolicy(fairness={"sex": "refuse"})
MEN = GroupFigures("sex", "men", 10_000, 0.2, 0.2, 0.8, 1.0, 0.9, 0.0, 0.0)


def judge(changes: dict[str, float], rows: int = 10_000) -> dict[str, Gate]:
    women = replace(MEN, group="women", rows=rows, **changes)  # type: ignore[arg-type]  # figures
    return {gate.base_name: gate for gate in judge_groups([MEN, women], POLICY)}


@pytest.mark.parametrize(
    ("approval_rate", "rows", "passes"),
    [
        (0.80, 10_000, True),
        (0.64, 10_000, True),  # exactly four fifths
        (0.60, 10_000, False),
        (0.60, 100, True),  # chance explains it: .60 + 1.645 x .049 = .68
        (0.40, 100, False),
        (0.0, 30, False),
    ],
)
def test_four_fifths_of_the_highest_approval_rate_within_chance(
    approval_rate: float,
    rows: int,
    passes: bool,  # noqa: FBT001
) -> None:
    changes = {"approval_rate": approval_rate, "selection_ratio": approval_rate / 0.8}
    gate = judge(changes, rows)["four_fifths"]
    assert (gate.passed, gate.bound, gate.consequence) == (passes, 0.8, "refuse")
    assert "women" in gate.reason


@pytest.mark.parametrize(
    ("rate", "rows", "passes"),
    [(0.9, 10_000, True), (0.8, 10_000, True), (0.75, 10_000, False), (0.75, 100, True)],
)
def test_good_applicants_have_equal_opportunity_within_chance(
    rate: float,
    rows: int,
    passes: bool,  # noqa: FBT001
) -> None:
    assert judge({"good_approval_rate": rate}, rows)["equal_opportunity"].passed is passes


@pytest.mark.parametrize(
    ("mean", "rows", "passes"),
    [(0.205, 10_000, True), (0.22, 10_000, False), (0.22, 500, True)],
)
def test_each_group_is_calibrated_within_chance(mean: float, rows: int, passes: bool) -> None:  # noqa: FBT001
    """A standard error of .004 at 10,000 rows: .02 is five of them."""
    assert judge({"mean_probability": mean}, rows)["calibrated_by_group"].passed is passes


def test_a_field_with_one_group_is_not_judged_and_each_other_by_itself() -> None:
    age = replace(MEN, characteristic="age")
    groups = [replace(MEN, characteristic="region"), age, replace(age, group="old")]
    names = [gate.name for gate in judge_groups(groups, POLICY)]
    assert names == ["four_fifths[age]", "equal_opportunity[age]", "calibrated_by_group[age]"]


def test_groups_without_good_applicants_are_judged_by_what_there_is() -> None:
    groups = [replace(MEN, good_approval_rate=None, group=name) for name in "ab"]
    [gate] = [g for g in judge_groups(groups, POLICY) if g.base_name == "equal_opportunity"]
    assert gate.passed
