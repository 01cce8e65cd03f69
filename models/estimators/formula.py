"""Formulas: log-odds as a sum of terms that a person can read and a JSON document can hold.

Each term is a weight times the shape of one feature, or times the shapes of two. Logistic
regressions, scorecards and sparse additive models are formulas that differ in their shapes only.
"""

import math
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.annotations import Column
from models.features import Matrix

LARGEST_NUMBER = 1e15  # of a formula: with features up to 1e38, no sum leaves double precision
SMALLEST_UNIT = 1e-9
PAIR = 2  # a term with two shapes is an interaction


Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]


class _Document(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        # A cold start with trees needs none of these.
        defer_build=True,
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
    )


class Value(_Document):
    """The feature itself; `missing` where it is missing."""

    kind: Literal["value"] = "value"
    feature: str
    missing: Number

    def at(self, column: Column) -> Column:
        """The shape's values, shape `(n,)`."""
        return np.where(np.isnan(column), self.missing, column)


class Line(_Document):
    """0 at `start`, 1 at `end`, straight between and level beyond; falls where `end < start`."""

    kind: Literal["line"] = "line"
    feature: str
    start: Number
    end: Number
    missing: Number

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        _require(self.start != self.end, "a line needs two ends")
        return self

    def at(self, column: Column) -> Column:
        """The shape's values, shape `(n,)`, in [0, 1]."""
        along = np.clip((column - self.start) / (self.end - self.start), 0.0, 1.0)
        return np.where(np.isnan(column), self.missing, along)


class Curve(_Document):
    """A line on the scale of `log(1 + feature / unit)`; the feature counts as at least 0."""

    kind: Literal["curve"] = "curve"
    feature: str
    unit: Annotated[Number, Field(ge=SMALLEST_UNIT)]
    start: Annotated[Number, Field(ge=0)]
    end: Annotated[Number, Field(ge=0)]
    missing: Number

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        start, end = self._ends()
        _require(start != end, "a curve needs two ends")
        return self

    def at(self, column: Column) -> Column:
        """The shape's values, shape `(n,)`, in [0, 1]."""
        start, end = self._ends()
        along = (np.log1p(np.maximum(column, 0.0) / self.unit) - start) / (end - start)
        return np.where(np.isnan(column), self.missing, np.clip(along, 0.0, 1.0))

    def _ends(self) -> tuple[float, float]:
        return math.log1p(self.start / self.unit), math.log1p(self.end / self.unit)


class Steps(_Document):
    """`values[i]` from `edges[i - 1]` up to `edges[i]`, which belongs to the next step."""

    kind: Literal["steps"] = "steps"
    feature: str
    edges: tuple[Number, ...]
    values: tuple[Number, ...]
    missing: Number

    @model_validator(mode="after")
    def _rising_edges(self) -> Self:
        _require(len(self.values) == len(self.edges) + 1, "steps need one value more than edges")
        _require(bool(np.all(np.diff(self.edges) > 0)), "edges of steps rise")
        return self

    def at(self, column: Column) -> Column:
        """The shape's values, shape `(n,)`."""
        found = np.array(self.values)[np.searchsorted(self.edges, column, side="right")]
        return np.where(np.isnan(column), self.missing, found)


Shape = Annotated[Value | Line | Curve | Steps, Field(discriminator="kind")]


class Term(_Document):
    """`weight` times one shape, or times two of different features."""

    weight: Number
    shapes: Annotated[tuple[Shape, ...], Field(min_length=1, max_length=PAIR)]

    @model_validator(mode="after")
    def _different_features(self) -> Self:
        names = {shape.feature for shape in self.shapes}
        _require(len(names) == len(self.shapes), "a term has each feature once")
        return self


class Formula(_Document):
    """An intercept and terms over the columns of a matrix, which `features` names in order."""

    features: tuple[str, ...]
    intercept: Number
    terms: tuple[Term, ...]

    @model_validator(mode="after")
    def _known_features(self) -> Self:
        used = {shape.feature for term in self.terms for shape in term.shapes}
        _require(used <= set(self.features), "a shape's feature is not among the features")
        return self

    def log_odds(self, matrix: Matrix) -> NDArray[np.float64]:
        """Log-odds of each row, shape `(n,)`."""
        # Term after term, not `shapes @ weights`: its last bit differs between a row and a batch.
        total = np.full(len(matrix), self.intercept)
        for term in self.terms:
            product = np.full(len(matrix), term.weight)
            for shape in term.shapes:
                product *= self._at(shape, matrix)
            total += product
        return total

    def contributions(self, matrix: Matrix, reference: Matrix) -> Matrix:
        """What each feature adds to the reference's log-odds, shape `(n, p)`.

        An interaction is shared by Shapley's rule: half of what each of its two features adds
        before the other has moved from the reference `(1, p)`, and half of what it adds after.
        """
        values = np.zeros(matrix.shape)
        for term in self.terms:
            here = [self._at(shape, matrix) for shape in term.shapes]
            there = [self._at(shape, reference) for shape in term.shapes]
            for i, shape in enumerate(term.shapes):
                moved = term.weight * (here[i] - there[i])
                if len(term.shapes) == PAIR:
                    moved *= (here[1 - i] + there[1 - i]) / 2
                values[:, self._place(shape)] += moved
        return values

    def _at(self, shape: Value | Line | Curve | Steps, matrix: Matrix) -> Column:
        return shape.at(matrix[:, self._place(shape)])

    def _place(self, shape: Value | Line | Curve | Steps) -> int:
        return self.features.index(shape.feature)


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 -- a condition is a condition
    if not condition:
        raise ValueError(message)
