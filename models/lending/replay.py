"""Replay: all facts of a loan, day by day in the order of their value dates."""

from collections import deque
from dataclasses import dataclass
from datetime import date, timedelta

from models.lending.asset_classes import NpaPeriod
from models.lending.dates import require_date
from models.lending.errors import PostingError
from models.lending.facts import Disbursement, Fact, effective_facts
from models.lending.journal import Books
from models.lending.ledger import Ledger
from models.lending.money import exact
from models.lending.terms import LoanTerms


@dataclass(frozen=True, slots=True)
class Loan:
    """The terms of a loan and all that happened to it, in any order."""

    terms: LoanTerms
    facts: tuple[Fact, ...] = ()


@exact
def replay(
    loan: Loan,
    until: date,
    npa_periods: tuple[NpaPeriod, ...] = (),
    *,
    is_last_day_open: bool = False,
    journal_after: date | None = None,
) -> Ledger:
    """Replay a loan to the end of a day, or into that day while payments still count on it.

    Days on which nothing happens cost nothing, except that penal charges grow on them. With
    `journal_after`, of the journal only what has a later date is kept.

    Raises
    ------
    PostingError
        If a fact stands before the disbursement or contradicts the facts before it.
    """
    facts = deque(effective_facts(loan.facts, require_date("until", until)))
    books = Books(after=journal_after)
    ledger = Ledger(terms=loan.terms, npa_periods=npa_periods, books=books)
    if not facts:
        return ledger
    if not isinstance(facts[0], Disbursement):
        rule = f"of {facts[0].value_date} must not stand before a disbursement"
        raise PostingError(field=f"value date of {facts[0].reference}", rule=rule)
    end = until if is_last_day_open else until + timedelta(days=1)
    day = facts[0].value_date
    while day <= until:
        ledger.open_day(day)
        while facts and facts[0].value_date == day:
            ledger.apply(facts.popleft())
        fact_day = facts[0].value_date if facts else None
        next_day = ledger.next_day(day, fact_day) or until + timedelta(days=1)
        ledger.close_days(day, min(next_day, end))
        day = next_day
    return ledger
