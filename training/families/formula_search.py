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
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from models.estimators.formula import Formula, Term
from models.features import Feature, Matrix
from models.metrics import Labels
from models.weighting import Weights as SampleWeights
from models.weighting import weigh
from training.families.candidate_terms import ENTRY, Option, generate_pairs, generate_singles
from training.families.outcomes import Outcomes
from training.families.penalised_logistic import (
    RegressionProblem,
    Weights,
    fit_penalised,
    linearise,
    measure_log_likelihood,
)
from training.families.shrinkage import build_problem, choose_shrinkage

MOST_ROUNDS = 60
RIDGE = 1e-3  # keeps weights finite where a shape separates the outcomes
LEAST_INFORMATION = 0.5  # a shape that varies less, given the others, is skipped
SELECTION_ROWS = 50_000  # most rows for selection, drawn at random; weights use every row


class SparseAdditiveClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # no types
    """A classifier that selects terms and fits their weights. `formula_` is the result.

    `features` describe the columns. Columns of levels and codes contain 0 or 1.
    """

    def __init__(self, *, features: Sequence[Feature] = (), seed: int = 0) -> None:
        self.features = features
        self.seed = seed

    def fit(self, X: Matrix, y: Labels, sample_weight: SampleWeights | None = None) -> Self:  # noqa: N803 -- scikit-learn's names
        """Fit to a matrix `(n, p)` and labels `(n,)`."""
        rows = np.random.default_rng(self.seed).permutation(len(y))[:SELECTION_ROWS]
        outcomes = Outcomes(y, sample_weight)
        drawn = outcomes.select(rows)
        search = _TermSearch(drawn)
        singles = list(generate_singles(self.features, X[rows], drawn.weights))
        selected = search.exchange(search.extend([], singles), singles)
        selected = search.extend(selected, generate_pairs(selected, singles))
        selected = search.exchange(search.extend(selected, singles), singles)
        names = [f.name for f in self.features]
        shrunk = choose_shrinkage(drawn, selected, singles)
        options = [o.evaluate(X, names) for o in shrunk.options]
        weights = shrunk.fit(outcomes, options)
        self.formula_ = Formula(
            features=tuple(names),
            intercept=float(weights[0]),
            terms=tuple(
                Term(weight=float(w), shapes=o.shapes)
                for w, o in zip(weights[1:], options, strict=True)
                if w
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

    `cache` has the fitted weights of each tuple of options, and `last` those of the last fit with
    an option, where the next fit starts; the intercept's is under None.
    """

    outcomes: Outcomes
    cache: dict[tuple[Option, ...], Weights] = field(default_factory=dict)
    last: dict[Option | None, float] = field(default_factory=dict)

    def extend(self, selected: list[Option], options: Sequence[Option]) -> list[Option]:
        """Add the option with the largest gain, until no gain is large enough.

        A score test only estimates a gain. In heavy tails a few rows mislead it, so an option that
        gains less than it must when it is fitted, or that is pruned again, is not tried again.
        """
        if not options:
            return selected
        values, required = _Values.stack(options), np.array([o.required_gain for o in options])
        is_open = np.ones(len(options), dtype=bool)
        for _ in range(MOST_ROUNDS):
            gains = self._measure_gains(selected, options, values) - required
            best = int(np.where(is_open, gains, -np.inf).argmax())
            if gains[best] < 0 or not is_open[best]:
                break
            is_open[best] = False
            extended = [*selected, options[best]]
            fall = self._measure_deviance(selected) - self._measure_deviance(extended)
            if fall >= required[best]:
                selected = self._prune(extended)
        return selected

    def exchange(self, selected: list[Option], options: Sequence[Option]) -> list[Option]:
        """Exchange each term of one shape for a better shape of its feature, if there is one."""
        for old in [o for o in selected if len(o.shapes) == 1]:
            rest = [o for o in selected if o is not old]
            others = [o for o in options if o.features == old.features and o not in selected]
            if not others:
                continue
            values = _Values.stack(others)
            order = np.argsort(-self._measure_gains(rest, others, values))
            trials = [old, others[0], *(others[i] for i in order[:2])]
            best = min(trials, key=lambda o: self._measure_deviance([*rest, o]) + o.required_gain)
            selected = [best if o is old else o for o in selected]
        return selected

    def fit_weights(self, options: Sequence[Option]) -> Weights:
        """Fit intercept and weights by maximum likelihood; signed weights are at least 0."""
        key = tuple(options)
        if key not in self.cache:
            guesses = [self.last.get(option, 0.0) for option in options]
            start = np.array([self.last.get(None, self.outcomes.log_odds), *guesses])
            weights = fit_penalised(self._build_problem(options), start)
            self.cache[key] = weights
            self.last.update(zip([None, *options], weights.tolist(), strict=True))
        return self.cache[key]

    def _build_problem(self, options: Sequence[Option]) -> RegressionProblem:
        return build_problem(self.outcomes, options, np.full(len(options) + 1, RIDGE))

    def _measure_gains(
        self, selected: Sequence[Option], options: Sequence[Option], values: "_Values"
    ) -> NDArray[np.float64]:
        """Return score statistics, which approximate the fall in deviance if an option is added."""
        problem, weights = self._build_problem(selected), self.fit_weights(selected)
        design = problem.design
        probabilities = expit(design @ weights)
        counts = self.outcomes.weights
        variance = weigh(probabilities * (1.0 - probabilities), counts)
        residuals = weigh(self.outcomes.labels - probabilities, counts)
        slopes = values.first @ residuals.astype(np.float32)
        weighted = (design * variance[:, None]).astype(np.float32)
        shared = weighted.T @ values.first.T
        explained = np.linalg.solve(linearise(problem, weights)[0], shared)
        own = values.squared @ variance.astype(np.float32)
        information = own - np.einsum("ij,ij->j", shared, explained)
        is_signed = np.array([o.is_signed for o in options])
        is_useful = (information > LEAST_INFORMATION) & ((slopes > 0) | ~is_signed)
        return np.where(is_useful, slopes**2 / np.maximum(information, LEAST_INFORMATION), 0.0)

    def _prune(self, selected: list[Option]) -> list[Option]:
        """Remove options whose Wald statistic is below `ENTRY`, except the newest option."""
        while len(selected) > 1:
            weights = self.fit_weights(selected)
            information, _ = linearise(self._build_problem(selected), weights)
            wald = weights**2 / np.diag(np.linalg.inv(information))
            weakest = int(wald[1:-1].argmin())
            if wald[1:-1][weakest] >= ENTRY:
                break
            selected = [o for i, o in enumerate(selected) if i != weakest]
        return selected

    def _measure_deviance(self, options: Sequence[Option]) -> float:
        weights = self.fit_weights(options)
        return -2.0 * measure_log_likelihood(self._build_problem(options), weights)


@dataclass(frozen=True, slots=True, eq=False)
class _Values:
    """Values of options and their squares, shape `(options, n)`: score tests are products."""

    first: NDArray[np.float32]
    squared: NDArray[np.float32]

    @classmethod
    def stack(cls, options: Sequence[Option]) -> Self:
        first = np.array([option.values for option in options], dtype=np.float32)
        return cls(first, first * first)
