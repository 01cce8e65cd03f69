"""A book's loans as columns of whole numbers, exact in cents and millionths."""

from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from models.lending.expected_loss import Repayable
from models.lending.loan_risk import LoanRisk

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
CENTS = 100
MILLION = 1_000_000
PROBABILITY_SCALE = 10**17  # a probability is below 1, so that it stays below 2^63
CATEGORIES = ("unsecured_retail", "secured_retail")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanArrays:
    """One column for each member of a `LoanRisk`, all of the same length `n`.

    Amounts are cents; rates are millionths of a per cent; shares are millionths; probabilities are
    in units of 10^-17. `months_left` is at least 1, and probabilities lie strictly between 0 and 1.
    """

    undue_principal: Integers
    overdue: Integers
    annual_rate: Integers
    effective_rate: Integers
    equal_instalment: Integers
    months_left: Integers
    days_past_due: Integers
    is_impaired: Mask
    months_impaired: Integers
    probability_of_default: Integers
    probability_at_origination: Integers
    loss_given_default: Integers
    category: Integers  # index into CATEGORIES

    def __len__(self) -> int:
        """How many loans there are."""
        return len(self.undue_principal)

    @property
    def gross(self) -> Integers:
        """All that is owed, in cents."""
        return self.undue_principal + self.overdue

    def select(self, rows: Mask | Integers) -> "LoanArrays":
        """Return some of the loans."""
        columns = {column.name: getattr(self, column.name)[rows] for column in fields(self)}
        return LoanArrays(**columns)

    def loan(self, row: int) -> LoanRisk:
        """Return one loan as exact decimals."""
        return LoanRisk(
            loan=Repayable(
                undue_principal=_decimal(self.undue_principal[row], CENTS),
                overdue=_decimal(self.overdue[row], CENTS),
                annual_rate_percent=_decimal(self.annual_rate[row], MILLION),
                effective_rate_percent=_decimal(self.effective_rate[row], MILLION),
                equal_instalment=_decimal(self.equal_instalment[row], CENTS),
                months_left=int(self.months_left[row]),
            ),
            days_past_due=int(self.days_past_due[row]),
            is_impaired=bool(self.is_impaired[row]),
            months_impaired=int(self.months_impaired[row]),
            probability_of_default=_decimal(self.probability_of_default[row], PROBABILITY_SCALE),
            probability_at_origination=_decimal(
                self.probability_at_origination[row], PROBABILITY_SCALE
            ),
            loss_given_default=_decimal(self.loss_given_default[row], MILLION),
            category=CATEGORIES[self.category[row]],
        )


def _decimal(number: np.int64, scale: int) -> Decimal:
    digits = len(str(scale)) - 1
    return Decimal(int(number)).scaleb(-digits)
