from dataclasses import replace
from typing import Any

import pytest

from models.lending.errors import RuleSetError
from models.lending.rule_sets import (
    DEFAULT_RULE_SET,
    RBI_IRAC_2025,
    RULE_SETS,
    SOURCE_D,
    ClassBand,
    rule_set_from_name,
)


def test_the_default_is_in_force_and_names_its_source() -> None:
    assert DEFAULT_RULE_SET is rule_set_from_name("rbi_irac_2025")
    assert DEFAULT_RULE_SET.label == "rbi_irac_2025@1"
    assert "Directions, 2025" in DEFAULT_RULE_SET.source


def test_a_rule_set_lists_its_classes_from_best_to_worst() -> None:
    assert RBI_IRAC_2025.asset_classes == (
        *("standard", "sma_0", "sma_1", "sma_2", "sub_standard"),
        *("doubtful_1", "doubtful_2", "doubtful_3", "loss"),
    )
    assert SOURCE_D.asset_classes == ("standard", "sub_standard", "doubtful", "loss")


def test_an_unknown_rule_set_is_refused_with_the_names_of_all() -> None:
    assert list(RULE_SETS) == ["rbi_irac_2025", "source_d"]
    message = "rule set must be one of rbi_irac_2025, source_d, got basel"
    with pytest.raises(RuleSetError, match=message):
        rule_set_from_name("basel")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"performing": ()}, r"rbi_irac_2025.performing must start at 0 and rise, got \[\]"),
        (
            {"performing": (ClassBand(1, "standard"),)},
            r"performing must start at 0 and rise, got \[1\]",
        ),
        (
            {"non_performing": (ClassBand(0, "a"), ClassBand(24, "b"), ClassBand(12, "c"))},
            r"non_performing must start at 0 and rise, got \[0, 24, 12\]",
        ),
        (
            {"non_performing_by": "days_past_due"},
            r"non_performing must start at 91 and rise, got \[0, 12, 24, 48\]",
        ),
        ({"npa_from": 61}, "npa_from must be above the last performing band, which starts at 61"),
        ({"non_performing": (ClassBand(0, "sma_1"),)}, "names a class twice: standard, sma_0,"),
    ],
)
def test_bands_with_a_gap_or_out_of_order_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleSetError, match=message):
        replace(RBI_IRAC_2025, **change)
