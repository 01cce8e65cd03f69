"""Axes of waterfalls: where heights are compared, they begin at 0."""

from decimal import Decimal

import pytest

from functions.dashboard.components.charts import axis_range


@pytest.mark.parametrize(
    ("steps", "kind", "lowest", "highest"),
    [
        (("600", "-20", "5"), "amount", 0, 720),  # begins at 0
        (("600", "-20", "5"), "score", 574, 606),  # near its steps
        (("100", "-150"), "amount", -80, 130),  # one that falls below 0 is seen as well
        (("0",), "amount", 0, 0.01),
    ],
)
def test_the_axis_of_an_amount_has_0_in_it_and_that_of_a_score_need_not(
    steps: tuple[str, ...], kind: str, lowest: float, highest: float
) -> None:
    axis = axis_range([Decimal(step) for step in steps], kind == "amount")
    assert axis == pytest.approx((lowest, highest))
