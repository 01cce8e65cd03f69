from dataclasses import replace
from typing import Annotated

import numpy as np
import pytest
from pydantic import Field

from models.annotations import Protected
from models.calibration import BetaCalibration
from models.contract import characteristics
from models.estimators.families import Additive
from models.estimators.formula import Formula, Term, Value
from models.features import columns_from_applications, features, matrix_from_columns
from models.policy import Cutoffs
from models.scorer import Scorer
from tests.support.toy import Toy, toy
from training.baseline import fit_baseline
from training.model_review import (
    check_signs,
    draw_unequal_pairs,
    measure_cutoff,
    measure_fairness,
    measure_importances,
    name_edges,
    rows_by_group,
)
from training.reading.applications import fields_from_applications

LABELS = np.array([0, 0, 0, 1, 0, 1, 1, 1])
PROBABILITIES = np.array([0.04, 0.12, 0.12, 0.12, 0.31, 0.45, 0.72, 0.97])


def test_a_cutoff_says_who_is_approved_and_how_they_fared() -> None:
    row = measure_cutoff(LABELS, PROBABILITIES < 0.33, 0.33)
    assert row.approve_below == 0.33
    assert row.approval_rate == 5 / 8
    assert row.bad_rate_of_approved == 1 / 5
    assert row.bad_rate_of_refused == 3 / 3
    assert row.share_of_bads_refused == 3 / 4


def test_a_cutoff_that_approves_nobody_has_no_bad_rate() -> None:
    row = measure_cutoff(LABELS, PROBABILITIES < 0.02, 0.02)
    assert (row.approval_rate, row.bad_rate_of_approved) == (0.0, None)


def scorer_with(debt_weight: float) -> Scorer:
    weights = (-1e-5, debt_weight, -0.2, 0.2, -0.01, 0.0, 0.0, 0.0)
    names = tuple(f.name for f in features(Toy))
    terms = tuple(
        Term(weight=weight, shapes=(Value(feature=name, missing=0.0),))
        for name, weight in zip(names, weights, strict=True)
    )
    formula = Formula(features=names, intercept=-1.0, terms=terms)
    columns = fields_from_applications(Toy, applications())
    baseline = fit_baseline(Toy, columns, np.zeros(400, dtype=np.int64))
    policy = Cutoffs(approve_below=0.2, decline_from=0.4)
    return Scorer.from_catalogue(
        Toy, Additive("logistic", formula), BetaCalibration(), baseline, policy
    )


def applications() -> list[Toy]:
    random = np.random.default_rng(1)
    return [
        toy(
            age=int(age),
            income=float(income),
            debt=float(debt),
            home=str(random.choice(["own", "rent"])),
            months_since_default=int(random.integers(0, 90)),
        )
        for age, income, debt in zip(
            random.integers(18, 80, 400),
            random.uniform(20_000, 90_000, 400),
            random.uniform(0, 50_000, 400),
            strict=True,
        )
    ]


def matrix() -> np.ndarray:
    toy_matrix = matrix_from_columns(Toy, columns_from_applications(Toy, applications()))
    return np.asarray(toy_matrix)


def test_a_model_that_breaks_a_sign_is_caught() -> None:
    sound = {c.feature: c.violations for c in check_signs(scorer_with(1e-5), matrix(), seed=1)}
    broken = {c.feature: c.violations for c in check_signs(scorer_with(-1e-5), matrix(), seed=1)}
    assert sound == {"income": 0, "debt": 0, "months_since_default": 0, "debt_to_income": 0}
    assert broken == sound | {"debt": 1_000}


def test_importances_are_mean_absolute_contributions_largest_first() -> None:
    scorer = scorer_with(4e-5)
    importances_by_name = measure_importances(scorer, matrix(), seed=1)
    debts = matrix()[:, 1]
    assert next(iter(importances_by_name)) == "debt"
    assert importances_by_name["debt"] == pytest.approx(
        4e-5 * np.abs(debts - scorer.baseline["debt"]).mean()
    )
    assert "age" not in importances_by_name


