import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from models.calibration import BetaCalibration
from models.errors import ModelRefusedError
from models.estimators.families import estimator_from_bytes
from models.features import Matrix, columns_from_applications, features, matrix_from_columns
from models.points import points_from_contributions
from models.policy import Cutoffs
from models.score_scale import LinearScale, PointsToDoubleOdds, Scale
from models.scorer import Scorer, probabilities_from_log_odds
from tests.support.toy import Toy
from training.families.candidates import CANDIDATES, Candidate, Fit, frame_from_matrix
from training.families.export import check_parity, export
from training.model_review import draw_unequal_pairs
from training.reading.row_validation import check_rows

PAIRS = 10_000  # a signed feature


@pytest.fixture(scope="module", params=CANDIDATES, ids=lambda candidate: candidate.family)
def fitted(request: pytest.FixtureRequest, toy_frame: pd.DataFrame) -> tuple[Candidate, Pipeline]:
    candidate: Candidate = request.param
    rows = check_rows(Toy, toy_frame, 0)
    matrix = matrix_from_columns(Toy, columns_from_applications(Toy, rows.applications))
    pipeline = candidate.build(Fit(Toy, seed=1, threads=2))
    return candidate, pipeline.fit(frame_from_matrix(Toy, matrix), rows.labels)


@pytest.fixture(scope="module")
def matrix(toy_frame: pd.DataFrame) -> Matrix:
    rows = check_rows(Toy, toy_frame, 0)
    return matrix_from_columns(Toy, columns_from_applications(Toy, rows.applications))


def test_the_exported_estimator_answers_as_its_pipeline(
    fitted: tuple[Candidate, Pipeline], matrix: Matrix
) -> None:
    candidate, pipeline = fitted
    estimator = export(candidate.family, pipeline, Toy)
    check_parity(estimator, pipeline, Toy, matrix)
    served = probabilities_from_log_odds(estimator.log_odds(matrix))
    expected = pipeline.predict_proba(frame_from_matrix(Toy, matrix))[:, 1]
    np.testing.assert_allclose(served, expected, rtol=0, atol=1e-6)


def test_an_export_that_differs_is_refused(
    fitted: tuple[Candidate, Pipeline], toy_frame: pd.DataFrame, matrix: Matrix
) -> None:
    candidate, pipeline = fitted
    flipped = 1 - toy_frame["is_default"].to_numpy()
    other = candidate.build(Fit(Toy, seed=1, threads=2))
    other.fit(frame_from_matrix(Toy, matrix), flipped)
    with pytest.raises(ModelRefusedError, match=r"differs from its pipeline by \d"):
        check_parity(export(candidate.family, pipeline, Toy), other, Toy, matrix)


def test_every_family_follows_every_documented_sign(
    fitted: tuple[Candidate, Pipeline], matrix: Matrix
) -> None:
    candidate, pipeline = fitted
    estimator = export(candidate.family, pipeline, Toy)
    signed = [(j, f.sign) for j, f in enumerate(features(Toy)) if f.sign]
    assert len(signed) == 4
    random = np.random.default_rng(2)
    for j, sign in signed:
        seen = np.unique(matrix[:, j][~np.isnan(matrix[:, j])])
        pairs = draw_unequal_pairs(seen, PAIRS, random)[:, ::sign]
        safe = matrix[random.integers(len(matrix), size=PAIRS)]
        risky = safe.copy()
        safe[:, j], risky[:, j] = pairs[:, 0], pairs[:, 1]
        assert (estimator.log_odds(safe) <= estimator.log_odds(risky)).all(), features(Toy)[j].name


@pytest.mark.parametrize(
    "scale", [PointsToDoubleOdds(), LinearScale(lowest=300, highest=900)], ids=lambda s: s.kind
)
def test_contributions_of_every_family_add_up_in_log_odds_and_in_points(
    fitted: tuple[Candidate, Pipeline], matrix: Matrix, scale: Scale
) -> None:
    candidate, pipeline = fitted
    estimator = export(candidate.family, pipeline, Toy)
    contributions = estimator.contributions(matrix, matrix[:1])
    ends = contributions.expected_value + np.sum(contributions.values, axis=1)
    np.testing.assert_allclose(ends, estimator.log_odds(matrix), rtol=0, atol=1e-4)
    policy = Cutoffs(approve_below=0.2, decline_from=0.4)
    calibration = BetaCalibration(a=1.2, b=0.9, c=0.1)
    scorer = Scorer(Toy, estimator, calibration, {}, scale, policy)
    points = points_from_contributions(contributions, scorer.points_from_log_odds)
    expected = scorer.points_from_log_odds(ends) - scorer.points_from_log_odds(
        np.array([contributions.expected_value])
    )
    np.testing.assert_allclose(points.sum(axis=1), expected, rtol=0, atol=1e-9)


def test_every_family_gives_a_row_the_same_score_alone_and_in_a_batch(
    fitted: tuple[Candidate, Pipeline], matrix: Matrix
) -> None:
    candidate, pipeline = fitted
    estimator = export(candidate.family, pipeline, Toy)
    again = estimator_from_bytes(candidate.family, estimator.to_bytes())
    batch = again.log_odds(matrix[:300])
    alone = np.concatenate([estimator.log_odds(matrix[i : i + 1]) for i in range(300)])
    assert batch.tobytes() == alone.tobytes()
