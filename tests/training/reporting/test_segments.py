import numpy as np
import pytest

from tests.support.toy import Toy
from tests.training.reporting.conftest import Report
from training.model_review import calibration_z
from training.reporting.segments import measure_segments, select_segments


def test_segments_are_levels_special_codes_absent_values_and_bands(report: Report) -> None:
    segments = report.document["discrimination"]["segments"]
    groups = {(s["field"], s["group"]) for s in segments}
    assert {("home", "own"), ("home", "rent"), ("months_since_default", "code -7")} <= groups
    assert ("months_since_default", "absent") in groups
    assert {s["field"] for s in segments if s["is_protected"]} == {"age"}
    for field in {s["field"] for s in segments}:
        rows = [s["rows"] for s in segments if s["field"] == field]
        assert sum(rows) <= report.document["tests"][0]["rows"]


def test_a_segment_with_too_few_defaults_has_no_auc() -> None:
    columns = {"home": np.repeat([0.0, 1.0], 40)}
    labels = np.array([1] * 9 + [0] * 31 + [1] * 20 + [0] * 20)
    probabilities = np.linspace(0.1, 0.9, 80)
    segments = select_segments(Toy, columns, {})
    few, enough = measure_segments(segments, labels, probabilities, 0.5)
    assert few.auc is None
    assert enough.auc is not None
    assert (few.bads, enough.bads) == (9, 20)
    assert few.approval_rate == pytest.approx((probabilities[:40] < 0.5).mean())


def test_z_is_observed_minus_expected_in_standard_errors() -> None:
    """100 rows at 10 %: 10 defaults expected, with a standard error of 3."""
    labels = np.array([1] * 16 + [0] * 84)
    assert calibration_z(labels, np.full(100, 0.1)) == pytest.approx(2.0)
