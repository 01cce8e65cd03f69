import math

import numpy as np
import pytest
from pydantic import ValidationError

from models.estimators.formula import Curve, Formula, Line, Steps, Term, Value

NAN = float("nan")


def evaluate(shape: Value | Line | Curve | Steps, *values: float) -> list[float]:
    evaluated: list[float] = shape.evaluate(np.array(values)).tolist()
    return evaluated


def test_a_value_is_itself() -> None:
    assert evaluate(Value(feature="x", missing=7.0), -1.5, 2.0, NAN) == [-1.5, 2.0, 7.0]


def test_a_line_is_straight_between_its_ends_and_level_beyond() -> None:
    rising = Line(feature="x", start=10, end=20, missing=0.3)
    assert evaluate(rising, 0, 10, 15, 20, 99, NAN) == [0, 0, 0.5, 1, 1, 0.3]
    falling = Line(feature="x", start=20, end=10, missing=0.3)
    assert evaluate(falling, 0, 10, 15, 20, 99, NAN) == [1, 1, 0.5, 0, 0, 0.3]


def test_a_curve_is_a_line_on_a_logarithmic_scale() -> None:
    curve = Curve(feature="x", unit=1, start=0, end=3, missing=0.1)
    assert evaluate(curve, 0, 1, 3, 99, -5, NAN) == pytest.approx([0, 0.5, 1, 1, 0, 0.1])
    money = Curve(feature="x", unit=1_000, start=1_000, end=7_000, missing=0)
    assert evaluate(money, 3_000) == pytest.approx([0.5])  # log 4 between log 2 and log 8


def test_a_step_begins_with_its_edge() -> None:
    steps = Steps(feature="x", edges=(1, 2), values=(-1, 0, 1), missing=5)
    assert evaluate(steps, 0.99, 1, 1.99, 2, 3, NAN) == [-1, 0, 0, 1, 1, 5]


def formula(*terms: Term) -> Formula:
    return Formula(features=("x", "z"), intercept=-1.0, terms=terms)


X = Value(feature="x", missing=0.0)
Z = Value(feature="z", missing=0.0)


def test_terms_add_up_and_an_interaction_is_a_product() -> None:
    sum_and_product = formula(Term(weight=2, shapes=(X,)), Term(weight=0.5, shapes=(X, Z)))
    assert sum_and_product.log_odds(np.array([[3.0, 4.0], [0.0, 9.0]])).tolist() == [11.0, -1.0]


def test_terms_are_added_one_after_the_other_in_their_order() -> None:
    """In double precision 1 is lost beside 1e18, unless both large terms are added first."""
    large, one, opposite = (
        Term(weight=weight, shapes=(shape,)) for weight, shape in ((1e15, X), (1, Z), (-1e15, X))
    )
    row = np.array([[1_000.0, 1.0]])
    ordered = Formula(features=("x", "z"), intercept=0.0, terms=(large, one, opposite))
    cancelled = Formula(features=("x", "z"), intercept=0.0, terms=(large, opposite, one))
    assert (ordered.log_odds(row)[0], cancelled.log_odds(row)[0]) == (0.0, 1.0)


def test_a_row_of_many_terms_scores_the_same_alone_and_in_a_batch() -> None:
    random = np.random.default_rng(3)
    names = tuple(f"f{i}" for i in range(60))
    terms = tuple(
        Term(weight=float(weight), shapes=(Value(feature=name, missing=0.0),))
        for name, weight in zip(names, random.normal(size=60), strict=True)
    )
    wide = Formula(features=names, intercept=0.1, terms=terms)
    matrix = random.normal(size=(500, 60)) * 1e3
    alone = np.concatenate([wide.log_odds(matrix[i : i + 1]) for i in range(500)])
    assert wide.log_odds(matrix).tobytes() == alone.tobytes()


def test_an_interaction_is_shared_by_shapleys_rule() -> None:
    product = formula(Term(weight=1, shapes=(X, Z)))
    values = product.contributions(np.array([[3.0, 5.0]]), np.array([[1.0, 2.0]]))
    # From 1 x 2 to 3 x 5: x first gives 4 then 9 for z; z first gives 3 then 10 for x.
    assert values.tolist() == [[(4 + 10) / 2, (9 + 3) / 2]]
    assert values.sum() == 3 * 5 - 1 * 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Line(feature="x", start=1, end=1, missing=0), "a line needs a start"),
        (lambda: Curve(feature="x", unit=1, start=1, end=1, missing=0), "a curve needs a start"),
        (
            lambda: Curve(feature="x", unit=0, start=0, end=1, missing=0),
            "greater than or equal to",
        ),
        (lambda: Steps(feature="x", edges=(1,), values=(1,), missing=0), "one value more"),
        (
            lambda: Steps(feature="x", edges=(2, 1), values=(1, 2, 3), missing=0),
            "edges of steps must rise",
        ),
        (lambda: Term(weight=1, shapes=(X, X)), "must have different features"),
        (lambda: Term(weight=math.inf, shapes=(X,)), "finite"),
        (lambda: Term(weight=1, shapes=()), "at least 1"),
        (
            lambda: Formula(features=("z",), intercept=0, terms=(Term(weight=1, shapes=(X,)),)),
            "not among the features",
        ),
    ],
)
def test_what_could_not_be_scored_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValidationError, match=message):
        make()


def test_a_formula_survives_its_json() -> None:
    written = formula(
        Term(weight=1 / 3, shapes=(Steps(feature="x", edges=(0.1,), values=(1, 2), missing=3),)),
        Term(weight=-0.7, shapes=(X, Curve(feature="z", unit=2, start=0, end=3, missing=0.1))),
    )
    assert Formula.model_validate_json(written.model_dump_json()) == written
