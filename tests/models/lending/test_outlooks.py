from decimal import Decimal

from models.lending.outlooks import HOUSE_OUTLOOKS
from models.lending.stress import MacroSensitivity


def test_the_futures_weigh_one_and_lie_on_both_sides_of_the_base() -> None:
    sensitivity = MacroSensitivity(
        interest_rate=Decimal("0.1"),
        unemployment_rate=Decimal("0.2"),
        model="customer",
        model_version="v1",
    )
    base, up, down = HOUSE_OUTLOOKS.outlooks(sensitivity)
    assert base.weight + up.weight + down.weight == 1
    assert up.shift.odds_factor < base.shift.odds_factor == 1 < down.shift.odds_factor
    assert down.shift.loss_given_default_points == 5
    assert HOUSE_OUTLOOKS.label == "house_outlooks@1"
    assert "not a forecast" in HOUSE_OUTLOOKS.note
