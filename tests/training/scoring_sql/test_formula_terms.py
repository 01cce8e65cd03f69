"""Terms as SQL: the text of each shape, by hand."""

import pytest

from models.estimators.formula import Curve, Formula, Line, Shape, Steps, Term, Value
from training.scoring_sql.formula_terms import TERMS_A_SUM, write_sums, write_terms
from training.scoring_sql.sql_text import SqlText

DUCKDB = SqlText("duckdb")


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (Value(feature="a", missing=3.0), "2e0 * (COALESCE(x1, 3e0))"),
        (
            Line(feature="a", start=1.0, end=5.0, missing=0.5),
            (
                "2e0 * (CASE WHEN x1 IS NULL THEN 0.5e0 "
                "ELSE LEAST(GREATEST((x1 - 1e0) / 4e0, 0e0), 1e0) END)"
            ),
        ),
        (
            Steps(feature="a", edges=(10.0, 20.0), values=(0.1, 0.2, 0.3), missing=0.0),
            (
                "2e0 * (CASE WHEN x1 IS NULL THEN 0e0 WHEN x1 < 10e0 THEN 0.1e0 "
                "WHEN x1 < 20e0 THEN 0.2e0 ELSE 0.3e0 END)"
            ),
        ),
        (
            Curve(feature="a", unit=1.0, start=0.0, end=1.0, missing=0.0),
            (
                "2e0 * (CASE WHEN x1 IS NULL THEN 0e0 ELSE LEAST(GREATEST("
                "(LN(1e0 + GREATEST(x1, 0e0) / 1e0) - 0e0) / 0.6931471805599453e0, 0e0), 1e0) END)"
            ),
        ),
    ],
)
def test_a_shape_is_written_with_what_a_missing_feature_counts_as(shape: Shape, text: str) -> None:
    formula = Formula(features=("a",), intercept=0.0, terms=(Term(weight=2.0, shapes=(shape,)),))
    assert write_terms(formula, {"a": "x1"}, DUCKDB) == [text]


def test_an_interaction_is_a_product_and_terms_are_added_in_their_order() -> None:
    pair = (Value(feature="a", missing=0.0), Value(feature="b", missing=0.0))
    terms = (Term(weight=2.0, shapes=pair), Term(weight=-1.0, shapes=pair[:1]))
    formula = Formula(features=("a", "b"), intercept=-1.5, terms=terms)
    assert write_terms(formula, {"a": "x1", "b": "x2"}, DUCKDB) == [
        "2e0 * (COALESCE(x1, 0e0)) * (COALESCE(x2, 0e0))",
        "-1e0 * (COALESCE(x1, 0e0))",
    ]
    assert write_sums(formula, ["t1", "t2"], DUCKDB) == ["-1.5e0 + t1 + t2"]


def test_long_sums_are_cut_and_a_formula_without_terms_is_its_intercept() -> None:
    formula = Formula(features=(), intercept=-1.5, terms=())
    assert write_sums(formula, [], DUCKDB) == ["-1.5e0"]
    names = [f"t{i}" for i in range(TERMS_A_SUM + 1)]
    first, second = write_sums(formula, names, DUCKDB)
    assert first == " + ".join(["-1.5e0", *names[:-1]])
    assert second == f"z1 + {names[-1]}"
