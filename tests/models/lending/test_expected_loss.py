from decimal import Decimal

import pytest

from models.lending.errors import AmountError
from models.lending.expected_loss import (
    Recovery,
    Scenario,
    expected_loss,
    loss_of_recoveries,
    month_income,
    monthly_losses,
    project_exposure,
)
from models.lending.stages import Stage
from tests.support.risk_book import golden_risk, repayable


def scenario(pd12: str, lgd: str, weight: str = "1") -> Scenario:
    return Scenario(
        weight=Decimal(weight),
        probability_of_default=Decimal(pd12),
        loss_given_default=Decimal(lgd),
    )


@pytest.mark.parametrize(
    ("name", "number", "rows"), [("stage_1", 1, "rows"), ("stage_2", 2, "rows_first_two_and_last")]
)
def test_losses_of_worked_examples_month_by_month(name: str, number: Stage, rows: str) -> None:
    numbers = golden_risk()[name]
    view = scenario(numbers["pd12"], numbers["lgd"])
    months = {row.month: row for row in monthly_losses(repayable(), view, 24)}
    for row in numbers[rows]:
        month = months[row["t"]]
        assert month.exposure_at_default == Decimal(row["ead"])
        assert f"{month.marginal_probability:.10f}" == row["marginal_pd"]
        assert f"{month.discount:.10f}" == row["discount"]
        assert f"{month.loss:.6f}" == row["loss"]
    assert expected_loss(repayable(), [view], number) == Decimal(numbers["ecl"])


def test_losses_are_weighted_and_never_their_inputs() -> None:
    numbers = golden_risk()["scenarios"]
    views = [scenario(row["pd12"], row["lgd"], row["weight"]) for row in numbers["rows"]]
    for view, row in zip(views, numbers["rows"], strict=True):
        alone = scenario(str(view.probability_of_default), str(view.loss_given_default))
        assert expected_loss(repayable(), [alone], 1) == Decimal(row["ecl"])
    assert str(expected_loss(repayable(), views, 1)) == numbers["weighted"]
    mean = Scenario(
        weight=Decimal(1),
        probability_of_default=sum(v.weight * v.probability_of_default for v in views) + Decimal(0),
        loss_given_default=sum(v.weight * v.loss_given_default for v in views) + Decimal(0),
    )
    of_means = expected_loss(repayable(), [mean], 1)
    assert str(of_means) == numbers["not_the_same_as_ecl_of_mean_inputs"]


def test_a_loan_in_stage_3_is_worth_what_will_come_back() -> None:
    numbers = golden_risk()["stage_3"]
    gross, rate = Decimal(numbers["gross"]), Decimal(14)
    recoveries = [Recovery(row["month"], Decimal(row["amount"])) for row in numbers["recoveries"]]
    loss = loss_of_recoveries(gross, recoveries, rate)
    assert (str(loss), str(gross - loss)) == (numbers["ecl"], numbers["pv"])
    income = month_income(gross, loss, rate, 3)
    assert str(income) == numbers["interest_of_next_month_on_net"]
    on_gross = numbers["interest_of_next_month_on_gross_would_be"]
    assert str(month_income(gross, loss, rate, 2)) == on_gross
    assert loss_of_recoveries(Decimal(1), recoveries, rate) == 0


def test_the_life_of_a_loan_without_stages() -> None:
    numbers = golden_risk()["cecl"]
    view = scenario(numbers["pd12"], numbers["lgd"])
    undiscounted = expected_loss(repayable(), [view], None, is_discounted=False)
    assert str(undiscounted) == numbers["undiscounted"]
    assert str(expected_loss(repayable(), [view], None)) == numbers["discounted_at_eir"]


def test_the_default_share_of_all_that_is_owed_is_lost_in_stage_3() -> None:
    late = repayable(overdue=Decimal(20000))
    assert expected_loss(late, [scenario("0.06", "0.45")], 3) == Decimal("234000.00")


def test_what_is_overdue_stays_owed_and_the_rest_follows_the_schedule() -> None:
    late = repayable(
        undue_principal=Decimal(1000),
        overdue=Decimal(50),
        months_left=3,
        annual_rate_percent=Decimal(12),
        equal_instalment=Decimal("340.02"),
    )
    # 1,000 at 1 % a month: 330.02, then 333.32 of principal.
    assert project_exposure(late) == (Decimal(1050), Decimal("719.98"), Decimal("386.66"))


def test_an_instalment_below_its_interest_repays_nothing_and_a_large_one_ends_the_loan() -> None:
    small = repayable(equal_instalment=Decimal(1), months_left=3)
    assert project_exposure(small) == (Decimal(500_000),) * 3
    large = repayable(equal_instalment=Decimal(600_000), months_left=3)
    assert project_exposure(large) == (Decimal(500_000), Decimal(0), Decimal(0))


def test_weights_that_leave_a_future_out_are_refused() -> None:
    with pytest.raises(AmountError, match=r"weight of all scenarios must sum to 1, got 0\.5"):
        expected_loss(repayable(), [scenario("0.06", "0.45", "0.5")], 1)


@pytest.mark.parametrize("months", [0, 601])
def test_a_loan_without_a_month_left_is_refused(months: int) -> None:
    with pytest.raises(AmountError, match="months_left must be a whole number from 1 to"):
        repayable(months_left=months)
