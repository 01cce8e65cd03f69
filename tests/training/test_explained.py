"""What holds of every bundled model as trained: reasons, signs, contributions."""

from dataclasses import dataclass

import numpy as np
import pytest

from models.annotations import Columns
from models.contract import Characteristic, CreditModel, characteristics
from models.discovery import credit_models
from models.features import Matrix, columns_from_applications, features, matrix_from_columns
from models.reasons import matrix_from_baseline
from models.registry.serving import load_champion
from models.score_scale import score_from_probability
from models.scorer import Scorer, probabilities_from_log_odds
from models.stores.uri import open_store
from tests.support.counts import counts
from tests.support.running import MODELS, TrainedStore
from training.model_review import draw_unequal_pairs
from training.reading.row_validation import check_rows
from training.reading.sources import read_source

pytestmark = pytest.mark.soak

NOT_APPROVED = 1_000
PAIRS = counts().sign_pairs


@dataclass(frozen=True)
class Case:
    """A trained model and applications to ask it about."""

    model: type[CreditModel]
    scorer: Scorer
    applications: list[CreditModel]


@pytest.fixture(scope="module", params=MODELS)
def case(request: pytest.FixtureRequest, trained_store: TrainedStore) -> Case:
    model = credit_models()[request.param]
    scorer = load_champion(open_store(trained_store.uri), model).scorer
    rows = check_rows(model, read_source(model, None, seed=3).frame, max_refused_share=0)
    return Case(model, scorer, rows.applications[:12_500])


def test_every_reason_is_adverse_and_improving_it_lowers_the_probability(case: Case) -> None:
    decisions = case.scorer.decide(case.applications)
    refused = [i for i, d in enumerate(decisions) if d.decision != "approve"][:NOT_APPROVED]
    assert len(refused) >= 500
    applications = [case.applications[i] for i in refused]
    columns = columns_from_applications(case.model, applications)
    matrix = matrix_from_columns(case.model, columns)
    baseline_row = matrix_from_baseline(case.model, case.scorer.baseline)
    values = case.scorer.estimator.contributions(matrix, baseline_row).values
    before = case.scorer.estimator.log_odds(matrix)
    for row, application_index in enumerate(refused):
        reasons = decisions[application_index].reasons
        assert reasons is not None
        assert 1 <= len({reason.code for reason in reasons}) == len(reasons) <= 4
        strengths = [reason.log_odds for reason in reasons]
        assert strengths == sorted(strengths, reverse=True)
        for reason in reasons:
            members = [c for c in characteristics(case.model) if _code(c) == reason.code]
            assert members
            assert not any(c.protected for c in members)
            names = {c.name for c in members}
            group = [j for j, f in enumerate(features(case.model)) if f.characteristic in names]
            assert values[row, group].sum() == pytest.approx(reason.log_odds)
            assert reason.log_odds > 0
            improved = matrix[row : row + 1].copy()
            improved[0, group] = baseline_row[0, group]
            assert case.scorer.estimator.log_odds(improved)[0] < before[row]
            helped = [
                c
                for c in members
                if _sentence(c, columns, row) == reason.text
                and case.scorer.estimator.log_odds(_improve(case, matrix, baseline_row, row, c))[0]
                < before[row]
            ]
            assert helped, reason.text


def test_contributions_add_up_to_the_log_odds(case: Case) -> None:
    matrix = matrix_from_columns(
        case.model, columns_from_applications(case.model, case.applications[:2_000])
    )
    baseline_row = matrix_from_baseline(case.model, case.scorer.baseline)
    contributions = case.scorer.estimator.contributions(matrix, baseline_row)
    total = contributions.expected_value + contributions.values.sum(axis=1)
    np.testing.assert_allclose(total, case.scorer.estimator.log_odds(matrix), rtol=0, atol=1e-4)


def test_probability_and_score_follow_every_documented_sign(case: Case) -> None:
    random = np.random.default_rng(7)
    columns = columns_from_applications(case.model, case.applications)
    matrix = matrix_from_columns(case.model, columns)
    signed = [(j, f.sign) for j, f in enumerate(features(case.model)) if f.sign]
    assert signed
    for j, sign in signed:
        seen = np.unique(matrix[:, j][~np.isnan(matrix[:, j])])
        pairs = draw_unequal_pairs(seen, PAIRS, random)[:, ::sign]
        safe = matrix[random.integers(len(matrix), size=PAIRS)]
        risky = safe.copy()
        safe[:, j], risky[:, j] = pairs[:, 0], pairs[:, 1]
        low, high = (
            probabilities_from_log_odds(case.scorer.log_odds_from_matrix(m)) for m in (safe, risky)
        )
        assert (low <= high).all(), features(case.model)[j].name
        points = [
            [round(score_from_probability(p, case.scorer.scale)) for p in side.tolist()]
            for side in (low, high)
        ]
        assert all(safer >= riskier for safer, riskier in zip(*points, strict=True))


def _code(c: object) -> str | None:
    reason = getattr(c, "reason", None)
    return reason.code if reason else None


def _improve(
    case: Case, matrix: Matrix, baseline_row: Matrix, row: int, c: Characteristic
) -> Matrix:
    """The row with one characteristic where the reference stands."""
    moved = matrix[row : row + 1].copy()
    column_indices = [j for j, f in enumerate(features(case.model)) if f.characteristic == c.name]
    moved[0, column_indices] = baseline_row[0, column_indices]
    return moved


def _sentence(c: Characteristic, columns: Columns, row: int) -> str:
    """What the declaration says of a value, written out here a second time."""
    value = columns[c.name][row]
    assert c.reason is not None
    if np.isnan(value):
        return str(c.missing)
    if not c.levels and int(value) in c.special and value == int(value):
        return c.special[int(value)]
    format_values = {"": value} if c.levels else {c.name: value}
    return c.reason.text if c.levels else c.reason.text.format(**format_values)
