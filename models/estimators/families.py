"""Fitted models as plain numbers: a matrix of features in, log-odds of default out.

Every family is an exported scikit-learn pipeline in one of two forms, a formula or trees, and is
read back from its bytes alone. A row's log-odds never depend on the rows beside it, to the last
bit.
"""

import json
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from models.errors import ModelRefusedError
from models.estimators.flat_trees import FlatTrees
from models.estimators.formula import Formula
from models.estimators.lazy import BuildOnSecondUse
from models.estimators.libxgboost import Booster
from models.estimators.tree_shap import PathTables
from models.features import Matrix

AdditiveFamily = Literal["logistic", "scorecard", "additive"]
TreeFamily = Literal["xgboost", "random_forest"]
Family = AdditiveFamily | TreeFamily
Base = Literal["reference", "training_mean"]
LogOdds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contributions:
    """`base + values.sum(axis=1)` is the log-odds, to 1e-4; `values` has the matrix's shape."""

    base: float
    values: Matrix


class Estimator(Protocol):
    """What every family offers."""

    @property
    def family(self) -> Family:
        """Name of the family, as bundles and responses show it."""

    @property
    def base(self) -> Base:
        """Whose log-odds contributions start from."""

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Log-odds of default, shape `(n,)`, for a matrix `(n, p)`; positive = riskier."""

    def contributions(self, matrix: Matrix, reference: Matrix) -> Contributions:
        """What each feature adds to the log-odds of each row."""

    def to_bytes(self) -> bytes:
        """The bytes `estimator_from_bytes` reads back."""


@dataclass(frozen=True, slots=True)
class Additive:
    """A formula: a logistic regression, a scorecard or a sparse additive model."""

    family: AdditiveFamily
    formula: Formula

    @property
    def base(self) -> Base:
        """The reference."""
        return "reference"

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Log-odds of default for each row."""
        return self.formula.log_odds(matrix)

    def contributions(self, matrix: Matrix, reference: Matrix) -> Contributions:
        """Exact distances from the reference row, shape `(1, p)`, whose log-odds are the base."""
        values = self.formula.contributions(matrix, reference)
        return Contributions(float(self.log_odds(reference)[0]), values)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(self.formula.model_dump(), sort_keys=True, indent=1).encode()


class Trees:
    """Boosted trees or a random forest, grown by XGBoost.

    Its library scores many rows; what is fastest for one row is made the second time that is
    asked for: a cold start does not wait for it. Explanations need it at once.
    """

    def __init__(self, family: TreeFamily, ubj: bytes) -> None:
        self.family: Family = family
        self._ubj = ubj
        self._booster = Booster(ubj)
        # Neither knows this object: a cycle would outlive the version that is replaced.
        self._flat = BuildOnSecondUse(partial(_flattened, ubj))
        self._paths = BuildOnSecondUse(partial(_paths_of, self._flat))

    @property
    def base(self) -> Base:
        """The mean log-odds of the training rows."""
        return "training_mean"

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Log-odds of default for each row."""
        if len(matrix) == 1 and (flat := self._flat.get()):
            return np.array([flat.log_odds(matrix[0])])
        return self._booster.margins(matrix)

    def contributions(self, matrix: Matrix, reference: Matrix) -> Contributions:  # noqa: ARG002 -- trees have a base of their own
        """Exact SHAP values, path-dependent; the base is the mean over the training rows."""
        if paths := self._paths.now:
            return Contributions(paths.base, paths.contributions(matrix))
        found = self._booster.contributions(matrix)
        return Contributions(float(found[0, -1]), np.ascontiguousarray(found[:, :-1]))

    def to_bytes(self) -> bytes:
        """XGBoost's UBJSON."""
        return self._ubj


def _flattened(ubj: bytes) -> FlatTrees | None:
    try:
        return FlatTrees.from_ubjson(ubj)
    except ModelRefusedError:  # of a kind that only the library knows
        return None


def _paths_of(trees: BuildOnSecondUse[FlatTrees | None]) -> PathTables | None:
    return PathTables.from_trees(trees.now) if trees.now else None


def estimator_from_bytes(family: Family, data: bytes) -> Estimator:
    """Read an exported estimator.

    Raises
    ------
    ModelRefusedError
        If the bytes are not an estimator of this family.
    """
    if family == "xgboost" or family == "random_forest":  # noqa: PLR1714 -- mypy narrows this only
        return Trees(family, data)
    try:
        return Additive(family, Formula.model_validate_json(data))
    except ValidationError as error:
        message = f"estimator: {error.error_count()} faults in its formula"
        raise ModelRefusedError(message) from error
