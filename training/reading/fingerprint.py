"""The fingerprint of rows: one sha256, however many batches the rows come in."""

import hashlib
from typing import Any

import numpy as np

from models.annotations import Columns
from models.metrics import Labels

LABELS = ""  # no column has this name


class Fingerprint:
    """The sha256 of all rows and labels in order. Equal rows in other batches have the same one."""

    def __init__(self) -> None:
        self._digests: dict[str, Any] = {}

    def update(self, columns: Columns, labels: Labels) -> None:
        """Add rows, by column, and their labels."""
        self._digest(LABELS).update(labels.astype(np.int64).tobytes())
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
