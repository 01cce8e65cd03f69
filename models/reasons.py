"""Why an application scored as it did: what counted against it, in sentences for the applicant.

Regulation B, 12 CFR 1002.9(b)(2), asks for the specific principal reasons that were actually
scored, and finds more than four unlikely to help. A reason is given only if it is adverse twice
over: its contribution raises the log-odds, and putting it where the reference stands would lower
them, which is checked with the model itself for every reason of every answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from models.contract import Characteristic, CreditModel, characteristics
from models.estimators import Estimator
from models.features import (
    Matrix,
    columns_from_applications,
    features,
    matrix_from_columns,
)
from models.marks import Columns

MOST_REASONS = 4
MOST_CHECKED = 8  # strongest contributions; a reason that fails its check gives way to the next

Reference = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class AdverseReason:
    """One reason: a stable code, a sentence, and what it adds to the log-odds of default."""

    code: str
    text: str
    log_odds: float


def reference_matrix(model: type[CreditModel], reference: Reference) -> Matrix:
    """The reference as the estimator reads it, shape `(1, p)`."""
    whole = model.model_construct(**dict(reference))  # type: ignore[arg-type]  # scored fields only
    return matrix_from_columns(model, columns_from_applications(model, [whole]))


def adverse_reasons(
    model: type[CreditModel], estimator: Estimator, reference: Reference, columns: Columns
) -> list[tuple[AdverseReason, ...]]:
    """Reasons of each row, strongest first, at most `MOST_REASONS`.

    `columns` are those of `columns_from_applications`; rows are explained each as if alone.
    """
    matrix = matrix_from_columns(model, columns)
    typical = reference_matrix(model, reference)
    values = estimator.contributions(matrix, typical).values
    groups = _groups(model)
    by_code = np.column_stack([values[:, list(group)].sum(axis=1) for group in groups.values()])
    candidates = [_strongest(row) for row in by_code]
    holds = _improvement_helps(estimator, matrix, typical, list(groups.values()), candidates)
    codes = list(groups)
    return [
        tuple(
            AdverseReason(
                codes[group],
                _sentence(model, codes[group], values[i], columns, i),
                float(by_code[i, group]),
            )
            for group, is_adverse in zip(candidates[i], holds[i], strict=True)
            if is_adverse
        )[:MOST_REASONS]
        for i in range(len(matrix))
    ]


def _strongest(contributions: Matrix) -> list[int]:
    order = np.argsort(-contributions, kind="stable")[:MOST_CHECKED]
    return [int(group) for group in order if contributions[group] > 0]


def _improvement_helps(
    estimator: Estimator,
    matrix: Matrix,
    typical: Matrix,
    groups: Sequence[tuple[int, ...]],
    candidates: Sequence[Sequence[int]],
) -> list[list[bool]]:
    """Tell for each candidate whether the reference's values in its place lower the log-odds."""
    improved = []
    for row, chosen in zip(matrix, candidates, strict=True):
        for group in chosen:
            changed = row.copy()
            changed[list(groups[group])] = typical[0, list(groups[group])]
            improved.append(changed)
    if not improved:
        return [[] for _ in candidates]
    after = iter(estimator.log_odds(np.array(improved)).tolist())
    before = estimator.log_odds(matrix).tolist()
    return [
        [next(after) < now for _ in chosen] for now, chosen in zip(before, candidates, strict=True)
    ]


def _sentence(
    model: type[CreditModel], code: str, contributions: Matrix, columns: Columns, row: int
) -> str:
    """The sentence of the characteristic that weighs most among those of the code."""
    members = _members(model)[code]
    weights = [contributions[list(features_of)].sum() for _, features_of in members]
    c, _ = members[int(np.argmax(weights))]
    value = float(columns[c.name][row])
    if np.isnan(value) and c.missing is not None:
        return c.missing
    if not c.levels and value in c.special:
        return c.special[int(value)]
    text: str = c.reason.text if c.reason else ""
    return text if c.levels else text.format(**{c.name: value})


@cache
def _members(
    model: type[CreditModel],
) -> dict[str, list[tuple[Characteristic, tuple[int, ...]]]]:
    """Characteristics of each reason code, with their places in the matrix."""
    found: dict[str, list[tuple[Characteristic, tuple[int, ...]]]] = {}
    for c in characteristics(model):
        if c.reason is not None and not c.protected:
            places = tuple(i for i, f in enumerate(features(model)) if f.characteristic == c.name)
            found.setdefault(c.reason.code, []).append((c, places))
    return found


@cache
def _groups(model: type[CreditModel]) -> dict[str, tuple[int, ...]]:
    """Places in the matrix of each reason code."""
    return {
        code: tuple(place for _, places in members for place in places)
        for code, members in _members(model).items()
    }
