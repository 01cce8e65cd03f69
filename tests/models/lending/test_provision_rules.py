from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from models.lending.errors import RuleSetError
from models.lending.provision_rules import PROVISION_RULES, RBI_PROVISIONS_2025, ClassRates
from models.lending.rule_sets import RULE_SETS

TOO_FINE = ClassRates(covered_percent=Decimal("15.001"), uncovered_percent=Decimal(15))


def test_every_class_of_the_rule_set_of_its_name_has_a_rate() -> None:
    for name, rules in PROVISION_RULES.items():
        assert rules.asset_classes == RULE_SETS[name].asset_classes
        assert rules.label == RULE_SETS[name].label


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"non_performing": {"sma_2": TOO_FINE}}, "names a class twice: sma_2"),
        (
            {"non_performing": {"loss": TOO_FINE}},
            "rate must be at most 100 per cent with at most 2",
        ),
        ({"performing_percent": {"other": Decimal(101)}}, "must be at most 100 per cent"),
    ],
)
def test_rates_that_no_lender_could_apply_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleSetError, match=message):
        replace(RBI_PROVISIONS_2025, **change)


def test_a_class_or_a_kind_of_credit_without_a_rate_is_refused() -> None:
    with pytest.raises(RuleSetError, match="none for doubtful: classify by rbi_irac_2025"):
        RBI_PROVISIONS_2025.rates("doubtful", "other", is_unsecured=False)
    with pytest.raises(RuleSetError, match="category must be one of other, farm_micro_housing"):
        RBI_PROVISIONS_2025.rates("standard", "boats", is_unsecured=False)
