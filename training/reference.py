"""The reference that reasons are measured against: the typical good applicant."""

import statistics
from collections import Counter
from collections.abc import Sequence

from models.contract import Characteristic, CreditModel, characteristics
from models.metrics import Labels
from models.reasons import Reference


def typical_good(
    model: type[CreditModel], applications: Sequence[CreditModel], labels: Labels
) -> Reference:
    """Median of each number and mode of each level among the applications that did not default.

    A number that is mostly absent or special has its most frequent value. Each field is taken by
    itself, so the reference is nobody's application.
    """
    good = [a for a, label in zip(applications, labels, strict=True) if label == 0]
    return {
        c.name: _typical(c, [getattr(a, c.name) for a in good])
        for c in characteristics(model)
        if c.compute is None and not c.protected
    }


def _typical(c: Characteristic, values: list[str | int | float | None]) -> str | int | float | None:
    amounts = [v for v in values if isinstance(v, int | float) and v not in c.special]
    if c.levels or len(amounts) <= len(values) / 2:
        counts = Counter(values)
        return max(counts, key=lambda value: (counts[value], str(value)))
    return statistics.median_low(amounts)
