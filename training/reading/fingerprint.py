"""The fingerprint of rows: one sha256, however many batches the rows come in."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.annotations import Columns
from models.metrics import Labels

# No column has these names.
LABELS = ""
WEIGHTS = "\0"


class Fingerprint:
    """The sha256 of rows, labels and weights in order, the same for any size of batches."""

    def __init__(self) -> None:
        self._digests: dict[str, Any] = {}

    def update(
        self, columns: Columns, labels: Labels, weights: NDArray[np.float64] | None = None
    ) -> None:
        """Add rows, by column, their labels, and their weights if they have some."""
        self._digest(LABELS).update(labels.astype(np.int64).tobytes())
        if weights is not None:
            self._digest(WEIGHTS).update(weights.tobytes())
        for name, column in columns.items():
            # One NaN stands for all: what is absent has no bits of its own.
            self._digest(name).update(np.where(np.isnan(column), np.nan, column).tobytes())

    def hexdigest(self) -> str:
        """Return 64 hex digits."""
        combined = hashlib.sha256()
        for name, digest in self._digests.items():
            combined.update(name.encode() + b"\0" + digest.digest())
        return combined.hexdigest()

    def _digest(self, name: str) -> Any:  # noqa: ANN401 -- hashlib hides its type
        return self._digests.setdefault(name, hashlib.sha256())
