from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.allowance import STAGES, AllowanceChange, Exit, reconcile
from models.lending.errors import AmountError
from models.lending.stages import Stage


def change(
    before: Stage | None, after: Stage | None, opening: int, closing: int, end: Exit | None = None
) -> AllowanceChange:
    return AllowanceChange(
        opening_stage=before,
        closing_stage=after,
        opening=Decimal(opening),
        closing=Decimal(closing),
        exit=end,
    )


def amounts(*numbers: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))


def test_an_allowance_is_reconciled_by_stage() -> None:
    """One loan stays, one worsens, one recovers; one is new, one repaid, one written off."""
    stages = reconcile(
        [
            change(1, 1, 100, 90),
            change(1, 2, 50, 400),
            change(2, 1, 300, 40),
            change(None, 1, 0, 70),
            change(1, None, 30, 0, "derecognised"),
            change(3, None, 900, 0, "written_off"),
        ]
    ).stages
    first, second, third = (stages[number] for number in STAGES)
    assert (first.opening, first.transfers_out, first.transfers_in) == amounts(180, 50, 300)
    assert (first.remeasured, first.new, first.derecognised) == amounts(-10 - 260, 70, 30)
    assert first.closing == 90 + 40 + 70
    assert (second.opening, second.transfers_out, second.transfers_in) == amounts(300, 300, 50)
    assert (second.remeasured, second.closing) == amounts(350, 400)
    assert (third.opening, third.written_off, third.closing) == amounts(900, 900, 0)


STAGE = st.sampled_from([1, 2, 3])
CHANGES = st.one_of(
    st.builds(change, STAGE, STAGE, st.integers(0, 999), st.integers(0, 999)),
    st.builds(change, st.none(), STAGE, st.just(0), st.integers(0, 999)),
    st.builds(
        change,
        STAGE,
        st.none(),
        st.integers(0, 999),
        st.just(0),
        st.sampled_from(["derecognised", "written_off"]),
    ),
)


@given(st.lists(CHANGES))
def test_the_lines_of_a_stage_sum_to_its_closing_allowance(changes: list[AllowanceChange]) -> None:
    reconciliation = reconcile(changes)
    for number, movement in reconciliation.stages.items():
        assert movement.closing == sum(c.closing for c in changes if c.closing_stage == number)
    assert reconciliation.closing == sum(c.closing for c in changes)


def test_an_allowance_without_a_loan_is_refused() -> None:
    with pytest.raises(AmountError, match="allowance must be 0 where the loan has no stage"):
        change(None, 1, 5, 5)
    with pytest.raises(AmountError, match="exit must say how a loan left"):
        change(1, None, 5, 0)
