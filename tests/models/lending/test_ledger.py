from datetime import date
from decimal import Decimal

import pytest

from models.lending.allocation import INSTALMENT_FIRST, PRINCIPAL_FIRST
from models.lending.asset_classes import NpaPeriod
from models.lending.errors import PostingError
from models.lending.facts import Disbursement, Fact, Fee, Reschedule, Waiver, WriteOff, WriteOffKind
from models.lending.journal import Account, account_balances
from models.lending.loan_state import LoanState, derive
from models.lending.terms import LoanProduct
from tests.support.loan_book import one_year_loan, paid

FEBRUARY, MARCH, APRIL = date(2026, 2, 5), date(2026, 3, 5), date(2026, 4, 5)


def accounts(state: LoanState) -> dict[Account, Decimal]:
    return {name: value for name, value in account_balances(state.journal).items() if value}


def money(text: str) -> Decimal:
    return Decimal(text)


def test_a_first_instalment_in_the_journal() -> None:
    state = derive(one_year_loan(paid("10661.85", FEBRUARY)), FEBRUARY)
    assert [entry.kind for entry in state.journal] == [
        "disbursement",
        "instalment_due",
        "repayment",
    ]
    assert accounts(state) == {
        "principal": money("110538.15"),
        "bank": money("-109338.15"),  # 120,000.00 out, 10,661.85 in
        "interest_income": money("-1200.00"),
    }


def test_what_is_paid_ahead_waits_for_the_next_due_date() -> None:
    loan = one_year_loan(paid("15000.00", date(2026, 2, 1), "early"))
    before, after = derive(loan, date(2026, 2, 4)), derive(loan, MARCH)
    assert before.balances.credit == money("15000.00")
    assert before.balances.outstanding_principal == money("120000.00")
    assert after.balances.credit == 0
    settled = [(a.value_date, a.component, a.amount) for a in after.allocations]
    assert settled == [
        (FEBRUARY, "interest", money("1200.00")),
        (FEBRUARY, "principal", money("9461.85")),
        (MARCH, "interest", money("1105.38")),
        (MARCH, "principal", money("3232.77")),
    ]
    assert {a.reference for a in after.allocations} == {"early"}


def test_a_fee_belongs_to_the_instalment_before_it_and_is_paid_from_credit() -> None:
    fee = Fee(reference="fee", value_date=date(2026, 2, 20), amount=money("500"))
    unpaid = derive(one_year_loan(fee), date(2026, 2, 20))
    assert unpaid.instalments[0].unpaid["fee"] == 500
    early = derive(one_year_loan(fee, paid("11000.00", FEBRUARY)), date(2026, 2, 20))
    assert early.balances.due_fees == money("161.85")  # 338.15 was left of the payment


def test_a_fee_before_the_first_due_date_stands_outside() -> None:
    fee = Fee(reference="fee", value_date=date(2026, 1, 10), amount=money("500"))
    state = derive(one_year_loan(fee), date(2026, 1, 12))
    assert state.outside is not None
    assert (state.outside.number, state.outside.status) == (0, "charges_due")
    assert state.lateness.charge_days == 3
    assert state.days_past_due == 0


def test_a_waiver_gives_up_what_is_unpaid_and_no_more() -> None:
    facts = (
        Fee(reference="fee", value_date=FEBRUARY, amount=money("500")),
        Waiver(reference="w", value_date=MARCH, amount=money("800"), component="fee"),
    )
    state = derive(one_year_loan(*facts), MARCH)
    assert state.balances.due_fees == 0
    assert state.instalments[0].given_up["fee"] == 500
    assert accounts(state)["waiver_expense"] == 500


def write_off(
    kind: WriteOffKind = "technical", on: date = APRIL, reference: str = "off"
) -> WriteOff:
    return WriteOff(reference=reference, value_date=on, kind=kind)


def test_a_write_off_takes_everything_off_and_later_payments_are_recoveries() -> None:
    facts = (paid("10661.85", FEBRUARY), write_off(), paid("200000.00", date(2026, 6, 1)))
    before = derive(one_year_loan(*facts), date(2026, 5, 31))
    assert before.status == "written_off"
    assert before.balances.written_off_principal == money("110538.15")
    assert before.balances.outstanding_principal == before.balances.arrears == 0
    assert before.days_past_due == 0
    lost = money("110538.15") + money("1105.38") + money("1009.82")  # interest of two instalments
    assert accounts(before)["write_off_expense"] == lost
    after = derive(one_year_loan(*facts), date(2026, 6, 1))
    assert accounts(after)["recovery_income"] == -lost
    assert after.balances.credit == money("200000.00") - lost


