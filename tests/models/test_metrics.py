import numpy as np
import pytest
from sklearn import metrics as oracle

from models import metrics
from models.errors import DataError

RANDOM = np.random.default_rng(5)
LABELS = RANDOM.binomial(1, 0.3, 800).astype(np.int64)
# Rounded, so that ties occur.
PROBABILITIES = np.clip((0.25 * LABELS + RANDOM.beta(2, 4, 800)).round(2), 0.01, 0.99)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.auc, oracle.roc_auc_score),
        (metrics.brier, oracle.brier_score_loss),
        (metrics.log_loss, oracle.log_loss),
    ],
)
def test_figures_of_probabilities_agree_with_scikit_learn(ours, theirs) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert ours(LABELS, PROBABILITIES) == pytest.approx(theirs(LABELS, PROBABILITIES))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.accuracy, oracle.accuracy_score),
        (metrics.precision, oracle.precision_score),
        (metrics.recall, oracle.recall_score),
        (metrics.f1, oracle.f1_score),
    ],
)
def test_figures_of_classes_agree_with_scikit_learn(ours, theirs) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert ours(LABELS, PROBABILITIES) == pytest.approx(theirs(LABELS, PROBABILITIES >= 0.5))


def test_ks_is_the_largest_gap_of_the_roc_curve() -> None:
    false_positive, true_positive, _ = oracle.roc_curve(LABELS, PROBABILITIES)
    gap = np.max(true_positive - false_positive)
    assert metrics.ks(LABELS, PROBABILITIES) == pytest.approx(gap)


def test_gini_of_a_perfect_ranking_is_one() -> None:
    labels = np.array([0, 0, 1, 1])
    assert metrics.gini(labels, np.array([0.1, 0.2, 0.3, 0.4])) == 1.0


def test_precision_and_f1_are_zero_when_nothing_is_flagged() -> None:
    labels, low = np.array([0, 1]), np.array([0.1, 0.2])
    assert (metrics.precision(labels, low), metrics.f1(labels, low)) == (0.0, 0.0)


def test_classes_begin_where_a_model_says() -> None:
    figures = metrics.evaluate(LABELS, PROBABILITIES, seed=1, default_from=0.3)
    expected = oracle.recall_score(LABELS, PROBABILITIES >= 0.3)
    assert figures["recall"].value == pytest.approx(expected)
    assert figures["auc"] == metrics.evaluate(LABELS, PROBABILITIES, seed=1)["auc"]


def test_every_figure_lies_within_its_interval() -> None:
    figures = metrics.evaluate(LABELS, PROBABILITIES, seed=1)
    assert set(figures) == {*metrics.METRICS, *metrics.CLASSIFYING}
    for name, figure in figures.items():
        assert figure.low <= figure.value <= figure.high, name
        assert figure.low < figure.high, name


def test_the_same_seed_gives_the_same_intervals() -> None:
    first, second = (metrics.evaluate(LABELS, PROBABILITIES, seed=1) for _ in range(2))
    assert first == second


def test_a_resample_is_measured_as_its_rows_would_be() -> None:
    """The intervals are those of each metric on the rows that were drawn, ties included."""
    random = np.random.default_rng(9)
    bads, goods = np.flatnonzero(LABELS == 1), np.flatnonzero(LABELS == 0)
    drawn = [
        np.concatenate([random.choice(bads, len(bads)), random.choice(goods, len(goods))])
        for _ in range(metrics.RESAMPLES)
    ]
    estimates = metrics.evaluate(LABELS, PROBABILITIES, 9, default_from=0.4)
    for name, metric in metrics.METRICS.items():
        values = [metric(LABELS[rows], PROBABILITIES[rows]) for rows in drawn]
        low, high = np.quantile(values, [0.025, 0.975])
        assert (estimates[name].low, estimates[name].high) == pytest.approx((low, high), rel=1e-12)
    for name, classify in metrics.CLASSIFYING.items():
        values = [classify(LABELS[rows], PROBABILITIES[rows], 0.4) for rows in drawn]
        low, high = np.quantile(values, [0.025, 0.975])
        assert (estimates[name].low, estimates[name].high) == pytest.approx((low, high), rel=1e-12)


def test_a_cutoff_that_flags_nobody_has_no_precision_in_any_resample() -> None:
    estimates = metrics.evaluate(LABELS, PROBABILITIES, 9, default_from=0.995)
    assert {estimates[n].high for n in ("precision", "recall", "f1")} == {0.0}


def test_outcomes_of_one_kind_cannot_be_evaluated() -> None:
    with pytest.raises(DataError, match="only one of them"):
        metrics.evaluate(np.zeros(10, dtype=np.int64), np.full(10, 0.5), seed=1)


def test_delongs_error_agrees_with_the_bootstrap() -> None:
    random = np.random.default_rng(6)
    other = np.clip(PROBABILITIES + random.normal(0, 0.15, 800), 0.01, 0.99)
    difference = metrics.auc_difference(LABELS, PROBABILITIES, other)
    differences = []
    for _ in range(400):
        rows = random.integers(0, 800, 800)
        first = metrics.auc(LABELS[rows], PROBABILITIES[rows])
        differences.append(first - metrics.auc(LABELS[rows], other[rows]))
    assert difference.value == pytest.approx(
        metrics.auc(LABELS, PROBABILITIES) - metrics.auc(LABELS, other)
    )
    assert difference.standard_error == pytest.approx(np.std(differences), rel=0.15)
    assert difference.lower_bound() < difference.value


def test_a_model_does_not_differ_from_itself() -> None:
    auc = metrics.auc_difference(LABELS, PROBABILITIES, PROBABILITIES)
    losses = metrics.row_log_loss(LABELS, PROBABILITIES)
    loss = metrics.bootstrap_loss_difference(losses, losses, 0.95, seed=1)
    assert (auc.value, auc.standard_error, loss.value, loss.upper_bound) == (0, 0, 0, 0)


@pytest.mark.parametrize("most_blocks", [100, 20_000])
def test_the_bootstrapped_bound_of_a_loss_is_the_normal_one(
    monkeypatch: pytest.MonkeyPatch, most_blocks: int
) -> None:
    """One-sided 95 % of a mean of 8,000 rows: 1.645 standard errors above it."""
    monkeypatch.setattr(metrics, "MOST_BLOCKS", most_blocks)
    random = np.random.default_rng(2)
    first, second = random.normal(0.3, 1, 8_000), random.normal(0.2, 1, 8_000)
    difference = metrics.bootstrap_loss_difference(first, second, 0.95, seed=1)
    error = (first - second).std() / 8_000**0.5
    assert difference.value == pytest.approx((first - second).mean())
    assert difference.upper_bound - difference.value == pytest.approx(1.645 * error, rel=0.15)


def test_a_figure_is_measured_by_its_name() -> None:
    assert metrics.measure_figure("ks", LABELS, PROBABILITIES) == metrics.ks(LABELS, PROBABILITIES)
    recall = metrics.measure_figure("recall", LABELS, PROBABILITIES, default_from=0.3)
    assert recall == metrics.recall(LABELS, PROBABILITIES, 0.3)
