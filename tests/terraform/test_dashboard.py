"""The dashboard in Google Cloud: sessions stay together, and its account can only ask services."""

import re
from typing import Any

import pytest

from functions.dashboard.settings import settings_from
from tests.terraform.conftest import Planned
from tests.terraform.test_pipeline import environment
from tests.terraform.test_rights import rights_over

SECRETS = {"COOKIE_SECRET": "k" * 32, "OIDC_CLIENT_SECRET": "secret"}


@pytest.fixture
def service(plans: dict[str, Planned]) -> dict[str, Any]:
    """The service, in the plan in which it is."""
    planned = plans["everything"].of_kind("google_cloud_run_v2_service")
    service: dict[str, Any] = planned['dashboard["dashboard"]']
    return service


def test_nothing_is_there_without_the_flag(plans: dict[str, Planned]) -> None:
    for plan in ("shipped", "public", "dev"):
        addresses = [r["address"] for r in plans[plan].resources]
        pattern = re.compile(r"service\.dashboard|dashboard_(asks|reads)|\[\"dashboard\"\]")
        assert not [address for address in addresses if pattern.search(address)]


def test_a_session_stays_with_its_instance_for_an_hour(service: dict[str, Any]) -> None:
    [template] = service["template"]
    assert template["session_affinity"]
    assert template["timeout"] == "3600s"
    assert template["max_instance_request_concurrency"] == 40
    assert (service["scaling"][0]["min_instance_count"], template["vpc_access"]) == (0, [])


def test_its_account_asks_the_loan_book_and_batches_and_reads_its_two_secrets_and_nothing_else(
    plans: dict[str, Planned],
) -> None:
    reader = "secretmanager.secretAccessor"
    assert rights_over(plans["everything"], "dashboard") == {
        ("run.invoker", "prod-lending", ""),
        ("run.invoker", "prod-batch-api", ""),
        (reader, "surety-dashboard-cookies", ""),
        (reader, "surety-dashboard-client", ""),
    }


def test_the_service_accepts_what_it_is_told(service: dict[str, Any]) -> None:
    [template] = service["template"]
    entries = template["containers"][0]["env"]
    unknown = {"LENDING_URL", "DASHBOARD_BATCH_URL"}
    assert unknown < {entry["name"] for entry in entries}
    template["containers"][0]["env"] = [e for e in entries if e["name"] not in unknown]
    variables = environment(template)
    assert variables["OIDC_CLIENT_SECRET"] == "surety-dashboard-client:2"  # noqa: S105 -- a name
    # The addresses of other services are known once they are made.
    settings = settings_from(
        variables
        | SECRETS
        | {"LENDING_URL": "https://prod-lending-1.a.run.app"}
        | {"DASHBOARD_BATCH_URL": "https://prod-batch-api-1.a.run.app"}
        | {"K_SERVICE": "prod-dashboard", "PORT": "8080"}
    )
    assert (settings.url, settings.has_identity) == ("https://desk.example.com", True)
    assert settings.access.auth == "jwt"
    assert settings.display.grouping == "international"
    # auth is iam in this plan: scoring would answer the dashboard whoever asks.
    assert settings.scoring_url is None


def test_people_sign_in_at_the_issuer(service: dict[str, Any]) -> None:
    assert service["invoker_iam_disabled"]
