import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.features import Feature, Matrix
from models.metrics import Labels, auc
from training.families.formula_search import SparseAdditiveClassifier
from training.families.woe import WoeTransformer

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


def heavy_tails(n: int) -> tuple[Matrix, Labels]:
    """Risk rises with the rank of a number whose tail has no mean, and with rare counts."""
    random = np.random.default_rng(8)
    share, late = random.random(n), random.poisson(0.05, n).astype(float)
    logit = -2.5 + 2.5 * share**3 + 1.2 * np.minimum(late, 2)
    labels = random.binomial(1, 1 / (1 + np.exp(-logit)))
    late[random.random(n) < 0.002] = 98  # a code that nobody declared
    return np.column_stack([(1 - share) ** -3.0, late]), labels


def test_heavy_tails_do_not_hide_what_ranks_tell() -> None:
    features = [Feature("amount", "amount", sign=1), Feature("late", "late", sign=1)]
    matrix, labels = heavy_tails(12_000)
    fitted_rows, held = slice(0, 6_000), slice(6_000, None)
    classifier = SparseAdditiveClassifier(features=features, seed=1)
    classifier.fit(matrix[fitted_rows], labels[fitted_rows])
    woe = WoeTransformer(features=features).fit(matrix[fitted_rows], labels[fitted_rows])
    scorecard = LogisticRegression().fit(woe.transform(matrix[fitted_rows]), labels[fitted_rows])
    ours = auc(labels[held], classifier.predict_proba(matrix[held])[:, 1])
    theirs = auc(labels[held], scorecard.predict_proba(woe.transform(matrix[held]))[:, 1])
    assert ours > theirs - 0.002


def test_a_smooth_truth_of_many_weak_features_is_found_as_by_logistic_regression() -> None:
    random = np.random.default_rng(9)
    matrix = random.normal(size=(6_000, 12))
    labels = random.binomial(1, 1 / (1 + np.exp(1 - 0.25 * matrix.sum(axis=1))))
    features = [Feature(f"x{j}", f"x{j}") for j in range(12)]
    classifier = SparseAdditiveClassifier(features=features, seed=1).fit(matrix[:800], labels[:800])
    logistic = LogisticRegression().fit(matrix[:800], labels[:800])
    ours = auc(labels[800:], classifier.predict_proba(matrix[800:])[:, 1])
    assert ours > auc(labels[800:], logistic.predict_proba(matrix[800:])[:, 1]) - 0.002


def test_options_that_a_few_rows_flatter_do_not_end_the_search() -> None:
    """One applicant with a huge value defaults: a line over the range fits that row alone."""
    random = np.random.default_rng(10)
    x = random.normal(size=3_000)
    labels = random.binomial(1, 1 / (1 + np.exp(2 - x)))
    wild = random.lognormal(0, 3, 3_000)
    wild[0], labels[0] = 1e14, 1
    features = [Feature("wild", "wild"), Feature("x", "x")]
    matrix = np.column_stack([wild, x])
    formula = SparseAdditiveClassifier(features=features, seed=1).fit(matrix, labels).formula_
    assert "x" in {s.feature for term in formula.terms for s in term.shapes}
