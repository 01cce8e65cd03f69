import numpy as np
from scipy.special import expit

from models.features import Feature
from training.families.candidate_terms import Option, generate_singles
from training.families.outcomes import Outcomes
from training.families.shrinkage import build_problem, choose_shrinkage

WIDTH = 12
FEATURES = [Feature(f"x{j}", f"x{j}", sign=1 if j == 0 else 0) for j in range(WIDTH)]


def rows(n: int, weights: list[float]) -> tuple[list[Option], np.ndarray]:
    random = np.random.default_rng(5)
    matrix = random.normal(size=(n, WIDTH))
    labels = random.binomial(1, expit(matrix @ np.array(weights) - 0.5))
    return list(generate_singles(FEATURES, matrix)), labels


def simplest(singles: list[Option], name: str) -> Option:
    return next(o for o in singles if o.features[0].name == name)


def test_many_weak_features_all_get_a_small_weight() -> None:
    singles, labels = rows(600, [0.25] * WIDTH)
    shrunk = choose_shrinkage(Outcomes(labels), [simplest(singles, "x0")], singles)
    assert {o.features[0].name for o in shrunk.options} == {f.name for f in FEATURES}


def test_one_strong_feature_stays_alone() -> None:
    singles, labels = rows(5_000, [1.5, *[0.0] * (WIDTH - 1)])
    strong = simplest(singles, "x0")
    assert choose_shrinkage(Outcomes(labels), [strong], singles).options == (strong,)


def test_nothing_selected_and_nothing_to_find_gives_small_weights_only() -> None:
    singles, labels = rows(2_000, [0.0] * WIDTH)
    shrunk = choose_shrinkage(Outcomes(labels), [], singles)
    spreads = [
        abs(w) * o.values.std() for w, o in zip(shrunk.weights[1:], shrunk.options, strict=True)
    ]
    assert max(spreads, default=0.0) < 0.05


def test_weights_are_fitted_again_to_other_rows() -> None:
    singles, labels = rows(600, [0.0, *[0.4] * (WIDTH - 1)])
    shrunk = choose_shrinkage(Outcomes(labels), [], singles)
    np.testing.assert_allclose(
        shrunk.fit(Outcomes(labels), shrunk.options), shrunk.weights, atol=0.05
    )
    unsigned = [i + 1 for i, o in enumerate(shrunk.options) if not o.is_signed]
    flipped = shrunk.fit(Outcomes(1 - labels), shrunk.options)
    assert (flipped[unsigned] * shrunk.weights[unsigned] < 0).all()


def test_weights_of_signed_terms_have_a_bound() -> None:
    singles, labels = rows(50, [0.0] * WIDTH)
    options = [simplest(singles, "x0"), simplest(singles, "x1")]
    problem = build_problem(Outcomes(labels), options, np.ones(3))
    assert problem.lower.tolist() == [-np.inf, 0.0, -np.inf]
    assert problem.design.shape == (50, 3)
