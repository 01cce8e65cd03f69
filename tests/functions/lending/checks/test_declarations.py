"""Declarations of external checks: each fault is named by its check."""

from pathlib import Path

import pytest

from functions.lending.checks.declarations import (
    SHIPPED,
    PolicyRule,
    read_declarations,
    require_model_fields,
)
from models.errors import DeclarationError

CHECK = """
[[check]]
name = "bureau"
title = "Credit bureau"
timeout_seconds = 1.0
attempts = 1
valid_days = 30
sends = ["full_name"]
[[check.members]]
name = "score"
kind = "integer"
least = 300
most = 900
fills = "bureau_score"
"""
RULE = '[[check.members.rules]]\ncode = "low"\noutcome = "refer"\ntext = "Low"\n'


def test_what_is_shipped_fits_the_model_that_decides() -> None:
    declarations = read_declarations(SHIPPED)
    assert [d.name for d in declarations] == ["bureau", "fraud", "alternative_data"]
    for declaration in declarations:
        require_model_fields(declaration, "instalment")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[", "cannot be read"),
        ("", "must hold tables [[check]]"),
        (CHECK + "[other]\n", "must hold tables [[check]]"),
        (CHECK.replace("attempts = 1\n", ""), "check bureau: attempts: Field required"),
        (CHECK.replace("1.0", "31"), "check bureau: timeout_seconds: "),
        (CHECK.replace('"full_name"', '"password"'), "check bureau: sends.0: "),
        (CHECK.replace("least", "lest"), "check bureau: members.0.lest: Extra inputs"),
        (CHECK.replace('"bureau"', '"Bureau"'), "check Bureau: name: "),
        (CHECK + RULE, "check bureau: members.0.rules.0: Value error, give one of at_least"),
        (CHECK + RULE + "at_least = 1\nequals = true\n", "give one of at_least"),
        (CHECK + CHECK, "declared twice: check bureau"),
        (CHECK + CHECK.replace('"bureau"', '"other"'), "declared twice: filled field bureau_score"),
    ],
)
def test_a_wrong_declaration_is_named(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "checks.toml"
    file.write_text(text)
    with pytest.raises(DeclarationError) as caught:
        read_declarations(file)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("bureau_score", "bureau_scor"), "fills bureau_scor, which is no optional field"),
        (("bureau_score", "loan_amount"), "fills loan_amount, which is no optional field"),
        (('"integer"', '"number"'), "which is an integer in the model"),
        (('"integer"', '"boolean"'), "which is no number on both sides"),
        (("900", "1000"), "which the model bounds by 300 and 900: set least and most within"),
        (("least = 300\n", ""), "which the model bounds by 300 and 900"),
    ],
)
def test_what_the_model_cannot_take_is_named(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "checks.toml"
    file.write_text(CHECK.replace(*change))
    [declaration] = read_declarations(file)
    with pytest.raises(DeclarationError) as caught:
        require_model_fields(declaration, "instalment")
    assert message in str(caught.value)
    require_model_fields(declaration, "model_of_somebody_else")


@pytest.mark.parametrize(
    ("condition", "tripped", "passed"),
    [
        ({"at_least": 0.5}, (0.5, 1), (0.49, None)),
        ({"at_most": 2}, (2, 0), (3, None)),
        ({"equals": True}, (True,), (False, None)),
        ({"equals": False}, (False,), (True, None)),
    ],
)
def test_a_rule_is_tripped_by_its_condition_and_never_by_what_is_missing(
    condition: dict[str, float], tripped: tuple[float, ...], passed: tuple[float | None, ...]
) -> None:
    rule = PolicyRule.model_validate({"code": "r", "outcome": "refer", "text": "R", **condition})
    assert all(rule.is_tripped(value) for value in tripped)
    assert not any(rule.is_tripped(value) for value in passed)
