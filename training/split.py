"""The split into training and test part, by a hash of each row."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TEST_SHARE = 0.25
KEY_SPAN = 2**64


def is_test(keys: Sequence[bytes]) -> NDArray[np.bool_]:
    """Return for each sha256 row key whether the row is in the test part, shape `(n,)`.

    The part depends only on the row. A row therefore stays in its part in every later run, so no
    model is compared on rows that its champion was fitted to. Equal rows are in the same part.
    """
    positions = [int.from_bytes(key[:8]) / KEY_SPAN for key in keys]
    return np.array(positions) < TEST_SHARE
