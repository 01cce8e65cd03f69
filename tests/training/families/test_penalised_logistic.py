import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from training.families.penalised_logistic import (
    RegressionProblem,
    fit_penalised,
    linearise,
    measure_log_evidence,
    measure_log_likelihood,
)

RANDOM = np.random.default_rng(4)
DESIGN = np.column_stack([np.ones(800), RANDOM.normal(size=(800, 3))])
LABELS = RANDOM.binomial(1, expit(DESIGN @ np.array([-1.0, 1.0, -0.5, 0.0])))
FREE = np.full(4, -np.inf)


def problem(penalty: float, lower: np.ndarray = FREE) -> RegressionProblem:
    return RegressionProblem(DESIGN, LABELS, np.array([1e-9, penalty, penalty, penalty]), lower)


def test_weights_are_those_of_a_ridge_regression() -> None:
    ridge = LogisticRegression(C=1 / 20, tol=1e-8, max_iter=1_000).fit(DESIGN[:, 1:], LABELS)
    weights = fit_penalised(problem(20.0), np.zeros(4))
    assert weights[1:] == pytest.approx(ridge.coef_[0], abs=1e-4)
    assert weights[0] == pytest.approx(ridge.intercept_[0], abs=1e-4)


def test_the_result_does_not_depend_on_the_first_guess() -> None:
    expected = fit_penalised(problem(1.0), np.zeros(4))
    far = fit_penalised(problem(1.0), np.array([40.0, -60.0, 30.0, 50.0]))
    assert far == pytest.approx(expected, abs=1e-4)


def test_a_weight_that_would_be_below_its_bound_stays_there() -> None:
    lower = np.array([-np.inf, 0.0, 0.0, -np.inf])
    weights = fit_penalised(problem(1.0, lower), np.zeros(4))
    assert weights[2] == 0.0
    assert weights[1] > 0.8
    _, slopes = linearise(problem(1.0, lower), weights)
    assert slopes[[0, 1, 3]] == pytest.approx(0.0, abs=1e-2)
    assert slopes[2] < -1


def test_the_log_likelihood_is_that_of_the_labels() -> None:
    # Without weights every label has the probability one half.
    assert measure_log_likelihood(problem(1.0), np.zeros(4)) == pytest.approx(-800 * np.log(2))


def test_the_evidence_is_the_probability_of_the_labels_under_the_prior() -> None:
    """One weight: the integral over its prior, by summation, is near Laplace's approximation."""
    one = RegressionProblem(DESIGN[:, 1:2], LABELS, np.array([2.0]), np.array([-np.inf]))
    grid = np.linspace(-2, 3, 5_001)
    log_likelihoods = np.array([measure_log_likelihood(one, np.array([w])) for w in grid])
    prior = np.sqrt(2.0 / (2 * np.pi)) * np.exp(-(grid**2))
    highest = log_likelihoods.max()
    integral = highest + np.log((np.exp(log_likelihoods - highest) * prior).sum() * 0.001)
    weights = fit_penalised(one, np.zeros(1))
    assert measure_log_evidence(one, weights) == pytest.approx(integral, abs=0.02)


def test_the_evidence_prefers_a_penalty_that_suits_the_weights() -> None:
    evidence = {
        penalty: measure_log_evidence(p, fit_penalised(p, np.zeros(4)))
        for penalty in (0.001, 2.0, 2_000.0)
        for p in [problem(penalty)]
    }
    assert max(evidence, key=lambda penalty: evidence[penalty]) == 2.0
