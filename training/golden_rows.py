"""Golden rows: applications with recorded log-odds that prove a bundle was read correctly."""

from collections.abc import Sequence

import numpy as np

from models.contract import CreditModel
from models.registry.bundle import Golden
from models.scorer import Scorer

ROWS = 32


def draw_golden_rows(scorer: Scorer, applications: Sequence[CreditModel], seed: int) -> Golden:
    """Draw each field from a different row, so that no golden row belongs to a real person."""
    random = np.random.default_rng(seed)
    names = scorer.model.model_fields
    drawn = [
        {
            name: getattr(applications[int(random.integers(len(applications)))], name)
            for name in names
        }
        for _ in range(ROWS)
    ]
    rows = [scorer.model.model_validate(values) for values in drawn]
    return Golden(applications=tuple(drawn), log_odds=tuple(scorer.log_odds(rows).tolist()))
