"""Foreclosure: what closes a loan on a day, to the cent, without interest that is not earned."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.lending.asset_classes import NpaPeriod
from models.lending.money import exact
from models.lending.prepayment import parts_from_principal
from models.lending.replay import Loan, replay


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeclosureQuote:
    """What a borrower pays on `as_of` to close the loan, before the close of that day."""

    as_of: date
    due_principal: Decimal
    due_interest: Decimal
    due_charges: Decimal
    undue_principal: Decimal
    days: int  # since the last due date, or since the disbursement
    broken_interest: Decimal
    prepayment_charge: Decimal
    credit: Decimal  # what the borrower paid ahead

    @property
    @exact
    def total(self) -> Decimal:
        """The payment that closes the loan; 0 or less if the credit covers everything."""
        due = self.due_principal + self.due_interest + self.due_charges
        undue = self.undue_principal + self.broken_interest + self.prepayment_charge
        return due + undue - self.credit


@exact
def foreclosure_quote(
    loan: Loan, as_of: date, npa_periods: tuple[NpaPeriod, ...] = ()
) -> ForeclosureQuote:
    """Quote what closes a loan on a day. A `Prepayment` of `total` on that day closes it.

    Interest runs to the day of the quote only: the sum of the future instalments would charge
    interest for months in which the borrower no longer has the money.
    """
    ledger = replay(loan, as_of, npa_periods, is_last_day_open=True)
    prepayable, balance = ledger.prepayable(as_of), ledger.books.balance
    parts = parts_from_principal(prepayable.balance, prepayable)
    return ForeclosureQuote(
        as_of=as_of,
        due_principal=balance("principal") - parts.principal,
        due_interest=balance("interest_receivable"),
        due_charges=balance("fee_receivable") + balance("penal_receivable"),
        undue_principal=parts.principal,
        days=prepayable.days,
        broken_interest=parts.interest,
        prepayment_charge=parts.charge,
        credit=-balance("borrower_credit"),
    )
