"""Why an application scored as it did: what counted against it, in sentences for the applicant.

Regulation B, 12 CFR 1002.9(b)(2), asks for the specific principal reasons that were actually
scored, and finds more than four unlikely to help. Characteristics with one code are one reason. It
is given only if its contribution raises the log-odds, and if putting it where the reference stands
would lower them: the whole group, and by itself the characteristic that its sentence names, which
is the one whose improvement helps most. The model itself checks this for every reason it gives.
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
LEAST_LOG_ODDS = 1e-3  # a thirtieth of a point that doubles odds by 20: less is no reason
MOST_CHECKED = 8  # strongest contributions; a reason that fails its check gives way to the next

Baseline = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class AdverseReason:
    """One reason: a stable code, a sentence, and what it adds.

    `log_odds` are before calibration and above 0; `points`, below 0, are its share of the score's
    difference from the base: the reference's score for formulas, for trees that of the mean
    log-odds of the training rows.
    """

    code: str
    text: str
    log_odds: float
    points: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The same applications as columns, as the estimator's matrix `(n, p)`, and explained.

    `log_odds` and `points` have the matrix's shape: what each feature adds.
    """

    columns: Columns
    matrix: Matrix
    log_odds: Matrix
    points: Matrix


def columns_from_baseline(model: type[CreditModel], reference: Baseline) -> Columns:
    """The reference as columns of one row, derived characteristics included."""
    nothing: dict[str, None] = dict.fromkeys(model.model_fields)  # of what is not scored
    whole = model.model_construct(**nothing | dict(reference))  # type: ignore[arg-type]  # not checked
    return columns_from_applications(model, [whole])


def matrix_from_baseline(model: type[CreditModel], reference: Baseline) -> Matrix:
    """The reference as the estimator reads it, shape `(1, p)`."""
    return matrix_from_columns(model, columns_from_baseline(model, reference))


def adverse_reasons(
    model: type[CreditModel], estimator: Estimator, typical: Matrix, rows: Rows
) -> list[tuple[AdverseReason, ...]]:
    """Reasons of each row, strongest first, at most `MOST_REASONS`; each as if it were alone.

    `typical` is the reference's row, shape `(1, p)`.
    """
    groups = list(_groups(model).values())
    by_group = _summed(rows.log_odds, groups)
    points = _summed(rows.points, groups)
    strongest = _strongest(by_group)
    asked = [
        (i, places)
        for i, candidates in enumerate(strongest)
        for group in candidates
        for places in groups[group].asked
    ]
    drops = _drops(estimator, rows.matrix, typical, asked)
    drop = dict(zip(asked, drops, strict=True))
    found: list[tuple[AdverseReason, ...]] = []
    for i, candidates in enumerate(strongest):
        reasons = []
        for g in candidates:
            falls = {member: drop[i, member.places] for member in groups[g].members}
            named = max(falls, key=lambda member: falls[member])
            if falls[named] > 0 and drop[i, groups[g].places] > 0:
                text = _sentence(named.characteristic, rows.columns, i)
                added = float(by_group[i, g]), float(points[i, g])
                reasons.append(AdverseReason(groups[g].code, text, *added))
        found.append(tuple(reasons[:MOST_REASONS]))
    return found


def _summed(values: Matrix, groups: "Sequence[_Group]") -> Matrix:
    ends = np.cumsum([len(group.places) for group in groups])
    ordered = values[:, [place for group in groups for place in group.places]]
    summed: Matrix = np.add.reduceat(ordered, [0, *ends[:-1]], axis=1)
    return summed


def _strongest(contributions: Matrix) -> list[list[int]]:
    """Of each row the groups that may be reasons, strongest first."""
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :MOST_CHECKED]
    counts = (np.take_along_axis(contributions, order, axis=1) > LEAST_LOG_ODDS).sum(axis=1)
    return [row[:count] for row, count in zip(order.tolist(), counts.tolist(), strict=True)]


def _drops(
    estimator: Estimator,
    matrix: Matrix,
    typical: Matrix,
    asked: Sequence[tuple[int, tuple[int, ...]]],
) -> list[float]:
    """How far the log-odds of a row fall when it has the reference's values in some places."""
    if not asked:
        return []
    kinds = {places: k for k, places in enumerate(dict.fromkeys(places for _, places in asked))}
    replaced = np.zeros((len(kinds), matrix.shape[1]), bool)
    for places, k in kinds.items():
        replaced[k, list(places)] = True
    rows = [i for i, _ in asked]
    improved = np.where(replaced[[kinds[places] for _, places in asked]], typical, matrix[rows])
    before = estimator.log_odds(matrix)[rows]
    found: list[float] = (before - estimator.log_odds(improved)).tolist()
    return found


def _sentence(c: Characteristic, columns: Columns, row: int) -> str:
    value = float(columns[c.name][row])
    if np.isnan(value) and c.missing is not None:
        return c.missing
    if not c.levels and value in c.special:
        return c.special[int(value)]
    text: str = c.reason.text if c.reason else ""
    return text if c.levels else text.format(**{c.name: value})


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """One characteristic of a reason, and its places in the matrix."""

    characteristic: Characteristic
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """All characteristics of one reason code, and their places in the matrix.

    `asked` is what is put where the reference stands: all of it, and each of several by itself.
    """

    code: str
    members: tuple[_Member, ...]
    places: tuple[int, ...]
    asked: tuple[tuple[int, ...], ...]


@cache
def _groups(model: type[CreditModel]) -> dict[str, _Group]:
    members: dict[str, list[_Member]] = {}
    for c in characteristics(model):
        if c.reason is not None and not c.protected:
            members.setdefault(c.reason.code, []).append(_Member(c, find_column_indices(model, c)))
    return {code: _group(code, found) for code, found in members.items()}


def _group(code: str, members: Sequence[_Member]) -> _Group:
    places = tuple(i for m in members for i in m.places)
    asked = tuple(dict.fromkeys((places, *(m.places for m in members))))
    return _Group(code, tuple(members), places, asked)
