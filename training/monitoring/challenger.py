"""Champion against challenger on the same outcomes, looked at as often as one likes.

The test is a confidence sequence: its error rate holds over all looks together, so that stopping at
the first clear answer is no cheating.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.metrics import auc, row_log_loss

ALPHA = 0.05  # chance of a wrong answer ever, on either side
MARGIN = 0.002  # of log-loss, by which a challenger must be better to be worth keeping
OPTIMISED_AT = 2_000  # rows at which the sequence is tightest
LEAST_PAIRS = 200

Answer = Literal["keep", "promote", "retire"]


@dataclass(frozen=True, slots=True)
class ChallengerFigures:
    """The difference of the mean log-loss, challenger minus champion, and what follows from it.

    `promote`: it is certainly better. `retire`: it is certainly not better by the margin, or worse.
    `keep`: go on.
    """

    version: str
    rows: int
    log_loss_difference: float
    low: float
    high: float
    auc_champion: float | None
    auc_challenger: float | None
    answer: Answer


def compare_challenger(outcomes: pd.DataFrame, version: str) -> ChallengerFigures | None:
    """Compare both versions on every outcome that both have scored, or return None without any."""
    pairs = outcomes[outcomes["challenger"] == version].dropna(
        subset=["champion_probability", "challenger_probability"]
    )
    if len(pairs) < LEAST_PAIRS:
        return None
    labels = pairs["outcome"].to_numpy(np.int64)
    first, second = (
        pairs[f"{name}_probability"].to_numpy(np.float64) for name in ("champion", "challenger")
    )
    losses = row_log_loss(labels, second) - row_log_loss(labels, first)
    margin = confidence_margin(len(losses), float(losses.std(ddof=1)))
    mean = float(losses.mean())
    has_both = 0 < labels.sum() < len(labels)
    return ChallengerFigures(
        version=version,
        rows=len(labels),
        log_loss_difference=mean,
        low=mean - margin,
        high=mean + margin,
        auc_champion=auc(labels, first) if has_both else None,
        auc_challenger=auc(labels, second) if has_both else None,
        answer=_choose(mean - margin, mean + margin),
    )


def confidence_margin(rows: int, deviation: float, alpha: float = ALPHA) -> float:
    """Return half the width of a confidence sequence for a mean of independent rows.

    It covers the mean at all numbers of rows at once with at least `1 - alpha`, as far as sums are
    nearly normal. Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Time-uniform central limit
    theory and asymptotic confidence sequences, Annals of Statistics 52 (2024), equation 9.
    """
    log = -2 * math.log(alpha)
    rho2 = (log + math.log(log + 1)) / OPTIMISED_AT
    scaled = rows * rho2 + 1
    return deviation * math.sqrt(
        2 * scaled / (rows**2 * rho2) * math.log(math.sqrt(scaled) / alpha)
    )


def _choose(low: float, high: float) -> Answer:
    if high < 0:
        return "promote"
    return "retire" if low > -MARGIN else "keep"
