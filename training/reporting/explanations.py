"""What moves a model's answers: partial dependence, sensitivity, and frequencies of reasons."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.annotations import Column, Columns
from models.contract import (
    Characteristic,
    bounds_from_field,
    characteristics,
)
from models.errors import FeatureError
from models.features import (
    Matrix,
    columns_from_fields,
    matrix_from_columns,
)
from models.metrics import Probabilities
from models.scorer import Scorer, probabilities_from_log_odds
from training.reading.applications import applications_from_fields
from training.reporting.decisions import scores_from_probabilities

SAMPLE_ROWS = 300  # of partial dependence and sensitivity
EXPLAINED_ROWS = 1_500
MAIN_FIELDS = 12
GRID = 16
LOWEST, HIGHEST = 0.01, 0.99  # quantiles between which a number moves
SHARE_OF_SPREAD = 0.1

Fields = dict[str, Column]


@dataclass(frozen=True, slots=True)
class PartialDependence:
    """Mean probability of default of the same rows, with one field set to each value in turn.

    `special` has the means at the field's special codes, and where it is absent.
    """

    field: str
    sign: int
    is_number: bool
    values: tuple[float | str, ...]
    probabilities: tuple[float, ...]
    special: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The change of the score when one number moves by `step`, up and down, within its bounds."""

    field: str
    step: float
    points_up: float
    points_down: float
    most_points: float  # the largest change of any row, either way
    decisions_changed: float  # share of rows whose decision one of the moves changes


