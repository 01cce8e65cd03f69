"""Proof that what is computed for a row does not depend on the rows beside it.

An applicant is scored alone, and training rows are scored in batches. A derived function that looks
at its batch, such as `column - column.mean()`, would give the two different features. Rows are
therefore computed alone, in a batch and in another order, before a model is trained and again
before it is published.
"""

from collections.abc import Callable
from typing import NoReturn

import numpy as np

from models.annotations import Column, Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.errors import DeclarationError, ModelRefusedError
from models.features import columns_from_fields, matrix_from_columns
from models.scorer import Scorer

ROWS = 64
NUMBER_KINDS = "biuf"  # of numpy: booleans, integers and floats


def require_sound_derivations(model: type[CreditModel], columns: Columns) -> None:
    """Check every derived function on a sample of rows, whose fields have shape `(n,)` each.

    Raises
    ------
    DeclarationError
        If a function fails, reads a column that does not exist, does not return a column of
        numbers, changes a column that it reads, or gives a row other numbers in another batch.
    """
    sample = _draw(model, columns)
    for c in characteristics(model):
        if c.compute is not None:
            sample = {**sample, c.name: _compute(c, sample)}


def require_same_scores(scorer: Scorer, columns: Columns) -> None:
    """Score a sample of rows alone, in a batch and in reverse.

    Raises
    ------
    ModelRefusedError
        If a row gets other log-odds, to the last bit.
    """

    def score(batch: Columns) -> Column:
        fields = columns_from_fields(scorer.model, batch)
        return scorer.log_odds_from_matrix(matrix_from_columns(scorer.model, fields))

    if not _is_independent(score, _draw(scorer.model, columns)):
        message = "the score of a row depends on the rows beside it; the model is not published"
        raise ModelRefusedError(message)


def _draw(model: type[CreditModel], columns: Columns) -> dict[str, Column]:
    """Return rows at equal distances, with the fields that are scored."""
    rows = len(next(iter(columns.values()), np.empty(0)))
    row_indices = np.unique(np.linspace(0, rows - 1, min(rows, ROWS)).astype(np.int64))
    scored = {c.name for c in characteristics(model) if not c.protected}
    return {name: column[row_indices] for name, column in columns.items() if name in scored}


def _compute(c: Characteristic, sample: Columns) -> Column:
    """Return a derived column of the sample, once its function has passed every check."""

    def compute(batch: Columns) -> Column:
        inputs = {name: column.copy() for name, column in batch.items()}
        result = _call(c, inputs)
        if any(not np.array_equal(inputs[n], batch[n], equal_nan=True) for n in batch):
            _refuse(c, "changes a column that it reads; compute a new one")
        return result

    column = compute(sample)
    if not _is_independent(compute, sample):
        _refuse(
            c,
            "depends on the other rows of its batch, so an applicant alone would get another "
            "number; compute it from the fields of the row alone",
        )
    return column


def _call(c: Characteristic, inputs: Columns) -> Column:
    try:
        with np.errstate(all="ignore"):
            result = c.compute(inputs) if c.compute else None
    except KeyError as error:
        _refuse(c, f"reads the column {error}, which is no scored field of the model")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        _refuse(c, f"fails: {type(error).__name__}: {error}")
    shape = np.shape(next(iter(inputs.values())))
    if (
        not isinstance(result, np.ndarray)
        or result.shape != shape
        or result.dtype.kind not in "bif"
    ):
        _refuse(c, "must return one number for each row: an array of the shape of its columns")
    return result.astype(np.float64)


def _is_independent(compute: Callable[[Columns], Column], sample: Columns) -> bool:
    rows = len(next(iter(sample.values())))
    batch = compute(sample)
    reverse = compute({name: column[::-1].copy() for name, column in sample.items()})[::-1]
    alone = np.concatenate(
        [compute({n: column[i : i + 1] for n, column in sample.items()}) for i in range(rows)]
        or [np.empty(0)]
    )
    return all(np.array_equal(other, batch, equal_nan=True) for other in (reverse, alone))


def _refuse(c: Characteristic, rule: str) -> NoReturn:
    message = f"{c.name}: its derived function {rule}"
    raise DeclarationError(message)
