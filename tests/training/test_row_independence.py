from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.annotations import Column, Columns, Missing, Reason, derived
from models.contract import CreditModel
from models.errors import DeclarationError, ModelRefusedError
from tests.support.toy import Toy, toy
from training.reading.applications import fields_from_applications
from training.reading.row_validation import check_rows
from training.row_independence import require_same_scores, require_sound_derivations

COLUMNS = fields_from_applications(Toy, [toy(), toy(debt=20_000.0), toy(income=70_000.0)])


def deriving(compute: Callable[[Columns], Any]) -> type[CreditModel]:
    """The toy model with one more derived number."""
    declared = derived(Reason("D", "Derived"), Missing("It is not known"))(compute)
    return type("Deriving", (Toy,), {"ratio": declared, "__module__": __name__})


def _double(columns: Columns) -> Column:
    columns["debt"][:] *= 2
    return columns["debt"] + 0


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda c: c["debt"] - c["debt"].mean(), "depends on the other rows of its batch"),
        (lambda c: c["debt"] / len(c["debt"]), "depends on the other rows of its batch"),
        (lambda c: c["debt"].cumsum(), "depends on the other rows of its batch"),
        (lambda c: c["debt"].argsort().argsort(), "depends on the other rows of its batch"),
        (lambda c: np.random.default_rng().random(len(c["debt"])), "depends on the other rows"),
        (lambda c: c["height"], "reads the column 'height', which is no scored field"),
        (lambda c: c["age"], "reads the column 'age', which is no scored field"),
        (lambda _: 3.0, "must return one number for each row"),
        (lambda c: c["debt"].mean(), "must return one number for each row"),
        (lambda c: c["debt"][:1], "must return one number for each row"),
        (lambda c: list(c["debt"]), "must return one number for each row"),
        (lambda c: c["debt"].astype(str), "must return one number for each row"),
        (lambda c: c["debt"].no_such_thing(), "fails: AttributeError"),
        (lambda c: c["debt"] + "x", "fails: .*Error"),
        (_double, "changes a column that it reads"),
    ],
)
def test_a_derived_function_that_cannot_be_served_is_refused_by_name(
    compute: Callable[[Columns], Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=f"ratio: its derived function {message}"):
        require_sound_derivations(deriving(compute), COLUMNS)


def test_it_is_refused_before_any_row_is(toy_frame: pd.DataFrame) -> None:
    model = deriving(lambda columns: columns["debt"] - columns["debt"].mean())
    with pytest.raises(DeclarationError, match="ratio: its derived function depends on"):
        check_rows(model, toy_frame, max_refused_share=0)


def test_sound_functions_pass_and_may_read_other_derived_numbers() -> None:
    require_sound_derivations(Toy, COLUMNS)
    require_sound_derivations(deriving(lambda c: c["debt_to_income"] > 1), COLUMNS)


def test_scores_that_depend_on_their_batch_are_never_published() -> None:
    fair = SimpleNamespace(model=Toy, log_odds_from_matrix=lambda m: m[:, 0])
    unfair = SimpleNamespace(model=Toy, log_odds_from_matrix=lambda m: m[:, 0] - m[:, 0].mean())
    require_same_scores(fair, COLUMNS)  # type: ignore[arg-type]  # what a scorer does
    with pytest.raises(ModelRefusedError, match="the score of a row depends on the rows beside"):
        require_same_scores(unfair, COLUMNS)  # type: ignore[arg-type]  # likewise
