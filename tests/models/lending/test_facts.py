from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from models.lending.errors import LendingError, PostingError
from models.lending.facts import (
    Disbursement,
    EffectiveFact,
    Fee,
    Prepayment,
    Repayment,
    Reschedule,
    Reversal,
    Waiver,
    effective_facts,
)
from tests.support.loan_book import disbursed, paid

DAY, LATER = date(2026, 2, 5), date(2026, 3, 5)


def test_facts_count_by_value_date_then_kind_then_reference() -> None:
    one = Decimal(1)
    facts: list[EffectiveFact] = [
        Fee(reference="z", value_date=DAY, amount=one),
        Waiver(reference="y", value_date=DAY, amount=one, component="fee"),
        paid("1", DAY, "a"),
        paid("1", DAY, "b"),
        Prepayment(reference="0", value_date=DAY, amount=one, option="reduce_tenure"),
        paid("1", LATER, "c"),
    ]
    for posted in permutations(facts):
        assert effective_facts(posted, LATER) == facts


def test_what_counts_later_does_not_count_yet() -> None:
    assert effective_facts([paid("1", LATER), paid("2", DAY)], DAY) == [paid("2", DAY)]


def test_a_reversed_fact_is_as_if_it_had_never_been_posted() -> None:
    bounced = paid("1", DAY, "cheque-7")
    reversal = Reversal(reference="bounce-7", reverses="cheque-7")
    assert effective_facts([reversal, disbursed(), bounced], LATER) == [disbursed()]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([paid("1", DAY, "a"), paid("2", DAY, "a")], "reference must be unique in the loan; give"),
        (
            [paid("1", DAY, "a"), Reversal(reference="a", reverses="a")],
            "reference must be unique in the loan",
        ),
        (
            [Reversal(reference="b", reverses="a")],
            "reverses must name a posted fact that is not reversed yet, got a; to undo a reversal,",
        ),
        (
            [
                paid("1", DAY, "a"),
                Reversal(reference="b", reverses="a"),
                Reversal(reference="c", reverses="a"),
            ],
            "reverses must name a posted fact that is not reversed yet, got a",
        ),
        (
            [
                paid("1", DAY, "a"),
                Reversal(reference="b", reverses="a"),
                Reversal(reference="c", reverses="b"),
            ],
            "reverses must name a posted fact that is not reversed yet, got b",
        ),
    ],
)
def test_references_fit_each_other(facts: list[Any], message: str) -> None:
    with pytest.raises(PostingError, match=message):
        effective_facts(facts, LATER)


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        (Repayment, {"amount": Decimal(0)}, "amount"),
        (Disbursement, {"amount": Decimal("NaN")}, "amount"),
        (Fee, {"reference": ""}, "reference"),
        (Repayment, {"value_date": datetime(2026, 2, 5, tzinfo=UTC)}, "value_date"),
    ],
)
def test_a_fact_out_of_bounds_is_refused_by_name(
    kind: type, change: dict[str, Any], field: str
) -> None:
    members = {"reference": "a", "value_date": DAY, "amount": Decimal(1), **change}
    with pytest.raises(LendingError) as caught:
        kind(**members)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("months", "rate", "field"),
    [(0, Decimal(9), "months"), (12, Decimal(1000), "annual_rate_percent")],
)
def test_other_terms_are_terms(months: int, rate: Decimal, field: str) -> None:
    with pytest.raises(LendingError) as caught:
        Reschedule(reference="a", value_date=DAY, months=months, annual_rate_percent=rate)
    assert caught.value.field == field
