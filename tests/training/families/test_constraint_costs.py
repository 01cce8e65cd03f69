import numpy as np
import pytest

from models.features import features
from tests.support.toy import Toy
from training.families import constraint_costs as module
from training.families.candidates import Fit, frame_from_matrix
from training.families.constraint_costs import (
    ConstraintCosts,
    SignCost,
    measure_constraint_costs,
)
from training.families.folds import FOLDS, FoldedData

FIT = Fit(Toy, seed=3, threads=1)
NAMES = [f.name for f in features(Toy)]


@pytest.fixture(scope="module")
def costs() -> ConstraintCosts:
    """Risk falls with debt, against its sign, and with income, as documented."""
    random = np.random.default_rng(1)
    matrix = random.normal(size=(2_000, len(NAMES)))
    risk = -matrix[:, NAMES.index("debt")] - matrix[:, NAMES.index("income")]
    labels = random.binomial(1, 1 / (1 + np.exp(1 - risk)))
    measured = measure_constraint_costs(
        FIT, FoldedData(frame_from_matrix(Toy, matrix), labels).fold(FOLDS, FIT.seed)
    )
    assert measured
    return measured


def test_a_sign_against_the_data_is_named(costs: ConstraintCosts) -> None:
    assert {s.feature: s.sign for s in costs.signs} == {
        "income": -1,
        "debt": 1,
        "months_since_default": -1,
        "debt_to_income": 1,
    }
    assert costs.costly[0].feature == "debt"
    assert costs.costly[0].cost > 0.05
    assert costs.costly[0].low > 0.04


def test_a_sign_that_data_follow_costs_nothing(costs: ConstraintCosts) -> None:
    [income] = [s for s in costs.signs if s.feature == "income"]
    assert income.cost < 0.005
    assert income.low < income.cost < income.high


def test_all_signs_together_cost_what_the_wrong_one_does(costs: ConstraintCosts) -> None:
    assert costs.cost == pytest.approx(costs.free_auc - costs.constrained_auc)
    assert costs.cost == pytest.approx(costs.costly[0].cost, abs=0.02)
    assert costs.low < costs.cost < costs.high


def test_the_costliest_sign_comes_first() -> None:
    signs = [
        SignCost(feature=name, sign=1, cost=cost, low=cost, high=cost)
        for name, cost in (("a", 0.0009), ("b", 0.002), ("c", 0.01))
    ]
    costs = ConstraintCosts(
        free_auc=0.8, constrained_auc=0.7, cost=0.1, low=0, high=0.2, signs=tuple(signs)
    )
    assert [s.feature for s in costs.costly] == ["c", "b"]


def test_a_model_without_signs_has_no_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "features", lambda _: ())
    frame = frame_from_matrix(Toy, np.zeros((4, len(NAMES))))
    assert measure_constraint_costs(FIT, FoldedData(frame, np.array([0, 1, 0, 1]))) is None
