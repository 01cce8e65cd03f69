import numpy as np
import pytest

from models.policy import CutoffRules, Cutoffs, Fixed, LeastCost
from models.score_scale import Bands, PointsToDoubleOdds
from tests.support.toy import Toy
from training.reporting.decisions import (
    SimulationSettings,
    compare_pairwise,
    count_decisions,
    count_ratings,
    count_scores,
    find_costs,
    name_cutoffs,
    scores_from_probabilities,
    summarise_scores,
    tabulate_simulation,
)

SCALE = PointsToDoubleOdds()
LABELS = np.array([0, 0, 0, 1, 0, 1, 1, 1])
PROBABILITIES = np.array([0.04, 0.12, 0.13, 0.14, 0.31, 0.45, 0.72, 0.97])


class Priced(Toy):
    """The toy model with costs in its policy."""

    policy = CutoffRules(  # type: ignore[assignment]
        approve_below=LeastCost(bad_approved=5, good_refused=1), decline_from=Fixed(0.5)
    )


def test_decisions_are_counted_with_their_defaults() -> None:
    approve, refer, decline = count_decisions(
        LABELS, PROBABILITIES, Cutoffs(approve_below=0.2, decline_from=0.5)
    )
    assert (approve.rows, approve.bads, approve.default_rate) == (4, 1, 0.25)
    assert (refer.rows, refer.bads, refer.share) == (2, 1, 0.25)
    assert (decline.rows, decline.default_rate) == (2, 1.0)


def test_a_decision_that_nobody_gets_has_no_default_rate() -> None:
    policy = Cutoffs(approve_below=0.98, decline_from=0.99)
    assert count_decisions(LABELS, PROBABILITIES, policy)[2].default_rate is None


def test_ratings_are_counted_from_the_lowest() -> None:
    scores = scores_from_probabilities(PROBABILITIES, SCALE)
    bands = Bands("poor", ((500.0, "fair"), (540.0, "good")))
    ratings = count_ratings(LABELS, PROBABILITIES, scores, bands)
    assert [rating.name for rating in ratings] == ["poor", "fair", "good"]
    assert sum(rating.rows for rating in ratings) == 8
    assert ratings[2].rows == int((scores >= 540).sum())


def test_every_score_is_in_the_histogram() -> None:
    histogram = count_scores(LABELS, scores_from_probabilities(PROBABILITIES, SCALE))
    assert (sum(histogram.goods), sum(histogram.bads)) == (4, 4)
    assert len(histogram.edges) == len(histogram.goods) + 1


def test_scores_are_summarised_by_outcome() -> None:
    scores = np.array([600.0, 610.0, 620.0, 500.0, 630.0, 520.0, 540.0, 560.0])
    good, default = summarise_scores(LABELS, scores)
    assert (good.outcome, good.rows, good.mean) == ("good", 4, 615.0)
    assert (default.mean, default.quantiles["0.5"]) == (530.0, 530.0)


def test_cutoffs_are_where_the_scores_are_and_include_the_policys() -> None:
    own = name_cutoffs(Cutoffs(approve_below=0.2, decline_from=0.5), 0.5)
    lines = tabulate_simulation(LABELS, PROBABILITIES, SimulationSettings(SCALE, own, None))
    names = {line.figures.approve_below: line.name for line in lines if line.name}
    assert names == {0.2: "approve below", 0.5: "decline from, default from"}
    others = [line.figures.approve_below for line in lines if line.name is None]
    assert len(others) == 19
    assert min(others) >= PROBABILITIES.min()
    assert max(others) <= PROBABILITIES.max()
    assert [line.credit_score for line in lines] == sorted(
        (line.credit_score for line in lines), reverse=True
    )
    assert all(line.cost is None for line in lines)


def test_a_cost_is_the_mean_of_what_the_policy_states() -> None:
    """Below .2, one default is approved (5) and one good row is not (1): 6 / 8."""
    costs = find_costs(Priced)
    assert costs == LeastCost(bad_approved=5, good_refused=1)
    lines = tabulate_simulation(
        LABELS, PROBABILITIES, SimulationSettings(SCALE, {0.2: "approve below"}, costs)
    )
    [own] = [line for line in lines if line.name]
    assert own.cost == 0.75
    assert find_costs(Toy) is None


def test_a_swap_set_counts_whom_each_version_approves() -> None:
    old = np.array([0.04, 0.25, 0.13, 0.24, 0.11, 0.45, 0.72, 0.97])
    figures = compare_pairwise((LABELS, None), PROBABILITIES, old, SCALE, (0.2, 0.2))
    own, same_rate = figures.swap_sets
    counts = {cell.name: (cell.rows, cell.bads) for cell in own.cells}
    assert counts == {
        "approved by both": (2, 0),
        "only by the new version": (2, 1),
        "only by the old version": (1, 0),
        "by neither": (3, 3),
    }
    cells = {cell.name: cell.rows for cell in same_rate.cells}
    assert cells["only by the new version"] == cells["only by the old version"]


def test_equal_versions_differ_in_nothing() -> None:
    figures = compare_pairwise((LABELS, None), PROBABILITIES, PROBABILITIES, SCALE, (0.2, 0.2))
    assert (figures.auc.value, figures.log_loss.value, figures.mean_shift) == (0, 0, 0)
    assert figures.correlation == pytest.approx(1)
    assert [cell.rows for cell in figures.swap_sets[0].cells] == [4, 0, 0, 4]


def test_everybody_approved_is_a_swap_set_too() -> None:
    figures = compare_pairwise((LABELS, None), PROBABILITIES, PROBABILITIES, SCALE, (0.99, 0.99))
    assert [cell.rows for cell in figures.swap_sets[1].cells] == [8, 0, 0, 0]
