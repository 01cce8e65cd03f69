"""Golden rows: applications with recorded log-odds that prove a bundle was read correctly."""

import numpy as np

from models.annotations import Columns
from models.contract import Characteristic, characteristics
from models.features import value_from_column
from models.registry.bundle import Golden
from models.scorer import Scorer

ROWS = 32


def draw_golden_rows(scorer: Scorer, columns: Columns, seed: int) -> Golden:
    """Draw each field from a different row, so that no golden row belongs to a real person."""
    random = np.random.default_rng(seed)
    fields = [c for c in characteristics(scorer.model) if c.compute is None]
    drawn = [{c.name: _draw_value(c, columns, random) for c in fields} for _ in range(ROWS)]
    rows = [scorer.model.model_validate(values) for values in drawn]
    return Golden(applications=tuple(drawn), log_odds=tuple(scorer.log_odds(rows).tolist()))


def _draw_value(
    c: Characteristic, columns: Columns, random: np.random.Generator
) -> str | int | float | None:
    if c.name not in columns:  # an identifier
        return None
    column = columns[c.name]
    return value_from_column(c, float(column[random.integers(len(column))]))
