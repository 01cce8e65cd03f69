"""Models published without training: an estimator made by hand that follows the declared signs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.calibration import BetaCalibration
from models.catalogue.german_credit import GermanCredit
from models.catalogue.instalment import Instalment
from models.contract import CreditModel, characteristics, name_from_model
from models.discovery import credit_models
from models.estimators.families import Additive
from models.estimators.formula import Formula, Term, Value
from models.features import columns_from_applications, features, matrix_from_columns
from models.policy import Cutoffs
from models.registry.bundle import Bundle, Figures, Golden, Provenance, build_manifest
from models.registry.pointer import Author, find_pointer, promote
from models.registry.versions import Version, publish
from models.scorer import Scorer
from models.stores.store import Store
from models.stores.uri import open_store
from tests.models.conftest import RELIABILITY
from tests.support.running import REPOSITORY
from tests.support.toy import toy
from training.baseline import spreads_from_matrix

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
    "instalment": Instalment.model_json_schema()["examples"][0],
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


NOW = datetime(2026, 11, 21, 1, 44, tzinfo=UTC)
CUTOFFS = Cutoffs(approve_below=0.2, decline_from=0.6)
CALIBRATION = BetaCalibration(a=1.0, b=1.0, c=0.0)


def publish_by_hand(
    store: Store, model: type[CreditModel], row: Mapping[str, Any], now: datetime = NOW
) -> Version:
    """Publish a model to which `row` is the typical applicant, with a probability of one half."""
    bundle = _bundle(model, model.model_validate(row), now).to_bytes()
    return publish(store, name_from_model(model), bundle, {}, now)


def publish_all_by_hand(store_uri: str, now: datetime = NOW) -> None:
    """Publish and promote a model of each of `ROWS`."""
    store, catalogue = open_store(store_uri), credit_models(["tests.support.toy"])
    for name, row in ROWS.items():
        version = publish_by_hand(store, catalogue[name], row, now)
        promote(store, name, version, Author("tester", now))


def published_summaries(store_uri: str) -> dict[str, dict[str, Any]]:
    """By model, what a training run would have printed of its champion."""
    store = open_store(store_uri)
    summaries = {}
    for name in credit_models():
        pointer = find_pointer(store, name)
        assert pointer is not None, name
        version = pointer.champion.version
        summaries[name] = {"model": name, "version": version, "family": "logistic", "metrics": {}}
    return summaries


def _bundle(model: type[CreditModel], typical: CreditModel, now: datetime) -> Bundle:
    estimator = _estimator(model, typical)
    scored = [c.name for c in characteristics(model) if not c.protected and not c.compute]
    reference = {name: getattr(typical, name) for name in scored}
    scorer = Scorer.from_catalogue(model, estimator, CALIBRATION, reference, CUTOFFS)
    golden = Golden(
        applications=(typical.model_dump(),), log_odds=tuple(scorer.log_odds([typical]).tolist())
    )
    provenance = Provenance(
        data_sha256="0" * 64,
        rows=100,
        rows_refused=0,
        rows_train=75,
        rows_test=25,
        bads_test=5,
        seed=now.day,  # what tells two versions apart
        threads=1,
        libraries={},
    )
    matrix = matrix_from_columns(model, columns_from_applications(model, [typical]))
    figures = Figures(CALIBRATION, CUTOFFS, {}, RELIABILITY, spreads_from_matrix(model, matrix))
    manifest = build_manifest(model, "logistic", figures, provenance)
    return Bundle(manifest, estimator, golden, reference)


def _estimator(model: type[CreditModel], typical: CreditModel) -> Additive:
    """Twice the typical amount of anything risky doubles the odds, about."""
    matrix = matrix_from_columns(model, columns_from_applications(model, [typical]))[0].tolist()
    weights = [
        f.sign / max(abs(amount), 1.0) if amount == amount else 0.0  # noqa: PLR0124 -- NaN
        for f, amount in zip(features(model), matrix, strict=True)
    ]
    fills = [0.0 if amount != amount else amount for amount in matrix]  # noqa: PLR0124 -- NaN
    terms = tuple(
        Term(weight=weight, shapes=(Value(feature=f.name, missing=fill),))
        for f, weight, fill in zip(features(model), weights, fills, strict=True)
        if weight
    )
    intercept = -sum(weight * fill for weight, fill in zip(weights, fills, strict=True))
    names = tuple(f.name for f in features(model))
    return Additive("logistic", Formula(features=names, intercept=intercept, terms=terms))
