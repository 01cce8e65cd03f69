import numpy as np
import pytest

from models.features import Feature, Matrix
from models.metrics import Labels
from training.families.formula_search import SparseAdditiveClassifier

FEATURES = [
    Feature("bent", "bent", sign=1),
    Feature("money", "money", sign=-1),
    Feature("noise", "noise"),
    Feature("job=no", "job", 0.0),
    Feature("job=yes", "job", 1.0),
]


def rows(n: int, seed: int) -> tuple[Matrix, Labels]:
    """`bent` counts from 0 up to 1 only, `money` by its logarithm, and twice without a job."""
    random = np.random.default_rng(seed)
    bent, money = random.normal(size=n), random.lognormal(10, 1, n)
    noise, job = random.normal(size=n), random.binomial(1, 0.5, n)
    logit = -1 + 2 * np.clip(bent, 0, 1) - np.log1p(money / 20_000) * (2 - job)
    labels = random.binomial(1, 1 / (1 + np.exp(-logit)))
    return np.column_stack([bent, money, noise, 1 - job, job]).astype(np.float64), labels


@pytest.fixture(scope="module")
def fitted() -> SparseAdditiveClassifier:
    return SparseAdditiveClassifier(features=FEATURES, seed=1).fit(*rows(40_000, 1))


def test_it_finds_what_matters_and_leaves_out_what_does_not(
    fitted: SparseAdditiveClassifier,
) -> None:
    terms = [tuple(s.feature for s in term.shapes) for term in fitted.formula_.terms]
    assert {name for term in terms for name in term} == {"bent", "money", "job=no"}
    assert any(set(term) == {"money", "job=no"} for term in terms)
    assert len(terms) <= 8


def test_its_probabilities_are_near_the_truth(fitted: SparseAdditiveClassifier) -> None:
    matrix, _ = rows(10_000, 2)
    bent, money, _, _, job = matrix.T
    logit = -1 + 2 * np.clip(bent, 0, 1) - np.log1p(money / 20_000) * (2 - job)
    truth = 1 / (1 + np.exp(-logit))
    assert np.abs(fitted.predict_proba(matrix)[:, 1] - truth).mean() < 0.012


def test_no_weight_on_a_signed_feature_is_negative(fitted: SparseAdditiveClassifier) -> None:
    for term in fitted.formula_.terms:
        signed = {s.feature for s in term.shapes} & {"bent", "money"}
        assert term.weight >= 0 or not signed


def test_a_sign_against_the_data_leaves_the_feature_out() -> None:
    matrix, labels = rows(5_000, 3)
    against = [Feature("bent", "bent", sign=-1), *FEATURES[1:]]
    classifier = SparseAdditiveClassifier(features=against, seed=1).fit(matrix, labels)
    assert "bent" not in {s.feature for t in classifier.formula_.terms for s in t.shapes}


def test_nothing_to_find_gives_the_base_rate() -> None:
    random = np.random.default_rng(4)
    matrix, labels = random.normal(size=(500, 1)), np.tile([0, 0, 0, 1], 125)
    classifier = SparseAdditiveClassifier(features=[Feature("x", "x")], seed=1).fit(matrix, labels)
    assert classifier.formula_.terms == ()
    assert classifier.predict_proba(matrix)[0, 1] == pytest.approx(0.25, abs=1e-4)


def test_a_missing_value_counts_as_the_typical_one(fitted: SparseAdditiveClassifier) -> None:
    matrix, _ = rows(40_000, 1)
    absent, typical = matrix[:1].copy(), matrix[:1].copy()
    absent[0, 0], typical[0, 0] = np.nan, np.median(matrix[:, 0])
    np.testing.assert_allclose(
        fitted.predict_proba(absent), fitted.predict_proba(typical), rtol=0, atol=1e-12
    )


def test_the_same_rows_and_seed_give_the_same_formula() -> None:
    first, second = (
        SparseAdditiveClassifier(features=FEATURES, seed=7).fit(*rows(3_000, 5)).formula_
        for _ in range(2)
    )
    assert first == second
