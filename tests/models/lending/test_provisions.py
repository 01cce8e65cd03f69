from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from models.lending.errors import AmountError
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.provisions import (
    ClassifiedExposure,
    is_unsecured_at_sanction,
    npa_figures,
    provision,
)
from tests.support.counts import counts
from tests.support.risk_book import golden_risk, random_exposures, slow_provision

CATEGORIES = {"0.40": "other", "0.25": "farm_micro_housing", None: "other"}


@pytest.mark.parametrize("case", golden_risk()["provisions"])
def test_provisions_of_worked_examples(case: list[Any]) -> None:
    asset_class, outstanding, security, is_secured, rate, amount = case
    exposure = ClassifiedExposure(
        asset_class=asset_class,
        outstanding=Decimal(outstanding),
        realisable_security=Decimal(security),
        is_unsecured=not is_secured,
        category=CATEGORIES[rate],
    )
    result = provision(exposure, RBI_PROVISIONS_2025)
    assert result.amount == Decimal(amount)
    assert result.rule_set == "rbi_irac_2025@1"
    assert result.covered + result.uncovered == exposure.outstanding


def test_a_doubtful_loan_is_covered_in_part() -> None:
    """25 % of the 600,000 that security covers, and all of the other 400,000."""
    exposure = ClassifiedExposure(
        asset_class="doubtful_1",
        outstanding=Decimal(1_000_000),
        realisable_security=Decimal(600_000),
        is_unsecured=False,
    )
    result = provision(exposure, RBI_PROVISIONS_2025)
    assert (result.covered_provision, result.uncovered_provision) == (
        Decimal(150_000),
        Decimal(400_000),
    )


@pytest.mark.parametrize(("security", "is_unsecured"), [("0", 1), ("10000", 1), ("10000.01", 0)])
def test_a_tenth_of_the_credit_in_security_is_as_good_as_none(
    security: str, is_unsecured: int
) -> None:
    credit = Decimal(100_000)
    result = is_unsecured_at_sanction(credit, Decimal(security), RBI_PROVISIONS_2025)
    assert result == bool(is_unsecured)


def test_net_advances_are_without_what_is_set_aside() -> None:
    numbers = golden_risk()["npa"]
    gross, npa, held = (
        Decimal(numbers[name])
        for name in ("gross_advances", "gross_npa", "provisions_held_for_npa")
    )
    figures = npa_figures(gross, npa, held)
    assert str(figures.gross_npa_percent) == numbers["gross_npa_percent"]
    assert figures.net_npa == Decimal(numbers["net_npa"])
    assert str(figures.net_npa_percent) == numbers["net_npa_percent"]
    assert str(figures.coverage_percent) == numbers["pcr_percent"]


def test_a_book_without_npa_has_no_coverage_and_one_of_losses_has_no_net_advances() -> None:
    nothing, ten = Decimal(0), Decimal(10)
    assert npa_figures(ten, nothing, nothing).coverage_percent is None
    assert npa_figures(ten, ten, ten).net_npa_percent == 0
    with pytest.raises(AmountError, match="provisions must be at most gross_npa"):
        npa_figures(ten, nothing, ten)


@pytest.mark.soak
@settings(max_examples=counts().books, deadline=None)
@given(random_exposures())
def test_any_provision_is_that_of_a_second_implementation(exposure: ClassifiedExposure) -> None:
    result = provision(exposure, RBI_PROVISIONS_2025)
    assert result.amount == slow_provision(exposure)
    assert 0 <= result.amount <= exposure.outstanding