def test_a_settled_loan_claims_nothing_more() -> None:
    facts = (write_off("settled"), paid("1000.00", date(2026, 6, 1)))
    state = derive(one_year_loan(*facts), date(2026, 6, 1))
    assert (state.status, state.balances.credit) == ("settled", money("1000.00"))


def test_what_was_paid_ahead_is_set_off_before_a_write_off() -> None:
    facts = (paid("50000.00", date(2026, 1, 20)), write_off(on=date(2026, 1, 25)))
    state = derive(one_year_loan(*facts), date(2026, 1, 25))
    assert state.balances.written_off_principal == money("70000.00")
    assert state.balances.repaid_principal == money("50000.00")
    assert state.balances.credit == 0


def test_new_terms_apply_from_a_due_date_to_what_is_not_due() -> None:
    terms = Reschedule(reference="r", value_date=APRIL, months=24, annual_rate_percent=money("9"))
    state = derive(one_year_loan(paid("10661.85", FEBRUARY), terms), APRIL)
    schedule = state.versions[-1].schedule
    assert (schedule.instalments[0].number, len(schedule.instalments)) == (4, 24)
    assert schedule.instalments[0].opening == money("91329.65")
    assert schedule.instalments[0].interest == money("684.97")  # 91,329.65 * .09 / 12
    assert state.balances.due_principal == money("19208.50")  # arrears stay due


SUSPENDED = (NpaPeriod(date(2026, 3, 1), date(2026, 4, 20)),)


def test_income_of_a_non_performing_loan_is_suspended_until_it_is_paid() -> None:
    loan = one_year_loan(paid("21323.70", date(2026, 4, 10)))
    states = {
        day: derive(loan, day, SUSPENDED)
        for day in (date(2026, 2, 28), date(2026, 3, 1), MARCH, APRIL, date(2026, 4, 10))
    }
    income = [accounts(state).get("interest_income", 0) for state in states.values()]
    suspense = [accounts(state).get("interest_suspense", 0) for state in states.values()]
    assert income == [money("-1200.00"), 0, 0, 0, money("-2305.38")]
    assert suspense == [
        *(0, money("-1200.00"), money("-2305.38"), money("-3315.20"), money("-1009.82"))
    ]
    upgraded = derive(loan, date(2026, 4, 20), SUSPENDED)
    assert "interest_suspense" not in accounts(upgraded)
    assert accounts(upgraded)["interest_income"] == money("-3315.20")


def test_suspended_income_is_no_cost_when_it_is_given_up() -> None:
    state = derive(one_year_loan(write_off()), APRIL, SUSPENDED)
    assert accounts(state) == {
        "bank": money("-120000.00"),
        "write_off_expense": money("120000.00"),
    }


def test_payments_of_a_non_performing_loan_have_an_order_of_their_own() -> None:
    product = LoanProduct(allocation=INSTALMENT_FIRST, npa_allocation=PRINCIPAL_FIRST)
    loan = one_year_loan(paid("100.00", date(2026, 3, 1)), product=product)
    orders = [derive(loan, MARCH, periods).allocations for periods in ((), SUSPENDED)]
    # The order changes on the day after the close that made the loan non-performing.
    assert [lines[0].component for lines in orders] == ["interest", "interest"]
    later = one_year_loan(paid("100.00", date(2026, 3, 2)), product=product)
    assert derive(later, MARCH, SUSPENDED).allocations[0].component == "principal"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            [paid("1", date(2026, 1, 4))],
            "value date of paid-2026-01-04 of 2026-01-04 must not stand before a disbursement",
        ),
        (
            [Fee(reference="f", value_date=APRIL, amount=money("1")), write_off(on=MARCH)],
            "fee f must not follow the write-off off; reverse that first",
        ),
        (
            [write_off(on=MARCH), write_off(reference="again")],
            "write-off again must not follow the write-off off; reverse one of them",
        ),
        (
            [
                Reschedule(
                    reference="r",
                    value_date=date(2026, 2, 6),
                    months=9,
                    annual_rate_percent=money("9"),
                )
            ],
            "value date of reschedule r must be a due date, got 2026-02-06; the next",
        ),
    ],
)
def test_facts_that_contradict_each_other_are_refused(facts: list[Fact], message: str) -> None:
    with pytest.raises(PostingError, match=message):
        derive(one_year_loan(*facts), APRIL)


def test_a_loan_is_disbursed_once() -> None:
    second = Disbursement(reference="more", value_date=FEBRUARY, amount=money("1000"))
    message = "disbursement more must be the loan's only disbursement; reverse the first one, or"
    with pytest.raises(PostingError, match=message):
        derive(one_year_loan(second), APRIL)
