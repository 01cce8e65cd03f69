from datetime import date
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.allocation import (
    COMPONENT_FIRST,
    COMPONENTS,
    INSTALMENT_FIRST,
    ORDERS,
    AllocationOrder,
    Component,
    Due,
    allocate,
)
from models.lending.errors import AmountError, TermsError
from models.lending.loan_state import derive
from models.lending.replay import Loan
from tests.support.loan_book import MONEY, disbursed, golden, paid, terms

NUMBERS = golden()["allocation"]
DUES = [
    Due(number, dict(zip(COMPONENTS, map(Decimal, amounts), strict=True)))
    for number, *amounts in NUMBERS["dues"]
]
RANDOM_DUES = st.lists(st.fixed_dictionaries(dict.fromkeys(COMPONENTS, MONEY)), max_size=5).map(
    lambda rows: [Due(number, unpaid) for number, unpaid in enumerate(rows, 1)]
)


@pytest.mark.parametrize("name", sorted(NUMBERS["orders"]))
def test_the_order_decides_what_a_payment_settles(name: str) -> None:
    lines, rest = allocate(Decimal(NUMBERS["payment"]), DUES, ORDERS[name])
    settled = [(line.number, line.component, line.amount) for line in lines]
    assert settled == [(n, c, Decimal(a)) for n, c, a in NUMBERS["orders"][name]]
    assert rest == 0


def test_interest_of_all_instalments_may_come_before_any_principal() -> None:
    nothing: dict[Component, Decimal] = {"interest": Decimal(20), "principal": Decimal(200)}
    lines, _ = allocate(Decimal(40), [Due(1, nothing), Due(2, nothing)], COMPONENT_FIRST)
    settled = [[line.number, line.component, f"{line.amount:.2f}"] for line in lines]
    assert settled == NUMBERS["two_instalments_of_200_and_20"]


def test_a_payment_that_is_posted_late_counts_on_its_value_date() -> None:
    # 900 at a rate that makes the interest of one month 100; due on 5 March 2025.
    loan = Loan(
        terms("133.333333", 1, date(2025, 3, 5)),
        (
            disbursed("900", date(2025, 2, 5)),
            paid("600", date(2025, 3, 20)),
            paid("500", date(2025, 3, 16)),
        ),
    )
    state = derive(loan, date(2025, 3, 31))
    settled = [[str(a.value_date), a.component, str(a.amount)] for a in state.allocations]
    ahead = [
        [name.removeprefix("paid-"), "advance", str(rest)] for name, rest in state.credits.items()
    ]
    assert settled + ahead == NUMBERS["by_value_date"]


@given(MONEY, RANDOM_DUES, st.sampled_from(sorted(ORDERS)), st.randoms())
def test_lines_and_rest_sum_to_the_payment_and_settle_no_more_than_is_due(
    amount: Decimal, dues: list[Due], name: str, chance: Random
) -> None:
    lines, rest = allocate(amount, dues, ORDERS[name])
    assert sum(line.amount for line in lines) + rest == amount
    assert rest >= 0
    unpaid = {(due.number, name): value for due in dues for name, value in due.unpaid.items()}
    for line in lines:
        unpaid[line.number, line.component] -= line.amount
    assert all(value >= 0 for value in unpaid.values())
    assert rest == 0 or not any(unpaid.values())
    chance.shuffle(dues)
    assert allocate(amount, dues, ORDERS[name]) == (lines, rest)


@pytest.mark.parametrize(
    "groups", [(("interest", "principal"),), (("penal", "fee", "interest", "principal", "fee"),)]
)
def test_an_order_names_every_component_once(groups: tuple[tuple[Component, ...], ...]) -> None:
    message = "allocation order mine must name each of penal, fee, interest, principal once, got"
    with pytest.raises(TermsError, match=message):
        AllocationOrder("mine", groups)


def test_only_money_is_allocated() -> None:
    with pytest.raises(AmountError, match="amount must be at least 0"):
        allocate(Decimal(-1), DUES, INSTALMENT_FIRST)
