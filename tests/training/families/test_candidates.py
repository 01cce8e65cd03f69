import ctypes
import sys

import numpy as np
import pytest

from models.errors import LibraryMissingError
from models.features import features
from tests.support.toy import Toy
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix

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
