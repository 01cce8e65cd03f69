import pytest
from pydantic import ValidationError

from models.catalogue.customer import Customer
from models.features import columns_from_applications, features

DOCUMENTED = {
    "customer_id": "CUST_12345",
    "age": 35,
    "annual_income": 75000,
    "credit_utilization": 0.35,
    "payment_history_score": 720,
    "employment_years": 8,
    "num_credit_accounts": 5,
    "total_debt": 25000,
    "interest_rate": 0.065,
    "unemployment_rate": 0.04,
}


def test_the_documented_request_follows_the_contract_field_by_field() -> None:
    assert list(Customer.model_fields) == list(DOCUMENTED)
    assert Customer.model_validate(DOCUMENTED).model_dump() == DOCUMENTED


def test_only_the_name_may_be_left_out_and_it_is_not_scored() -> None:
    for name in DOCUMENTED:
        rest = {k: v for k, v in DOCUMENTED.items() if k != name}
        if name == "customer_id":
            assert Customer.model_validate(rest)
        else:
            with pytest.raises(ValidationError):
                Customer.model_validate(rest)
    assert {f.characteristic for f in features(Customer)} == {
        *(set(DOCUMENTED) - {"customer_id", "age"}),
        "debt_to_income",
    }


def test_debt_to_income_is_debt_in_years_of_income() -> None:
    columns = columns_from_applications(Customer, [Customer.model_validate(DOCUMENTED)])
    assert columns["debt_to_income"].tolist() == [pytest.approx(1 / 3)]
