"""Signals at their borders, and how often they err in years without and with a change."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.counts import counts
from training.monitoring.drift import DecisionShare, Drift, Shift, compare_counts
from training.monitoring.performance import RealisedPerformance
from training.monitoring.reference import BinnedShares
from training.monitoring.signals import (
    CRITICAL,
    Signal,
    TrainedFigures,
    is_degraded,
    judge,
)

TRAINED = TrainedFigures(auc=0.75, auc_error=0.01)
TENTHS = BinnedShares(
    edges=tuple(range(1, 10)), bins=tuple(f"bin {i}" for i in range(10)), shares=(0.1,) * 10
)


def shift(psi: float, name: str = "probability") -> Shift:
    return Shift(name, psi, 0.15, 1_000, ("all",), (1.0,), (1.0,))


def drift(psi: float = 0.0, share: DecisionShare | None = None) -> Drift:
    decision = share or DecisionShare("approve", 0.5, 0.5, 0.0)
    return Drift(shift(psi), (shift(psi, "income"),), (decision,), (), {})


def realised(z: float = 0.0, auc: float = 0.75) -> RealisedPerformance:
    return RealisedPerformance(
        1_000, 200, 0.2, 0.2, z, auc, 0.01, 2 * auc - 1, 0.4, 0.1, 0.8, 0.5, 0.5, (), ()
    )


def fired(signals: tuple[Signal, ...]) -> list[tuple[str, str]]:
    return [(one.name, one.subject) for one in signals if one.state == "fired"]


@pytest.mark.parametrize(
    ("seen", "performance", "expected"),
    [
        (drift(), realised(), []),
        (drift(0.15), realised(), []),
        (
            drift(0.1501),
            realised(),
            [("population_shift", "probability"), ("characteristic_shift", "income")],
        ),
        (drift(), realised(z=CRITICAL), []),
        (drift(), realised(z=-CRITICAL - 0.01), [("calibration", "all")]),
        (drift(), realised(auc=0.75 - CRITICAL * 0.02**0.5 * 0.1 + 1e-6), []),
        (drift(), realised(auc=0.75 - CRITICAL * 0.02**0.5 * 0.1 - 1e-6), [("auc", "all")]),
        (
            drift(share=DecisionShare("approve", 0.5, 0.551, CRITICAL + 0.1)),
            realised(),
            [("decision_share", "approve")],
        ),
        (drift(share=DecisionShare("approve", 0.5, 0.549, CRITICAL + 0.1)), realised(), []),
        (drift(share=DecisionShare("approve", 0.5, 0.6, CRITICAL - 0.1)), realised(), []),
    ],
)
def test_a_signal_fires_beyond_its_bound(
    seen: Drift, performance: RealisedPerformance, expected: list[tuple[str, str]]
) -> None:
    signals = judge(1_000, seen, performance, TRAINED)
    assert fired(signals) == expected
    assert is_degraded(signals) == bool(expected)


def test_what_fired_comes_first() -> None:
    states = [one.state for one in judge(1_000, drift(0.2), None, TRAINED)]
    assert states == sorted(states, key=["fired", "quiet", "not enough"].index)
    assert set(states) == {"fired", "quiet", "not enough"}


def test_too_few_rows_are_no_signal_and_say_so() -> None:
    for seen, rows in ((drift(9.9), 499), (None, 0)):
        signals = judge(rows, seen, None, TRAINED)
        assert {one.state for one in signals} == {"not enough"}
        assert {one.value for one in signals} == {None}
        assert not is_degraded(signals)


def count_shift_alarms(years: int, per_day: int, characteristics: int) -> float:
    """Return the mean number of quarters' shift alarms, over years without any change."""
    random, alarms = np.random.default_rng(10), 0
    reference_rows = 3_000.0
    for _ in range(years):
        daily = random.multinomial(per_day, TENTHS.shares, (365, characteristics))
        sums = np.cumsum(np.concatenate([np.zeros((1, *daily.shape[1:])), daily]), axis=0)
        windows = sums[28:] - sums[:-28]
        for field in range(characteristics):
            # A run of days above the bound is one alarm: it stays until it is over.
            above = [is_shifted(seen, reference_rows) for seen in windows[::7, field]]
            alarms += sum(now and not before for before, now in pairwise([False, *above]))
    return alarms / (years * 4)


def is_shifted(seen: NDArray[Any], reference_rows: float) -> bool:
    compared = compare_counts("income", TENTHS, seen.astype(np.float64), reference_rows)
    return compared.psi > compared.bound


def count_calibration_alarms(years: int, per_month: int) -> float:
    """Return the mean number of quarters' calibration alarms of a calibrated model."""
    random, alarms = np.random.default_rng(11), 0
    for _ in range(years):
        probabilities = random.beta(1, 6, (24, per_month))
        gaps = (random.binomial(1, probabilities) - probabilities).sum(axis=1)
        variances = (probabilities * (1 - probabilities)).sum(axis=1)
        for month in range(12, 24):  # the outcomes of the last twelve months, looked at monthly
            z = gaps[month - 12 : month].sum() / variances[month - 12 : month].sum() ** 0.5
            alarms += abs(z) > CRITICAL
    return alarms / (years * 4)


@pytest.mark.soak
def test_a_year_without_a_change_hardly_fires() -> None:
    years = counts().monitored_years
    assert count_shift_alarms(years, 40, 20) + count_calibration_alarms(years, 500) <= 1.0


def test_changes_are_noticed() -> None:
    """Power: the share of samples in which a change of this size fires."""
    random = np.random.default_rng(12)
    moved = np.array([0.16, 0.14, 0.12, 0.11, 0.1, 0.09, 0.08, 0.08, 0.07, 0.05])
    assert float(np.sum((moved - 0.1) * np.log(moved / 0.1))) < 0.15  # below the limit: quiet
    strong = np.array([0.2, 0.16, 0.13, 0.11, 0.1, 0.08, 0.07, 0.06, 0.05, 0.04])
    for shares, least, most in ((moved, 0.0, 0.1), (strong, 0.9, 1.0)):
        noticed = np.mean(
            [is_shifted(random.multinomial(1_120, shares), 3_000.0) for _ in range(100)]
        )
        assert least <= noticed <= most
    probabilities = random.beta(1, 6, (200, 6_000))
    odds = 1.3 * probabilities / (1 - probabilities)
    labels = random.binomial(1, odds / (1 + odds))
    z = (labels - probabilities).sum(axis=1) / (probabilities * (1 - probabilities)).sum(1) ** 0.5
    assert (z > CRITICAL).mean() > 0.95  # odds 1.3 times as high, 6,000 outcomes
