"""Double entry: accounts of a loan, and journal entries that cannot be made unbalanced."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, Self

from models.lending.allocation import Component
from models.lending.dates import days_between
from models.lending.errors import PostingError
from models.lending.money import ZERO, exact

Account = Literal[
    "bank",
    "principal",
    "interest_receivable",
    "fee_receivable",
    "penal_receivable",
    "interest_income",
    "fee_income",
    "penal_income",
    "interest_suspense",
    "fee_suspense",
    "penal_suspense",
    "borrower_credit",
    "waiver_expense",
    "write_off_expense",
    "recovery_income",
]
EarnedComponent = Literal["penal", "fee", "interest"]
EARNED: tuple[EarnedComponent, ...] = ("penal", "fee", "interest")
RECEIVABLE: dict[Component, Account] = {
    "penal": "penal_receivable",
    "fee": "fee_receivable",
    "interest": "interest_receivable",
    "principal": "principal",
}
INCOME: dict[Component, Account] = {
    "penal": "penal_income",
    "fee": "fee_income",
    "interest": "interest_income",
}
# Income of a non-performing loan is no income before it is paid.
SUSPENSE: dict[Component, Account] = {
    "penal": "penal_suspense",
    "fee": "fee_suspense",
    "interest": "interest_suspense",
}
EntryKind = Literal[
    "disbursement",
    "instalment_due",
    "fee",
    "penal_charge",
    "repayment",
    "credit_applied",
    "prepayment",
    "waiver",
    "write_off",
    "recovery",
    "income_recognition",
]


class JournalLine(NamedTuple):
    """One side of an entry. Either the debit or the credit is above 0."""

    account: Account
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What one event does to the accounts. `reference` is its fact's, or empty for a due date.

    A correction takes back an entry that no longer follows from the facts.
    """

    value_date: date
    kind: EntryKind
    reference: str
    lines: tuple[JournalLine, ...]
    is_correction: bool = False

    def __post_init__(self) -> None:
        """Refuse an entry whose debits are not its credits."""
        debits = sum([line.debit for line in self.lines])
        credits_ = sum([line.credit for line in self.lines])
        if debits != credits_:
            rule = f"of {self.value_date} must balance, got debits {debits}, credits {credits_}"
            raise PostingError(field=f"journal entry {self.kind}", rule=rule)

    def mirror(self) -> Self:
        """Return the entry that takes this one back."""
        lines = tuple(JournalLine(line.account, line.credit, line.debit) for line in self.lines)
        return replace(self, lines=lines, is_correction=not self.is_correction)


Postings = Mapping[Account, Decimal]


def lines_from_postings(postings: Postings) -> tuple[JournalLine, ...]:
    """Return journal lines from signed amounts: a debit is positive. Zeros make no line."""
    return tuple(
        JournalLine(account, amount, ZERO) if amount > 0 else JournalLine(account, ZERO, -amount)
        for account, amount in postings.items()
        if amount
    )


@exact
def account_balances(entries: Iterable[JournalEntry]) -> dict[Account, Decimal]:
    """Return debits less credits of every account that was used."""
    balances: dict[Account, Decimal] = {}
    for entry in entries:
        for line in entry.lines:
            balance = balances.get(line.account, ZERO)
            balances[line.account] = balance + line.debit - line.credit
    return balances


@dataclass(slots=True)
class Books:
    """A journal that is being written, and the balance of each account so far.

    Entries up to the day `after` are counted in the balances and not kept.
    """

    after: date | None = None
    entries: list[JournalEntry] = field(default_factory=list)
    balances: dict[Account, Decimal] = field(default_factory=dict)

    def post(self, day: date, kind: EntryKind, reference: str, postings: Postings) -> None:
        """Write one entry, unless all its amounts are 0."""
        lines = lines_from_postings(postings)
        if lines:
            if not self.count_silent(day):
                self.entries.append(JournalEntry(day, kind, reference, lines))
            for account, amount in postings.items():
                self.balances[account] = self.balance(account) + amount

    def post_daily(
        self, kind: EntryKind, accounts: tuple[Account, Account], amounts: Mapping[date, Decimal]
    ) -> None:
        """Write an entry for each day with an amount: from the first account to the second.

        Who is late has hundreds of them, so each is made without more than it consists of.
        """
        debited, credited = accounts
        for day, amount in amounts.items():
            if self.count_silent(day):
                continue
            lines = (JournalLine(debited, amount, ZERO), JournalLine(credited, ZERO, amount))
            self.entries.append(JournalEntry(day, kind, "", lines))
        total = sum(amounts.values(), ZERO)
        self.balances[debited] = self.balance(debited) + total
        self.balances[credited] = self.balance(credited) - total

    def count_silent(self, day: date) -> int:
        """Count the days from this one on whose entries are not kept."""
        return max(0, days_between(day, self.after) + 1) if self.after else 0

    def balance(self, account: Account) -> Decimal:
        """Return debits less credits of an account."""
        return self.balances.get(account, ZERO)
