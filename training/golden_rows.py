"""Golden rows: applications with known answers that prove a bundle was read rightly."""

from collections.abc import Sequence

import numpy as np

from models.contract import CreditModel
from models.registry.bundle import Golden
from models.scorer import Scorer

ROWS = 32


def golden_rows(scorer: Scorer, applications: Sequence[CreditModel], seed: int) -> Golden:
    """Draw each field from a row of its own, so that no golden row is a real person's."""
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
