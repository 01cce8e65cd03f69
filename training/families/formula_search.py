"""A sparse additive model: few shapes, each there because the data ask for it.

Forward selection by score tests over lines, curves and bent lines of every feature, then over
their interactions, as in multivariate adaptive regression splines (Friedman 1991), which also
charge for where a line bends. Documented signs hold by construction: shapes of signed features
rise with the risk, and no weight on them is negative.
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
from training.families.candidate_terms import ENTRY, Option, pair_options, single_options

MOST_ROUNDS = 60
NEWTON_STEPS = 30
ENOUGH = 1e-5  # a step in log-odds; the next one would be its square
RIDGE = 1e-3  # keeps weights finite where a shape separates the outcomes
LEAST_INFORMATION = 0.5  # a shape that varies less, given the others, is not looked at
SELECTION_ROWS = 50_000  # terms are chosen on no more, drawn at random; weights use every row

Weights = NDArray[np.float64]


class SparseAdditiveClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # no types
    """Choose terms, then fit their weights; `formula_` is the result, and what is served.

    `features` describe the columns; those that are levels or codes are 0 or 1.
    """

    def __init__(self, *, features: Sequence[Feature] = (), seed: int = 0) -> None:
        self.features = features
        self.seed = seed

    def fit(self, X: Matrix, y: Labels) -> Self:  # noqa: N803 -- scikit-learn's names
        """Fit to a matrix `(n, p)` and outcomes `(n,)`."""
        rows = np.random.default_rng(self.seed).permutation(len(y))[:SELECTION_ROWS]
        search = _Search(y[rows])
        singles = list(single_options(self.features, X[rows]))
        chosen = search.reshaped(search.extended([], singles), singles)
        chosen = search.extended(chosen, pair_options(chosen, singles))
        chosen = search.reshaped(search.extended(chosen, singles), singles)
        names = [f.name for f in self.features]
        whole = [o.on(X, names) for o in chosen]
        weights = _Search(y).weights(whole)
        self.formula_ = Formula(
            features=tuple(names),
            intercept=float(weights[0]),
            terms=tuple(
                Term(weight=float(w), shapes=o.shapes)
                for w, o in zip(weights[1:], whole, strict=True)
            ),
        )
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Matrix) -> NDArray[np.float64]:  # noqa: N803 -- scikit-learn's names
        """Probabilities of both outcomes, shape `(n, 2)`."""
        risk = expit(self.formula_.log_odds(X))
        return np.column_stack([1.0 - risk, risk])


@dataclass(frozen=True, slots=True)
class _Search:
    """What is done with options: fitting them, adding to them, exchanging them."""

    labels: Labels
    known: dict[tuple[Option, ...], Weights] = field(default_factory=dict)

    def extended(self, chosen: list[Option], options: Sequence[Option]) -> list[Option]:
        """Add the option that brings most, again and again, until none brings enough."""
        if not options:
            return chosen
        values = _stacked(options)
        charges = np.array([o.must_bring for o in options])
        for _ in range(MOST_ROUNDS):
            gains = self._gains(chosen, options, values) - charges
            best = int(gains.argmax())
            if gains[best] < 0:
                break
            chosen = self._pruned([*chosen, options[best]])
        return chosen

    def reshaped(self, chosen: list[Option], options: Sequence[Option]) -> list[Option]:
        """Exchange each term of one shape for a better one of its feature, the plainest first."""
        for old in [o for o in chosen if len(o.shapes) == 1]:
            rest = [o for o in chosen if o is not old]
            others = [o for o in options if o.features == old.features and o not in chosen]
            if not others:
                continue
            values = _stacked(others)
            order = np.argsort(-self._gains(rest, others, values))
            trials = [old, others[0], *(others[i] for i in order[:2])]
            best = min(trials, key=lambda o: self._deviance([*rest, o]) + o.must_bring)
            chosen = [best if o is old else o for o in chosen]
        return chosen

    def weights(self, chosen: Sequence[Option]) -> Weights:
        """Intercept and weights of most likelihood, none below 0 where a sign is documented."""
        key = tuple(chosen)
        if key not in self.known:
            self.known[key] = self._fitted(chosen)
        return self.known[key]

    def _fitted(self, chosen: Sequence[Option]) -> Weights:
        design = self._design(chosen)
        lower = np.array([-np.inf, *(0.0 if o.signed else -np.inf for o in chosen)])
        rate = self.labels.mean()
        weights = np.zeros(design.shape[1])
        weights[0] = np.log(rate / (1.0 - rate))
        for _ in range(NEWTON_STEPS):
            information, slopes = self._newton(design, weights)
            root = np.linalg.cholesky(information)
            target = np.linalg.solve(root, information @ weights + slopes - RIDGE * weights)
            moved = lsq_linear(root.T, target, (lower, np.inf), method="bvls").x
            done = np.abs(moved - weights).max() < ENOUGH
            weights = moved
            if done:
                break
        return weights

    def _design(self, chosen: Sequence[Option]) -> Matrix:
        return np.column_stack([np.ones(len(self.labels)), *(o.values for o in chosen)])

    def _newton(self, design: Matrix, weights: Weights) -> tuple[Matrix, Weights]:
        """Information and slopes of the log-likelihood at some weights."""
        probabilities = expit(design @ weights)
        variance = np.maximum(probabilities * (1.0 - probabilities), 1e-6)
        information = (design * variance[:, None]).T @ design + RIDGE * np.eye(len(weights))
        return information, design.T @ (self.labels - probabilities)

    def _gains(
        self, chosen: Sequence[Option], options: Sequence[Option], values: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Score statistics: about how far the deviance falls if one option is added."""
        design, weights = self._design(chosen), self.weights(chosen)
        probabilities = expit(design @ weights)
        variance = probabilities * (1.0 - probabilities)
        slopes = values.T @ (self.labels - probabilities).astype(np.float32)
        weighted = (design * variance[:, None]).astype(np.float32)
        shared = weighted.T @ values
        explained = np.linalg.solve(self._newton(design, weights)[0], shared)
        own = np.einsum("ij,i,ij->j", values, variance.astype(np.float32), values)
        information = own - np.einsum("ij,ij->j", shared, explained)
        signed = np.array([o.signed for o in options])
        useful = (information > LEAST_INFORMATION) & ((slopes > 0) | ~signed)
        return np.where(useful, slopes**2 / np.maximum(information, LEAST_INFORMATION), 0.0)

    def _pruned(self, chosen: list[Option]) -> list[Option]:
        """Leave out what weighs nothing, and what no longer brings `ENTRY`, but not the newest."""
        while len(chosen) > 1:
            weights = self.weights(chosen)
            information, _ = self._newton(self._design(chosen), weights)
            wald = weights**2 / np.diag(np.linalg.inv(information))
            weakest = int(wald[1:-1].argmin())
            if wald[1:-1][weakest] >= ENTRY:
                break
            chosen = [o for i, o in enumerate(chosen) if i != weakest]
        return chosen

    def _deviance(self, chosen: Sequence[Option]) -> float:
        log_odds = self._design(chosen) @ self.weights(chosen)
        return 2.0 * float((np.logaddexp(0.0, log_odds) - self.labels * log_odds).sum())


def _stacked(options: Sequence[Option]) -> NDArray[np.float32]:
    values = np.empty((len(options[0].values), len(options)), dtype=np.float32, order="F")
    for j, option in enumerate(options):
        values[:, j] = option.values
    return values
