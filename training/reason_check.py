"""Reason check: every reason that would be given is there, and is adverse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.annotations import Columns
from models.contract import CreditModel, characteristics
from models.features import columns_from_applications, find_column_indices, matrix_from_columns
from models.reasons import MOST_REASONS, matrix_from_baseline
from models.scorer import Decision, Scorer
from training.reading.applications import applications_from_fields

MOST_ROWS = 500  # of the test part, drawn at random


@dataclass(frozen=True, slots=True)
class ReasonCheck:
    """Sampled applications that are not approved, and the reasons they would get.

    `without_reasons` is the number of those that get none, or more than four. `not_adverse` is the
    number of reasons that do not raise the risk against the reference, or whose improvement to the
    reference does not lower the probability of default.
    """

    rows: int
    without_reasons: int
    reasons: int
    not_adverse: int


def check_reasons(scorer: Scorer, columns: Columns, seed: int) -> ReasonCheck:
    """Decide on sampled applications as the service does, and score each reason again.

    `columns` has every field of the rows to sample from, shape `(n,)`.
    """
    count = len(next(iter(columns.values())))
    order = np.random.default_rng(seed).permutation(count)[:MOST_ROWS]
    sample = applications_from_fields(
        scorer.model, {name: column[order] for name, column in columns.items()}
    )
    decisions = scorer.decide(sample)
    refused = [i for i, d in enumerate(decisions) if d.decision != "approve"]
    if not refused:
        return ReasonCheck(0, 0, 0, 0)
    rows = [sample[i] for i in refused]
    return _check(scorer, rows, [decisions[i] for i in refused])


def _check(
    scorer: Scorer, rows: Sequence[CreditModel], decisions: Sequence[Decision]
) -> ReasonCheck:
    matrix = matrix_from_columns(scorer.model, columns_from_applications(scorer.model, rows))
    reference = matrix_from_baseline(scorer.model, scorer.baseline)
    columns = _find_columns_by_code(scorer.model)
    pairs = [(i, r) for i, d in enumerate(decisions) for r in d.reasons or ()]
    counts = [len(d.reasons or ()) for d in decisions]
    improved = matrix[[i for i, _ in pairs]]
    for k, (_, reason) in enumerate(pairs):
        improved[k, columns[reason.code]] = reference[0, columns[reason.code]]
    before = scorer.log_odds_from_matrix(matrix)[[i for i, _ in pairs]]
    after = scorer.log_odds_from_matrix(improved) if pairs else before
    raises = np.array([reason.log_odds > 0 for _, reason in pairs], dtype=bool)
    return ReasonCheck(
        rows=len(rows),
        without_reasons=sum(not 1 <= count <= MOST_REASONS for count in counts),
        reasons=len(pairs),
        not_adverse=int((~(raises & (after < before))).sum()),
    )


def _find_columns_by_code(model: type[CreditModel]) -> dict[str, list[int]]:
    columns: dict[str, list[int]] = {}
    for c in characteristics(model):
        if c.reason is not None and not c.protected:
            columns.setdefault(c.reason.code, []).extend(find_column_indices(model, c))
    return columns
