"""Expected loss of many loans at once, equal to `assess` of each one to the cent.

Balances are whole numbers and exact. Probabilities and discounts are binary fractions, whose error
has the bound that is argued below. A loan whose loss lies nearer to half a cent than its bound, or
whose stage nearer to the threshold, is computed again by the exact function: one in some hundred
thousand. So are loans whose numbers would not fit the bound's assumptions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from models.lending.expected_loss_rules import ExpectedLossRules, LossFloors
from models.lending.loan_arrays import (
    CATEGORIES,
    CENTS,
    MILLION,
    PROBABILITY_SCALE,
    Integers,
    LoanArrays,
    Mask,
)
from models.lending.loan_risk import Outlook, RiskShift, assess
from models.lending.term_structure import HORIZON_MONTHS

Reals = NDArray[np.float64]
UNSTRESSED = RiskShift()
MONTH_RATE = 100 * 12 * MILLION  # a rate in millionths of a per cent, as a share of a month
LARGEST_PRODUCT = 4 * 10**18  # of a balance and a rate: below 2^62
HIGHEST_PROBABILITY = 0.9  # above it, 1 - p has too few digits for the bound
ALMOST_CERTAIN = 0.99
SMALLEST_PROBABILITY = 1e-9
THRESHOLD_MARGIN = 1e-9  # relative, of a ratio of probabilities
ROUND_OFF = 2.0**-53
# A factor of one month is off by at most 20 round-offs, the sum and what multiplies it by 1,024
# more: conversions, two shifts of odds, log1p, exp and expm1 of at most 2 ulp, for p <= 0.9.
ROUND_OFFS_A_MONTH, ROUND_OFFS_OF_THE_REST = 20, 1_024
MONTHS_OF_A_YEAR = 12
LAST_BAND = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayAssessment:
    """Stages (0 without stages) and expected losses in cents; how many were computed again."""

    stage: Integers
    expected_loss: Integers
    computed_again: int


def assess_arrays(
    loans: LoanArrays,
    outlooks: Sequence[Outlook],
    rules: ExpectedLossRules,
    stress: RiskShift = UNSTRESSED,
) -> ArrayAssessment:
    """Return the stage and the expected loss of each loan: what `assess` returns for it."""
    probability = _shift_odds(_share(loans.probability_of_default, PROBABILITY_SCALE), stress)
    share = _shift_share(_share(loans.loss_given_default, MILLION), stress)
    stage, is_unsure = _stages(loans, probability, rules)
    cents, bound = _losses(loans, outlooks, rules, _Risk(probability, share, stage))
    rounded = np.floor(cents + 0.5)
    is_unsure |= np.abs(cents - np.floor(cents) - 0.5) <= bound
    is_unsure |= _is_out_of_bounds(loans, probability, outlooks) & ~loans.is_impaired
    loss = np.where(is_unsure, 0, rounded).astype(np.int64)
    if rules.floors and rules.stages:
        loss = np.maximum(loss, _floors(loans, stage, rules.floors))
    for row in np.flatnonzero(is_unsure):
        exact = assess(loans.loan(int(row)), outlooks, rules, stress)
        stage[row] = exact.stage or 0
        loss[row] = int(exact.expected_loss * CENTS)
    return ArrayAssessment(
        stage=stage, expected_loss=loss, computed_again=int(np.count_nonzero(is_unsure))
    )


@dataclass(frozen=True, slots=True)
class _Risk:
    probability: Reals
    share: Reals
    stage: Integers


def _share(numbers: Integers, scale: int) -> Reals:
    return numbers / float(scale)


def _shift_odds(probability: Reals, shift: RiskShift) -> Reals:
    odds = probability * float(shift.odds_factor)
    # A certainty has no logarithm; whatever is above `HIGHEST_PROBABILITY` is computed again.
    return np.minimum(odds / (1.0 - probability + odds), ALMOST_CERTAIN)


def _shift_share(share: Reals, shift: RiskShift) -> Reals:
    return np.clip(share + float(shift.loss_given_default_points) / 100.0, 0.0, 1.0)


def _stages(
    loans: LoanArrays, probability: Reals, rules: ExpectedLossRules
) -> tuple[Integers, Mask]:
    """Return stages, and where the ratio of probabilities is too near its threshold to tell."""
    stage = np.zeros(len(loans), dtype=np.int64)
    if rules.stages is None:
        return stage, np.zeros(len(loans), dtype=np.bool_)
    threshold = float(rules.stages.increase_ratio)
    years = loans.months_left / HORIZON_MONTHS
    at_origination = _share(loans.probability_at_origination, PROBABILITY_SCALE)
    at_origination = np.minimum(at_origination, ALMOST_CERTAIN)
    now, then = (-np.expm1(np.log1p(-p) * years) for p in (probability, at_origination))
    is_late = loans.days_past_due > rules.stages.significant_days
    stage[:] = np.where(is_late | (now >= threshold * then), 2, 1)
    is_impaired = loans.is_impaired | (loans.days_past_due > rules.stages.impaired_days)
    stage[is_impaired] = 3
    is_near = np.abs(now - threshold * then) <= THRESHOLD_MARGIN * threshold * then
    is_extreme = (at_origination > HIGHEST_PROBABILITY) | (at_origination < SMALLEST_PROBABILITY)
    return stage, (is_near | is_extreme) & (stage < 3) & ~is_late  # noqa: PLR2004 -- stage 3


def _losses(
    loans: LoanArrays, outlooks: Sequence[Outlook], rules: ExpectedLossRules, risk: _Risk
) -> tuple[Reals, Reals]:
    """Return weighted losses in cents, and how far each may be off."""
    is_defaulted = loans.is_impaired | (risk.stage == 3)  # noqa: PLR2004 -- likewise
    horizon = np.where(risk.stage == 1, HORIZON_MONTHS, loans.months_left)
    months = np.where(is_defaulted, 0, np.minimum(horizon, loans.months_left))
    values = _value_exposures(loans, months, outlooks, risk, is_discounted=rules.is_discounted)
    total = np.zeros(len(loans))
    for outlook, value in zip(outlooks, values, strict=True):
        share = _shift_share(risk.share, outlook.shift)
        log_survival = np.log1p(-_shift_odds(risk.probability, outlook.shift)) / HORIZON_MONTHS
        lost = np.where(is_defaulted, loans.gross, -np.expm1(log_survival) * value)
        total += float(outlook.weight) * share * lost
    errors = ROUND_OFFS_A_MONTH * months + ROUND_OFFS_OF_THE_REST
    return total, total * errors * ROUND_OFF


def _value_exposures(
    loans: LoanArrays,
    months: Integers,
    outlooks: Sequence[Outlook],
    risk: _Risk,
    *,
    is_discounted: bool,
) -> list[Reals]:
    """Return `sum of S(t - 1) v^t EAD_t` for each future, over the months of each loan.

    Loans are taken longest first, so that a month touches only the loans that reach it.
    """
    order = np.argsort(-months, kind="stable")
    counts = len(months) - np.searchsorted(np.sort(months), np.arange(1, months.max(initial=0) + 1))
    discount = 1.0 / (1.0 + loans.effective_rate[order] / MONTH_RATE)
    discount = discount if is_discounted else np.ones_like(discount)
    survivals = [
        np.exp(np.log1p(-_shift_odds(risk.probability[order], o.shift)) / HORIZON_MONTHS)
        for o in outlooks
    ]
    factors = [discount.copy() for _ in outlooks]
    steps = [survival * discount for survival in survivals]
    sums = [np.zeros(len(loans)) for _ in outlooks]
    balance, overdue = loans.undue_principal[order], loans.overdue[order]
    rate, instalment = loans.annual_rate[order], loans.equal_instalment[order]
    for count in counts:
        reached = slice(0, count)
        exposure = (overdue[reached] + balance[reached]).astype(np.float64)
        for factor, step, total in zip(factors, steps, sums, strict=True):
            total[reached] += factor[reached] * exposure
            factor[reached] *= step[reached]
        balance[reached] = _repay(balance[reached], rate[reached], instalment[reached])
    unsorted = np.empty_like(order)
    unsorted[order] = np.arange(len(order))
    return [total[unsorted] for total in sums]


def _repay(balance: Integers, rate: Integers, instalment: Integers) -> Integers:
    """Return the balance after one instalment; interest is rounded half up to the cent."""
    interest = (balance * rate + MONTH_RATE // 2) // MONTH_RATE
    repaid: Integers = np.clip(instalment - interest, 0, balance)
    return balance - repaid


def _is_out_of_bounds(loans: LoanArrays, probability: Reals, outlooks: Sequence[Outlook]) -> Mask:
    """Tell which loans the bound of the error does not cover, or whose balance might overflow."""
    largest_rate = np.maximum(loans.annual_rate, 1)
    is_large = loans.undue_principal > LARGEST_PRODUCT // largest_rate
    for outlook in outlooks:
        shifted = _shift_odds(probability, outlook.shift)
        is_large |= (shifted > HIGHEST_PROBABILITY) | (shifted < SMALLEST_PROBABILITY)
    is_large |= (probability > HIGHEST_PROBABILITY) | (probability < SMALLEST_PROBABILITY)
    return is_large


def _floors(loans: LoanArrays, stage: Integers, floors: LossFloors) -> Integers:
    """Return the least amount of each loan in cents, rounded half up."""
    years = np.minimum(loans.months_impaired // MONTHS_OF_A_YEAR, LAST_BAND)
    rates = np.zeros(len(loans), dtype=np.int64)
    for index, category in enumerate(CATEGORIES):
        of_category = loans.category == index
        for number, percent in enumerate(floors.performing[category], start=1):
            rates[of_category & (stage == number)] = _hundredths(percent)
        for band, percent in enumerate(floors.impaired[category]):
            rates[of_category & (stage == 3) & (years == band)] = _hundredths(percent)  # noqa: PLR2004
    per_cent = 100 * CENTS
    return multiply_half_up(loans.gross, rates, per_cent)


def multiply_half_up(amounts: Integers, rates: Integers, divisor: int) -> Integers:
    """Return `amounts * rates / divisor`, rounded half up, without a product above 2^63.

    Amounts are not negative, and rates are at most `divisor`.
    """
    quotient, remainder = np.divmod(amounts, divisor)
    return quotient * rates + (remainder * rates + divisor // 2) // divisor


def _hundredths(percent: Decimal) -> int:
    return int((percent * CENTS).to_integral_value(ROUND_HALF_UP))
