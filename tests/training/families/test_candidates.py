import ctypes
import sys
from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest

from models.annotations import Reason
from models.calibration import calibrate
from models.contract import CreditModel
from models.errors import DataError, LibraryMissingError
from models.estimators.families import Family
from models.features import columns_from_fields, features, matrix_from_columns
from models.metrics import auc
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds
from models.scorer import probabilities_from_log_odds
from tests.support.toy import Toy
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.export import check_parity, export
from training.families.folds import FoldedData
from training.families.selection import compare_families

FIT = Fit(Toy, seed=5, threads=1)
NAMES = [f.name for f in features(Toy)]
SIGNS = (-1, 1, 0, 0, -1, 0, 0, 1)


def candidate(family: str) -> Candidate:
    [match] = [c for c in CANDIDATES if c.family == family]
    return match


def test_simpler_families_come_first_and_so_win_ties() -> None:
    families = [c.family for c in CANDIDATES]
    trees = ["random_forest", "xgboost", "lightgbm"]
    assert families == ["logistic", "scorecard", "additive", *trees]


def test_a_frame_has_the_names_of_the_features() -> None:
    frame = frame_from_matrix(Toy, np.arange(16.0).reshape(2, 8))
    assert list(frame) == NAMES
    assert frame["debt_to_income"].tolist() == [7.0, 15.0]


@pytest.mark.parametrize("family", ["xgboost", "random_forest", "lightgbm"])
def test_documented_signs_are_monotone_constraints_of_trees(family: str) -> None:
    parameters = candidate(family).build(FIT).named_steps["classify"].get_params()
    assert tuple(parameters["monotone_constraints"]) == SIGNS
    assert (parameters["random_state"], parameters["n_jobs"]) == (5, 1)


