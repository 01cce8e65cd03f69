"""Forward selection of the terms of a sparse additive model.

Terms are selected by score tests over lines, curves and bent lines of every feature, and then over
their interactions. As in multivariate adaptive regression splines (Friedman 1991), a bent line must
achieve a larger gain. Documented signs hold by construction: shapes of signed features rise with
the risk, and their weights are never negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from models.estimators.formula import Formula, Term
from models.features import Feature, Matrix
from models.metrics import Labels
from training.families.candidate_terms import ENTRY, Option, generate_pairs, generate_singles

MOST_ROUNDS = 60
NEWTON_STEPS = 30
CONVERGED = 1e-5  # largest change of a weight; the next change would be about its square
RIDGE = 1e-3  # keeps weights finite where a shape separates the outcomes
LEAST_INFORMATION = 0.5  # a shape that varies less, given the others, is skipped
SELECTION_ROWS = 50_000  # most rows for selection, drawn at random; weights use every row

Weights = NDArray[np.float64]


class SparseAdditiveClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # no types
    """A classifier that selects terms and fits their weights. `formula_` is the result.

    `features` describe the columns. Columns of levels and codes contain 0 or 1.
    """

    def __init__(self, *, features: Sequence[Feature] = (), seed: int = 0) -> None:
        self.features = features
        self.seed = seed

    def fit(self, X: Matrix, y: Labels) -> Self:  # noqa: N803 -- scikit-learn's names
        """Fit to a matrix `(n, p)` and labels `(n,)`."""
        rows = np.random.default_rng(self.seed).permutation(len(y))[:SELECTION_ROWS]
        search = _TermSearch(y[rows])
        singles = list(generate_singles(self.features, X[rows]))
        selected = search.exchange(search.extend([], singles), singles)
        selected = search.extend(selected, generate_pairs(selected, singles))
        selected = search.exchange(search.extend(selected, singles), singles)
        names = [f.name for f in self.features]
        options = [o.evaluate(X, names) for o in selected]
        weights = _TermSearch(y).fit_weights(options)
        self.formula_ = Formula(
            features=tuple(names),
            intercept=float(weights[0]),
            terms=tuple(
                Term(weight=float(w), shapes=o.shapes)
                for w, o in zip(weights[1:], options, strict=True)
            ),
        )
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Matrix) -> NDArray[np.float64]:  # noqa: N803 -- scikit-learn's names
        """Return the probabilities of both labels, shape `(n, 2)`."""
        risk = expit(self.formula_.log_odds(X))
        return np.column_stack([1.0 - risk, risk])


@dataclass(frozen=True, slots=True)
class _TermSearch:
    """The steps of the selection: fit weights, add options, exchange options.

    `cache` has the fitted weights of each tuple of options.
    """

    labels: Labels
    cache: dict[tuple[Option, ...], Weights] = field(default_factory=dict)

    def extend(self, selected: list[Option], options: Sequence[Option]) -> list[Option]:
        """Add the option with the largest gain, until no gain is large enough."""
        if not options:
            return selected
        values = _stack_values(options)
        required = np.array([o.required_gain for o in options])
        for _ in range(MOST_ROUNDS):
            gains = self._measure_gains(selected, options, values) - required
            best = int(gains.argmax())
            if gains[best] < 0:
                break
            selected = self._prune([*selected, options[best]])
        return selected

    def exchange(self, selected: list[Option], options: Sequence[Option]) -> list[Option]:
        """Exchange each term of one shape for a better shape of its feature, if there is one."""
        for old in [o for o in selected if len(o.shapes) == 1]:
            rest = [o for o in selected if o is not old]
            others = [o for o in options if o.features == old.features and o not in selected]
            if not others:
                continue
            values = _stack_values(others)
            order = np.argsort(-self._measure_gains(rest, others, values))
            trials = [old, others[0], *(others[i] for i in order[:2])]
            best = min(trials, key=lambda o: self._measure_deviance([*rest, o]) + o.required_gain)
            selected = [best if o is old else o for o in selected]
        return selected

    def fit_weights(self, options: Sequence[Option]) -> Weights:
        """Fit intercept and weights by maximum likelihood; signed weights are at least 0."""
        key = tuple(options)
        if key not in self.cache:
            self.cache[key] = self._maximise_likelihood(options)
        return self.cache[key]

    def _maximise_likelihood(self, options: Sequence[Option]) -> Weights:
        design = self._build_design(options)
        lower = np.array([-np.inf, *(0.0 if o.is_signed else -np.inf for o in options)])
        rate = self.labels.mean()
        weights = np.zeros(design.shape[1])
        weights[0] = np.log(rate / (1.0 - rate))
        for _ in range(NEWTON_STEPS):
            information, slopes = self._linearise(design, weights)
            root = np.linalg.cholesky(information)
            target = np.linalg.solve(root, information @ weights + slopes - RIDGE * weights)
            updated = lsq_linear(root.T, target, (lower, np.inf), method="bvls").x
            is_converged = np.abs(updated - weights).max() < CONVERGED
            weights = updated
            if is_converged:
                break
        return weights

    def _build_design(self, options: Sequence[Option]) -> Matrix:
        return np.column_stack([np.ones(len(self.labels)), *(o.values for o in options)])

    def _linearise(self, design: Matrix, weights: Weights) -> tuple[Matrix, Weights]:
        """Return the information matrix and the gradient of the log-likelihood at `weights`."""
        probabilities = expit(design @ weights)
        variance = np.maximum(probabilities * (1.0 - probabilities), 1e-6)
        information = (design * variance[:, None]).T @ design + RIDGE * np.eye(len(weights))
        return information, design.T @ (self.labels - probabilities)

    def _measure_gains(
        self, selected: Sequence[Option], options: Sequence[Option], values: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return score statistics, which approximate the fall in deviance if an option is added."""
        design, weights = self._build_design(selected), self.fit_weights(selected)
        probabilities = expit(design @ weights)
        variance = probabilities * (1.0 - probabilities)
        slopes = values.T @ (self.labels - probabilities).astype(np.float32)
        weighted = (design * variance[:, None]).astype(np.float32)
        shared = weighted.T @ values
        explained = np.linalg.solve(self._linearise(design, weights)[0], shared)
        own = np.einsum("ij,i,ij->j", values, variance.astype(np.float32), values)
        information = own - np.einsum("ij,ij->j", shared, explained)
        is_signed = np.array([o.is_signed for o in options])
        is_useful = (information > LEAST_INFORMATION) & ((slopes > 0) | ~is_signed)
        return np.where(is_useful, slopes**2 / np.maximum(information, LEAST_INFORMATION), 0.0)

    def _prune(self, selected: list[Option]) -> list[Option]:
        """Remove options whose Wald statistic is below `ENTRY`, except the newest option."""
        while len(selected) > 1:
            weights = self.fit_weights(selected)
            information, _ = self._linearise(self._build_design(selected), weights)
            wald = weights**2 / np.diag(np.linalg.inv(information))
            weakest = int(wald[1:-1].argmin())
            if wald[1:-1][weakest] >= ENTRY:
                break
            selected = [o for i, o in enumerate(selected) if i != weakest]
        return selected

    def _measure_deviance(self, options: Sequence[Option]) -> float:
        log_odds = self._build_design(options) @ self.fit_weights(options)
        return 2.0 * float((np.logaddexp(0.0, log_odds) - self.labels * log_odds).sum())


def _stack_values(options: Sequence[Option]) -> NDArray[np.float32]:
    values = np.empty((len(options[0].values), len(options)), dtype=np.float32, order="F")
    for j, option in enumerate(options):
        values[:, j] = option.values
    return values
