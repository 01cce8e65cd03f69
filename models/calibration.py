"""Beta calibration: maps an estimator's log-odds to calibrated log-odds."""

from dataclasses import dataclass

import numpy as np

from models.errors import DeclarationError
from models.estimators.families import LogOdds


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaCalibration:
    """`log-odds = a ln(p) - b ln(1 - p) + c`; `a = b = 1, c = 0` is the identity.

    The map is strictly monotone, so it changes neither ranks nor reasons. Source: Kull, Silva
    Filho & Flach, Beta calibration, AISTATS 2017.
    """

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a map that does not rise with the probability."""
        finite = np.isfinite([self.a, self.b, self.c]).all()
        if not finite or min(self.a, self.b) < 0 or self.a + self.b == 0:
            message = "beta calibration needs finite a, b >= 0, not both 0, and a finite c"
            raise DeclarationError(message)


def calibrate(log_odds: LogOdds, calibration: BetaCalibration) -> LogOdds:
    """Calibrate log-odds, shape `(n,)`. A value never depends on the values beside it."""
    log_p, log_q = -np.logaddexp(0.0, -log_odds), -np.logaddexp(0.0, log_odds)
    calibrated: LogOdds = calibration.a * log_p - calibration.b * log_q + calibration.c
    return calibrated
