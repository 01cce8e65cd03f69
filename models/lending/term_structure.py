"""Probabilities of default by month, from the one probability that a scoring model gives.

A model states one probability for its horizon. The conversion assumes a flat hazard: the chance to
default in a month, of who has not defaulted before, is the same in every month. That is an
assumption, not a measurement: `FLAT_HAZARD` says so wherever a figure depends on it, and
`calibrate_months` compares it with the defaults of each month that were observed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.lending.errors import AmountError
from models.lending.money import exact, require_count
from models.lending.terms import LONGEST_MONTHS

FLAT_HAZARD = "flat hazard (an assumption): h = 1 - (1 - PD)^(1 / horizon in months)"
HORIZON_MONTHS = 12
ONE = Decimal(1)


def require_probability(field: str, value: Decimal) -> Decimal:
    """Return a probability that is above 0 and below 1."""
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 < value < 1:
        raise AmountError(field=field, rule=f"must be a Decimal above 0 and below 1, got {value}")
    return value


def require_share(field: str, value: Decimal) -> Decimal:
    """Return a share from 0 to 1, both included."""
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value <= 1:
        raise AmountError(field=field, rule=f"must be a Decimal from 0 to 1, got {value}")
    return value


@exact
def monthly_hazard(
    probability_of_default: Decimal, horizon_months: int = HORIZON_MONTHS
) -> Decimal:
    """Return the chance to default in one month, of who has not defaulted before."""
    require_probability("probability_of_default", probability_of_default)
    require_count("horizon_months", horizon_months, 1, LONGEST_MONTHS)
    return ONE - (ONE - probability_of_default) ** (ONE / horizon_months)


@exact
def marginal_probabilities(hazard: Decimal, months: int) -> tuple[Decimal, ...]:
    """Return the chances to default in month 1, 2, ..., seen from today: `S(t - 1) h`."""
    return tuple((ONE - hazard) ** month * hazard for month in range(months))


@exact
def cumulative_probability(
    probability_of_default: Decimal, months: int, horizon_months: int = HORIZON_MONTHS
) -> Decimal:
    """Return the chance to default within some months: `1 - (1 - PD)^(months / horizon)`."""
    require_probability("probability_of_default", probability_of_default)
    require_count("months", months, 1, LONGEST_MONTHS)
    require_count("horizon_months", horizon_months, 1, LONGEST_MONTHS)
    return ONE - (ONE - probability_of_default) ** (Decimal(months) / horizon_months)


@exact
def shift_odds(probability_of_default: Decimal, odds_factor: Decimal) -> Decimal:
    """Multiply the odds of default: what a shift of the log-odds by `ln(odds_factor)` does."""
    odds = require_probability("probability_of_default", probability_of_default) * odds_factor
    return odds / (ONE - probability_of_default + odds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedMonth:
    """Loans that had not defaulted before a month on book, and how many of them did in it."""

    at_risk: int
    defaults: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCalibration:
    """Expected and observed defaults of a month on book; `z` is in standard deviations."""

    month: int
    at_risk: int
    expected: Decimal
    observed: int
    z: Decimal


def calibrate_months(
    hazard: Decimal, observed: Sequence[ObservedMonth]
) -> Iterator[MonthCalibration]:
    """Yield how the defaults of each month compare with a flat hazard.

    `z = (observed - n h) / sqrt(n h (1 - h))`. Several months above 2 on one side mean that the
    hazard is not flat: losses then fall earlier or later than the figures assume.
    """
    for month, row in enumerate(observed, start=1):
        if row.at_risk:
            yield _calibrate(hazard, month, row)


@exact
def _calibrate(hazard: Decimal, month: int, row: ObservedMonth) -> MonthCalibration:
    expected = row.at_risk * hazard
    deviation = (expected * (ONE - hazard)).sqrt()
    return MonthCalibration(
        month=month,
        at_risk=row.at_risk,
        expected=expected,
        observed=row.defaults,
        z=(row.defaults - expected) / deviation,
    )
