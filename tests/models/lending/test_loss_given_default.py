from decimal import Decimal

import pytest

from models.lending.errors import AmountError
from models.lending.loss_given_default import BACKSTOP, loss_given_default


@pytest.mark.parametrize(
    ("liquid", "other", "share"),
    [
        ("0", "0", "0.70"),
        ("1000", "0", "0.30"),
        ("0", "5000", "0.65"),
        ("500", "0", "0.50"),  # half of 30 %, half of 70 %
        ("500", "300", "0.485"),  # 150 + 195 + 140 of 1,000
        ("0", "0.01", "0.7"),
    ],
)
def test_each_part_of_a_loan_is_lost_at_its_share(liquid: str, other: str, share: str) -> None:
    result = loss_given_default(Decimal(1000), Decimal(liquid), Decimal(other), BACKSTOP)
    assert result == Decimal(share)


def test_what_is_not_owed_has_no_share() -> None:
    with pytest.raises(AmountError, match="owed must be above 0"):
        loss_given_default(Decimal(0), Decimal(0), Decimal(0), BACKSTOP)
    assert "without an internal estimate" in BACKSTOP.source
