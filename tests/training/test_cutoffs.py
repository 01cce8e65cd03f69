import numpy as np
import pytest

from models.errors import DataError, DeclarationError
from models.policy import CutoffRules, Cutoffs, Fixed, LeastCost, RecallAtPrecision
from training.cutoffs import choose_cutoffs

#   cut-off       .1  .2   .3   .4   .5   .6
LABELS = np.array([0, 0, 1, 0, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_fixed_cutoffs_are_taken_as_they_are() -> None:
    policy = Cutoffs(approve_below=0.2, decline_from=0.4)
    assert choose_cutoffs(policy, LABELS, PROBABILITIES) is policy


@pytest.mark.parametrize(
    ("precision", "cutoff"),
    [(0.99, 0.5), (0.75, 0.3), (0.7, 0.3), (0.6, 0.2)],
)
def test_recall_at_a_precision_is_the_lowest_cutoff_that_has_it(
    precision: float, cutoff: float
) -> None:
    rules = CutoffRules(approve_below=Fixed(0.15), decline_from=RecallAtPrecision(precision))
    cutoffs = choose_cutoffs(rules, LABELS, PROBABILITIES)
    assert cutoffs == Cutoffs(approve_below=0.15, decline_from=cutoff)


def test_rows_of_one_probability_fall_on_one_side() -> None:
    rules = CutoffRules(approve_below=Fixed(0.2), decline_from=RecallAtPrecision(0.6))
    cutoffs = choose_cutoffs(rules, np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.5, 0.5, 0.5, 0.1]))
    assert cutoffs.decline_from == 0.9


def test_a_precision_no_cutoff_reaches_is_refused() -> None:
    rules = CutoffRules(approve_below=Fixed(0.01), decline_from=RecallAtPrecision(0.5))
    with pytest.raises(DataError, match=r"no cut-off reaches a precision of 0.5"):
        choose_cutoffs(rules, np.array([1, 0, 0]), np.array([0.1, 0.2, 0.3]))


def test_the_cheapest_cutoff_is_where_a_bad_approved_costs_what_a_good_refused_does() -> None:
    rules = CutoffRules(
        approve_below=LeastCost(bad_approved=5, good_refused=1), decline_from=Fixed(0.5)
    )
    cutoffs = choose_cutoffs(rules, LABELS, PROBABILITIES)
    assert cutoffs.approve_below == pytest.approx(1 / 6)
    random = np.random.default_rng(1)
    probabilities = random.random(200_000)
    bads = random.random(200_000) < probabilities

    def cost(cutoff: float) -> float:
        approved = probabilities < cutoff
        return float(5 * bads[approved].sum() + (~bads[~approved]).sum())

    assert cost(cutoffs.approve_below) < min(cost(1 / 8), cost(1 / 4))


def test_where_rules_cross_nothing_is_referred() -> None:
    rules = CutoffRules(approve_below=Fixed(0.45), decline_from=RecallAtPrecision(0.75))
    cutoffs = choose_cutoffs(rules, LABELS, PROBABILITIES)
    assert cutoffs == Cutoffs(approve_below=0.3, decline_from=0.3)


def test_rules_that_would_approve_nobody_are_refused() -> None:
    # Half of the rows default: any cut-off has that precision, the lowest too.
    rules = CutoffRules(approve_below=Fixed(0.3), decline_from=RecallAtPrecision(0.5))
    with pytest.raises(DataError, match=r"would approve nobody: no probability is below 0.1000"):
        choose_cutoffs(rules, LABELS, PROBABILITIES)


def test_a_rule_that_means_nothing_is_refused() -> None:
    with pytest.raises(DeclarationError, match="between 0 and 1"):
        RecallAtPrecision(1.5)
    with pytest.raises(DeclarationError, match="must be above 0 and finite"):
        LeastCost(bad_approved=0, good_refused=1)
    with pytest.raises(DeclarationError, match="finite"):
        LeastCost(bad_approved=float("inf"), good_refused=1)
    with pytest.raises(DeclarationError, match="Fixed: probability must be between 0 and 1"):
        Fixed(float("nan"))
    with pytest.raises(DeclarationError, match="approve_below <= decline_from"):
        CutoffRules(approve_below=Fixed(0.7), decline_from=Fixed(0.3))
