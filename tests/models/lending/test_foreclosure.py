from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.lending.facts import Fee, Prepayment, Reversal
from models.lending.foreclosure import foreclosure_quote
from models.lending.loan_state import derive
from models.lending.penal_charges import PenalPolicy
from models.lending.replay import Loan
from models.lending.schedule import amortise
from models.lending.terms import LoanProduct
from tests.support.counts import counts
from tests.support.loan_book import golden, one_year_loan, paid, possible_only, random_loans, terms

NUMBERS = golden()["foreclosure"]
THREE_PAID = tuple(paid("10661.85", date(2026, month, 5)) for month in (2, 3, 4))


def test_a_quote_charges_interest_to_its_day_and_not_beyond() -> None:
    quote = foreclosure_quote(one_year_loan(*THREE_PAID), date.fromisoformat(NUMBERS["as_of"]))
    assert str(quote.undue_principal) == NUMBERS["principal"]
    assert quote.days == NUMBERS["days"]
    assert str(quote.broken_interest) == NUMBERS["broken_interest"]
    assert str(quote.total) == NUMBERS["total"]
    schedule = amortise(Decimal(120_000), terms(), date(2026, 1, 5))
    future = sum(row.payment for row in schedule.instalments[3:])
    assert str(future) == NUMBERS["sum_of_future_instalments"]


def test_a_quote_names_arrears_penal_charges_and_the_prepayment_charge() -> None:
    penal = PenalPolicy(annual_rate_percent=Decimal(24))
    product = LoanProduct(penal=penal, prepayment_charge_percent=Decimal(2))
    quote = foreclosure_quote(one_year_loan(*THREE_PAID[:2], product=product), date(2026, 4, 17))
    assert quote.due_principal == Decimal("9652.03")
    assert quote.due_interest == Decimal("1009.82")
    # 10,661.85 was unpaid at twelve day-ends, 5 to 16 April: * .24 * 12 / 365.
    assert quote.due_charges == Decimal("84.13")
    assert quote.prepayment_charge == Decimal("1826.59")  # 2 % of 91,329.65
    assert quote.total == sum(
        map(Decimal, ("9652.03", "1009.82", "84.13", "91329.65", "360.31", "1826.59"))
    )


def test_what_was_paid_ahead_is_taken_off() -> None:
    loan = one_year_loan(*THREE_PAID, paid("1000.00", date(2026, 4, 10)))
    quote = foreclosure_quote(loan, date(2026, 4, 17))
    assert (quote.credit, quote.total) == (Decimal("1000.00"), Decimal("90689.96"))


def test_before_the_first_due_date_the_days_since_the_disbursement_count() -> None:
    quote = foreclosure_quote(one_year_loan(), date(2026, 1, 15))
    assert (quote.days, quote.total) == (10, Decimal("120394.52"))


@pytest.mark.soak
@settings(max_examples=counts().books, deadline=None)
@given(random_loans(), st.integers(0, 500))
def test_paying_the_quote_closes_the_loan_to_the_cent(loan: Loan, days: int) -> None:
    disbursed_on = min(f.value_date for f in loan.facts if not isinstance(f, Reversal))
    day = disbursed_on + timedelta(days=days)
    earlier = tuple(f for f in loan.facts if isinstance(f, Reversal) or f.value_date <= day)
    names = {fact.reference for fact in earlier}
    facts = tuple(f for f in earlier if not isinstance(f, Reversal) or f.reverses in names)
    with possible_only():
        total = foreclosure_quote(Loan(loan.terms, facts), day).total
    assume(total > 0)
    payment = Prepayment(reference="zz", value_date=day, amount=total, option="reduce_tenure")
    state = derive(Loan(loan.terms, (*facts, payment)), day + timedelta(days=400))
    before = derive(Loan(loan.terms, facts), day - timedelta(days=1))
    # A charge that is paid on its day does not open a loan again that was closed before.
    closed_on = before.closed_on if before.status == "closed" else day
    assert (state.status, state.closed_on) == ("closed", closed_on)
    assert state.balances.credit == state.balances.arrears == 0
    assert state.balances.repaid_principal == state.balances.disbursed


def test_a_charge_that_is_paid_on_its_day_leaves_a_closed_loan_closed() -> None:
    day, later = date(2026, 1, 31), date(2026, 2, 2)
    total = foreclosure_quote(one_year_loan(), day).total
    payoff = Prepayment(reference="p", value_date=day, amount=total, option="reduce_tenure")
    fee = Fee(reference="f", value_date=later, amount=Decimal("250.00"))
    charged = one_year_loan(payoff, fee)
    assert derive(charged, later).status == "active"
    settled = derive(one_year_loan(payoff, fee, paid("250.00", later)), date(2026, 3, 31))
    assert (settled.status, settled.closed_on) == ("closed", day)
