import random
from decimal import Decimal

import numpy as np
import pytest

from models.lending.expected_loss_rules import CECL, IFRS_9, ExpectedLossRules
from models.lending.loan_risk import ONE_FUTURE, LoanRisk, RiskShift, assess
from models.lending.provision_arrays import ExposureArrays
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.stress import MacroSensitivity, StressScenario, stress_steps
from models.lending.stress_totals import (
    StressedBook,
    StressTotals,
    next_provisions,
    sum_under_stress,
)
from tests.support.risk_book import OUTLOOKS, arrays_from_risks, loan_risk, random_book

SENSITIVITY = MacroSensitivity(
    interest_rate=Decimal("0.08"),
    unemployment_rate=Decimal("0.12"),
    model="customer",
    model_version="v1",
)


def book_from_risks(risks: list[LoanRisk]) -> StressedBook:
    loans = arrays_from_risks(risks)
    provision = np.where(
        loans.is_impaired, loans.undue_principal // 4, loans.undue_principal // 250
    )
    exposures = ExposureArrays(
        asset_class=np.zeros_like(loans.undue_principal),
        class_names=("standard",),
        outstanding=loans.undue_principal,
        realisable_security=np.zeros_like(loans.undue_principal),
        is_unsecured=np.ones(len(loans), dtype=np.bool_),
    )
    following = next_provisions(exposures, provision, loans.is_impaired, RBI_PROVISIONS_2025)
    return StressedBook(
        loans=loans,
        outstanding=loans.undue_principal,
        provision=provision,
        next_provision=following,
    )


def test_two_loans_by_hand() -> None:
    """500,000 at 6 % and as much in default: 30,000 more may become NPA within a year."""
    book = book_from_risks([loan_risk(), loan_risk(is_impaired=True)])
    totals = sum_under_stress(book, ONE_FUTURE, IFRS_9)
    assert totals == StressTotals(
        number=2,
        outstanding=100_000_000,
        expected_loss=1_002_834 + 22_500_000,
        npa=50_000_000,
        npa_in_a_year=53_000_000,
        provision=200_000 + 12_500_000,
        # 25 % of the 500,000 less the 2,000 that are set aside, times 6 %: 7,380.
        provision_in_a_year=12_700_000 + 738_000,
    )
    assert totals + totals == sum_under_stress(
        book_from_risks([loan_risk(), loan_risk(is_impaired=True)] * 2), ONE_FUTURE, IFRS_9
    )


def test_the_loss_under_stress_is_that_of_each_loan() -> None:
    risks = random_book(random.Random(3), 200)  # noqa: S311 -- a simulation
    shift = RiskShift(odds_factor=Decimal("1.5"), loss_given_default_points=Decimal(5))
    totals = sum_under_stress(book_from_risks([*risks]), OUTLOOKS, IFRS_9, shift)
    exact = sum(assess(risk, OUTLOOKS, IFRS_9, shift).expected_loss for risk in risks)
    assert totals.expected_loss == int(exact * 100)


@pytest.mark.parametrize("rules", [IFRS_9, CECL], ids=["ifrs9", "cecl"])
@pytest.mark.parametrize(
    "name",
    ["interest_rate_points", "unemployment_rate_points", "loss_given_default_points"],
)
def test_every_figure_grows_with_the_severity_of_every_input(
    name: str, rules: ExpectedLossRules
) -> None:
    book = book_from_risks([*random_book(random.Random(5), 300)])  # noqa: S311 -- likewise
    sums = []
    for points in (0, 1, 2, 5, 10):
        scenario = StressScenario(name="more", **{name: Decimal(points)})
        shift = stress_steps(scenario, SENSITIVITY)[-1].shift
        sums.append(sum_under_stress(book, OUTLOOKS, rules, shift))
    for figure in ("expected_loss", "npa_in_a_year", "provision_in_a_year", "stage_2"):
        values = [getattr(total, figure) for total in sums]
        assert values == sorted(values), figure
    losses = [total.expected_loss for total in sums]
    assert len({*losses}) == len(losses)
