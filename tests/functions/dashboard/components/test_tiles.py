"""Changes of figures, as tiles write them."""

from decimal import Decimal

from functions.dashboard.components.tiles import FigureChange
from functions.dashboard.display import money, percent
from tests.support.fake_api import FakeApi


def test_a_change_of_percentages_is_in_points_and_agrees_with_what_is_written(
    api: FakeApi,
) -> None:
    """47.894 and 29.926 differ by 17.968, but 47.89 and 29.93 by 17.96."""
    assert api.requests == []
    before, after = Decimal("47.894"), Decimal("29.926")
    change = FigureChange(label="PD", before=before, after=after, write=percent)
    assert change.written == "-17.96 points, from 47.89 %"


def test_a_change_of_amounts_says_from_what(api: FakeApi) -> None:
    assert api.requests == []
    change = FigureChange(label="Loss", before=Decimal(1000), after=Decimal(1100), write=money)
    assert change.written == "+100.00, from 1,000.00"
