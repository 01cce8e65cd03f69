"""Logistic regression with a penalty on each weight, lower bounds, and the evidence of penalties.

A penalty is the precision of a normal prior. The evidence is the probability of the outcomes under
the prior. It tells which penalties suit the rows without a further split.
Source: MacKay, Bayesian interpolation, Neural Computation 4, 1992.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.special import expit

from models.features import Matrix
from models.metrics import Labels

NEWTON_STEPS = 30
CONVERGED = 1e-5  # largest change of a weight; the next change would be about its square
LEAST_VARIANCE = 1e-6

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RegressionProblem:
    """A design `(n, k)` with labels `(n,)`, and for each weight its penalty and lower bound."""

    design: Matrix
    labels: Labels
    penalties: Weights
    lower: Weights


def fit_penalised(problem: RegressionProblem, start: Weights) -> Weights:
    """Fit weights by penalised maximum likelihood, from a first guess, by Newton's method."""
    weights, reached = start, _measure_objective(problem, start)
    for _ in range(NEWTON_STEPS):
        information, slopes = linearise(problem, weights)
        root = np.linalg.cholesky(information)
        target = np.linalg.solve(root, information @ weights + slopes)
        step: Weights = lsq_linear(root.T, target, (problem.lower, np.inf), method="bvls").x
        step = step - weights
        if np.abs(step).max() < CONVERGED:
            return weights + step
        # Far from the maximum a full step can overshoot it.
        while (objective := _measure_objective(problem, weights + step)) < reached:
            step /= 2.0
            if np.abs(step).max() < CONVERGED:
                return weights
        weights, reached = weights + step, objective
    return weights


def linearise(problem: RegressionProblem, weights: Weights) -> tuple[Matrix, Weights]:
    """Return the information matrix and the gradient of the penalised log-likelihood."""
    design = problem.design
    probabilities = expit(design @ weights)
    variance = np.maximum(probabilities * (1.0 - probabilities), LEAST_VARIANCE)
    information = (design * variance[:, None]).T @ design + np.diag(problem.penalties)
    slopes = design.T @ (problem.labels - probabilities) - problem.penalties * weights
    return information, slopes


def measure_log_likelihood(problem: RegressionProblem, weights: Weights) -> float:
    """Return the log-likelihood of the labels, without penalties."""
    log_odds = problem.design @ weights
    return float((problem.labels * log_odds - np.logaddexp(0.0, log_odds)).sum())


def _measure_objective(problem: RegressionProblem, weights: Weights) -> float:
    penalty = 0.5 * float((problem.penalties * weights**2).sum())
    return measure_log_likelihood(problem, weights) - penalty


def measure_log_evidence(problem: RegressionProblem, weights: Weights) -> float:
    """Approximate the log evidence by Laplace's method, over weights that are not at a bound."""
    is_free = weights > problem.lower
    information = linearise(problem, weights)[0][np.ix_(is_free, is_free)]
    prior = np.log(problem.penalties[is_free]).sum() - (problem.penalties * weights**2).sum()
    volume = float(np.linalg.slogdet(information)[1])
    return measure_log_likelihood(problem, weights) + 0.5 * float(prior) - 0.5 * volume
