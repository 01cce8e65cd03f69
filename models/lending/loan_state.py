"""The state of a loan at the end of a day, derived from its facts by one pure function.

Nothing is updated: posting a fact means deriving anew and writing what differs. The order of
posting, back-dating and reversals therefore cannot matter, and a state can always be rechecked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from models.lending.allocation import Component
from models.lending.asset_classes import Arrears, NpaPeriod
from models.lending.claims import Claim
from models.lending.days_past_due import ArrearsChange, ArrearsHistory, arrears_at, days_past_due
from models.lending.journal import JournalEntry
from models.lending.ledger import OUTSIDE, Allocation, Ledger, ScheduleVersion
from models.lending.money import ZERO, exact
from models.lending.replay import Loan, replay
from models.lending.schedule import ScheduledInstalment

LoanStatus = Literal["granted", "active", "closed", "written_off", "settled"]
InstalmentStatus = Literal["scheduled", "overdue", "charges_due", "paid", "written_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What was lent, what came back, what is owed. The borrower's credit is owed the other way.

    `received` is all money that the borrower paid, whatever for.
    `outstanding_principal = disbursed - repaid_principal - written_off_principal`, due or not.
    """

    disbursed: Decimal
    repaid_principal: Decimal
    written_off_principal: Decimal
    outstanding_principal: Decimal
    due_principal: Decimal
    due_interest: Decimal
    due_fees: Decimal
    due_penal_charges: Decimal
    credit: Decimal
    received: Decimal

    @property
    @exact
    def arrears(self) -> Decimal:
        """All that is due and unpaid."""
        charges = self.due_fees + self.due_penal_charges
        return self.due_principal + self.due_interest + charges


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentState:
    """One instalment with the charges that belong to it. Demanded = unpaid + paid + given up."""

    number: int
    due_on: date
    status: InstalmentStatus
    unpaid: Mapping[Component, Decimal]
    paid: Mapping[Component, Decimal]
    given_up: Mapping[Component, Decimal]
    met_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanState:
    """A loan at the end of `as_of`."""

    as_of: date
    status: LoanStatus
    balances: Balances
    instalments: tuple[InstalmentState, ...]
    outside: InstalmentState | None  # fees before the first due date, and what was prepaid
    credits: Mapping[str, Decimal]  # by reference of the payment
    allocations: tuple[Allocation, ...]
    versions: tuple[ScheduleVersion, ...]
    journal: tuple[JournalEntry, ...]
    arrears: ArrearsHistory
    closed_on: date | None

    @property
    def oldest_due(self) -> date | None:
        """The oldest due date of which interest or principal is unpaid."""
        return arrears_at(self.arrears, self.as_of).oldest_due

    @property
    def days_past_due(self) -> int:
        """The age of the oldest unpaid due date, both days counted."""
        return days_past_due(self.oldest_due, self.as_of)

    @property
    def lateness(self) -> Arrears:
        """What classification needs of this loan."""
        change: ArrearsChange = arrears_at(self.arrears, self.as_of)
        return Arrears(
            days_past_due=self.days_past_due,
            charge_days=days_past_due(change.oldest_charge, self.as_of),
        )


@exact
def derive(
    loan: Loan,
    as_of: date,
    npa_periods: tuple[NpaPeriod, ...] = (),
    journal_after: date | None = None,
) -> LoanState:
    """Derive the state of a loan at the end of a day.

    `npa_periods` are those of the borrower; `borrower.derive_loans` finds them. Facts with a later
    value date do not count yet. With `journal_after`, the journal is what has a later date: the
    rest of an old default is hundreds of entries.

    Raises
    ------
    LendingError
        If the facts contradict each other. A posting that would lead there is to be refused.
    """
    ledger = replay(loan, as_of, npa_periods, journal_after=journal_after)
    outside = ledger.claims.get(OUTSIDE)
    return LoanState(
        as_of=as_of,
        status=_status(ledger),
        balances=_balances(ledger),
        instalments=_instalments(ledger),
        outside=_from_claim(outside) if outside else None,
        credits=dict(ledger.credits),
        allocations=tuple(ledger.allocations),
        versions=tuple(ledger.versions),
        journal=tuple(ledger.books.entries),
        arrears=tuple(ledger.arrears),
        closed_on=ledger.closed_on,
    )


def _status(ledger: Ledger) -> LoanStatus:
    if ledger.write_off:
        return "settled" if ledger.write_off.kind == "settled" else "written_off"
    if ledger.closed_on:
        return "closed"
    return "active" if ledger.disbursement else "granted"


def _balances(ledger: Ledger) -> Balances:
    claims, balance = ledger.claims.values(), ledger.books.balance
    disbursed = ledger.disbursement.amount if ledger.disbursement else ZERO
    return Balances(
        disbursed=disbursed,
        repaid_principal=sum((claim.paid["principal"] for claim in claims), ZERO),
        written_off_principal=sum((claim.given_up["principal"] for claim in claims), ZERO),
        outstanding_principal=balance("principal"),
        due_principal=balance("principal") - ledger.undue_principal,
        due_interest=balance("interest_receivable"),
        due_fees=balance("fee_receivable"),
        due_penal_charges=balance("penal_receivable"),
        credit=-balance("borrower_credit"),
        received=balance("bank") + disbursed,
    )


def _instalments(ledger: Ledger) -> tuple[InstalmentState, ...]:
    fallen_due = [_from_claim(ledger.claims[n]) for n in sorted(ledger.claims) if n != OUTSIDE]
    rows = ledger.versions[-1].schedule.instalments if ledger.versions else ()
    return (*fallen_due, *(_from_row(row) for row in rows[ledger.next_index :]))


def _from_claim(claim: Claim) -> InstalmentState:
    return InstalmentState(
        number=claim.number,
        due_on=claim.due_on,
        status=_claim_status(claim),
        unpaid=dict(claim.unpaid),
        paid=dict(claim.paid),
        given_up=dict(claim.given_up),
        met_on=claim.met_on,
    )


def _claim_status(claim: Claim) -> InstalmentStatus:
    if claim.overdue:
        return "overdue"
    if claim.is_open:
        return "charges_due"
    return "written_off" if claim.given_up["principal"] else "paid"


def _from_row(row: ScheduledInstalment) -> InstalmentState:
    return InstalmentState(
        number=row.number,
        due_on=row.due_on,
        status="scheduled",
        unpaid={"penal": ZERO, "fee": ZERO, "interest": row.interest, "principal": row.principal},
        paid={},
        given_up={},
    )
