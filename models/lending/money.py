"""Amounts of money: bounded decimals of two places, rounded once by a rule that a product names.

No function here or in the rest of the package depends on the decimal context of its caller.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
    getcontext,
    setcontext,
)
from functools import wraps
from typing import Literal, ParamSpec, TypeVar

from models.lending.errors import AmountError, TermsError

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
AMOUNT_LIMIT = Decimal(10) ** 15  # exclusive; NUMERIC(18, 2) holds ten times as much
RATE_LIMIT = Decimal(1000)  # per cent a year, exclusive
RATE_PLACES = 6
# Sixty digits: a power of 600 months is exact to far more than the twelve places anyone checks.
ARITHMETIC = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation],
)
UNITS = tuple(map(Decimal, ("0.01", "0.05", "0.10", "0.50", "1", "10")))
RoundingMode = Literal["half_up", "half_even", "ceiling"]
MODES: dict[RoundingMode, str] = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "ceiling": ROUND_CEILING,
}
P = ParamSpec("P")
R = TypeVar("R")


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Compute with sixty digits and refuse floats, whatever the caller's decimal context."""

    @wraps(function)
    def in_context(*args: P.args, **kwargs: P.kwargs) -> R:
        before = getcontext()
        if before is ARITHMETIC:  # most calls are made by others of this package
            return function(*args, **kwargs)
        setcontext(ARITHMETIC)
        try:
            return function(*args, **kwargs)
        finally:
            setcontext(before)

    return in_context


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """How an exact amount becomes one that can be paid: a field of a product, not a constant."""

    unit: Decimal = CENT
    mode: RoundingMode = "half_up"

    def __post_init__(self) -> None:
        """Refuse a unit that nobody can pay in and a mode without a definition."""
        if not isinstance(self.unit, Decimal) or self.unit not in UNITS:
            units = ", ".join(map(str, UNITS))
            raise TermsError(field="rounding.unit", rule=f"must be one of {units}, got {self.unit}")
        if self.mode not in MODES:
            raise TermsError(
                field="rounding.mode", rule=f"must be one of {', '.join(MODES)}, got {self.mode}"
            )

    def apply(self, value: Decimal) -> Decimal:
        """Round an exact amount to a whole number of units. The result has two places."""
        if self.unit == CENT:  # nearly every amount: one step instead of four
            return value.quantize(CENT, rounding=MODES[self.mode], context=ARITHMETIC)
        units = ARITHMETIC.divide(value, self.unit)
        count = units.to_integral_value(rounding=MODES[self.mode], context=ARITHMETIC)
        return ARITHMETIC.multiply(count, self.unit).quantize(CENT, context=ARITHMETIC)


TO_THE_CENT = Rounding()


def cents_from_amount(amount: Decimal) -> int:
    """Return an amount of two places as a whole number of cents."""
    return int(amount.scaleb(2, ARITHMETIC))


def amount_from_cents(cents: int) -> Decimal:
    """Return a whole number of cents as an amount of two places."""
    return Decimal(cents).scaleb(-2, ARITHMETIC)


def require_amount(field: str, value: Decimal) -> Decimal:
    """Return an amount with two places.

    Raises
    ------
    AmountError
        If it is no `Decimal`, not finite, negative, 10^15 or more, or finer than a cent.
    """
    _require_finite(field, value)
    if not 0 <= value < AMOUNT_LIMIT:
        raise AmountError(
            field=field, rule=f"must be at least 0 and below {AMOUNT_LIMIT}, got {value}"
        )
    cents = value.quantize(CENT, context=ARITHMETIC)
    if cents != value:
        rule = f"must have at most 2 decimal places, got {value}; round it before it is posted"
        raise AmountError(field=field, rule=rule)
    return cents or ZERO  # never -0.00


def require_positive(field: str, value: Decimal) -> Decimal:
    """Return an amount above zero, with two places."""
    amount = require_amount(field, value)
    if not amount:
        raise AmountError(field=field, rule="must be above 0")
    return amount


def require_rate(field: str, value: Decimal) -> Decimal:
    """Return a rate in per cent: 0 or more, below 1,000, with at most six decimal places."""
    _require_finite(field, value)
    exponent = value.normalize(ARITHMETIC).as_tuple().exponent
    if not 0 <= value < RATE_LIMIT or int(exponent) < -RATE_PLACES:
        rule = (
            f"must be a per cent from 0 to below {RATE_LIMIT} with at most {RATE_PLACES} "
            f"decimal places, got {value}"
        )
        raise AmountError(field=field, rule=rule)
    return value


def require_count(field: str, value: int, lowest: int, highest: int) -> int:
    """Return a whole number between two bounds, both included."""
    if type(value) is not int or not lowest <= value <= highest:
        rule = f"must be a whole number from {lowest} to {highest}, got {value}"
        raise AmountError(field=field, rule=rule)
    return value


def _require_finite(field: str, value: Decimal) -> None:
    if not isinstance(value, Decimal):
        rule = f"must be a Decimal, got {type(value).__name__}; make it from text, not from a float"
        raise AmountError(field=field, rule=rule)
    if not value.is_finite():
        raise AmountError(field=field, rule=f"must be finite, got {value}")
