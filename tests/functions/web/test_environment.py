import pytest

from functions.web.environment import (
    default_model_from_environment,
    parse_default_model,
    store_uri_from_environment,
)


@pytest.mark.parametrize(
    ("environment", "uri"),
    [
        ({}, None),
        ({"MODEL_STORE": ""}, None),
        ({"AIP_STORAGE_URI": "gs://vertex/models"}, "gs://vertex/models"),
        ({"MODEL_STORE": "gs://ours", "AIP_STORAGE_URI": "gs://vertex"}, "gs://ours"),
    ],
)
def test_the_store_is_ours_before_vertex_ais(environment: dict[str, str], uri: str | None) -> None:
    assert store_uri_from_environment(environment) == uri


def test_the_default_model_is_application_unless_named() -> None:
    assert default_model_from_environment({}) == "application"
    assert default_model_from_environment({"DEFAULT_MODEL": "bureau"}) == "bureau"


def test_a_default_model_that_the_catalogue_lacks_is_a_fault() -> None:
    names = ("application", "bureau")
    assert parse_default_model({}, names) == ("application", [])
    _, faults = parse_default_model({"DEFAULT_MODEL": "mortgage"}, names)
    assert faults == ["DEFAULT_MODEL: 'mortgage' is not one of application, bureau"]
