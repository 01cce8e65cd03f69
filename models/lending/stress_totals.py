"""Sums of a book under a stress: expected loss to the cent, and what may follow within a year."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from models.lending.expected_loss_arrays import UNSTRESSED, assess_arrays
from models.lending.expected_loss_rules import ExpectedLossRules
from models.lending.loan_arrays import PROBABILITY_SCALE, Integers, LoanArrays, Mask
from models.lending.loan_risk import Outlook, RiskShift
from models.lending.provision_arrays import ExposureArrays, provision_arrays
from models.lending.provision_rules import ProvisionRules


@dataclass(frozen=True, slots=True, kw_only=True)
class StressedBook:
    """The columns of a book that a stress needs. Amounts are cents."""

    loans: LoanArrays
    outstanding: Integers
    provision: Integers  # as things stand
    next_provision: Integers  # if the loan became sub-standard


@dataclass(frozen=True, slots=True, kw_only=True)
class StressTotals:
    """Sums in cents, which add up over parts of a book.

    `npa_in_a_year` and `provision_in_a_year` are projections: today's amounts, and of each
    performing loan its share of default. Nothing is repaid, cured or written off in them.
    """

    number: int = 0
    outstanding: int = 0
    expected_loss: int = 0
    stage_2: int = 0  # how many loans
    npa: int = 0
    npa_in_a_year: int = 0
    provision: int = 0
    provision_in_a_year: int = 0

    def __add__(self, other: "StressTotals") -> "StressTotals":
        """Return the sums of both parts."""
        names = [column.name for column in fields(self)]
        return StressTotals(**{name: getattr(self, name) + getattr(other, name) for name in names})


def next_provisions(
    exposures: ExposureArrays, provision: Integers, is_impaired: Mask, rules: ProvisionRules
) -> Integers:
    """Return the provision of each loan if it became sub-standard; never less than it is now."""
    classes = np.zeros_like(exposures.asset_class)
    sub_standard = replace(exposures, asset_class=classes, class_names=("sub_standard",))
    amount = provision_arrays(sub_standard, rules).amount
    return np.where(is_impaired, provision, np.maximum(amount, provision))


def sum_under_stress(
    book: StressedBook,
    outlooks: Sequence[Outlook],
    rules: ExpectedLossRules,
    shift: RiskShift = UNSTRESSED,
) -> StressTotals:
    """Sum part of a book up under a stress. Expected loss is that of `assess` for each loan."""
    loans = book.loans
    assessed = assess_arrays(loans, outlooks, rules, shift)
    odds = loans.probability_of_default / float(PROBABILITY_SCALE)
    odds = odds * float(shift.odds_factor) / (1.0 - odds + odds * float(shift.odds_factor))
    defaulting = np.where(loans.is_impaired, 1.0, odds)
    more = (book.next_provision - book.provision) * defaulting
    return StressTotals(
        number=len(loans),
        outstanding=int(book.outstanding.sum()),
        expected_loss=int(assessed.expected_loss.sum()),
        stage_2=int(np.count_nonzero(assessed.stage == 2)),  # noqa: PLR2004 -- the second stage
        npa=int(book.outstanding[loans.is_impaired].sum()),
        npa_in_a_year=int(np.rint(book.outstanding * defaulting).sum()),
        provision=int(book.provision.sum()),
        provision_in_a_year=int(book.provision.sum() + np.rint(more).sum()),
    )
