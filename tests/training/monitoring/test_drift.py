from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.features import Matrix, features
from tests.support.decision_stream import write_decisions
from tests.support.monitored import DAYS, Champion
from tests.support.toy import Toy
from training.monitoring.decisions import read_decisions
from training.monitoring.drift import Drift, measure_drift
from training.monitoring.reference import read_reference


def measure(champion: Champion, matrix: Matrix, folder: Path) -> Drift:
    write_decisions(folder / "log", champion.loaded, matrix, DAYS)
    window = read_decisions("toy", folder / "log", DAYS[0], DAYS[-1])
    reference = read_reference(champion.store, "toy", champion.loaded.version)
    return measure_drift(champion.loaded.scorer, reference, window)


def test_later_applicants_of_the_same_population_do_not_shift(
    champion: Champion, tmp_path: Path
) -> None:
    drift = measure(champion, champion.part.matrix, tmp_path)
    for shift in (drift.probability, *drift.characteristics):
        assert shift.psi < 0.05 < shift.bound
        assert sum(shift.actual) == pytest.approx(1)
    assert sum(share.actual for share in drift.decisions) == pytest.approx(1)
    assert max(abs(share.z) for share in drift.decisions) < 3


def test_a_shifted_characteristic_comes_first_with_its_effect(
    champion: Champion, tmp_path: Path
) -> None:
    matrix = champion.part.matrix.copy()
    # Renters become owners, which this model rates as less risky.
    rent = [f.name for f in features(Toy)].index("home=rent")
    matrix[:, rent - 1], matrix[:, rent] = 1.0, 0.0
    drift = measure(champion, matrix, tmp_path)
    first = drift.characteristics[0]
    assert first.name == "home"
    assert first.psi > first.bound
    assert first.bins == ("own", "rent", "none of these")
    assert first.actual == (1, 0, 0)
    assert first.log_odds is not None
    assert first.log_odds < -0.1
    assert first.mean_change is None  # of levels


def test_the_change_of_a_mean_is_a_share_of_it(champion: Champion, tmp_path: Path) -> None:
    matrix = champion.part.matrix.copy()
    income = [f.name for f in features(Toy)].index("income")
    matrix[:, income] *= 1.2
    drift = measure(champion, matrix, tmp_path)
    [change] = [s.mean_change for s in drift.characteristics if s.name == "income"]
    assert change == pytest.approx(0.2, abs=0.03)


def test_a_version_without_means_has_no_change_of_them(champion: Champion, tmp_path: Path) -> None:
    write_decisions(tmp_path / "log", champion.loaded, champion.part.matrix, DAYS)
    window = read_decisions("toy", tmp_path / "log", DAYS[0], DAYS[-1])
    reference = read_reference(champion.store, "toy", champion.loaded.version)
    older = [one.model_copy(update={"mean": None}) for one in reference.characteristics]
    before = reference.model_copy(update={"characteristics": tuple(older)})
    drift = measure_drift(champion.loaded.scorer, before, window)
    assert {shift.mean_change for shift in drift.characteristics} == {None}


def test_approvals_are_rated_by_group(champion: Champion, tmp_path: Path) -> None:
    drift = measure(champion, champion.part.matrix, tmp_path)
    assert [(rate.characteristic, rate.group) for rate in drift.groups] == [
        ("home", "own"),
        ("home", "rent"),
    ]
    own, rent = drift.groups
    assert own.approved > rent.approved
    assert own.rows + rent.rows == len(champion.part.matrix)


def test_reasons_are_counted_once_a_decision(champion: Champion, tmp_path: Path) -> None:
    drift = measure(champion, champion.part.matrix, tmp_path)
    assert drift.reasons["T1"] == pytest.approx(1 - drift.decisions[0].actual)


def test_few_rows_need_a_larger_index(champion: Champion, tmp_path: Path) -> None:
    drift = measure(champion, champion.part.matrix[:60], tmp_path)
    assert drift.probability.bound > 0.3
    assert drift.probability.psi < drift.probability.bound


def test_decisions_whose_features_are_gone_leave_the_rest(
    champion: Champion, tmp_path: Path
) -> None:
    write_decisions(tmp_path / "log", champion.loaded, champion.part.matrix[:100], DAYS)
    window = read_decisions("toy", tmp_path / "log", DAYS[0], DAYS[-1])
    erased = replace(window, features=(None,) * len(window))
    reference = read_reference(champion.store, "toy", champion.loaded.version)
    drift = measure_drift(champion.loaded.scorer, reference, erased)
    assert drift.characteristics == ()
    assert drift.probability.rows == 100
    assert np.isfinite(drift.probability.psi)
