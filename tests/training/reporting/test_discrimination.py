import numpy as np
import pytest
from sklearn.metrics import classification_report, roc_auc_score

from models.metrics import auc, ks
from training.reporting.discrimination import (
    classify,
    measure_auc,
    tabulate_tenths,
    trace_curve,
)

RANDOM = np.random.default_rng(5)
PROBABILITIES = RANDOM.uniform(0.02, 0.8, 500)
LABELS = RANDOM.binomial(1, PROBABILITIES)


def test_rows_of_equal_probability_are_flagged_together() -> None:
    """Two values make three points: none flagged, the riskier half flagged, all flagged."""
    curve = trace_curve(np.array([0, 1, 1, 0]), np.array([0.2, 0.2, 0.7, 0.7]))
    assert curve.probabilities == (0.7, 0.2)
    assert curve.rows == (0.0, 0.5, 1.0)
    assert curve.goods == (0.0, 0.5, 1.0)
    assert curve.bads == (0.0, 0.5, 1.0)


def test_the_area_under_the_curve_is_the_auc() -> None:
    few = PROBABILITIES.round(2)  # fewer values than points, so that the curve is exact
    curve = trace_curve(LABELS, few)
    area = np.trapezoid(curve.bads, curve.goods)
    assert area == pytest.approx(auc(LABELS, few))


def test_tenths_count_every_row_once_and_end_at_all() -> None:
    tenths = tabulate_tenths(LABELS, PROBABILITIES)
    assert sum(t.rows for t in tenths) == 500
    assert sum(t.bads for t in tenths) == LABELS.sum()
    assert (tenths[-1].share_of_rows, tenths[-1].share_of_bads, tenths[-1].ks) == (1, 1, 0)
    assert tenths[0].lift == pytest.approx(tenths[0].default_rate / LABELS.mean())
    assert max(t.ks for t in tenths) <= ks(LABELS, PROBABILITIES)
    assert [t.mean_probability for t in tenths] == sorted(
        (t.mean_probability for t in tenths), reverse=True
    )


def test_the_classification_report_is_that_of_scikit_learn() -> None:
    ours = classify(("approve below", 0.3), LABELS, PROBABILITIES)
    oracle = classification_report(LABELS, PROBABILITIES >= 0.3, output_dict=True)
    keys = ("0", "1", "macro avg", "weighted avg")
    for line, key in zip(ours.lines, keys, strict=True):
        assert line.precision == pytest.approx(oracle[key]["precision"])
        assert line.recall == pytest.approx(oracle[key]["recall"])
        assert line.f1 == pytest.approx(oracle[key]["f1-score"])
        assert line.rows == oracle[key]["support"]
    assert ours.accuracy == pytest.approx(oracle["accuracy"])


def test_a_confusion_matrix_can_be_counted_by_hand() -> None:
    labels, probabilities = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.4, 0.5])
    ours = classify(("own", 0.5), labels, probabilities)
    assert (ours.true_goods, ours.false_bads, ours.false_goods, ours.true_bads) == (2, 1, 1, 1)
    nobody = classify(("own", 0.9), labels, probabilities)
    assert (nobody.lines[1].precision, nobody.lines[1].recall, nobody.lines[1].f1) == (0, 0, 0)


def test_an_auc_has_the_value_of_scikit_learn_and_an_interval_that_narrows() -> None:
    wide, narrow = (
        measure_auc(LABELS[:100], PROBABILITIES[:100]),
        measure_auc(LABELS, PROBABILITIES),
    )
    assert narrow.value == pytest.approx(roc_auc_score(LABELS, PROBABILITIES))
    assert narrow.low < narrow.value < narrow.high
    assert narrow.high - narrow.low < wide.high - wide.low
