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
from models.weighting import Weights as SampleWeights
from models.weighting import weigh

NEWTON_STEPS = 30
CONVERGED = 1e-3  # largest change of a weight; the next change would be about its square
OVERSHOOTING = 1.0  # change of a weight from which a step may overshoot the maximum
LEAST_VARIANCE = 1e-6

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RegressionProblem:
    """A design `(n, k)` with labels `(n,)`, and for each weight its penalty and lower bound.

    `counts` are how many applications each row stands for, or None.
    """

    design: Matrix
    labels: Labels
    penalties: Weights
    lower: Weights
    counts: SampleWeights | None = None


def fit_penalised(problem: RegressionProblem, start: Weights) -> Weights:
    """Fit weights by penalised maximum likelihood, from a first guess, by Newton's method."""
    weights = start
    for _ in range(NEWTON_STEPS):
        information, slopes = linearise(problem, weights)
        root = np.linalg.cholesky(information)
        target = np.linalg.solve(root, information @ weights + slopes)
        step = lsq_linear(root.T, target, (problem.lower, np.inf), method="bvls").x - weights
        if np.abs(step).max() > OVERSHOOTING:
            step = _shorten(problem, weights, step)
        weights = weights + step
        if np.abs(step).max() < CONVERGED:
            break
    return weights


def _shorten(problem: RegressionProblem, weights: Weights, step: Weights) -> Weights:
    """Halve a step until it does not lower the penalised likelihood."""
    reached = _measure_objective(problem, weights)
    while _measure_objective(problem, weights + step) < reached:
        step = step / 2.0
        if np.abs(step).max() < CONVERGED:
            break
    return step


def linearise(problem: RegressionProblem, weights: Weights) -> tuple[Matrix, Weights]:
    """Return the information matrix and the gradient of the penalised log-likelihood."""
    design = problem.design
    probabilities = expit(design @ weights)
    variance = np.maximum(probabilities * (1.0 - probabilities), LEAST_VARIANCE)
    scaled = design * np.sqrt(weigh(variance, problem.counts))[:, None]
    information = scaled.T @ scaled + np.diag(problem.penalties)
    residuals = weigh(problem.labels - probabilities, problem.counts)
    slopes = design.T @ residuals - problem.penalties * weights
    return information, slopes


def measure_log_likelihood(problem: RegressionProblem, weights: Weights) -> float:
    """Return the log-likelihood of the labels, without penalties."""
    log_odds = problem.design @ weights
    likelihoods = problem.labels * log_odds - np.logaddexp(0.0, log_odds)
    return float(weigh(likelihoods, problem.counts).sum())


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
