import ctypes
import sys
from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest

from models.annotations import Reason
from models.contract import CreditModel
from models.errors import LibraryMissingError
from models.estimators.families import Family
from models.features import columns_from_fields, features, matrix_from_columns
from models.metrics import auc
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds
from tests.support.toy import Toy
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.export import check_parity, export

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
