"""Signals at their borders, and how often they err in years without and with a change."""

import numpy as np
import pytest

from tests.benchmarks.monitoring_errors import SHIFTS
from tests.benchmarks.monitoring_simulation import (
    WEEKS,
    WINDOW_DAYS,
    YEAR,
    Change,
    count_alarms,
    detect_outcomes,
    detect_shift,
    draw_outcomes,
    measure_auc,
    measure_psi,
)
from tests.support.counts import counts
from training.monitoring.drift import DecisionShare, Drift, Shift
from training.monitoring.performance import RealisedPerformance
from training.monitoring.signals import (
    CRITICAL,
    Signal,
    TrainedFigures,
    is_degraded,
    judge,
)

TRAINED = TrainedFigures(auc=0.75, auc_error=0.01)
QUARTERS = 4  # of a year


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


@pytest.mark.soak
def test_years_without_a_change_hardly_fire() -> None:
    years = counts().monitored_years
    assert sum(count_alarms(years).values()) / (years * QUARTERS) <= 1.0


@pytest.mark.soak
@pytest.mark.parametrize("name", ["clear", "large"])
def test_a_shift_is_found_on_the_day_it_can_be(name: str) -> None:
    """The day on which the mean index leaves its bound, give or take what chance does to it."""
    detection = detect_shift(SHIFTS[name], counts().monitored_streams)
    assert detection.expected < WINDOW_DAYS
    assert detection.find_day(0.5) == pytest.approx(detection.expected, abs=2)
    assert detection.share_until(WINDOW_DAYS) > 0.95


def test_a_small_shift_stays_quiet() -> None:
    detection = detect_shift(SHIFTS["small"], counts().monitored_streams)
    assert measure_psi(SHIFTS["small"]) < 0.15
    assert np.isinf(detection.expected)
    assert detection.share_until(2 * WINDOW_DAYS) < 0.1


@pytest.mark.soak
@pytest.mark.parametrize(
    ("change", "signal"),
    [
        (Change(odds=1.3), "calibration"),
        (Change(odds=1.5), "calibration"),
        (Change(slope=0.5), "auc"),
    ],
)
def test_a_loss_is_found_as_soon_as_outcomes_show_it(change: Change, signal: str) -> None:
    detection = detect_outcomes(change, signal, counts().monitored_streams)
    assert detection.expected < YEAR
    assert detection.find_day(0.5) == pytest.approx(detection.expected, abs=35)
    assert detection.share_until(YEAR) > 0.95


def test_a_change_of_slope_leaves_the_default_rate_as_it_was() -> None:
    before, after = (
        np.mean([realised_rate(change, seed) for seed in range(5)])
        for change in (Change(), Change(slope=0.5))
    )
    assert after == pytest.approx(before, abs=0.01)
    assert measure_auc(Change(slope=0.5), 200) < measure_auc(Change(), 200) - 0.08


def realised_rate(change: Change, seed: int) -> float:
    _, labels = draw_outcomes(np.random.default_rng(seed), WEEKS, change)
    return float(labels.mean())
