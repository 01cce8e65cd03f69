"""The page of `make bench-accuracy` is what its figures say, and its arithmetic is right."""

import json

import numpy as np
import pytest

from tests.benchmarks.accuracy_report import (
    DOCUMENT,
    FIGURES,
    difference,
    is_ours,
    judge_difference,
    render,
    summarise,
)
from training.families.candidates import CANDIDATES


def test_the_page_is_written_from_the_figures() -> None:
    assert DOCUMENT.read_text() == render(json.loads(FIGURES.read_text()))


def test_every_family_is_in_the_table_of_every_set() -> None:
    for result in json.loads(FIGURES.read_text()).values():
        assert {c.family for c in CANDIDATES} <= set(result["contestants"])
        assert result["splits"] >= 5


def test_the_interval_of_a_difference_is_wider_than_that_of_independent_splits() -> None:
    first, second = np.array([0.71, 0.73, 0.75, 0.73]), np.array([0.70, 0.71, 0.73, 0.72])
    figures = difference(first, second, test_share=0.2)
    # Differences .01, .02, .02, .01: their variance is 1/30,000; Student's t for 3 is 3.182.
    half = 3.182 * ((1 / 4 + 0.2 / 0.8) / 30_000) ** 0.5
    assert figures["mean"] == pytest.approx(0.015)
    assert figures["high"] - figures["mean"] == pytest.approx(half, rel=1e-3)
    assert figures["mean"] - figures["low"] == pytest.approx(half, rel=1e-3)


@pytest.mark.parametrize(
    ("rows", "low", "high", "verdict"),
    [
        (30_000, -0.0009, 0.004, "yes"),
        (30_000, -0.0011, 0.004, "**no**"),
        (1_000, -0.02, 0.001, "yes"),
        (1_000, -0.02, -0.001, "**no**"),
    ],
)
def test_many_rows_must_exclude_a_loss_and_few_must_not_show_one(
    rows: int, low: float, high: float, verdict: str
) -> None:
    assert judge_difference(rows, {"low": low, "high": high}) == verdict


def test_splits_are_summed_up() -> None:
    labels = np.array([0, 1] * 40)
    good = np.where(labels == 1, 0.8, 0.2)
    predictions = {"logistic": good, "logistic, not calibrated": good, "rival": 1 - good}
    held = [np.arange(0, 40), np.arange(40, 80)]
    splits = [(rows, 0, {n: p[rows] for n, p in predictions.items()}) for rows in held]
    result = summarise(labels, splits)
    assert result["contestants"]["logistic"]["auc"] == 1.0
    assert result["contestants"]["rival"]["auc"] == 0.0
    assert result["contestants"]["logistic"]["ece"] == pytest.approx(0.2)
    assert (result["best"], result["splits"], result["calibrated_splits"]) == ("logistic", 2, 2)
    assert is_ours("xgboost, tuned")
    assert not is_ours("xgboost, tuned and free")
