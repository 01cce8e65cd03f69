"""Settings of the dashboard: each wrong one is named, and no secret is repeated."""

import pytest

from functions.dashboard.settings import settings_from
from models.errors import DeclarationError
from tests.functions.dashboard.conftest import ENVIRONMENT


def test_the_defaults() -> None:
    settings = settings_from(ENVIRONMENT)
    assert (settings.listening.port, settings.url) == (8501, "http://localhost:8501")
    assert (settings.display.zone, settings.display.grouping) == ("Asia/Kolkata", "indian")
    assert settings.sign_in.token == "access"  # noqa: S105 -- a kind
    assert ENVIRONMENT["COOKIE_SECRET"] not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"LENDING_URL": ""}, "LENDING_URL: must be https://host, or http:// on loopback"),
        ({"LENDING_URL": "http://book.example.org"}, "LENDING_URL: must be https://host"),
        ({"DASHBOARD_SCORING_URL": "scoring"}, "DASHBOARD_SCORING_URL: must be https://host"),
        ({"DASHBOARD_BATCH_URL": "batch"}, "DASHBOARD_BATCH_URL: must be https://host"),
        ({"DASHBOARD_RETRAIN_URL": "x"}, "DASHBOARD_RETRAIN_URL: must be https://host"),
        ({"DASHBOARD_URL": "http://dashboard.example.org"}, "DASHBOARD_URL: must be https://host"),
        ({"OIDC_METADATA_URL": ""}, "OIDC_METADATA_URL: must be https://host"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID: must be set"),
        ({"OIDC_CLIENT_SECRET": ""}, "OIDC_CLIENT_SECRET: must be set"),
        ({"DASHBOARD_IDENTITY": "mine"}, "DASHBOARD_IDENTITY: must be none or google"),
        ({"OIDC_TOKEN": "refresh"}, "OIDC_TOKEN: must be access or id"),
        ({"COOKIE_SECRET": "short"}, "COOKIE_SECRET: must be a secret of at least 32"),
        ({"BUSINESS_TIME_ZONE": "Mars"}, "BUSINESS_TIME_ZONE: must be a zone"),
        ({"DIGIT_GROUPING": "roman"}, "DIGIT_GROUPING: must be indian or international"),
        ({"DASHBOARD_LANGUAGE": "xx"}, "DASHBOARD_LANGUAGE: must be en"),
        ({"HOST": "0.0.0.0"}, "AUTH: must be set"),  # noqa: S104 -- refused
    ],
)
def test_a_wrong_setting_is_named(variables: dict[str, str], fault: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        settings_from(ENVIRONMENT | variables)
    assert fault in str(caught.value)
    assert "short" not in str(caught.value)
