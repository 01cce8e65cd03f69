"""Fitted models as plain numbers: a matrix of features in, log-odds of default out.

Each family is an exported form of a scikit-learn pipeline, has bytes of its own and is read back
from them alone. A row's log-odds never depend on the rows beside it, to the last bit.
"""

import json
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from models.errors import ModelRefusedError
from models.features import Matrix
from models.libxgboost import Booster

Family = Literal["logistic", "xgboost"]
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

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Log-odds of default, shape `(n,)`, for a matrix `(n, p)`; positive = riskier."""

    def contributions(self, matrix: Matrix, reference: Matrix) -> Contributions:
        """What each feature adds to the log-odds of each row."""

    def to_bytes(self) -> bytes:
        """The bytes `estimator_from_bytes` reads back."""


class Coefficients(BaseModel):
    """A logistic regression on raw features: what its JSON holds."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    features: tuple[str, ...]
    intercept: float
    weights: tuple[float, ...]
    fills: tuple[float, ...]

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if not len(self.features) == len(self.weights) == len(self.fills):
            message = "features, weights and fills differ in length"
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Logistic:
    """`intercept + sum of weight * value`; a missing value counts as the feature's fill."""

    coefficients: Coefficients
    family: Literal["logistic"] = "logistic"

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Log-odds of default for each row."""
        # Not `filled @ weights`: its last bit differs between one row and a batch.
        total: LogOdds = self._weighted(matrix).sum(axis=1) + self.coefficients.intercept
        return total

    def contributions(self, matrix: Matrix, reference: Matrix) -> Contributions:
        """Weight times distance from the reference row, shape `(1, p)`."""
        values = self._weighted(matrix) - self._weighted(reference)
        return Contributions(float(self.log_odds(reference)[0]), values)

    def _weighted(self, matrix: Matrix) -> Matrix:
        filled = np.where(np.isnan(matrix), np.array(self.coefficients.fills), matrix)
        weighted: Matrix = filled * np.array(self.coefficients.weights)
        return weighted

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(self.coefficients.model_dump(), sort_keys=True, indent=1).encode()


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """XGBoost's trees, scored by its own library."""

    ubj: bytes
    booster: Booster
    family: Literal["xgboost"] = "xgboost"

    def log_odds(self, matrix: Matrix) -> LogOdds:
        """Log-odds of default for each row."""
        return self.booster.margins(matrix)

    def contributions(self, matrix: Matrix, reference: Matrix) -> Contributions:  # noqa: ARG002 -- trees have a base of their own
        """Exact SHAP values, path-dependent; the base is the mean over the training rows."""
        found = self.booster.contributions(matrix)
        return Contributions(float(found[0, -1]), np.ascontiguousarray(found[:, :-1]))

    def to_bytes(self) -> bytes:
        """XGBoost's UBJSON."""
        return self.ubj


def estimator_from_bytes(family: Family, data: bytes) -> Estimator:
    """Read an exported estimator.

    Raises
    ------
    ModelRefusedError
        If the bytes are not an estimator of this family.
    """
    if family == "xgboost":
        return BoostedTrees(data, Booster(data))
    try:
        return Logistic(Coefficients.model_validate_json(data))
    except ValidationError as error:
        message = f"estimator: {error.error_count()} faults in its coefficients"
        raise ModelRefusedError(message) from error
