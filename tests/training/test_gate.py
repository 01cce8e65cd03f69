import pytest

from models.gate_policy import GATE_NAMES, Consequence
from training.gate import REMEDIES, Gate


def build(name: str, consequence: Consequence, *, passed: bool = False) -> Gate:
    return Gate(
        name=name, figure=0.7, bound=0.8, passed=passed, consequence=consequence, reason="made up"
    )


def test_every_gate_has_a_remedy() -> None:
    assert set(REMEDIES) == set(GATE_NAMES)


@pytest.mark.parametrize(
    ("consequence", "passed", "refuses", "warns", "verdict"),
    [
        ("refuse", True, False, False, "passed"),
        ("refuse", False, True, False, "FAILED"),
        ("warn", False, False, True, "WARNING"),
        ("report", False, False, False, "noted"),
    ],
)
def test_only_a_failed_gate_has_a_consequence(
    consequence: Consequence,
    *,
    passed: bool,
    refuses: bool,
    warns: bool,
    verdict: str,
) -> None:
    gate = build("four_fifths[sex]", consequence, passed=passed)
    assert (gate.refuses, gate.warns, gate.verdict) == (refuses, warns, verdict)


def test_a_challenger_that_is_worse_is_not_told_to_train_on_more_rows() -> None:
    gate = build("auc_not_worse_than_champion", "refuse")
    assert gate.remedy.startswith("keep the champion; if the difference may be chance, more rows")


def test_the_field_in_a_name_is_no_part_of_the_gates_own() -> None:
    gate = build("four_fifths[sex]", "warn")
    assert gate.base_name == "four_fifths"
    assert gate.remedy == REMEDIES["four_fifths"]
