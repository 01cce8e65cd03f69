"""Terms of a formula as SQL. Every shape says what a missing feature counts as."""

from collections.abc import Mapping, Sequence

from models.estimators.formula import Curve, Formula, Line, Shape, Steps, Term, Value
from training.scoring_sql.sql_text import SqlText

TERMS_A_SUM = 10


def write_terms(formula: Formula, atoms: Mapping[str, str], sql: SqlText) -> list[str]:
    """Return one expression for each term; `atoms` has the column of each feature."""
    return [_write_term(term, atoms, sql) for term in formula.terms]


def write_sums(formula: Formula, terms: Sequence[str], sql: SqlText) -> list[str]:
    """Return the partial sums of intercept and terms, in their order, as the formula adds them.

    The sums are `z1`, `z2` and so on; each begins with the one before. A single sum would be
    nested as deeply as it has terms, for which analyzers have limits.
    """
    starts = range(0, max(len(terms), 1), TERMS_A_SUM)
    firsts = [sql.number(formula.intercept), *(f"z{i + 1}" for i in range(len(starts) - 1))]
    return [
        " + ".join([first, *terms[start : start + TERMS_A_SUM]])
        for first, start in zip(firsts, starts, strict=True)
    ]


def _write_term(term: Term, atoms: Mapping[str, str], sql: SqlText) -> str:
    factors = [sql.number(term.weight)]
    factors += [f"({_write_shape(shape, atoms[shape.feature], sql)})" for shape in term.shapes]
    return " * ".join(factors)


def _write_shape(shape: Shape, x: str, sql: SqlText) -> str:
    if isinstance(shape, Value):
        return f"COALESCE({x}, {sql.number(shape.missing)})"
    if isinstance(shape, Steps):
        return _write_steps(shape, x, sql)
    along = _write_line(shape, x, sql) if isinstance(shape, Line) else _write_curve(shape, x, sql)
    clipped = f"LEAST(GREATEST({along}, {sql.number(0)}), {sql.number(1)})"
    return f"CASE WHEN {x} IS NULL THEN {sql.number(shape.missing)} ELSE {clipped} END"


def _write_line(shape: Line, x: str, sql: SqlText) -> str:
    return f"({x} - {sql.number(shape.start)}) / {sql.number(shape.end - shape.start)}"


def _write_curve(shape: Curve, x: str, sql: SqlText) -> str:
    start, end = shape.transform_ends()
    ratio = f"GREATEST({x}, {sql.number(0)}) / {sql.number(shape.unit)}"
    logarithm = f"LN({sql.number(1)} + {ratio})"
    return f"({logarithm} - {sql.number(start)}) / {sql.number(end - start)}"


def _write_steps(shape: Steps, x: str, sql: SqlText) -> str:
    cases = [f"WHEN {x} IS NULL THEN {sql.number(shape.missing)}"]
    for edge, value in zip(shape.edges, shape.values, strict=False):
        cases.append(f"WHEN {x} < {sql.number(edge)} THEN {sql.number(value)}")
    cases.append(f"ELSE {sql.number(shape.values[-1])}")
    return f"CASE {' '.join(cases)} END"
