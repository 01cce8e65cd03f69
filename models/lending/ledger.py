"""The ledger of one loan while its facts are replayed: one method for each thing that happens.

It is the package's only mutable value, and it never leaves `replay` and what reads its end.
Balances are those of its journal; the claims say which instalment they belong to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Self

from models.lending.allocation import COMPONENTS, Component, allocate
from models.lending.asset_classes import NpaPeriod
from models.lending.claims import Amounts, Claim, oldest_charge, oldest_due
from models.lending.dates import days_between
from models.lending.days_past_due import ArrearsChange
from models.lending.errors import PostingError
from models.lending.facts import (
    Disbursement,
    EffectiveFact,
    Fee,
    Prepayment,
    Repayment,
    Reschedule,
    Waiver,
    WriteOff,
)
from models.lending.journal import (
    EARNED,
    INCOME,
    RECEIVABLE,
    SUSPENSE,
    Account,
    Books,
    EntryKind,
    Postings,
)
from models.lending.money import ZERO, amount_from_cents
from models.lending.prepayment import Prepayable, parts_from_amount, schedule_after_prepayment
from models.lending.schedule import (
    Remainder,
    Schedule,
    ScheduledInstalment,
    amortise,
    schedule_over_tenure,
)
from models.lending.terms import LoanTerms

OUTSIDE = 0  # the number of claims that belong to no instalment


@dataclass(frozen=True, slots=True)
class Allocation:
    """A part of a payment that settled a claim on a day: the payment's, or a later due date.

    A correction has a negative amount.
    """

    value_date: date
    reference: str
    number: int
    component: Component
    amount: Decimal

    @property
    def is_correction(self) -> bool:
        """Whether it takes another allocation back."""
        return self.amount < 0

    def mirror(self) -> Self:
        """Return the allocation that takes this one back."""
        return replace(self, amount=self.amount.copy_negate())


@dataclass(frozen=True, slots=True)
class ScheduleVersion:
    """A schedule, from when it applies, and the fact that made it."""

    effective_on: date
    reason: str
    reference: str
    schedule: Schedule


@dataclass(slots=True, kw_only=True)
class Ledger:
    """One loan on one day of its replay."""

    terms: LoanTerms
    npa_periods: tuple[NpaPeriod, ...]
    books: Books = field(default_factory=Books)
    versions: list[ScheduleVersion] = field(default_factory=list)
    next_index: int = 0  # of the instalment that falls due next, in the last version
    claims: dict[int, Claim] = field(default_factory=dict)
    open_claims: dict[int, Claim] = field(default_factory=dict)  # those with anything unpaid
    credits: dict[str, Decimal] = field(default_factory=dict)  # what is not applied of a payment
    allocations: list[Allocation] = field(default_factory=list)
    arrears: list[ArrearsChange] = field(default_factory=list)
    disbursement: Disbursement | None = None
    accrual_from: date | None = None  # the last due date, or the disbursement
    write_off: WriteOff | None = None
    recoverable: Decimal = ZERO
    closed_on: date | None = None

    @property
    def next_instalment(self) -> ScheduledInstalment | None:
        """The instalment that falls due next, if one is left."""
        if not self.versions or self.next_index >= len(self.versions[-1].schedule.instalments):
            return None
        return self.versions[-1].schedule.instalments[self.next_index]

    @property
    def undue_principal(self) -> Decimal:
        """The principal that is not due yet."""
        return self.next_instalment.opening if self.next_instalment else ZERO

    def next_day(self, day: date, fact_day: date | None) -> date | None:
        """Return the next day on which something may happen; `fact_day` is the next fact's."""
        due_day = self.next_instalment.due_on if self.next_instalment else None
        bounds = chain.from_iterable((p.since, p.until) for p in self.npa_periods)
        return min((d for d in (due_day, fact_day, *bounds) if d and d > day), default=None)

    def is_npa(self, day: date) -> bool:
        """Whether the borrower is non-performing at the end of a day."""
        return any(period.contains(day) for period in self.npa_periods)

    def open_day(self, day: date) -> None:
        """Let an instalment fall due, and apply what the borrower paid ahead."""
        row = self.next_instalment
        if row and row.due_on == day:
            self.next_index += 1
            self.accrual_from = day
            self._demand(row.number, day, {"interest": row.interest, "principal": row.principal})
            self._earn(day, "instalment_due", "", {"interest": row.interest})
            self._apply_credits(day)

    def apply(self, fact: EffectiveFact) -> None:
        """Let one fact take effect."""
        match fact:
            case Disbursement():
                self._disburse(fact)
            case Fee():
                self._charge_fee(fact)
            case Waiver():
                self._waive(fact)
            case Repayment() | Prepayment():
                self._receive(fact)
            case Reschedule():
                self._reschedule(fact)
            case WriteOff():
                self._write_off(fact)

    def close_days(self, start: date, stop: date) -> None:
        """Close the days from `start` to the one before `stop`, between which nothing happens."""
        if start >= stop:
            return
        self._note_arrears(start)
        self._recognise_income(start)
        self._charge_lateness(start, days_between(start, stop))

    def _disburse(self, fact: Disbursement) -> None:
        if self.disbursement:
            rule = "must be the loan's only disbursement; reverse the first one, or open a new loan"
            raise PostingError(field=f"disbursement {fact.reference}", rule=rule)
        self.disbursement, self.accrual_from = fact, fact.value_date
        self._schedule(fact, "disbursement", amortise(fact.amount, self.terms, fact.value_date))
        postings: dict[Account, Decimal] = {"principal": fact.amount, "bank": -fact.amount}
        self.books.post(fact.value_date, "disbursement", fact.reference, postings)

    def _charge_fee(self, fact: Fee) -> None:
        if self.write_off:
            rule = f"must not follow the write-off {self.write_off.reference}; reverse that first"
            raise PostingError(field=f"fee {fact.reference}", rule=rule)
        number = max(self.claims, default=OUTSIDE)
        self._demand(number, fact.value_date, {"fee": fact.amount})
        self._earn(fact.value_date, "fee", fact.reference, {"fee": fact.amount})
        self._apply_credits(fact.value_date)

    def _waive(self, fact: Waiver) -> None:
        waived = self._give_up(fact.component, fact.amount, fact.value_date)
        postings = self._loss(fact.component, waived, "waiver_expense")
        self.books.post(fact.value_date, "waiver", fact.reference, postings)

    def _receive(self, fact: Repayment | Prepayment) -> None:
        if self.write_off:
            self._recover(fact)
            return
        settled, rest = self._settle(fact.reference, fact.value_date, fact.amount)
        self._hold_credit(fact.reference, rest)
        received: Postings = {"bank": fact.amount, "borrower_credit": -rest}
        kind: EntryKind = "prepayment" if isinstance(fact, Prepayment) else "repayment"
        self.books.post(fact.value_date, kind, fact.reference, {**received, **settled})
        if isinstance(fact, Prepayment):
            self._prepay(fact)

    def _recover(self, fact: Repayment | Prepayment) -> None:
        recovered = min(fact.amount, self.recoverable)
        self.recoverable -= recovered
        self._hold_credit(fact.reference, fact.amount - recovered)
        postings: dict[Account, Decimal] = {
            "bank": fact.amount,
            "recovery_income": -recovered,
            "borrower_credit": recovered - fact.amount,
        }
        self.books.post(fact.value_date, "recovery", fact.reference, postings)

    def prepayable(self, day: date) -> Prepayable:
        """Return the balance that is not due yet and what prepaying it on a day costs."""
        return Prepayable(
            balance=self.undue_principal,
            annual_rate_percent=self.terms.annual_rate_percent,
            days=days_between(self.accrual_from or day, day),
            charge_percent=self.terms.product.prepayment_charge_percent,
            interest_rounding=self.terms.product.interest_rounding,
        )

    def _prepay(self, fact: Prepayment) -> None:
        """Let the part that the borrower's credit pays for fall due today, and settle it."""
        credit, row, day = sum(self.credits.values(), ZERO), self.next_instalment, fact.value_date
        parts = parts_from_amount(credit, self.prepayable(day))
        if row is None or not parts.principal:
            return
        earned: Amounts = {"interest": parts.interest, "fee": parts.charge}
        self._demand(OUTSIDE, day, {"principal": parts.principal, **earned})
        self._earn(day, "prepayment", fact.reference, earned)
        schedule = self.versions[-1].schedule
        self.terms = replace(self.terms, months=schedule.instalments[-1].number)
        remainder = self._remainder(row, row.opening - parts.principal)
        payment = schedule.equal_instalment
        tail = schedule_after_prepayment(remainder, self.terms, payment, fact.option)
        self._schedule(fact, fact.option, tail)
        self._apply_credits(day)

    def _reschedule(self, fact: Reschedule) -> None:
        row = self.next_instalment
        if row is None:
            return
        if fact.value_date != self.accrual_from:
            rule = f"must be a due date, got {fact.value_date}; the next one is {row.due_on}"
            raise PostingError(field=f"value date of reschedule {fact.reference}", rule=rule)
        months = row.number - 1 + fact.months
        rate = fact.annual_rate_percent
        self.terms = replace(self.terms, months=months, annual_rate_percent=rate)
        tail = schedule_over_tenure(self._remainder(row, row.opening), self.terms)
        self._schedule(fact, "reschedule", tail)

    def _write_off(self, fact: WriteOff) -> None:
        """Let all principal fall due, settle it from credit, and give up what is unpaid."""
        if self.write_off:
            rule = f"must not follow the write-off {self.write_off.reference}; reverse one of them"
            raise PostingError(field=f"write-off {fact.reference}", rule=rule)
        day = fact.value_date
        self._demand(OUTSIDE, day, {"principal": self.undue_principal})
        self._schedule(fact, "write_off", Schedule(ZERO, ()))
        self._apply_credits(day)
        self.write_off = fact
        for component in COMPONENTS:
            amount = self._give_up(component, None, day)
            self.recoverable += amount if fact.kind == "technical" else ZERO
            postings = self._loss(component, amount, "write_off_expense")
            self.books.post(day, "write_off", fact.reference, postings)

    def _remainder(self, row: ScheduledInstalment, balance: Decimal) -> Remainder:
        disbursed_on = self.disbursement.value_date if self.disbursement else row.due_on
        return Remainder(balance=balance, disbursed_on=disbursed_on, first_number=row.number)

    def _schedule(self, fact: EffectiveFact, reason: str, schedule: Schedule) -> None:
        version = ScheduleVersion(fact.value_date, reason, fact.reference, schedule)
        self.versions.append(version)
        self.next_index = 0

    def _demand(self, number: int, day: date, amounts: Mapping[Component, Decimal]) -> None:
        claim = self.claims.setdefault(number, Claim(number, day))
        for component, amount in amounts.items():
            claim.demand(component, amount, day)
        if claim.is_open:
            self.open_claims[number] = claim

    def _earn(
        self, day: date, kind: EntryKind, reference: str, amounts: Mapping[Component, Decimal]
    ) -> None:
        """Book claims as income, or as suspended income of a non-performing loan."""
        income = SUSPENSE if self.is_npa(day) else INCOME
        postings: dict[Account, Decimal] = {}
        for component, amount in amounts.items():
            postings[RECEIVABLE[component]] = amount
            postings[income[component]] = -amount
        self.books.post(day, kind, reference, postings)

    def _settle(self, reference: str, day: date, amount: Decimal) -> tuple[Postings, Decimal]:
        """Allocate a payment to what is due. Returns its postings and what is left of it."""
        product = self.terms.product
        was_npa = self.is_npa(day - timedelta(days=1))
        order = product.npa_allocation if was_npa else product.allocation
        dues = [claim.due for claim in self.open_claims.values()]
        lines, rest = allocate(amount, dues, order)
        postings: dict[Account, Decimal] = {}
        for line in lines:
            self.claims[line.number].settle(line.component, line.amount, day)
            self._drop_closed(line.number)
            account = RECEIVABLE[line.component]
            postings[account] = postings.get(account, ZERO) - line.amount
            self.allocations.append(
                Allocation(day, reference, line.number, line.component, line.amount)
            )
        return postings, rest

    def _apply_credits(self, day: date) -> None:
        """Settle what is due from what was paid ahead, the earliest payment first."""
        for reference, amount in list(self.credits.items()):
            settled, rest = self._settle(reference, day, amount)
            self._hold_credit(reference, rest)
            postings: Postings = {"borrower_credit": amount - rest, **settled}
            self.books.post(day, "credit_applied", reference, postings)

    def _hold_credit(self, reference: str, rest: Decimal) -> None:
        self.credits[reference] = rest
        if not rest:
            del self.credits[reference]

    def _give_up(self, component: Component, limit: Decimal | None, day: date) -> Decimal:
        """Give up unpaid claims, the oldest first, up to a limit. Returns how much."""
        total = ZERO
        for number in sorted(self.open_claims):
            unpaid = self.claims[number].unpaid[component]
            amount = unpaid if limit is None else min(limit - total, unpaid)
            self.claims[number].give_up(component, amount, day)
            self._drop_closed(number)
            total += amount
        return total

    def _drop_closed(self, number: int) -> None:
        if not self.claims[number].is_open:
            self.open_claims.pop(number, None)

    def _loss(self, component: Component, amount: Decimal, expense: Account) -> Postings:
        """Return postings that take a claim off: first from suspended income, then as a cost."""
        if component == "principal":
            return {"principal": -amount, expense: amount}
        suspended = min(amount, -self.books.balance(SUSPENSE[component]))
        return {
            RECEIVABLE[component]: -amount,
            SUSPENSE[component]: suspended,
            expense: amount - suspended,
        }

    def _note_arrears(self, day: date) -> None:
        """Keep the age of what is unpaid at the end of a day, where it changed; and the end."""
        claims = self.open_claims.values()
        change = ArrearsChange(day, oldest_due(claims), oldest_charge(claims))
        if not self.arrears or not self.arrears[-1].equals(change):
            self.arrears.append(change)
        is_over = not (claims or self.books.balance("principal"))
        self.closed_on = (self.closed_on or day) if is_over and not self.write_off else None

    def _recognise_income(self, day: date) -> None:
        """Suspend all unpaid income while the borrower is non-performing, and release it after."""
        for component in EARNED if self.npa_periods else ():
            unpaid = self.books.balance(RECEIVABLE[component]) if self.is_npa(day) else ZERO
            change = unpaid + self.books.balance(SUSPENSE[component])
            postings: Postings = {INCOME[component]: change, SUSPENSE[component]: -change}
            self.books.post(day, "income_recognition", "", postings)

    def _charge_lateness(self, start: date, days: int) -> None:
        """Charge each late instalment for each of some day-ends, between which nothing happens."""
        policy = self.terms.product.penal
        late = [claim for claim in self.open_claims.values() if claim.is_overdue]
        if policy.is_free or not late:
            return
        # Of days whose entries nobody asks for, only the sum is needed.
        silent = min(days, self.books.count_silent(start))
        ends = [*([silent] if silent else []), *range(silent + 1, days + 1)]
        charges = [claim.charge_lateness(policy, start, ends) for claim in late]
        totals = [sum(cents) for cents in zip(*(c.cents for c in charges), strict=True)]
        amounts = {
            start + timedelta(days=end - 1): amount_from_cents(cents)
            for end, cents in zip(ends, totals, strict=True)
            if cents
        }
        if amounts:
            accounts = RECEIVABLE["penal"], (SUSPENSE if self.is_npa(start) else INCOME)["penal"]
            self.books.post_daily("penal_charge", accounts, amounts)
            self._note_arrears(min(charge.first for charge in charges if charge.first))
