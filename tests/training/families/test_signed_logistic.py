import numpy as np
from sklearn.linear_model import LogisticRegression

from training.families.signed_logistic import SignedLogisticRegression

RANDOM = np.random.default_rng(3)
ROWS = RANDOM.normal(size=(5_000, 3))
LOG_ODDS = 1.0 * ROWS[:, 0] - 0.5 * ROWS[:, 1] + 0.3 * ROWS[:, 2] - 1
LABELS = RANDOM.binomial(1, 1 / (1 + np.exp(-LOG_ODDS)))


def test_right_signs_change_nothing() -> None:
    signed = SignedLogisticRegression(signs=[1, -1, 0]).fit(ROWS, LABELS)
    plain = LogisticRegression().fit(ROWS, LABELS)
    np.testing.assert_array_equal(signed.coef_, plain.coef_)
    np.testing.assert_array_equal(signed.predict_proba(ROWS), plain.predict_proba(ROWS))


def test_a_feature_that_goes_the_wrong_way_is_left_out() -> None:
    signed = SignedLogisticRegression(signs=[1, 1, 0]).fit(ROWS, LABELS)
    plain = LogisticRegression().fit(ROWS[:, [0, 2]], LABELS)
    np.testing.assert_array_equal(signed.coef_[0, [0, 2]], plain.coef_[0])
    assert signed.coef_[0, 1] == 0.0


def test_a_sign_that_turns_when_another_feature_goes_is_noticed_too() -> None:
    random = np.random.default_rng(4)
    twin = np.column_stack([ROWS[:, 0], ROWS[:, 0] + 0.1 * random.normal(size=5_000)])
    labels = random.binomial(1, 1 / (1 + np.exp(1 + ROWS[:, 0])))
    rows = np.column_stack([twin, ROWS[:, 1]])
    signed = SignedLogisticRegression(signs=[1, 1, 0]).fit(rows, labels)
    assert (signed.coef_[0, :2] == 0).all()


def test_where_nothing_is_left_the_base_rate_is_fitted() -> None:
    signed = SignedLogisticRegression(signs=[-1, 1]).fit(ROWS[:, :2], LABELS)
    assert not signed.coef_.any()
    np.testing.assert_allclose(signed.predict_proba(ROWS[:, :2])[:, 1], LABELS.mean())