def test_groups_of_a_protected_number_are_bands_of_equal_mass() -> None:
    rows = applications()
    ages = np.array([row.age for row in rows])
    probabilities = np.where(ages < np.median(ages), 0.1, 0.3)
    labels = np.random.default_rng(2).binomial(1, 0.2, 400)
    groups = measure_fairness(
        scorer_with(1e-5), fields_from_applications(Toy, rows), labels, probabilities
    )
    assert {g.characteristic for g in groups} == {"age"}
    assert len(groups) == 4
    assert sum(g.rows for g in groups) == 400
    young, old = groups[0], groups[-1]
    assert (young.approval_rate, young.selection_ratio) == (1.0, 1.0)
    assert (old.approval_rate, old.selection_ratio, old.good_approval_rate) == (0.0, 0.0, 0.0)
    assert young.mean_probability == pytest.approx(0.1)
    assert (young.opportunity_difference, old.opportunity_difference) == (0.0, -1.0)
    assert young.z * old.z < 0  # a mean of .2 is above the one and below the other
    assert sum(g.default_rate * g.rows for g in groups) == pytest.approx(labels.sum())


def test_a_group_too_small_to_judge_is_left_out() -> None:
    rows = [toy(age=30)] * 100
    groups = measure_fairness(
        scorer_with(1e-5),
        fields_from_applications(Toy, rows[:20]),
        np.zeros(20, dtype=np.int64),
        np.full(20, 0.1),
    )
    assert groups == ()


def test_pairs_are_always_of_two_different_values() -> None:
    pairs = draw_unequal_pairs(np.array([1.0, 2.0, 5.0]), 500, np.random.default_rng(1))
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert {tuple(pair) for pair in pairs.tolist()} == {(1.0, 2.0), (1.0, 5.0), (2.0, 5.0)}


class Discreet(Toy):
    """The toy model, where the age need not be given."""

    age: Annotated[int | None, Field(ge=18, le=100), Protected()] = None  # type: ignore[assignment]


def test_an_absent_protected_number_is_a_group_of_its_own() -> None:
    fields = toy().model_dump(exclude_none=True)
    rows = [Discreet.model_validate(fields | {"age": 20 + i}) for i in range(60)]
    rows += [Discreet.model_validate({k: v for k, v in fields.items() if k != "age"})] * 40
    labels = np.array([0] * 60 + [1] * 40)
    scorer = replace(scorer_with(1e-5), model=Discreet)
    columns = fields_from_applications(Discreet, rows)
    figures = measure_fairness(scorer, columns, labels, np.full(100, 0.1))
    groups = {g.group: g for g in figures}
    assert groups["absent"].rows == 40
    assert groups["absent"].good_approval_rate is None


def test_bands_name_their_edges_and_special_codes_are_no_amounts() -> None:
    months = next(c for c in characteristics(Toy) if c.name == "months_since_default")
    column = np.concatenate([np.full(40, -7.0), np.full(50, np.nan), np.arange(200.0)])
    groups = {name: int(rows.sum()) for name, rows in rows_by_group(months, column).items()}
    assert groups == {
        "code -7": 40,
        "0 to 49.75": 50,
        "49.75 to 99.5": 50,
        "99.5 to 149.2": 50,
        "149.2 to 199": 50,
        "absent": 50,
    }


def test_a_number_of_one_value_is_one_group() -> None:
    debt = next(c for c in characteristics(Toy) if c.name == "debt")
    assert list(rows_by_group(debt, np.full(40, 0.5))) == ["0.5"]
    assert rows_by_group(debt, np.full(40, np.nan)).keys() == {"absent"}


def test_large_edges_are_named_without_an_exponent() -> None:
    edges = np.array([-7.0, 0.31156, 38_790.4, 1_500_000.0])
    assert name_edges(edges) == ["-7", "0.3116", "38,790", "1,500,000"]


def test_edges_that_are_close_keep_different_names() -> None:
    assert name_edges(np.array([5_000.1, 5_000.2])) == ["5000.1", "5000.2"]
