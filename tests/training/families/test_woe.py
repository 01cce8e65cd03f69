import numpy as np
import pytest

from models.features import Feature
from training.families.woe import WoeTransformer

NAN = float("nan")


def test_a_level_has_the_log_of_its_share_of_goods_over_its_share_of_bads() -> None:
    features = [Feature("home=own", "home", 0.0), Feature("home=rent", "home", 1.0)]
    own = np.repeat([1.0, 0.0], 50_000)
    labels = np.repeat([0, 1, 0, 1], [40_000, 10_000, 20_000, 30_000])
    woe = WoeTransformer(features=features).fit(np.column_stack([own, 1 - own]), labels)
    transformed = woe.transform(np.array([[1.0, 0.0], [0.0, 1.0]]))
    # Own: 40 of 60 goods, 10 of 40 bads. Rent: 20 of 60, 30 of 40.
    expected = [np.log((40 / 60) / (10 / 40)), np.log((20 / 60) / (30 / 40))]
    assert transformed[:, 0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
def test_bins_of_a_signed_number_never_go_the_wrong_way(sign: int) -> None:
    random = np.random.default_rng(5)
    x = random.normal(size=5_000)
    bumpy = 1 / (1 + np.exp(-(sign * x + 2 * np.sin(4 * x))))
    labels = (random.random(5_000) < bumpy).astype(np.int64)
    woe = WoeTransformer(features=[Feature("x", "x", sign=sign)])  # type: ignore[arg-type]
    woe.fit(x[:, None], labels)
    grid = np.linspace(-4, 4, 1_000)[:, None]
    moves = np.diff(woe.transform(grid)[:, 0]) * sign
    assert (moves <= 0).all()
    assert (moves < 0).sum() >= 2


def test_codes_and_missing_values_are_bins_of_their_own() -> None:
    features = [
        Feature("m", "m", sign=-1),
        Feature("m=-7", "m", -7.0),
        Feature("m=missing", "m", NAN),
    ]
    random = np.random.default_rng(6)
    kind = random.integers(0, 3, 30_000)
    number = np.where(kind == 0, random.uniform(0, 100, 30_000), NAN)
    matrix = np.column_stack([number, kind == 1, kind == 2]).astype(np.float64)
    rates = np.array([0.2, 0.5, 0.1])[kind]
    labels = (random.random(30_000) < rates).astype(np.int64)
    woe = WoeTransformer(features=features).fit(matrix, labels)
    code, missing = woe.transform(np.array([[NAN, 1.0, 0.0], [NAN, 0.0, 1.0]]))[:, 0]
    base = np.log((labels == 0).sum() / labels.sum())
    assert code == pytest.approx(np.log(0.5 / 0.5) - base, abs=0.05)
    assert missing == pytest.approx(np.log(0.9 / 0.1) - base, abs=0.1)


def test_a_number_that_never_varies_says_nothing() -> None:
    labels = np.tile([0, 1], 500)
    woe = WoeTransformer(features=[Feature("x", "x")]).fit(np.ones((1_000, 1)), labels)
    assert woe.transform(np.array([[1.0], [5.0]])).tolist() == [[0.0], [0.0]]


def test_a_level_nobody_has_says_nothing() -> None:
    features = [Feature("a=1", "a", 0.0), Feature("a=2", "a", 1.0)]
    matrix = np.column_stack([np.ones(1_000), np.zeros(1_000)])
    woe = WoeTransformer(features=features).fit(matrix, np.tile([0, 1], 500))
    assert woe.transform(np.array([[0.0, 1.0]])).tolist() == [[0.0]]


@pytest.mark.parametrize("share", [0.01, 0.03, 0.12])
def test_a_rare_flag_that_says_much_is_not_lost(share: float) -> None:
    random = np.random.default_rng(8)
    flag = (random.random(20_000) < share).astype(np.float64)
    labels = (random.random(20_000) < np.where(flag == 1, 0.5, 0.1)).astype(np.int64)
    woe = WoeTransformer(features=[Feature("flag", "flag", sign=1)]).fit(flag[:, None], labels)
    off, on = woe.transform(np.array([[0.0], [1.0]]))[:, 0]
    assert off - on == pytest.approx(np.log((0.9 / 0.1) / (0.5 / 0.5)), abs=0.35)


@pytest.mark.parametrize("sign", [1, 0])
def test_a_value_that_all_of_the_bads_have_is_a_bin(sign: int) -> None:
    flag = np.repeat([0.0, 1.0], [900, 100])
    labels = np.concatenate([np.tile([0, 0, 1], 300), np.ones(100)]).astype(np.int64)
    woe = WoeTransformer(features=[Feature("flag", "flag", sign=sign)])  # type: ignore[arg-type]
    off, on = woe.fit(flag[:, None], labels).transform(np.array([[0.0], [1.0]]))[:, 0]
    assert off - on > 3
