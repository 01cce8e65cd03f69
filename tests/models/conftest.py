"""Fitted models small enough to make in a test."""

from datetime import UTC, datetime

import numpy as np
import pytest
from xgboost import XGBClassifier

from models.calibration import BetaCalibration
from models.estimators.families import Additive, Trees, estimator_from_bytes
from models.estimators.formula import Formula, Term, Value
from models.explaining.recourse_grid import Spread
from models.features import features
from models.policy import Cutoffs
from models.reasons import Baseline
from models.registry.bundle import Bundle, Figures, Golden, Provenance, build_manifest
from models.registry.pointer import Author
from models.reliability import Reliability
from models.scorer import Scorer
from tests.support.toy import Toy, toy

BASELINE: Baseline = {
    "income": 60_000.0,
    "debt": 5_000.0,
    "home": "own",
    "months_since_default": 48,
}
POLICY = Cutoffs(approve_below=0.2, decline_from=0.4)
CALIBRATION = BetaCalibration(a=0.9, b=1.1, c=0.05)
RELIABILITY = Reliability(
    ece=0.01,
    ece_floor=0.01,
    ece_floor_high=0.02,
    in_the_large=0.0,
    in_the_large_error=0.01,
    slope=1.0,
    slope_error=0.1,
)
SPREADS = {
    "income": Spread(lowest=10_000.0, highest=200_000.0, interquartile_range=30_000.0),
    "debt": Spread(lowest=0.0, highest=50_000.0, interquartile_range=10_000.0),
    "months_since_default": Spread(lowest=3.0, highest=60.0, interquartile_range=24.0),
}
NOW = datetime(2026, 11, 21, 1, 44, tzinfo=UTC)


@pytest.fixture
def author() -> Author:
    return Author(who="tester", when=NOW)


@pytest.fixture(scope="session")
def logistic() -> Additive:
    names = tuple(f.name for f in features(Toy))
    weights = (-1e-5, 1e-5, -0.2, 0.2, -0.01, -0.5, 0.1, 2.0)
    fills = (0.0, 0.0, 0.0, 0.0, 48.0, 0.0, 0.0, 0.0)
    terms = tuple(
        Term(weight=weight, shapes=(Value(feature=name, missing=fill),))
        for name, weight, fill in zip(names, weights, fills, strict=True)
    )
    return Additive("logistic", Formula(features=names, intercept=-1.0, terms=terms))


@pytest.fixture(scope="session")
def trees() -> Trees:
    return build_toy_trees()


def build_toy_trees() -> Trees:
    """Trees fitted to noise."""
    random = np.random.default_rng(3)
    matrix = random.normal(size=(400, len(features(Toy))))
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    labels = (np.nan_to_num(matrix).sum(axis=1) + random.normal(size=400) > 0).astype(int)
    fitted = XGBClassifier(n_estimators=30, max_depth=3, n_jobs=1).fit(matrix, labels)
    estimator = estimator_from_bytes("xgboost", bytes(fitted.get_booster().save_raw("ubj")))
    assert isinstance(estimator, Trees)
    return estimator


def build_bundle(estimator: Additive | Trees) -> Bundle:
    """A bundle of the toy model with two golden rows."""
    rows = [toy(), toy(income=20_000.0, home="rent", months_since_default=-7)]
    scorer = Scorer.from_catalogue(Toy, estimator, CALIBRATION, BASELINE, POLICY)
    golden = Golden(
        applications=tuple(row.model_dump() for row in rows),
        log_odds=tuple(scorer.log_odds(rows).tolist()),
    )
    provenance = Provenance(
        data_sha256="0" * 64,
        rows=100,
        rows_refused=0,
        rows_train=75,
        rows_test=25,
        bads_test=5,
        seed=1,
        threads=1,
        libraries={"numpy": np.__version__},
    )
    figures = Figures(CALIBRATION, POLICY, {}, RELIABILITY, SPREADS)
    return Bundle(
        build_manifest(Toy, estimator.family, figures, provenance), estimator, golden, BASELINE
    )


@pytest.fixture
def bundle(logistic: Additive) -> Bundle:
    return build_bundle(logistic)
