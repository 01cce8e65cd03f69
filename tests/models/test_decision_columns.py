import numpy as np
import pytest

from models.calibration import BetaCalibration
from models.decision_columns import DECISIONS, decide_columns, list_ratings
from models.estimators.families import Additive
from models.features import features
from models.score_scale import Bands, LinearScale, PointsToDoubleOdds, Scale
from models.scorer import Scorer
from tests.models.conftest import BASELINE, POLICY
from tests.support.toy import Toy

BANDS = Bands("E", ((500.0, "D"), (521.0, "C"), (560.5, "A")))


@pytest.mark.parametrize("scale", [PointsToDoubleOdds(), LinearScale(lowest=300, highest=900)])
def test_columns_decide_as_the_scorer_does_to_the_last_bit(
    logistic: Additive, scale: Scale
) -> None:
    scorer = Scorer(Toy, logistic, BetaCalibration(), BASELINE, scale, POLICY, BANDS)
    matrix = np.random.default_rng(1).normal(0, 3, (20_000, len(features(Toy))))
    decided = decide_columns(scorer, matrix)
    decisions = scorer.decisions_from_matrix(matrix)
    assert decided.ratings is not None
    assert decided.probabilities.tolist() == [d.probability_of_default for d in decisions]
    assert decided.credit_scores.tolist() == [round(d.credit_score) for d in decisions]
    assert [DECISIONS[i] for i in decided.decisions] == [d.decision for d in decisions]
    assert [list_ratings(BANDS)[i] for i in decided.ratings] == [d.rating for d in decisions]


@pytest.mark.parametrize("half", [0.5, 1.5])
def test_a_score_at_an_edge_is_the_scorers(logistic: Additive, half: float) -> None:
    """600 points at odds of 1: the score of even odds is 600.5 or 601.5, a tie of the rounding."""
    scale = PointsToDoubleOdds(base_score=600 + half, base_odds=1, pdo=20)
    bands = Bands("B", ((600 + half, "A"),))
    scorer = Scorer(Toy, logistic, BetaCalibration(), BASELINE, scale, POLICY, bands)
    even = np.linspace(-1e-9, 1e-9, 101)[:, None] * np.ones(len(features(Toy)))
    decided, decisions = decide_columns(scorer, even), scorer.decisions_from_matrix(even)
    assert decided.credit_scores.tolist() == [round(d.credit_score) for d in decisions]
    assert decided.ratings is not None
    assert [list_ratings(bands)[i] for i in decided.ratings] == [d.rating for d in decisions]


def test_without_bands_there_are_no_ratings(logistic: Additive) -> None:
    scorer = Scorer(Toy, logistic, BetaCalibration(), BASELINE, Toy.scale, POLICY)
    assert decide_columns(scorer, np.zeros((2, len(features(Toy))))).ratings is None
