"""Additive formulas: log-odds as a sum of terms, readable by people and stored as JSON.

Each term is a weight times the shape of one feature, or times the shapes of two. Logistic
regressions, scorecards and sparse additive models are formulas that differ only in their shapes.
"""

import math
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.annotations import Column
from models.features import Matrix

LARGEST_NUMBER = 1e15  # in a formula: with features up to 1e38, no sum overflows a double
SMALLEST_UNIT = 1e-9
PAIR = 2  # a term with two shapes is an interaction


Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]


class _FormulaDocument(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        defer_build=True,  # a cold start with trees needs none of these
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
    )


class Value(_FormulaDocument):
    """The feature itself, or `missing` where it is NaN."""

    kind: Literal["value"] = "value"
    feature: str
    missing: Number

    def evaluate(self, column: Column) -> Column:
        """Return the values of the shape, array shape `(n,)`."""
        return np.where(np.isnan(column), self.missing, column)


class Line(_FormulaDocument):
    """0 at `start`, 1 at `end`, linear in between and constant beyond; `end < start` falls."""

    kind: Literal["line"] = "line"
    feature: str
    start: Number
    end: Number
    missing: Number

    @model_validator(mode="after")
    def _require_length(self) -> Self:
        _require(self.start != self.end, "a line needs a start that differs from its end")
        return self

    def evaluate(self, column: Column) -> Column:
        """Return the values of the shape, array shape `(n,)`, in [0, 1]."""
        along = np.clip((column - self.start) / (self.end - self.start), 0.0, 1.0)
        return np.where(np.isnan(column), self.missing, along)


class Curve(_FormulaDocument):
    """A line on the scale of `log(1 + feature / unit)`; negative features count as 0."""

    kind: Literal["curve"] = "curve"
    feature: str
    unit: Annotated[Number, Field(ge=SMALLEST_UNIT)]
    start: Annotated[Number, Field(ge=0)]
    end: Annotated[Number, Field(ge=0)]
    missing: Number

    @model_validator(mode="after")
    def _require_length(self) -> Self:
        start, end = self.transform_ends()
        _require(start != end, "a curve needs a start that differs from its end")
        return self

    def evaluate(self, column: Column) -> Column:
        """Return the values of the shape, array shape `(n,)`, in [0, 1]."""
        start, end = self.transform_ends()
        along = (np.log1p(np.maximum(column, 0.0) / self.unit) - start) / (end - start)
        return np.where(np.isnan(column), self.missing, np.clip(along, 0.0, 1.0))

    def transform_ends(self) -> tuple[float, float]:
        """Return start and end on the scale of the logarithm."""
        return math.log1p(self.start / self.unit), math.log1p(self.end / self.unit)


class Steps(_FormulaDocument):
    """A step function: `values[i]` from `edges[i - 1]`, inclusive, to `edges[i]`, exclusive."""

    kind: Literal["steps"] = "steps"
    feature: str
    edges: tuple[Number, ...]
    values: tuple[Number, ...]
    missing: Number

    @model_validator(mode="after")
    def _require_rising_edges(self) -> Self:
        _require(len(self.values) == len(self.edges) + 1, "steps need one value more than edges")
        _require(bool(np.all(np.diff(self.edges) > 0)), "the edges of steps must rise")
        return self

    def evaluate(self, column: Column) -> Column:
        """Return the values of the shape, array shape `(n,)`."""
        values = np.array(self.values)[np.searchsorted(self.edges, column, side="right")]
        return np.where(np.isnan(column), self.missing, values)


Shape = Annotated[Value | Line | Curve | Steps, Field(discriminator="kind")]


class Term(_FormulaDocument):
    """`weight` times one shape, or times two shapes of different features."""

    weight: Number
    shapes: Annotated[tuple[Shape, ...], Field(min_length=1, max_length=PAIR)]

    @model_validator(mode="after")
    def _require_distinct_features(self) -> Self:
        names = {shape.feature for shape in self.shapes}
        _require(
            len(names) == len(self.shapes), "the two shapes of a term must have different features"
        )
        return self


class Formula(_FormulaDocument):
    """An intercept and terms over the columns of a matrix; `features` has their names in order."""

    features: tuple[str, ...]
    intercept: Number
    terms: tuple[Term, ...]

    @model_validator(mode="after")
    def _require_listed_features(self) -> Self:
        used = {shape.feature for term in self.terms for shape in term.shapes}
        _require(used <= set(self.features), "the feature of a shape is not among the features")
        return self

    def log_odds(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return the log-odds of each row, shape `(n,)`."""
        # Invariant: terms are added one after the other, in their order. A matrix product
        # `shapes @ weights` is not equivalent: its last bit differs between a row and a batch.
        total = np.full(len(matrix), self.intercept)
        for term in self.terms:
            product = np.full(len(matrix), term.weight)
            for shape in term.shapes:
                product *= self._evaluate(shape, matrix)
            total += product
        return total

    def contributions(self, matrix: Matrix, baseline_row: Matrix) -> Matrix:
        """Return what each feature adds to the log-odds of the baseline row, shape `(n, p)`.

        An interaction is divided by Shapley's rule: each feature gets the mean of what it adds
        before and after the other feature has moved away from the baseline row, shape `(1, p)`.
        """
        values = np.zeros(matrix.shape)
        for term in self.terms:
            here = [self._evaluate(shape, matrix) for shape in term.shapes]
            there = [self._evaluate(shape, baseline_row) for shape in term.shapes]
            for i, shape in enumerate(term.shapes):
                addition = term.weight * (here[i] - there[i])
                if len(term.shapes) == PAIR:
                    addition *= (here[1 - i] + there[1 - i]) / 2
                values[:, self._find_column_index(shape)] += addition
        return values

    def _evaluate(self, shape: Value | Line | Curve | Steps, matrix: Matrix) -> Column:
        return shape.evaluate(matrix[:, self._find_column_index(shape)])

    def _find_column_index(self, shape: Value | Line | Curve | Steps) -> int:
        return self.features.index(shape.feature)


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 -- a condition is a condition
    if not condition:
        raise ValueError(message)
