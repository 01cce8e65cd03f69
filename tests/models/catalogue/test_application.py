from typing import Any

import pytest

from models.catalogue.application import Application
from models.features import columns_from_applications

EXAMPLE: dict[str, Any] = Application.model_json_schema()["examples"][0]


@pytest.mark.parametrize(
    ("loan_amount", "loan_term", "income", "payment", "share"),
    [
        (20_000, 36, 75_000, 583, 12 * 583 / 75_000),  # 20,000 / 36 * 1.05 is 583.33
        (1_200, 12, 12_000, 105, 0.105),
        (12_000, 1, 1_000, 12_600, 1.0),  # more than the income
    ],
)
def test_the_payment_is_truncated_and_its_share_of_income_is_at_most_1(
    loan_amount: float, loan_term: int, income: float, payment: float, share: float
) -> None:
    fields = {"loan_amount": loan_amount, "loan_term": loan_term, "income": income}
    application = Application.model_validate(EXAMPLE | fields)
    columns = columns_from_applications(Application, [application])
    assert columns["monthly_payment"].tolist() == [payment]
    assert columns["payment_to_income"].tolist() == [pytest.approx(share)]


def test_the_documented_example_follows_the_contract() -> None:
    assert Application.model_validate(EXAMPLE).model_dump() == EXAMPLE