def test_lightgbm_without_its_system_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        message = "libgomp.so.1: cannot open shared object file: No such file or directory"
        raise OSError(message)

    for name in [name for name in sys.modules if name.split(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(ctypes.cdll, "LoadLibrary", fail)
    remedy = r"libgomp\.so\.1: cannot open .*; install the system's OpenMP library"
    with pytest.raises(LibraryMissingError, match=remedy):
        candidate("lightgbm").build(FIT)


def test_signs_of_a_logistic_regression_follow_its_order_of_columns() -> None:
    pipeline = candidate("logistic").build(FIT)
    (_, _, numbers), (_, _, indicators) = pipeline.named_steps["columns"].transformers
    assert numbers == ["income", "debt", "months_since_default", "debt_to_income"]
    assert sorted([*numbers, *indicators]) == sorted(NAMES)
    assert pipeline.named_steps["classify"].signs == [-1, 1, -1, 1, 0, 0, 0, 0]


def test_no_weight_of_evidence_of_a_scorecard_may_raise_the_risk() -> None:
    # A weight of evidence is high where goods are many, so its coefficient has to be negative.
    signs = candidate("scorecard").build(FIT).named_steps["classify"].signs
    assert signs == [-1] * 5  # income, debt, home, months since default, debt to income


@pytest.mark.parametrize("family", [c.family for c in CANDIDATES])
def test_every_call_builds_a_pipeline_of_its_own(family: str) -> None:
    build = candidate(family).build
    assert build(FIT) is not build(FIT)


class LevelsOnly(CreditModel):
    """A credit model without any number."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    home: Annotated[Literal["own", "rent"], Reason("L1", "Housing")]
    job: Annotated[Literal["none", "some", "good"], Reason("L2", "Employment")]


@pytest.mark.parametrize("family", [c.family for c in CANDIDATES])
def test_a_model_without_numbers_can_be_trained_by_every_family(family: Family) -> None:
    random = np.random.default_rng(2)
    home, job = random.integers(0, 2, 900), random.integers(0, 3, 900)
    labels = random.binomial(1, 0.1 + 0.3 * home + 0.1 * (job == 0))
    fields = {"home": home.astype(float), "job": job.astype(float)}
    matrix = matrix_from_columns(LevelsOnly, columns_from_fields(LevelsOnly, fields))
    frame = frame_from_matrix(LevelsOnly, matrix)
    pipeline = candidate(family).build(Fit(LevelsOnly, seed=1, threads=1)).fit(frame, labels)
    estimator = export(family, pipeline, LevelsOnly)
    check_parity(estimator, pipeline, LevelsOnly, matrix)
    assert auc(labels, estimator.log_odds(matrix)) > 0.6


def draw_population(rows: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Draw toy applicants of whom about 13 % default, by their income and debt."""
    random = np.random.default_rng(seed)
    incomes, debts = random.uniform(10_000, 90_000, rows), random.uniform(0, 50_000, rows)
    rent = random.integers(0, 2, rows)
    months = np.where(random.random(rows) < 0.3, np.nan, random.integers(0, 120, rows))
    logit = -2.8 - incomes / 60_000 + debts / 20_000 + 0.5 * rent
    labels = random.binomial(1, 1 / (1 + np.exp(-logit)))
    by_name = {"income": incomes, "debt": debts, "months_since_default": months}
    by_name |= {"debt_to_income": debts / incomes}
    matrix = np.zeros((rows, len(NAMES)))
    for j, name in enumerate(NAMES):
        is_rent, is_own = name.endswith("=rent"), name.endswith("=own")
        matrix[:, j] = by_name.get(
            name, rent if is_rent else 1 - rent if is_own else np.zeros(rows)
        )
    return matrix, labels


@pytest.mark.parametrize("family", ["logistic", "scorecard", "additive"])
def test_integer_weights_equal_repeated_rows(family: str) -> None:
    matrix, labels = draw_population(1_200)
    times = np.random.default_rng(8).integers(1, 4, len(labels))
    frame = frame_from_matrix(Toy, matrix)
    weighted = candidate(family).fit(FIT, frame, labels, times.astype(np.float64))
    repeated = frame_from_matrix(Toy, np.repeat(matrix, times, axis=0))
    twin = candidate(family).fit(FIT, repeated, np.repeat(labels, times))
    first, second = (fitted.predict_proba(frame)[:, 1] for fitted in (weighted, twin))
    np.testing.assert_allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("family", [c.family for c in CANDIDATES])
def test_undersampled_goods_with_weights_give_the_risk_of_the_population(family: Family) -> None:
    """One of ten goods with weight 10: calibrated, the mean PD of new applicants is their rate.

    By chance the goods that are drawn stand for 6,900 +- 250, so the rate of 13 % is uncertain by
    .004: the bound is three times that. Without weights the mean is far above.
    """
    matrix, labels = draw_population(8_000)
    fresh, outcomes = draw_population(12_000, seed=17)
    rows = np.flatnonzero((labels == 1) | (np.random.default_rng(9).random(8_000) < 0.1))
    part, fresh_frame = (frame_from_matrix(Toy, m) for m in (matrix[rows], fresh))

    def predict_mean(weights: np.ndarray | None) -> float:
        data = FoldedData(part, labels[rows], weights=weights).fold(3, seed=1)
        [result] = compare_families(FIT, [candidate(family)], data)
        fitted = candidate(family).fit(FIT, part, labels[rows], weights)
        raw = np.clip(fitted.predict_proba(fresh_frame)[:, 1].astype(float), 1e-8, 1 - 1e-8)
        log_odds = calibrate(np.log(raw / (1 - raw)), result.calibration.calibration)
        return float(probabilities_from_log_odds(log_odds).mean())

    weights = np.where(labels[rows] == 1, 1.0, 10.0)
    assert predict_mean(weights) == pytest.approx(outcomes.mean(), abs=0.012)
    assert predict_mean(None) > 0.3


def test_weights_and_balance_exclude_each_other() -> None:
    matrix, labels = draw_population(200)
    balanced = candidate("logistic").with_balance("weights")
    with pytest.raises(DataError, match="--balance and --weight-column exclude each other"):
        balanced.fit(FIT, frame_from_matrix(Toy, matrix), labels, np.ones(200))
