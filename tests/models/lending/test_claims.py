from datetime import date
from decimal import Decimal

from models.lending.claims import Claim, oldest_charge, oldest_due

DUE, LATER = date(2026, 2, 5), date(2026, 3, 10)
TEN = Decimal(10)


def claim(number: int = 1, due_on: date = DUE) -> Claim:
    new = Claim(number, due_on)
    new.demand("principal", TEN, due_on)
    return new


def test_what_was_demanded_is_unpaid_paid_or_given_up() -> None:
    one = claim()
    one.settle("principal", Decimal(6), LATER)
    one.give_up("principal", Decimal(3), LATER)
    amounts = [part["principal"] for part in (one.unpaid, one.paid, one.given_up)]
    assert amounts == [1, 6, 3]
    assert one.overdue == 1
    assert one.met_on is None


def test_a_claim_is_met_on_the_day_of_its_last_payment() -> None:
    one = claim()
    one.settle("principal", TEN, LATER)
    assert (one.is_open, one.met_on) == (False, LATER)
    one.demand("fee", TEN, LATER)
    assert one.is_open
    assert one.met_on is None
    assert one.overdue == 0


def test_charges_age_from_the_day_since_which_they_are_unpaid() -> None:
    one = claim()
    one.demand("penal", TEN, DUE)
    one.demand("fee", TEN, LATER)
    assert one.charges_since == DUE
    one.settle("penal", TEN, LATER)
    assert one.charges_since == DUE  # partly paid: one cent keeps the age
    one.settle("fee", TEN, LATER)
    assert one.charges_since is None


def test_the_oldest_claim_makes_a_loan_late() -> None:
    older, newer = claim(), claim(2, LATER)
    newer.demand("fee", TEN, LATER)
    assert (oldest_due([newer, older]), oldest_charge([newer, older])) == (DUE, LATER)
    older.settle("principal", TEN, LATER)
    assert oldest_due([newer, older]) == LATER
    assert (oldest_due([]), oldest_charge([older])) == (None, None)
