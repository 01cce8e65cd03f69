from models.lending.sensitivities import CUSTOMER_SENSITIVITY


def test_the_default_names_the_version_that_it_was_measured_in() -> None:
    assert CUSTOMER_SENSITIVITY.model == "customer"
    assert CUSTOMER_SENSITIVITY.model_version.startswith("20261130T")
    assert 0 < CUSTOMER_SENSITIVITY.interest_rate < CUSTOMER_SENSITIVITY.unemployment_rate < 1
