"""Derived characteristics as SQL: their functions are called with columns that write themselves.

NumPy hands every operation on such a column to it, so a function of plain arithmetic becomes the
text of the same arithmetic. Whatever has no text is refused by name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from models.contract import Characteristic
from models.errors import DeclarationError
from training.scoring_sql.sql_text import LARGEST_DOUBLE, SqlStep, SqlText, is_atom

EXP_LIMIT = 709.78  # the exponential of more is infinite
LARGE_LOG1P = 1e15  # from here on log(1 + x) and log(x) are the same double, about
COMPARISONS = {
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "=",
}
HALF, SQUARE = 0.5, 2


@dataclass(slots=True)
class Bindings:
    """Steps that give names to expressions which a text would otherwise repeat."""

    sql: SqlText
    steps: list[SqlStep] = field(default_factory=list)

    def bind(self, text: str, comment: str = "") -> str:
        """Return a name of the expression; one name or number is its own."""
        if is_atom(text):
            return text
        name = f"v{len(self.steps) + 1}"
        self.steps.append(SqlStep(f"step_{name}", [(name, text)], comment))
        return name


class TracedColumn(NDArrayOperatorsMixin):
    """A column of numbers or conditions as a text of SQL."""

    def __init__(self, text: str, bindings: Bindings, *, is_condition: bool = False) -> None:
        self.text = text
        self.bindings = bindings
        self.is_condition = is_condition

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: object,
        **options: object,
    ) -> "TracedColumn":
        """Write an operation of NumPy."""
        if method != "__call__" or options or ufunc.__name__ not in OPERATIONS:
            return _refuse(ufunc.__name__)
        return OPERATIONS[ufunc.__name__](_Operands(self.bindings, inputs))

    def __array_function__(
        self,
        function: Callable[..., object],
        types: object,
        arguments: Sequence[object],
        options: Mapping[str, object],
    ) -> "TracedColumn":
        """Write a function of NumPy that is no operation of a column by itself."""
        del types
        if options or function.__name__ not in FUNCTIONS:
            return _refuse(function.__name__)
        return FUNCTIONS[function.__name__](_Operands(self.bindings, arguments))

    def __bool__(self) -> bool:
        """Refuse: a column has no one truth."""
        return bool(_refuse("a branch on the values of a column").text)


@dataclass(frozen=True, slots=True)
class _Operands:
    """Operands of one operation, as texts."""

    bindings: Bindings
    values: Sequence[object]

    @property
    def sql(self) -> SqlText:
        return self.bindings.sql

    def number(self, index: int) -> str:
        """Write an operand as a number; a condition counts as 0 or 1."""
        value = self.values[index]
        if isinstance(value, TracedColumn):
            if value.is_condition:
                one, zero = self.sql.number(1), self.sql.number(0)
                return f"CASE WHEN {value.text} THEN {one} ELSE {zero} END"
            return value.text
        return self.sql.number(self.constant(index))

    def atom(self, index: int) -> str:
        """Write an operand as a name or number that can be repeated."""
        return self.bindings.bind(self.number(index))

    def constant(self, index: int) -> float:
        """Return an operand that is a single number."""
        value = self.values[index]
        if isinstance(value, TracedColumn) or np.ndim(value):  # type: ignore[arg-type]
            return float(_refuse("an array, or a column where a number is needed").text)
        return float(value)  # type: ignore[arg-type]

    def condition(self, index: int) -> str:
        """Write an operand as a condition that is never NULL."""
        value = self.values[index]
        if isinstance(value, TracedColumn) and value.is_condition:
            return value.text
        return f"COALESCE({self.number(index)} <> {self.sql.number(0)}, TRUE)"

    def value(self, text: str) -> TracedColumn:
        return TracedColumn(text, self.bindings)

    def truth(self, text: str) -> TracedColumn:
        return TracedColumn(text, self.bindings, is_condition=True)


def trace_derived(c: Characteristic, columns: Mapping[str, str], bindings: Bindings) -> str:
    """Return the text of a derived characteristic; `columns` has those of what it may read.

    Raises
    ------
    DeclarationError
        If its function does anything that has no text.
    """
    traced: Any = {name: TracedColumn(text, bindings) for name, text in columns.items()}
    try:
        result: object = c.compute(traced) if c.compute else None
    except (DeclarationError, TypeError, ValueError, AttributeError, LookupError) as error:
        message = f"{c.name}: its function cannot be written as SQL: {error}"
        raise DeclarationError(message) from error
    if not isinstance(result, TracedColumn):
        message = f"{c.name}: its function cannot be written as SQL: it returns no column"
        raise DeclarationError(message)
    return _Operands(bindings, [result]).number(0)


def _refuse(what: str) -> TracedColumn:
    message = f"it uses {what}; export-sql writes arithmetic, comparisons and numpy's " + ", ".join(
        sorted({*FUNCTIONS, *OPERATIONS} - {"around"})
    )
    raise DeclarationError(message)


def _infix(symbol: str) -> Callable[[_Operands], TracedColumn]:
    return lambda o: o.value(f"({o.number(0)} {symbol} {o.number(1)})")


def _call(name: str) -> Callable[[_Operands], TracedColumn]:
    return lambda o: o.value(f"{name}({o.number(0)})")


def _compare(symbol: str) -> Callable[[_Operands], TracedColumn]:
    return lambda o: o.truth(f"COALESCE({o.number(0)} {symbol} {o.number(1)}, FALSE)")


def _divide(o: _Operands) -> TracedColumn:
    """Divide as IEEE 754 does: by 0 gives an infinity, and 0 by 0 gives nothing."""
    b, zero, sql = o.atom(1), o.sql.number(0), o.sql
    if not isinstance(o.values[1], TracedColumn) and o.constant(1):
        return o.value(f"({o.number(0)} / {b})")
    a = o.atom(0)
    by_zero = (
        f"CASE WHEN {a} > {zero} THEN {sql.number(np.inf)} "
        f"WHEN {a} < {zero} THEN {sql.number(-np.inf)} END"
    )
    return o.value(f"CASE WHEN {b} = {zero} THEN {by_zero} ELSE {a} / NULLIF({b}, {zero}) END")


def _extreme(symbol: str) -> Callable[[_Operands], TracedColumn]:
    def write(o: _Operands) -> TracedColumn:
        # LEAST and GREATEST ignore NULL in DuckDB and not elsewhere.
        a, b = o.atom(0), o.atom(1)
        other = f"WHEN {a} IS NOT NULL AND {b} IS NOT NULL THEN {b} END"
        return o.value(f"CASE WHEN {a} {symbol} {b} THEN {a} {other}")

    return write


def _log(o: _Operands) -> TracedColumn:
    a, zero = o.atom(0), o.sql.number(0)
    logarithm = f"LN(CASE WHEN {a} > {zero} THEN {a} END)"
    return o.value(f"CASE WHEN {a} = {zero} THEN {o.sql.number(-np.inf)} ELSE {logarithm} END")


def _log1p(o: _Operands) -> TracedColumn:
    """Keep the digits that `1 + x` loses: Kahan's correction by what was added."""
    a, one, zero = o.atom(0), o.sql.number(1), o.sql.number(0)
    u = o.bindings.bind(f"({one} + {a})")
    logarithm = f"LN(CASE WHEN {u} > {zero} THEN {u} END)"
    return o.value(
        f"CASE WHEN {u} = {one} THEN {a} WHEN {u} = {zero} THEN {o.sql.number(-np.inf)} "
        f"WHEN {u} > {o.sql.number(LARGE_LOG1P)} THEN {logarithm} "
        f"ELSE {logarithm} * ({a} / ({u} - {one})) END"
    )


