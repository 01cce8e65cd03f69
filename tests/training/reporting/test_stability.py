import numpy as np
import pytest
from scipy.stats import chi2

from models.contract import characteristics
from tests.support.toy import Toy
from training.reporting.stability import (
    measure_field_stability,
    measure_score_stability,
    measure_stability,
    psi_bound,
)

FIELDS = {c.name: c for c in characteristics(Toy)}
RANDOM = np.random.default_rng(4)


def test_psi_of_two_levels_can_be_computed_by_hand() -> None:
    """Half rent in training, three quarters in the test: .25 ln 1.5 - .25 ln .5 = .2747."""
    before, after = np.repeat([0.0, 1.0], 50_000), np.repeat([0.0, 1.0], [25_000, 75_000])
    figures = measure_field_stability(FIELDS["home"], before, after)
    assert figures.psi == pytest.approx(0.2747, abs=1e-4)
    assert [(b.name, b.expected, b.actual) for b in figures.bins] == [
        ("own", 0.5, 0.25),
        ("rent", 0.5, 0.75),
    ]


def test_special_codes_and_absent_values_have_bins_of_their_own() -> None:
    column = np.concatenate([np.arange(100.0), np.full(50, -7.0), np.full(50, np.nan)])
    figures = measure_field_stability(FIELDS["months_since_default"], column, column)
    shares = {b.name: b.expected for b in figures.bins}
    assert figures.psi == pytest.approx(0)
    assert (shares["code -7"], shares["absent"]) == (0.25, 0.25)
    assert len(shares) == 12


def test_the_bound_follows_the_sizes_and_is_never_below_a_tenth() -> None:
    assert psi_bound(10, 1_000_000, 1_000_000) == 0.10
    assert psi_bound(10, 200, 200) == pytest.approx(chi2.ppf(0.999, 9) / 100, rel=0.01)
    assert psi_bound(1, 10, 10) == 0.10


def test_chance_alone_stays_below_the_bound_and_a_shift_does_not() -> None:
    before = RANDOM.normal(0, 1, 3_000)
    for _ in range(20):
        figures = measure_score_stability(before, RANDOM.normal(0, 1, 300))
        assert figures.psi <= figures.bound
    shifted = measure_score_stability(before, RANDOM.normal(0.8, 1, 300))
    assert shifted.psi > shifted.bound


def test_the_least_stable_field_comes_first() -> None:
    before = {"income": RANDOM.normal(0, 1, 500), "debt": RANDOM.normal(0, 1, 500)}
    after = {"income": RANDOM.normal(0, 1, 500), "debt": RANDOM.normal(2, 1, 500)}
    fields = [FIELDS["income"], FIELDS["debt"], FIELDS["age"]]
    assert [one.field for one in measure_stability(fields, before, after)] == ["debt", "income"]
