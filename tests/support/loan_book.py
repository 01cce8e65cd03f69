"""Loans for tests of the loan book: worked numbers, small factories, random books."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from models.lending.allocation import ORDERS
from models.lending.asset_classes import NpaPeriod
from models.lending.errors import LendingError
from models.lending.facts import (
    Disbursement,
    Fact,
    Fee,
    Prepayment,
    Repayment,
    Reschedule,
    Reversal,
    WaivableComponent,
    Waiver,
    WriteOff,
    WriteOffKind,
)
from models.lending.loan_state import LoanState, derive
from models.lending.money import MODES, Rounding
from models.lending.penal_charges import PenalPolicy
from models.lending.prepayment import PrepaymentOption
from models.lending.replay import Loan
from models.lending.schedule import amortise
from models.lending.terms import LoanProduct, LoanTerms
from tests.support.running import REPOSITORY

NUMBERS = REPOSITORY / "tests/models/lending/golden.json"
FREE = LoanProduct()
DISBURSED_ON = date(2026, 1, 5)
FIRST_DUE_ON = date(2026, 2, 5)


@cache
def golden() -> Mapping[str, Any]:
    """Worked numbers. Rows of schedules: number, opening, interest, principal, closing."""
    numbers: Mapping[str, Any] = json.loads(NUMBERS.read_text())
    return numbers


def terms(
    rate: str = "12",
    months: int = 12,
    first_due_on: date = FIRST_DUE_ON,
    product: LoanProduct = FREE,
    due_day: int = 0,
) -> LoanTerms:
    return LoanTerms(
        annual_rate_percent=Decimal(rate),
        months=months,
        first_due_on=first_due_on,
        due_day=due_day,
        product=product,
    )


def disbursed(amount: str = "120000", on: date = DISBURSED_ON) -> Disbursement:
    return Disbursement(reference="disbursement", value_date=on, amount=Decimal(amount))


def paid(amount: str, on: date, reference: str = "") -> Repayment:
    return Repayment(reference=reference or f"paid-{on}", value_date=on, amount=Decimal(amount))


def one_year_loan(*facts: Fact, product: LoanProduct = FREE) -> Loan:
    """120,000 at 12 % over 12 months, disbursed on 5 January 2026: 10,661.85 a month."""
    return Loan(terms(product=product), (disbursed(), *facts))


def paid_on_time(months: int) -> Loan:
    """120,000 at 12 %, disbursed on 5 January 2026, with every instalment paid on its due date."""
    agreed = terms(months=months)
    rows = amortise(Decimal(120_000), agreed, DISBURSED_ON).instalments
    return Loan(agreed, (disbursed(), *(paid(str(row.payment), row.due_on) for row in rows)))


MONEY = st.integers(1, 3_000_000).map(lambda cents: Decimal(cents) / 100)
RATES = st.integers(0, 4_000).map(lambda hundredths: Decimal(hundredths) / 100)
PRODUCTS = st.builds(
    LoanProduct,
    instalment_rounding=st.builds(
        Rounding,
        unit=st.sampled_from([Decimal("0.01"), Decimal(1)]),
        mode=st.sampled_from(sorted(MODES)),
    ),
    interest_rounding=st.builds(Rounding, mode=st.sampled_from(sorted(MODES))),
    allocation=st.sampled_from(list(ORDERS.values())),
    npa_allocation=st.sampled_from(list(ORDERS.values())),
    penal=st.builds(
        PenalPolicy,
        annual_rate_percent=st.sampled_from([Decimal(0), Decimal(24)]),
        flat_amount=st.sampled_from([Decimal(0), Decimal(50)]),
        grace_days=st.integers(0, 5),
    ),
    prepayment_charge_percent=st.sampled_from([Decimal(0), Decimal(2)]),
)


@st.composite
def random_terms(draw: st.DrawFn) -> LoanTerms:
    """Terms with any due day, so that months end and leap days occur."""
    first_due_on = draw(st.dates(date(2023, 12, 1), date(2024, 3, 31)))
    return LoanTerms(
        annual_rate_percent=draw(RATES),
        months=draw(st.integers(1, 12)),
        first_due_on=first_due_on,
        product=draw(PRODUCTS),
    )


@st.composite
def random_loans(draw: st.DrawFn) -> Loan:
    """A loan with payments, charges, prepayments, waivers and reversals on any days."""
    loan_terms = draw(random_terms())
    start = loan_terms.first_due_on - timedelta(days=draw(st.integers(1, 60)))
    amount = draw(st.integers(50_000, 2_000_000).map(lambda cents: Decimal(cents) / 100))
    facts: list[Fact] = [Disbursement(reference="0", value_date=start, amount=amount)]
    facts += [
        draw(random_fact(str(number), draw(random_days(loan_terms, start)), amount))
        for number in range(1, draw(st.integers(0, 9)) + 1)
    ]
    if draw(st.booleans()):
        facts.append(draw(random_reschedule(loan_terms)))
    targets = draw(st.sets(st.sampled_from(facts[1:]), max_size=2)) if facts[1:] else set()
    facts += [Reversal(reference=f"undo {f.reference}", reverses=f.reference) for f in targets]
    if draw(st.booleans()):
        day = start + timedelta(days=draw(st.integers(300, 500)))
        facts = [f for f in facts if not isinstance(f, Fee)]
        facts = [f for f in facts if not isinstance(f, Reversal) or f.reverses in references(facts)]
        kind: WriteOffKind = draw(st.sampled_from(["technical", "settled"]))
        facts.append(WriteOff(reference="off", value_date=day, kind=kind))
    return Loan(loan_terms, tuple(draw(st.permutations(facts))))


def random_days(loan_terms: LoanTerms, start: date) -> st.SearchStrategy[date]:
    """Any day after the disbursement, and often a due date: facts meet on one day."""
    any_day = st.integers(0, 500).map(lambda days: start + timedelta(days=days))
    due_date = st.integers(1, loan_terms.months).map(loan_terms.due_dates.due_on)
    return st.one_of(any_day, due_date)


def references(facts: list[Fact]) -> set[str]:
    return {fact.reference for fact in facts}


@st.composite
def random_fact(draw: st.DrawFn, reference: str, day: date, amount: Decimal) -> Fact:
    part = (amount * draw(st.integers(1, 60)) / 100).quantize(Decimal("0.01"))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return Fee(reference=reference, value_date=day, amount=draw(MONEY))
    if kind == 1:
        component: WaivableComponent = draw(st.sampled_from(["penal", "fee", "interest"]))
        return Waiver(reference=reference, value_date=day, amount=part, component=component)
    if kind in {2, 3}:
        option: PrepaymentOption = draw(st.sampled_from(["reduce_instalment", "reduce_tenure"]))
        return Prepayment(reference=reference, value_date=day, amount=part, option=option)
    return Repayment(reference=reference, value_date=day, amount=part)


@st.composite
def random_reschedule(draw: st.DrawFn, loan_terms: LoanTerms) -> Reschedule:
    number = draw(st.integers(1, loan_terms.months))
    return Reschedule(
        reference="reschedule",
        value_date=loan_terms.due_dates.due_on(number),
        months=draw(st.integers(1, 18)),
        annual_rate_percent=draw(RATES),
    )


@contextmanager
def possible_only() -> Iterator[None]:
    """Leave out a book in which rounding would spoil a new schedule: it cannot be posted."""
    try:
        yield
    except LendingError as error:
        if error.field not in {"option", "equal instalment"}:
            raise
        reject()


def derive_possible(loan: Loan, as_of: date, npa_periods: tuple[NpaPeriod, ...] = ()) -> LoanState:
    with possible_only():
        return derive(loan, as_of, npa_periods)


DAYS = st.integers(-5, 900).map(lambda days: date(2024, 1, 1) + timedelta(days=days))
NPA_PERIODS = st.lists(DAYS, max_size=4, unique=True).map(
    lambda days: tuple(
        NpaPeriod(since, until)
        for since, until in zip(sorted(days)[::2], sorted(days)[1::2], strict=False)
    )
)
