"""What the gates need besides figures: stability, leakage, reasons, groups and work of a model."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.annotations import Columns
from models.errors import ModelRefusedError
from models.estimators.families import Additive, Estimator
from models.estimators.flat_trees import FlatTrees
from models.features import Matrix, features
from models.metrics import Labels, Probabilities
from models.scorer import Scorer
from models.stability import Stability, measure_stability
from models.weighting import Weights, select_weights
from training.leakage import FieldStrength, Repetition, measure_repetition, measure_strengths
from training.model_review import GroupFigures, measure_fairness
from training.parts import Part
from training.reason_check import ReasonCheck, check_reasons
from training.split import Hashes, one_of_each_group


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """One part of the data: fields, features `(n, p)`, labels, probabilities and weights `(n,)`.

    The probabilities of the training part are those of its held-out folds.
    """

    columns: Columns
    matrix: Matrix
    labels: Labels
    probabilities: Probabilities
    weights: Weights | None = None
    groups: Hashes | None = None

    @classmethod
    def from_part(cls, part: Part, probabilities: Probabilities) -> Self:
        """Return a part with the probabilities of its rows."""
        return cls(part.columns, part.matrix, part.labels, probabilities, part.weights, part.groups)

    def sample_scores(self) -> tuple[Probabilities, Weights | None]:
        """Return the probabilities and weights of independent rows: one of each group."""
        if self.groups is None:
            return self.probabilities, self.weights
        rows = one_of_each_group(self.groups, np.ones(len(self.labels), bool))
        return self.probabilities[rows], select_weights(self.weights, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEvidence:
    """Measured facts that the gates judge; `steps` is None for a form whose work is not counted."""

    strengths: tuple[FieldStrength, ...]
    repetition: Repetition
    stability: Stability
    reasons: ReasonCheck
    groups: tuple[GroupFigures, ...]
    steps: int | None


def gather_evidence(scorer: Scorer, train: JudgedRows, test: JudgedRows, seed: int) -> GateEvidence:
    """Measure a model on the two parts of its data.

    Strengths of fields, repetition and reasons are of rows as they are, without their weights: they
    ask what a row reveals, and not how frequent it is.
    """
    model = scorer.model
    policy = model.gate_policy
    (fitted, train_weights), (tested, test_weights) = train.sample_scores(), test.sample_scores()
    return GateEvidence(
        strengths=measure_strengths(
            [f.name for f in features(model)], train.matrix, train.labels, seed
        ),
        repetition=measure_repetition(model, train.matrix, test.matrix),
        stability=measure_stability(
            fitted,
            tested,
            policy.stability_psi,
            policy.stability_alpha,
            (train_weights, test_weights),
        ),
        reasons=check_reasons(scorer, test.columns, seed),
        groups=measure_fairness(
            scorer, test.columns, test.labels, test.probabilities, test.weights
        ),
        steps=count_steps(scorer.estimator),
    )


def count_steps(estimator: Estimator) -> int | None:
    """Count the work of scoring one row: shapes of a formula, or visited nodes of trees.

    A count is the same on every machine, unlike a measured time.
    """
    if isinstance(estimator, Additive):
        return sum(len(term.shapes) for term in estimator.formula.terms)
    try:
        trees = FlatTrees.from_ubjson(estimator.to_bytes())
    except ModelRefusedError:
        return None
    return len(trees.roots) * trees.depth
