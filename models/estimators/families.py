"""Estimators by family: a feature matrix in, log-odds of default and contributions out.

Every estimator is exported from a scikit-learn pipeline in one of two forms, a formula or trees,
and is read back from its bytes alone. The log-odds of a row never depend on the rows beside it, to
the last bit.
"""

import json
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, cast, get_args

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
TreeFamily = Literal["xgboost", "random_forest", "lightgbm"]
Family = AdditiveFamily | TreeFamily
TREE_FAMILIES: tuple[TreeFamily, ...] = get_args(TreeFamily)
StartingPoint = Literal["reference", "training_mean"]
LogOdds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contributions:
    """Additive contributions: `expected_value + values.sum(axis=1)` is the log-odds, to 1e-4.

    `values` has the shape of the matrix.
    """

    expected_value: float
    values: Matrix


class Estimator(Protocol):
    """The interface of every family."""

    @property
    def family(self) -> Family:
        """Name of the family in bundles and responses."""

    @property
    def starting_point(self) -> StartingPoint:
        """Whose log-odds are the expected value: the baseline applicant's or the training mean."""

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Return log-odds of default, shape `(n,)`, for a matrix `(n, p)`; positive = riskier."""

    def contributions(self, matrix: Matrix, baseline_row: Matrix) -> Contributions:
        """Return what each feature adds to the log-odds of each row."""

    def to_bytes(self) -> bytes:
        """Return the bytes that `estimator_from_bytes` reads."""


@dataclass(frozen=True, slots=True)
class Additive:
    """A formula: a logistic regression, a scorecard or a sparse additive model."""

    family: AdditiveFamily
    formula: Formula

    @property
    def starting_point(self) -> StartingPoint:
        """The baseline applicant, which the contract calls the reference."""
        return "reference"

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Return log-odds of default, shape `(n,)`."""
        return self.formula.log_odds(matrix)

    def contributions(self, matrix: Matrix, baseline_row: Matrix) -> Contributions:
        """Return exact contributions relative to the baseline row, shape `(1, p)`.

        The expected value is the log-odds of that row.
        """
        values = self.formula.contributions(matrix, baseline_row)
        return Contributions(float(self.log_odds(baseline_row)[0]), values)

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        return json.dumps(self.formula.model_dump(), sort_keys=True, indent=1).encode()


class Trees:
    """Boosted trees or a random forest, as XGBoost's trees whichever library grew them.

    XGBoost's library scores many rows. Faster structures for single rows are built on their second
    use, so a cold start does not wait for them. Explanations of several rows build them at once.
    """

    def __init__(self, family: TreeFamily, ubj: bytes) -> None:
        self.family: Family = family
        self._ubj = ubj
        self._booster = Booster(ubj)
        # Neither refers to this object. A reference cycle would keep a replaced version in memory.
        self._flat = BuildOnSecondUse(partial(_build_flat_trees, ubj))
        self._paths = BuildOnSecondUse(partial(_build_path_tables, self._flat))

    @property
    def starting_point(self) -> StartingPoint:
        """The mean log-odds of the training rows."""
        return "training_mean"

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Return log-odds of default, shape `(n,)`."""
        if len(matrix) == 1 and (flat := self._flat.get()):
            return np.array([flat.log_odds(matrix[0])])
        return self._booster.margins(matrix)

    def contributions(self, matrix: Matrix, baseline_row: Matrix) -> Contributions:  # noqa: ARG002 -- trees start from the training mean
        """Return exact path-dependent SHAP values; the training mean is the expected value."""
        if paths := self._paths.value:
            return Contributions(paths.expected_value, paths.contributions(matrix))
        shap_values = self._booster.contributions(matrix)
        return Contributions(float(shap_values[0, -1]), np.ascontiguousarray(shap_values[:, :-1]))

    def to_bytes(self) -> bytes:
        """Return XGBoost's UBJSON."""
        return self._ubj


def _build_flat_trees(ubj: bytes) -> FlatTrees | None:
    try:
        return FlatTrees.from_ubjson(ubj)
    except ModelRefusedError:  # of a kind that only XGBoost's library supports
        return None


def _build_path_tables(trees: BuildOnSecondUse[FlatTrees | None]) -> PathTables | None:
    return PathTables.from_trees(trees.value) if trees.value else None


def estimator_from_bytes(family: Family, data: bytes) -> Estimator:
    """Read an exported estimator.

    Raises
    ------
    ModelRefusedError
        If the bytes are not an estimator of this family.
    """
    if family in TREE_FAMILIES:
        return Trees(family, data)
    try:
        return Additive(cast("AdditiveFamily", family), Formula.model_validate_json(data))
    except ValidationError as error:
        message = f"estimator: {error.error_count()} faults in its formula"
        raise ModelRefusedError(message) from error
