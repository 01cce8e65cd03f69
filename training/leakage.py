"""Leakage checks on the matrices: fields that tell the outcome, and rows that are repeated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contract import CreditModel, characteristics
from models.features import Matrix, features
from models.metrics import Labels, auc

MOST_ROWS = 200_000  # drawn at random; more would not change a figure that is near its bound
BINS = 20  # of equal mass, for information values
DISTINCT_VALUES = 50  # a number with fewer is often equal in two rows by chance
LEAST_NUMBERS = 3  # equal by chance in all of these is rare
COMMON_SHARE = 0.05  # of the rows; a value that more of them have, such as 0, is common
DIGITS = 3  # significant digits in which near-duplicates agree
HALF_A_ROW = 0.5  # added to each bin, because an empty one has no logarithm


@dataclass(frozen=True, slots=True)
class FieldStrength:
    """What one column of the matrix tells of the outcome by itself.

    `auc` is at least .5: it is measured in the column's better direction, and counts missing values
    as one value of their own.
    """

    feature: str
    auc: float
    information_value: float


@dataclass(frozen=True, slots=True)
class Repetition:
    """Shares of rows that agree with another row in every number that has many values.

    `shared` is the share of test rows that repeat a training row, and `repeated` the share of all
    rows that repeat an earlier one. Both are None if too few columns have many values.
    """

    shared: float | None
    repeated: float | None


def measure_strengths(
    names: Sequence[str], matrix: Matrix, labels: Labels, seed: int
) -> tuple[FieldStrength, ...]:
    """Measure each column of a matrix `(n, p)` against labels `(n,)`, the strongest first."""
    rows = np.random.default_rng(seed).permutation(len(labels))[:MOST_ROWS]
    strengths = [
        FieldStrength(name, *_measure_column(matrix[rows, j], labels[rows]))
        for j, name in enumerate(names)
    ]
    return tuple(sorted(strengths, key=lambda strength: -strength.auc))


def _measure_column(column: NDArray[np.float64], labels: Labels) -> tuple[float, float]:
    is_missing = np.isnan(column)
    if is_missing.all():
        return 0.5, 0.0
    # Missing values may be riskier or safer than all numbers, so both ends are tried.
    ends = [np.where(is_missing, end, column) for end in (-np.inf, np.inf)]
    values = [auc(labels, end) for end in ends]
    strongest = max(max(value, 1 - value) for value in values)
    return strongest, _measure_information(column, is_missing, labels)


def _measure_information(
    column: NDArray[np.float64], is_missing: NDArray[np.bool_], labels: Labels
) -> float:
    edges = np.unique(np.quantile(column[~is_missing], np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.where(is_missing, len(edges) + 1, np.searchsorted(edges, column, side="right"))
    shares = []
    for label in (0, 1):
        counts = np.bincount(bins[labels == label], minlength=len(edges) + 2)
        used = counts + HALF_A_ROW
        shares.append(used / used.sum())
    goods, bads = shares
    return float(np.sum((goods - bads) * np.log(goods / bads)))


def measure_repetition(model: type[CreditModel], train: Matrix, test: Matrix) -> Repetition:
    """Measure how many rows are near-duplicates, within the data and across its two parts.

    Two rows must also be equal in every other column, such as levels.

    Two rows are near-duplicates if all declared numbers with at least `DISTINCT_VALUES` values are
    equal to `DIGITS` significant digits. Rows with fewer than `LEAST_NUMBERS` values that are
    neither missing nor common are not compared.
    """
    columns = _find_numbers(model, train)
    if len(columns) < LEAST_NUMBERS:
        return Repetition(None, None)
    both = _round_to_digits(np.vstack([train[:, columns], test[:, columns]]))
    is_distinctive = _find_distinctive(both)
    others = [j for j in range(train.shape[1]) if j not in columns]
    rest = np.nan_to_num(np.vstack([train[:, others], test[:, others]]), nan=np.inf)
    _, groups = np.unique(np.hstack([both, rest]), axis=0, return_inverse=True)
    groups = groups.ravel()
    in_train = np.zeros(groups.max() + 1, dtype=bool)
    in_train[groups[: len(train)]] = True
    shared = in_train[groups[len(train) :]] & is_distinctive[len(train) :]
    compared = groups[is_distinctive]
    repeated = len(compared) - len(np.unique(compared))
    return Repetition(float(shared.mean()), repeated / len(both))


def _find_numbers(model: type[CreditModel], matrix: Matrix) -> list[int]:
    """Find the columns of declared numbers with many values; derived ones repeat their fields."""
    derived = {c.name for c in characteristics(model) if c.compute is not None}
    return [
        j
        for j, feature in enumerate(features(model))
        if feature.equals is None
        and feature.characteristic not in derived
        and len(np.unique(matrix[:, j])) >= DISTINCT_VALUES
    ]


def _round_to_digits(values: Matrix) -> Matrix:
    """Round to significant digits; missing values become infinite, and so equal."""
    filled = np.where(np.isnan(values), np.inf, values)
    is_number = np.isfinite(filled) & (filled != 0)
    magnitudes = np.ones_like(filled)
    magnitudes[is_number] = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(filled[is_number]))))
    return np.round(filled * magnitudes)


def _find_distinctive(rounded: Matrix) -> NDArray[np.bool_]:
    counts = np.zeros(len(rounded), dtype=np.int64)
    for column in rounded.T:
        values, frequencies = np.unique(column, return_counts=True)
        common = values[frequencies > COMMON_SHARE * len(column)]
        counts += np.isfinite(column) & ~np.isin(column, common)
    return counts >= LEAST_NUMBERS
