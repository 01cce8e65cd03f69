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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.annotations import Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.estimators.families import Estimator
from models.features import (
    Matrix,
    columns_from_applications,
    features,
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
    groups, masks = _list_groups(model)
    log_odds = _sum_by_group(rows.log_odds, groups)
    points = _sum_by_group(rows.points, groups)
    candidates = _rank_groups(log_odds)
    if not any(candidates):
        return [()] * len(candidates)
    before = estimator.log_odds(rows.matrix)
    reasons: list[list[AdverseReason]] = [[] for _ in candidates]
    for first in range(0, MOST_CHECKED, MOST_REASONS):
        # Few rows need more than their strongest candidates: the others are checked only for them.
        checks = [
            (i, g)
            for i, ranked in enumerate(candidates)
            if len(reasons[i]) < MOST_REASONS
            for g in ranked[first : first + MOST_REASONS]
        ]
        if not checks:
            break
        trials = np.array([(i, t) for i, g in checks for t in groups[g].trials], np.intp)
        row_indices, numbers = trials.T
        improved = np.where(masks[numbers], baseline_row, rows.matrix[row_indices])
        falls = (before[row_indices] - estimator.log_odds(improved)).tolist()
        for (i, g), member in zip(checks, _find_best_members(groups, checks, falls), strict=True):
            if member is None:
                continue
            text = _render_sentence(member, rows.columns, i)
            # Whatever its code, an applicant reads one reason.
            if all(text != reason.text for reason in reasons[i]):
                contribution = float(log_odds[i, g]), float(points[i, g])
                reasons[i].append(AdverseReason(groups[g].code, text, *contribution))
    return [tuple(row_reasons[:MOST_REASONS]) for row_reasons in reasons]


@dataclass(frozen=True, slots=True)
class _Group:
    """All characteristics of one reason code, and the indices of their columns in the matrix.

    `trials` are the numbers of the masks that replace columns by the baseline applicant's: first
    all columns of the group, then those of single members. `positions` has for each member where
    in `trials` its own is.
    """

    code: str
    members: tuple[Characteristic, ...]
    column_indices: tuple[int, ...]
    trials: tuple[int, ...]
    positions: tuple[int, ...]


def _find_best_members(
    groups: Sequence[_Group], checks: Sequence[tuple[int, int]], falls: Sequence[float]
) -> Iterator[Characteristic | None]:
    """For each check of a group, yield the member whose improvement lowers the log-odds most.

    `falls` has by how much they fall in each trial of each check; None if one of them does not.
    """
    start = 0
    for _, g in checks:
        group = groups[g]
        fall = falls[start : start + len(group.trials)]
        start += len(group.trials)
        if len(fall) == 1:
            yield group.members[0] if fall[0] > 0 else None
            continue
        best = max(range(len(group.members)), key=lambda m: fall[group.positions[m]])
        yield group.members[best] if min(fall[0], fall[group.positions[best]]) > 0 else None


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


def _render_sentence(c: Characteristic, columns: Columns, row_index: int) -> str:
    value = float(columns[c.name][row_index])
    if np.isnan(value) and c.missing is not None:
        return c.missing
    if not c.levels and value in c.special:
        return c.special[int(value)]
    text: str = c.reason.text if c.reason else ""
    return text if c.levels else text.format(**{c.name: value})


@cache
def _list_groups(model: type[CreditModel]) -> tuple[tuple[_Group, ...], NDArray[np.bool_]]:
    """Return the groups of a model, and the columns that each trial replaces, `(trials, p)`."""
    members: dict[str, list[Characteristic]] = {}
    for c in characteristics(model):
        if c.reason is not None and not c.protected:
            members.setdefault(c.reason.code, []).append(c)
    groups: list[_Group] = []
    trials: list[tuple[int, ...]] = []
    for code, group in members.items():
        columns = [find_column_indices(model, c) for c in group]
        together = tuple(j for indices in columns for j in indices)
        own = list(dict.fromkeys((together, *columns)))
        numbers = tuple(range(len(trials), len(trials) + len(own)))
        positions = tuple(own.index(indices) for indices in columns)
        groups.append(_Group(code, tuple(group), together, numbers, positions))
        trials += own
    masks = np.zeros((len(trials), len(features(model))), bool)
    for number, indices in enumerate(trials):
        masks[number, list(indices)] = True
    return tuple(groups), masks