def _write_exp(o: _Operands) -> str:
    a, limit = o.atom(0), o.sql.number(EXP_LIMIT)
    power = f"EXP(CASE WHEN {a} <= {limit} THEN {a} END)"
    return f"CASE WHEN {a} > {limit} THEN {o.sql.number(np.inf)} ELSE {power} END"


def _expm1(o: _Operands) -> TracedColumn:
    """Keep the digits that `exp(x) - 1` loses, by the same correction."""
    a, one, zero = o.atom(0), o.sql.number(1), o.sql.number(0)
    u = o.bindings.bind(_write_exp(o))
    # Where exp(x) is 0 or infinite the correction divides by nothing usable, nor is it needed.
    corrected = f"({u} - {one}) * ({a} / NULLIF(LN(CASE WHEN {u} > {zero} THEN {u} END), {zero}))"
    return o.value(
        f"CASE WHEN {u} = {one} THEN {a} WHEN {u} - {one} = -{one} THEN -{one} "
        f"WHEN {a} > {o.sql.number(EXP_LIMIT)} THEN {u} ELSE {corrected} END"
    )


def _sqrt(o: _Operands) -> TracedColumn:
    a = o.atom(0)
    return o.value(f"SQRT(CASE WHEN {a} >= {o.sql.number(0)} THEN {a} END)")


