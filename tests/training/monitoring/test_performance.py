from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.annotations import days_from_date
from models.metrics import auc, auc_with_error
from training.monitoring.performance import (
    expect_performance,
    measure_performance,
    months_before,
)
from training.monitoring.reference import BinnedShares

BANDS = BinnedShares(edges=(0.5,), bins=("below 0.5", "from 0.5"), shares=(0.5, 0.5))


def test_expected_performance_by_hand() -> None:
    """Two rows: the pair counts when exactly one defaults, with .8 x .6 right and .2 x .4 wrong."""
    expected = expect_performance(np.array([0.8, 0.4]))
    assert expected.default_rate == pytest.approx(0.6)
    assert expected.auc == pytest.approx(0.8 * 0.6 / (0.8 * 0.6 + 0.4 * 0.2))
    assert expected.brier == pytest.approx((0.8 * 0.2 + 0.4 * 0.6) / 2)


def test_expected_performance_is_what_calibrated_probabilities_show_on_average() -> None:
    random = np.random.default_rng(3)
    probabilities = random.beta(1, 4, 2_000)
    values = [auc(random.binomial(1, probabilities), probabilities) for _ in range(50)]
    assert expect_performance(probabilities).auc == pytest.approx(np.mean(values), abs=0.004)


def outcomes(rows: int, seed: int = 5) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    probabilities = random.beta(2, 3, rows)
    first = int(days_from_date(date(2026, 9, 1)))
    return pd.DataFrame(
        {
            "day": first + np.arange(rows) % 60,
            "probability": probabilities,
            "outcome": random.binomial(1, probabilities),
        }
    )


def test_realised_performance_by_band_and_by_month() -> None:
    frame = outcomes(2_000)
    realised = measure_performance(frame, BANDS, 0.5)
    assert realised is not None
    assert realised.gini == pytest.approx(2 * realised.auc - 1)
    assert [band.name for band in realised.bands] == ["below 0.5", "from 0.5"]
    low = frame[frame.probability < 0.5]
    assert realised.bands[0].observed == pytest.approx(low.outcome.mean())
    assert [vintage.name for vintage in realised.vintages] == ["2026-09", "2026-10"]
    assert sum(vintage.rows for vintage in realised.vintages) == 2_000
    assert abs(realised.z) < 4


@pytest.mark.parametrize(("rows", "is_judged"), [(499, False), (500, True)])
def test_few_outcomes_are_not_judged(rows: int, *, is_judged: bool) -> None:
    assert (measure_performance(outcomes(rows), BANDS, 0.5) is not None) == is_judged
    assert measure_performance(outcomes(rows).assign(outcome=0), BANDS, 0.5) is None


def test_the_error_of_the_auc_is_its_spread_over_samples() -> None:
    random = np.random.default_rng(6)
    values, errors = [], []
    for _ in range(200):
        probabilities = random.beta(2, 3, 400)
        labels = random.binomial(1, probabilities)
        value, error = auc_with_error(labels, probabilities)
        assert value == pytest.approx(auc(labels, probabilities))
        values.append(value)
        errors.append(error)
    assert np.std(values) == pytest.approx(np.mean(errors), rel=0.15)


def test_months_are_counted_over_a_new_year() -> None:
    assert months_before(date(2026, 2, 28), 12) == date(2025, 2, 1)
    assert months_before(date(2026, 11, 30), 12) == date(2025, 11, 1)
    assert months_before(date(2026, 1, 1), 1) == date(2025, 12, 1)
