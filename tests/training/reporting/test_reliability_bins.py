import numpy as np
import pytest

from training.reporting.reliability_bins import judge_hosmer_lemeshow, tabulate_reliability


def test_a_bin_has_its_rate_its_mean_and_what_chance_allows() -> None:
    """400 rows at 10 %: the standard error of their default rate is .015."""
    labels = np.array([1] * 44 + [0] * 356)
    [one] = tabulate_reliability(labels, np.full(400, 0.1))
    assert (one.rows, one.bads, one.default_rate) == (400, 44, 0.11)
    assert one.low == pytest.approx(0.07)
    assert one.high == pytest.approx(0.13)


def test_bins_rise_and_hold_every_row() -> None:
    random = np.random.default_rng(1)
    probabilities = random.uniform(0.01, 0.9, 1_000)
    bins = tabulate_reliability(random.binomial(1, probabilities), probabilities)
    means = [one.mean_probability for one in bins]
    assert means == sorted(means)
    assert (len(bins), sum(one.rows for one in bins)) == (20, 1_000)


def test_hosmer_lemeshow_finds_probabilities_that_are_too_low() -> None:
    random = np.random.default_rng(2)
    probabilities = random.uniform(0.05, 0.6, 4_000)
    labels = random.binomial(1, probabilities)
    right = judge_hosmer_lemeshow(tabulate_reliability(labels, probabilities))
    wrong = judge_hosmer_lemeshow(tabulate_reliability(labels, probabilities * 0.8))
    assert right.degrees == 20
    assert right.p_value > 0.01
    assert wrong.p_value < 1e-6