@dataclass(frozen=True, slots=True)
class ReasonFrequency:
    """How often a reason is given to the applications that are not approved."""

    code: str
    fields: tuple[str, ...]
    text: str
    first: int  # as the strongest reason
    rows: int  # among all reasons given
    share_first: float
    share: float


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """Reasons of a sample of the applications that are not approved."""

    rows: int
    without_reason: int
    mean_reasons: float
    frequencies: tuple[ReasonFrequency, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows whose fields can be moved, with the derived numbers computed again."""

    scorer: Scorer
    fields: Fields

    def score(self, changes: Fields) -> Probabilities:
        """Return probabilities with some columns replaced."""
        model = self.scorer.model
        derived = {c.name for c in characteristics(model) if c.compute is not None}
        fields = self.fields | {n: v for n, v in changes.items() if n not in derived}
        inputs = {n: v for n, v in fields.items() if n not in derived}
        try:
            columns = dict(columns_from_fields(model, inputs))
        except FeatureError:  # a value that divides by zero beside another row's
            columns = dict(fields)
        columns |= changes
        return self.score_matrix(matrix_from_columns(model, columns))

    def score_matrix(self, matrix: Matrix) -> Probabilities:
        """Return probabilities of rows of the feature matrix."""
        return probabilities_from_log_odds(self.scorer.log_odds_from_matrix(matrix))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.fields.values())))


def draw_sample(scorer: Scorer, columns: Columns, seed: int) -> Sample:
    """Draw rows at random from columns of all fields."""
    random = np.random.default_rng(seed)
    count = len(next(iter(columns.values())))
    drawn = _select_rows(columns, random.permutation(count)[:SAMPLE_ROWS])
    scored = {c.name for c in characteristics(scorer.model) if not c.protected}
    fields = columns_from_fields(scorer.model, drawn)
    return Sample(scorer, {name: column for name, column in fields.items() if name in scored})


def _select_rows(columns: Columns, row_indices: NDArray[np.int64]) -> Columns:
    return {name: column[row_indices] for name, column in columns.items()}


def trace_partial_dependence(
    sample: Sample, columns: Mapping[str, Column], importances: Mapping[str, float]
) -> tuple[PartialDependence, ...]:
    """Trace the most important fields over the values that `columns` have."""
    fields = {c.name: c for c in characteristics(sample.scorer.model)}
    main = [name for name, value in importances.items() if value > 0][:MAIN_FIELDS]
    return tuple(_trace(sample, fields[name], columns[name]) for name in main)


def _trace(sample: Sample, c: Characteristic, column: Column) -> PartialDependence:
    def mean_at(value: float) -> float:
        return float(sample.score({c.name: np.full(len(sample), value)}).mean())

    amounts = _select_amounts(c, column)
    codes = {f"code {code}": float(code) for code in c.special if (column == code).any()}
    if np.isnan(column).any():
        codes["absent"] = np.nan
    if c.levels:
        values: tuple[float | str, ...] = tuple(map(str, c.levels))
        points = tuple(mean_at(float(index)) for index in range(len(c.levels)))
    else:
        grid = _choose_grid(c, amounts)
        values, points = tuple(grid), tuple(map(mean_at, grid))
    special = {name: mean_at(value) for name, value in codes.items()}
    return PartialDependence(c.name, c.sign, not c.levels, values, points, special)


def _select_amounts(c: Characteristic, column: Column) -> Column:
    amounts: Column = column[~np.isnan(column) & ~np.isin(column, tuple(c.special))]
    return amounts


def _choose_grid(c: Characteristic, amounts: Column) -> list[float]:
    """Choose all values if they are few; otherwise quantiles and points evenly spaced."""
    distinct = np.unique(amounts)
    if len(distinct) <= GRID:
        values: list[float] = distinct.tolist()
        return values
    low, high = np.quantile(amounts, (LOWEST, HIGHEST))
    quantiles = np.quantile(amounts, np.linspace(LOWEST, HIGHEST, GRID // 2))
    grid = np.concatenate([quantiles, np.linspace(low, high, GRID // 2)])
    if c.is_integer:
        grid = grid.round()
    evenly: list[float] = np.unique(grid).tolist()
    return evenly


def measure_sensitivity(
    sample: Sample, columns: Mapping[str, Column], importances: Mapping[str, float]
) -> tuple[Sensitivity, ...]:
    """Move each important number by its step, or by a tenth of its interquartile range."""
    fields = {c.name: c for c in characteristics(sample.scorer.model)}
    main = [n for n, value in importances.items() if value > 0 and not fields[n].levels]
    return tuple(
        _measure_sensitivity(sample, fields[name], step)
        for name in main[:MAIN_FIELDS]
        for step in [_choose_step(fields[name], columns[name])]
        if step > 0
    )


def _choose_step(c: Characteristic, column: Column) -> float:
    amounts = _select_amounts(c, column)
    if not len(amounts):
        return 0.0
    low, lower, upper, high = np.quantile(amounts, (LOWEST, 0.25, 0.75, HIGHEST)).tolist()
    step = float(SHARE_OF_SPREAD * ((upper - lower) or (high - low)))
    step = max(step, c.step or 0.0)
    return max(float(round(step)), 1.0) if c.is_integer else step


def _measure_sensitivity(sample: Sample, c: Characteristic, step: float) -> Sensitivity:
    scorer, column = sample.scorer, sample.fields[c.name]
    is_code = np.isin(column, tuple(c.special))
    bounds = bounds_from_field(scorer.model.model_fields.get(c.name))
    base = sample.score({})
    moved = [
        sample.score({c.name: np.where(is_code, column, np.clip(column + change, *bounds))})
        for change in (step, -step)
    ]
    points = [
        scores_from_probabilities(p, scorer.scale) - scores_from_probabilities(base, scorer.scale)
        for p in moved
    ]
    cutoffs = [scorer.policy.approve_below, scorer.policy.decline_from]
    decisions = [np.searchsorted(cutoffs, p, side="right") for p in (base, *moved)]
    changed = (decisions[1] != decisions[0]) | (decisions[2] != decisions[0])
    return Sensitivity(
        field=c.name,
        step=step,
        points_up=float(points[0].mean()),
        points_down=float(points[1].mean()),
        most_points=float(np.abs(points).max()),
        decisions_changed=float(changed.mean()),
    )


def count_reasons(
    scorer: Scorer, columns: Columns, probabilities: Probabilities, seed: int
) -> ReasonFigures:
    """Count the reasons of the applications that are not approved, at most `EXPLAINED_ROWS`."""
    refused = np.flatnonzero(probabilities >= scorer.policy.approve_below)
    drawn = np.random.default_rng(seed).permutation(refused)[:EXPLAINED_ROWS]
    rows = applications_from_fields(scorer.model, _select_rows(columns, drawn))
    decisions = scorer.decide(rows)
    given_reasons = [[reason.code for reason in d.reasons or ()] for d in decisions]
    first = Counter(codes[0] for codes in given_reasons if codes)
    among = Counter(code for codes in given_reasons for code in dict.fromkeys(codes))
    count = max(len(given_reasons), 1)
    groups: dict[str, list[Characteristic]] = {}
    for c in characteristics(scorer.model):
        if c.reason is not None and not c.protected:
            groups.setdefault(c.reason.code, []).append(c)
    frequencies = [
        ReasonFrequency(
            code=code,
            fields=tuple(c.name for c in members),
            text=members[0].reason.text if members[0].reason else "",
            first=first[code],
            rows=among[code],
            share_first=first[code] / count,
            share=among[code] / count,
        )
        for code, members in groups.items()
    ]
    return ReasonFigures(
        rows=len(given_reasons),
        without_reason=sum(not codes for codes in given_reasons),
        mean_reasons=sum(map(len, given_reasons)) / count,
        frequencies=tuple(sorted(frequencies, key=lambda one: (-one.rows, one.code))),
    )
