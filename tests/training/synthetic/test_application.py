import numpy as np

from models.catalogue.application import Application
from models.metrics import auc
from training.reading.row_validation import check_rows
from training.synthetic.application import DAYS, LAST_DAY, compute_true_log_odds, generate


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert generate(500, 1).equals(generate(500, 1))
    assert not generate(500, 1).equals(generate(500, 2))


def test_every_row_follows_the_contract() -> None:
    assert check_rows(Application, generate(5_000, 3), max_refused_share=0).refused == 0


def test_rows_come_in_order_of_a_year() -> None:
    days = generate(5_000, 3)["as_of"]
    assert days.is_monotonic_increasing
    assert (days.iloc[-1] - days.iloc[0]).days == DAYS - 1
    assert days.iloc[-1] == LAST_DAY


def test_outcomes_follow_the_true_probability() -> None:
    frame = generate(40_000, 4)
    truth, outcome = frame["true_probability"].to_numpy(), frame["default"].to_numpy()
    assert 0.2 < outcome.mean() < 0.35
    error = (truth * (1 - truth)).sum() ** 0.5
    assert abs(outcome.sum() - truth.sum()) < 3 * error
    assert auc(outcome, truth) > 0.78


def test_the_truth_bends_and_interacts() -> None:
    frame = generate(1, 1).iloc[[0] * 4].reset_index(drop=True)
    frame["credit_utilization"] = [0.2, 0.3, 0.7, 0.8]
    frame["num_late_payments"] = 0
    quiet = compute_true_log_odds(frame)
    frame["num_late_payments"] = 4
    late = compute_true_log_odds(frame)
    assert quiet[3] - quiet[2] > 2 * (quiet[1] - quiet[0])
    assert np.diff(late - quiet).min() > 0
