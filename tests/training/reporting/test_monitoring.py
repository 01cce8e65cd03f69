import numpy as np
import pytest

from training.reading.model_draft import PLACEHOLDERS
from training.reporting.monitoring import list_limits, set_thresholds
from training.run import Trained


def test_a_threshold_is_three_standard_errors_around_the_test_part(trained: Trained) -> None:
    thresholds = set_thresholds(trained.manifest, trained.probabilities, 1_500, 0.01)
    lines = {threshold.figure: threshold for threshold in thresholds}
    approval = lines["approval rate"]
    rate = float((trained.probabilities < trained.scorer.policy.approve_below).mean())
    assert approval.expected == rate
    assert approval.high == pytest.approx(rate + 3 * (rate * (1 - rate) / 1_000) ** 0.5)
    assert lines["rows that the contract refuses"].high == 0.01
    assert lines["AUC, once the horizon has passed"].low == trained.manifest.metrics["auc"].low


def test_no_share_has_a_bound_outside_its_range(trained: Trained) -> None:
    thresholds = set_thresholds(trained.manifest, np.full(50, 1e-6), 1_500, 0.01)
    shares = [t for t in thresholds if t.kind == "share"]
    assert all(0 <= t.low <= 1 for t in shares if t.low is not None)
    assert all(0 <= t.high <= 1 for t in shares if t.high is not None)


def test_limits_say_what_the_data_cannot_show(trained: Trained) -> None:
    text = " ".join(
        list_limits(trained.manifest, has_dates=False, is_generated=True, absent_fields=["debt"])
    )
    for words in (
        "synthetic",
        "no dates",
        "No reject inference",
        "extrapolates",
        "amount in: debt",
    ):
        assert words in text
    assert f"has {trained.manifest.provenance.bads_test} defaults" in text


def test_dated_and_complete_data_has_fewer_limits(trained: Trained) -> None:
    text = " ".join(
        list_limits(trained.manifest, has_dates=True, is_generated=False, absent_fields=[])
    )
    assert not any(words in text for words in ("synthetic", "no dates", "no amount"))


def test_limits_say_that_nobody_stated_what_is_predicted(trained: Trained) -> None:
    drafted = trained.manifest.model_copy(update=PLACEHOLDERS)
    text = " ".join(list_limits(drafted, has_dates=True, is_generated=False, absent_fields=[]))
    assert "label_definition is still that of a draft" in text
    assert "horizon is still that of a draft" in text
