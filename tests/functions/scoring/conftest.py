"""The scoring function for every foreign contract, with models made by hand: no training."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from models.catalogue.german_credit import GermanCredit
from models.discovery import credit_models
from models.registry.pointer import Author, promote
from models.stores.uri import open_store
from tests.support.published import NOW, publish_by_hand
from tests.support.running import REPOSITORY, Server, running_server
from tests.support.toy import toy

EXAMPLES = REPOSITORY / "docs" / "examples"
ROWS: dict[str, dict[str, Any]] = {
    "application": json.loads((EXAMPLES / "application.json").read_text()),
    "card_default": json.loads((EXAMPLES / "card_default.json").read_text())["instances"][0],
    "german_credit": GermanCredit.model_json_schema()["examples"][0],
    "toy": toy(months_since_default=24).model_dump(),
    "customer": {
        "age": 35,
        "annual_income": 75000,
        "credit_utilization": 0.35,
        "payment_history_score": 720,
        "employment_years": 8,
        "num_credit_accounts": 5,
        "total_debt": 25000,
        "interest_rate": 0.065,
        "unemployment_rate": 0.04,
    },
    "bureau": {
        "age": 28,
        "income": 1200000,
        "loan_amount": 2560000,
        "loan_tenure_months": 36,
        "avg_dpd_per_delinquency": 20,
        "delinquency_ratio": 30,
        "credit_utilization_ratio": 30,
        "number_of_open_accounts": 2,
        "residence_type": "Owned",
        "loan_purpose": "Education",
        "loan_type": "Unsecured",
    },
}


@pytest.fixture(scope="session")
def rows() -> dict[str, dict[str, Any]]:
    """A sound row of each model that was made by hand."""
    return ROWS


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a champion of each model of `rows`."""
    uri = tmp_path_factory.mktemp("made").as_uri()
    fill(uri)
    return uri


def fill(uri: str) -> None:
    """Publish and promote each model of `ROWS`."""
    store, catalogue = open_store(uri), credit_models(["tests.support.toy"])
    for name, row in ROWS.items():
        version = publish_by_hand(store, catalogue[name], row)
        promote(store, name, version, Author("tester", NOW))


@pytest.fixture(scope="session", params=["module", "framework"])
def contracts(
    request: pytest.FixtureRequest, made_store: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The running server, with every foreign contract."""
    log_path = tmp_path_factory.mktemp("contracts") / "log"
    settings = {"MODEL_STORE": made_store, "CREDIT_MODELS": "tests.support.toy"}
    with running_server(log_path, request.param, **settings) as server:
        yield server
