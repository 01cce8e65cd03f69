"""Shrinkage of an additive model: how far weights are pulled to 0, and which terms get one.

Selection leaves out every feature that is too weak to be told from chance. Where the truth is
smooth, many such features together say more than the selected ones, so the model may also, or
only, have a small weight for the simplest shape of every feature. The evidence decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from models.weighting import Weights as SampleWeights
from models.weighting import weighted_variance
from training.families.candidate_terms import Option
from training.families.outcomes import Outcomes
from training.families.penalised_logistic import (
    LEAST_VARIANCE,
    RegressionProblem,
    Weights,
    fit_penalised,
    measure_log_evidence,
)

SELECTED_PENALTIES = (10.0,)  # of a weight in log-odds by standard deviation
OTHER_PENALTIES = (30.0, 100.0, 300.0)
SEARCH_CHARGE = 0.5  # of the fall in deviance that admitted a term: that much log-likelihood
DENSE_CHARGE = 2.0  # in log-likelihood: a model of few terms is preferred to an equal one of many
LEAST_SPREAD = 1e-3  # in log-odds: a term of no selection that varies less is left out


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """Terms, the penalty on each weight, and weights; those of the intercept come first."""

    options: tuple[Option, ...]
    penalties: Weights
    weights: Weights

    def fit(self, outcomes: Outcomes, options: Sequence[Option]) -> Weights:
        """Fit the weights of the same terms, with their values on other rows, to their labels."""
        return fit_penalised(build_problem(outcomes, options, self.penalties), self.weights)


def choose_shrinkage(
    outcomes: Outcomes, selected: Sequence[Option], singles: Sequence[Option]
) -> Shrunk:
    """Choose between the selected terms, the simplest shapes of all features, and both.

    Each selected term is charged for the search: it was chosen among many, on the same rows.
    """
    weights: dict[Option, float] = {}  # of the last fit, where the next one starts
    fits = []
    counts = outcomes.weights
    for trial in _list_trials(selected, _list_simplest(singles)):
        problem = build_problem(outcomes, trial.options, trial.measure_penalties(counts))
        start = [outcomes.log_odds, *(weights.get(o, 0.0) for o in trial.options)]
        fitted = fit_penalised(problem, np.array(start))
        weights |= zip(trial.options, fitted[1:].tolist(), strict=True)
        fits.append((measure_log_evidence(problem, fitted) - trial.charge, trial, fitted))
    _, best, fitted = max(fits, key=lambda fit: fit[0])
    spreads = np.abs(fitted[1:]) * [
        weighted_variance(o.values, counts) ** 0.5 for o in best.options
    ]
    is_needed = (spreads >= LEAST_SPREAD) | (np.arange(len(spreads)) < len(best.selected))
    options = tuple(o for o, needed in zip(best.options, is_needed, strict=True) if needed)
    is_needed = np.append([True], is_needed)
    return Shrunk(options, best.measure_penalties(counts)[is_needed], fitted[is_needed])


def build_problem(
    outcomes: Outcomes, options: Sequence[Option], penalties: Weights
) -> RegressionProblem:
    """Build the problem of an intercept and terms; weights of signed terms are at least 0."""
    design = np.column_stack([np.ones(len(outcomes.labels)), *(o.values for o in options)])
    lower = np.array([-np.inf, *(0.0 if o.is_signed else -np.inf for o in options)])
    return RegressionProblem(design, outcomes.labels, penalties, lower, outcomes.weights)


@dataclass(frozen=True, slots=True)
class _Trial:
    """Selected terms and others, and the penalties of both by standard deviation."""

    selected: tuple[Option, ...]
    others: tuple[Option, ...]
    selected_penalty: float
    others_penalty: float

    @property
    def options(self) -> tuple[Option, ...]:
        return self.selected + self.others

    def measure_penalties(self, counts: SampleWeights | None) -> Weights:
        """Return the penalty of each weight; `counts` are how many applications rows stand for."""
        factors = [self.selected_penalty] * len(self.selected)
        factors += [self.others_penalty] * len(self.others)
        variances = [max(weighted_variance(o.values, counts), LEAST_VARIANCE) for o in self.options]
        return np.array([LEAST_VARIANCE, *np.multiply(factors, variances)])

    @property
    def charge(self) -> float:
        searched = SEARCH_CHARGE * sum(option.required_gain for option in self.selected)
        return searched + (DENSE_CHARGE if self.others else 0.0)


def _list_trials(selected: Sequence[Option], simplest: Sequence[Option]) -> list[_Trial]:
    taken = {option.shapes for option in selected}
    others = tuple(option for option in simplest if option.shapes not in taken)
    trials = [_Trial(tuple(selected), (), penalty, 0.0) for penalty in SELECTED_PENALTIES]
    if selected and others:
        pairs = product(SELECTED_PENALTIES, OTHER_PENALTIES)
        trials += [_Trial(tuple(selected), others, *pair) for pair in pairs]
    return trials + [_Trial((), tuple(simplest), 0.0, penalty) for penalty in OTHER_PENALTIES]


def _list_simplest(singles: Sequence[Option]) -> list[Option]:
    """List the first, simplest shape of every feature."""
    simplest: dict[str, Option] = {}
    for option in singles:
        simplest.setdefault(option.features[0].name, option)
    return list(simplest.values())
