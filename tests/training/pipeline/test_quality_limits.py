"""The declaration of limits."""

from pathlib import Path

import pytest

from models.errors import DeclarationError
from training.pipeline.quality_limits import TableLimits, read_quality_limits
from training.settings import SHIPPED_LIMITS


def test_a_table_has_its_own_limits_over_those_of_all(tmp_path: Path) -> None:
    path = tmp_path / "quality.toml"
    path.write_text("[defaults]\nwindow_days = 7\nwindows = 2\n[tables.payments]\nwindows = 3\n")
    limits = read_quality_limits(path)
    assert limits.find("payments") == TableLimits(window_days=7, windows=3)
    assert limits.find("accounts") == TableLimits(window_days=7, windows=2)


def test_the_shipped_limits_name_a_date_of_each_table_that_has_one_for_each_day() -> None:
    limits = read_quality_limits(SHIPPED_LIMITS)
    assert limits.find("inquiries").newest == "inquired_on"
    assert limits.find("macro_indicators").newest == "released_on"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[defaults", "cannot be read"),
        ("[tables.visits]\n", "no contract is declared for visits"),
        ("[tables.payments]\nnewest = 'balance'\n", "tables.payments.newest: balance is none of"),
        ("[defaults]\nmost = 0.5\n", "Input should be greater than or equal to 1"),
        ("[tables.payments]\nmost_rows = 5\n", "most_rows"),
        ("[columns]\n", "Extra inputs are not permitted"),
    ],
)
def test_what_is_declared_wrongly_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "quality.toml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match="PIPELINE_QUALITY") as caught:
        read_quality_limits(path)
    assert message in str(caught.value)