def _square(o: _Operands) -> TracedColumn:
    a = o.atom(0)
    return o.value(f"({a} * {a})")


def _power(o: _Operands) -> TracedColumn:
    """Write the square and the square root, whose last digit is the same everywhere."""
    exponent = o.constant(1)
    if exponent in (SQUARE, HALF):
        return (_square if exponent == SQUARE else _sqrt)(o)
    return _refuse(f"the power {exponent:g}, other than 2 and 0.5")


def _where(o: _Operands) -> TracedColumn:
    choices = 3
    if len(o.values) != choices:
        return _refuse("numpy.where with one argument")
    return o.value(f"CASE WHEN {o.condition(0)} THEN {o.number(1)} ELSE {o.number(2)} END")


def _clip(o: _Operands) -> TracedColumn:
    low = OPERATIONS["maximum"](_Operands(o.bindings, o.values[:2]))
    return OPERATIONS["minimum"](_Operands(o.bindings, [low, o.values[2]]))


def _round(o: _Operands) -> TracedColumn:
    """Round to decimals as NumPy does: the number times a power of ten, to the nearest integer."""
    decimals = o.constant(1) if len(o.values) > 1 else 0.0
    if decimals < 0:
        return _refuse("numpy.round with negative decimals")
    scale = o.sql.number(10.0**decimals)
    scaled = o.bindings.bind(f"({o.number(0)} * {scale})" if decimals else o.number(0))
    rounded = o.sql.rint(scaled)
    return o.value(f"(({rounded}) / {scale})" if decimals else rounded)


OPERATIONS: dict[str, Callable[[_Operands], TracedColumn]] = {
    "add": _infix("+"),
    "subtract": _infix("-"),
    "multiply": _infix("*"),
    "divide": _divide,
    "negative": lambda o: o.value(f"(-{o.atom(0)})"),
    "absolute": _call("ABS"),
    "trunc": _call("TRUNC"),
    "floor": _call("FLOOR"),
    "ceil": _call("CEIL"),
    "rint": lambda o: o.value(o.sql.rint(o.atom(0))),
    "minimum": _extreme("<="),
    "maximum": _extreme(">="),
    "log": _log,
    "log1p": _log1p,
    "exp": lambda o: o.value(_write_exp(o)),
    "expm1": _expm1,
    "sqrt": _sqrt,
    "square": _square,
    "power": _power,
    **{name: _compare(symbol) for name, symbol in COMPARISONS.items()},
    "not_equal": lambda o: o.truth(f"COALESCE({o.number(0)} <> {o.number(1)}, TRUE)"),
    "logical_and": lambda o: o.truth(f"({o.condition(0)} AND {o.condition(1)})"),
    "logical_or": lambda o: o.truth(f"({o.condition(0)} OR {o.condition(1)})"),
    "bitwise_and": lambda o: o.truth(f"({o.condition(0)} AND {o.condition(1)})"),
    "bitwise_or": lambda o: o.truth(f"({o.condition(0)} OR {o.condition(1)})"),
    "logical_not": lambda o: o.truth(f"(NOT {o.condition(0)})"),
    "invert": lambda o: o.truth(f"(NOT {o.condition(0)})"),
    "isnan": lambda o: o.truth(f"({o.number(0)} IS NULL)"),
    "isfinite": lambda o: o.truth(
        f"COALESCE(ABS({o.number(0)}) <= {o.sql.number(LARGEST_DOUBLE)}, FALSE)"
    ),
}
FUNCTIONS: dict[str, Callable[[_Operands], TracedColumn]] = {
    "where": _where,
    "clip": _clip,
    "round": _round,
    "around": _round,
}
