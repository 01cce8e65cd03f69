"""Which rows are kept untouched for judging: a property of the row, not of the run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TEST_SHARE = 0.25
KEY_SPAN = 2**64


def is_test(keys: Sequence[bytes]) -> NDArray[np.bool_]:
    """Tell for each sha256 row key whether the row is in the test part, shape `(n,)`.

    A row stays on its side in every later run, so a challenger is never judged on rows that its
    champion was fitted on; equal rows fall on one side together.
    """
    places = [int.from_bytes(key[:8]) / KEY_SPAN for key in keys]
    return np.array(places) < TEST_SHARE
