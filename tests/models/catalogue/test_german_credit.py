from typing import Any

import pytest
from pydantic import ValidationError

from models.catalogue.german_credit import GermanCredit
from models.contract import characteristics
from models.policy import decide

EXAMPLE: dict[str, Any] = GermanCredit.model_json_schema()["examples"][0]


def test_the_documented_example_follows_the_contract() -> None:
    assert GermanCredit.model_validate(EXAMPLE).model_dump() == EXAMPLE


@pytest.mark.parametrize(("probability", "decision"), [(1 / 6, "approve"), (0.17, "refer")])
def test_a_credit_at_the_break_even_of_five_to_one_is_approved(
    probability: float, decision: str
) -> None:
    assert decide(probability, GermanCredit.policy) == decision


def test_every_field_has_a_reason_of_its_own_or_is_protected() -> None:
    scored = [c for c in characteristics(GermanCredit) if not c.protected]
    codes = [c.reason.code for c in scored if c.reason]
    assert codes == [f"R{i:02}" for i in range(1, 18)]


@pytest.mark.parametrize("change", [{"status": "A15"}, {"month": 0}, {"credit_amount": 0}])
def test_what_the_data_set_does_not_define_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GermanCredit.model_validate(EXAMPLE | change)
