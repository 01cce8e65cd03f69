"""Adverse-action reasons: the characteristics that raised an applicant's risk, as sentences.

Regulation B, 12 CFR 1002.9(b)(2), requires the specific principal reasons that were actually
scored, and considers more than four unlikely to help. Characteristics with the same code form one
reason. A reason is given only if both of these hold:

- Its contribution raises the log-odds.
- Setting it to the values of the baseline applicant lowers the log-odds: for the whole group, and
  for the single characteristic that its sentence names. That is the characteristic whose
  improvement helps most.

The estimator itself is evaluated to check every reason that is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from models.annotations import Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.estimators.families import Estimator
from models.features import (
    Matrix,
    columns_from_applications,
    find_column_indices,
    matrix_from_columns,
)

MOST_REASONS = 4
LEAST_LOG_ODDS = 1e-3  # a thirtieth of a point where 20 points double the odds; less is no reason
MOST_CHECKED = 8  # strongest contributions; a reason that fails its check gives way to the next

Baseline = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class AdverseReason:
    """One reason: a stable code, a sentence for the applicant, and its contribution.

    `log_odds` is before calibration and above 0. `points` is below 0: the reason's share of the
    distance from the score of the expected value. That score is the baseline applicant's for
    formulas, and the score of the mean log-odds of the training rows for trees.
    """

    code: str
    text: str
    log_odds: float
    points: float


@dataclass(frozen=True, slots=True)
class ExplainedRows:
    """Applications as columns, as the estimator's matrix `(n, p)`, and with their contributions.

    `log_odds` and `points` have the shape of the matrix: the contribution of each feature.
    """

    columns: Columns
    matrix: Matrix
    log_odds: Matrix
    points: Matrix


def columns_from_baseline(model: type[CreditModel], baseline: Baseline) -> Columns:
    """Return the baseline applicant as columns of one row, with derived characteristics."""
    absent: dict[str, None] = dict.fromkeys(model.model_fields)  # fields that are not scored
    application = model.model_construct(**absent | dict(baseline))  # type: ignore[arg-type]  # not checked
    return columns_from_applications(model, [application])


def matrix_from_baseline(model: type[CreditModel], baseline: Baseline) -> Matrix:
    """Return the baseline applicant as the estimator reads it, shape `(1, p)`."""
    return matrix_from_columns(model, columns_from_baseline(model, baseline))


def select_reasons(
    model: type[CreditModel], estimator: Estimator, baseline_row: Matrix, rows: ExplainedRows
) -> list[tuple[AdverseReason, ...]]:
    """Select the reasons of each row, strongest first, at most `MOST_REASONS`.

    `baseline_row` is the baseline applicant, shape `(1, p)`. A row's reasons never depend on the
    rows beside it.
    """
    groups = _list_groups(model)
    log_odds = _sum_by_group(rows.log_odds, groups)
    points = _sum_by_group(rows.points, groups)
    candidates = _rank_groups(log_odds)
    falls = _measure_falls(estimator, rows.matrix, baseline_row, _list_trials(candidates, groups))
    reasons: list[tuple[AdverseReason, ...]] = []
    for i, group_indices in enumerate(candidates):
        row_reasons: list[AdverseReason] = []
        for g in group_indices:
            member, fall = _find_best_member(groups[g], i, falls)
            if fall > 0 and falls[i, groups[g].column_indices] > 0:
                text = _render_sentence(member.characteristic, rows.columns, i)
                if any(text == reason.text for reason in row_reasons):
                    continue  # whatever its code, an applicant reads one reason
                contribution = float(log_odds[i, g]), float(points[i, g])
                row_reasons.append(AdverseReason(groups[g].code, text, *contribution))
        reasons.append(tuple(row_reasons[:MOST_REASONS]))
    return reasons


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """One characteristic of a reason, and the indices of its columns in the matrix."""

    characteristic: Characteristic
    column_indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """All characteristics of one reason code, and the indices of their columns in the matrix.

    `trials` are the sets of columns to replace by the baseline applicant's: all columns of the
    group, and those of each member alone.
    """

    code: str
    members: tuple[_Member, ...]
    column_indices: tuple[int, ...]
    trials: tuple[tuple[int, ...], ...]


# A row's index, and the indices of the columns that are replaced in it.
_Trial = tuple[int, tuple[int, ...]]


def _list_trials(candidates: Sequence[Sequence[int]], groups: Sequence[_Group]) -> list[_Trial]:
    return [
        (i, column_indices)
        for i, group_indices in enumerate(candidates)
        for g in group_indices
        for column_indices in groups[g].trials
    ]


def _find_best_member(
    group: _Group, row_index: int, falls: Mapping[_Trial, float]
) -> tuple[_Member, float]:
    """Find the member whose improvement lowers the log-odds most, and by how much it does."""
    best = max(group.members, key=lambda member: falls[row_index, member.column_indices])
    return best, falls[row_index, best.column_indices]


def _sum_by_group(values: Matrix, groups: Sequence[_Group]) -> Matrix:
    ends = np.cumsum([len(group.column_indices) for group in groups])
    ordered = values[:, [j for group in groups for j in group.column_indices]]
    sums: Matrix = np.add.reduceat(ordered, [0, *ends[:-1]], axis=1)
    return sums


def _rank_groups(contributions: Matrix) -> list[list[int]]:
    """For each row, rank the groups that can be reasons, strongest first."""
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :MOST_CHECKED]
    counts = (np.take_along_axis(contributions, order, axis=1) > LEAST_LOG_ODDS).sum(axis=1)
    return [row[:count] for row, count in zip(order.tolist(), counts.tolist(), strict=True)]


def _measure_falls(
    estimator: Estimator, matrix: Matrix, baseline_row: Matrix, trials: Sequence[_Trial]
) -> dict[_Trial, float]:
    """Measure how far a row's log-odds fall when some of its columns have the baseline's values."""
    if not trials:
        return {}
    distinct = dict.fromkeys(column_indices for _, column_indices in trials)
    mask_indices = {column_indices: k for k, column_indices in enumerate(distinct)}
    masks = np.zeros((len(mask_indices), matrix.shape[1]), bool)
    for column_indices, k in mask_indices.items():
        masks[k, list(column_indices)] = True
    row_indices = [i for i, _ in trials]
    replaced = masks[[mask_indices[column_indices] for _, column_indices in trials]]
    improved = np.where(replaced, baseline_row, matrix[row_indices])
    before = estimator.log_odds(matrix)[row_indices]
    falls: list[float] = (before - estimator.log_odds(improved)).tolist()
    return dict(zip(trials, falls, strict=True))


def _render_sentence(c: Characteristic, columns: Columns, row_index: int) -> str:
    value = float(columns[c.name][row_index])
    if np.isnan(value) and c.missing is not None:
        return c.missing
    if not c.levels and value in c.special:
        return c.special[int(value)]
    text: str = c.reason.text if c.reason else ""
    return text if c.levels else text.format(**{c.name: value})


@cache
def _list_groups(model: type[CreditModel]) -> tuple[_Group, ...]:
    members: dict[str, list[_Member]] = {}
    for c in characteristics(model):
        if c.reason is not None and not c.protected:
            members.setdefault(c.reason.code, []).append(_Member(c, find_column_indices(model, c)))
    return tuple(_group_from_members(code, group) for code, group in members.items())


def _group_from_members(code: str, members: Sequence[_Member]) -> _Group:
    column_indices = tuple(j for m in members for j in m.column_indices)
    trials = tuple(dict.fromkeys((column_indices, *(m.column_indices for m in members))))
    return _Group(code, tuple(members), column_indices, trials)
