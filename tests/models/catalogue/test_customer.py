import numpy as np
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
    assert list(Customer.model_fields)[:10] == list(DOCUMENTED)
    assert Customer.model_validate(DOCUMENTED).model_dump(exclude_none=True) == DOCUMENTED


def test_what_the_documented_request_does_not_have_is_optional() -> None:
    optional = {n for n, f in Customer.model_fields.items() if not f.is_required()}
    assert optional == set(Customer.model_fields) - set(DOCUMENTED) | {"customer_id"}
    columns = columns_from_applications(Customer, [Customer.model_validate(DOCUMENTED)])
    absent = {name for name, column in columns.items() if np.isnan(column).all()}
    assert absent == optional - {"customer_id", "region"}


def test_a_region_of_another_name_is_elsewhere_and_is_never_scored() -> None:
    customer = Customer.model_validate({**DOCUMENTED, "region": "Gondor"})
    assert customer.region == "elsewhere"
    assert "region" not in {f.characteristic for f in features(Customer)}
    with pytest.raises(ValidationError):
        Customer.model_validate({**DOCUMENTED, "education": "school of life"})


def test_only_the_name_may_be_left_out_and_it_is_not_scored() -> None:
    for name in DOCUMENTED:
        rest = {k: v for k, v in DOCUMENTED.items() if k != name}
        if name == "customer_id":
            assert Customer.model_validate(rest)
        else:
            with pytest.raises(ValidationError):
                Customer.model_validate(rest)
    scored = {f.characteristic for f in features(Customer)}
    assert scored == {*Customer.model_fields, "debt_to_income"} - {"customer_id", "age", "region"}


def test_debt_to_income_is_debt_in_years_of_income() -> None:
    columns = columns_from_applications(Customer, [Customer.model_validate(DOCUMENTED)])
    assert columns["debt_to_income"].tolist() == [pytest.approx(1 / 3)]
