from dataclasses import replace
from decimal import Decimal

import pytest

from models.lending.errors import RuleSetError
from models.lending.expected_loss_rules import (
    RBI_ECL_2026,
    RBI_FLOORS_2026,
    UNSECURED,
    expected_loss_rules_from_name,
    loss_floor,
)
from models.lending.stages import Stage
from tests.support.risk_book import golden_risk


@pytest.mark.parametrize(("category", "stage", "years", "owed", "floor"), golden_risk()["floors"])
def test_floors_of_worked_examples(
    category: str, stage: Stage, years: str | None, owed: str, floor: str
) -> None:
    months = int(Decimal(years or 0) * 12)
    percent = RBI_FLOORS_2026.percent(stage, category, months)
    assert str(loss_floor(Decimal(owed), percent)) == floor


def test_the_longest_in_stage_3_are_in_the_last_band() -> None:
    assert RBI_FLOORS_2026.percent(3, "secured_retail", 47) == 75
    assert RBI_FLOORS_2026.percent(3, "secured_retail", 480) == 100


def test_rules_of_the_future_say_from_when_and_from_whom() -> None:
    assert RBI_ECL_2026.label == "rbi_ecl_2026@1"
    assert RBI_ECL_2026.note == "effective 2027-04-01, from a secondary source"
    assert expected_loss_rules_from_name("rbi_ecl_2026") is RBI_ECL_2026


def test_unknown_names_are_refused_with_the_names_of_all() -> None:
    with pytest.raises(
        RuleSetError, match="must be one of ifrs9, cecl, cecl_dcf, rbi_ecl_2026, got"
    ):
        expected_loss_rules_from_name("basel")
    with pytest.raises(RuleSetError, match="floors category must be one of secured_retail, unsec"):
        RBI_FLOORS_2026.percent(1, "boats", 0)


def test_floors_with_a_gap_are_refused() -> None:
    with pytest.raises(RuleSetError, match="must have the same kinds of credit for all stages"):
        replace(RBI_FLOORS_2026, impaired={"gold": UNSECURED})
    with pytest.raises(RuleSetError, match=r"floors\.impaired must have 5 rates each"):
        replace(RBI_FLOORS_2026, impaired=dict.fromkeys(RBI_FLOORS_2026.performing, UNSECURED[:2]))
