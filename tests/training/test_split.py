import hashlib

import numpy as np

from training.split import TEST_SHARE, is_test


def keys(n: int) -> list[bytes]:
    return [hashlib.sha256(str(i).encode()).digest() for i in range(n)]


def test_a_quarter_of_the_rows_is_kept_untouched() -> None:
    share = is_test(keys(40_000)).mean()
    error = (TEST_SHARE * (1 - TEST_SHARE) / 40_000) ** 0.5
    assert abs(share - TEST_SHARE) < 3 * error


def test_membership_is_a_property_of_the_row() -> None:
    few, many = is_test(keys(100)), is_test(keys(1_000))
    np.testing.assert_array_equal(few, many[:100])
    # Written down, so that no later version moves a row to the other side.
    assert np.flatnonzero(few)[:6].tolist() == [8, 9, 13, 29, 39, 41]
