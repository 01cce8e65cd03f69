"""What borrower and lender agree: the product's rules and the terms of one loan."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from models.lending.allocation import INSTALMENT_FIRST, AllocationOrder
from models.lending.dates import DueDates, require_date
from models.lending.errors import AmountError
from models.lending.money import TO_THE_CENT, ZERO, Rounding, require_count, require_rate
from models.lending.penal_charges import PenalPolicy

LONGEST_MONTHS = 600
HIGHEST_PREPAYMENT_CHARGE = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanProduct:
    """Rules that every loan of a product shares.

    `instalment_rounding` rounds the equal instalment, `interest_rounding` the interest of a period.
    `npa_allocation` replaces `allocation` from the day after a borrower became non-performing.
    """

    instalment_rounding: Rounding = TO_THE_CENT
    interest_rounding: Rounding = TO_THE_CENT
    allocation: AllocationOrder = INSTALMENT_FIRST
    npa_allocation: AllocationOrder = INSTALMENT_FIRST
    penal: PenalPolicy = field(default_factory=PenalPolicy)
    prepayment_charge_percent: Decimal = ZERO

    def __post_init__(self) -> None:
        """Refuse a charge out of bounds."""
        percent = require_rate("prepayment_charge_percent", self.prepayment_charge_percent)
        if percent >= HIGHEST_PREPAYMENT_CHARGE:
            raise AmountError(
                field="prepayment_charge_percent", rule=f"must be below 100, got {percent}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanTerms:
    """Terms of one loan: rate, number of instalments, and when they fall due.

    The rate is nominal, in per cent a year with monthly rests. `due_day` is the day of
    `first_due_on`; state it where the first month is too short to hold it (31 for 28 February).
    """

    annual_rate_percent: Decimal
    months: int
    first_due_on: date
    due_day: int = 0
    product: LoanProduct = field(default_factory=LoanProduct)

    def __post_init__(self) -> None:
        """Refuse terms out of bounds, and complete the due day."""
        require_rate("annual_rate_percent", self.annual_rate_percent)
        require_count("months", self.months, 1, LONGEST_MONTHS)
        first = require_date("first_due_on", self.first_due_on)
        object.__setattr__(self, "due_day", self.due_day or first.day)
        DueDates(first, self.due_day)

    @property
    def due_dates(self) -> DueDates:
        """The due dates by number of instalment."""
        return DueDates(self.first_due_on, self.due_day)
