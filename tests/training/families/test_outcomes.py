import numpy as np
import pytest

from training.families.outcomes import Outcomes

LABELS = np.array([1, 0, 0, 1])


def test_outcomes_count_applications() -> None:
    """Two defaults of weight 1 and 3 among 1 + 10 + 10 + 3 = 24 applications."""
    outcomes = Outcomes(LABELS, np.array([1.0, 10.0, 10.0, 3.0]))
    assert (outcomes.count, outcomes.bads) == (24.0, 4.0)
    assert outcomes.rate == pytest.approx(1 / 6)
    assert outcomes.log_odds == pytest.approx(np.log(1 / 5))


def test_some_outcomes_keep_their_weights() -> None:
    some = Outcomes(LABELS, np.array([1.0, 10.0, 10.0, 3.0])).select(LABELS == 1)
    assert (some.count, some.rate) == (4.0, 1.0)
    assert Outcomes(LABELS).select([0, 1]).rate == 0.5
