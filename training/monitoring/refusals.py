"""Precision and recall of refusals: at the decision's own cut-off, in all and by month.

An application counts as flagged if it was not approved. Outcomes are known of applications that
became loans: those that were referred, or declined and then granted by hand, stand for the flagged.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.monitoring.performance import name_month

LEAST_FLAGGED = 30  # below which a precision says nothing
LEAST_DEFAULTS = 30  # below which a recall says nothing


@dataclass(frozen=True, slots=True)
class RefusalFigures:
    """What the cut-off did among decisions whose outcome is known.

    `precision` is the share of defaults among the flagged, `recall` the share of flagged among the
    defaults. Each is None where there are too few to say.
    """

    name: str
    rows: int
    flagged: int
    defaults: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Refusals(RefusalFigures):
    """The figures of all months together, and of each month of decisions."""

    vintages: tuple[RefusalFigures, ...]


def measure_refusals(outcomes: pd.DataFrame) -> Refusals:
    """Measure joined outcomes by what was decided: that is the cut-off that was in force."""
    flagged = outcomes["decision"].to_numpy() != "approve"
    defaulted = outcomes["outcome"].to_numpy(np.int64) == 1
    months = np.array([name_month(day) for day in outcomes["day"].tolist()], dtype=str)
    return Refusals(
        *_measure("all", flagged, defaulted),
        vintages=tuple(
            RefusalFigures(*_measure(month, flagged[months == month], defaulted[months == month]))
            for month in sorted(set(months.tolist()))
        ),
    )


def _measure(
    name: str, flagged: np.ndarray, defaulted: np.ndarray
) -> tuple[str, int, int, int, float | None, float | None]:
    """Return the members of `RefusalFigures` in order."""
    caught, all_flagged, all_defaults = (
        int(mask.sum()) for mask in (flagged & defaulted, flagged, defaulted)
    )
    return (
        name,
        len(flagged),
        all_flagged,
        all_defaults,
        caught / all_flagged if all_flagged >= LEAST_FLAGGED else None,
        caught / all_defaults if all_defaults >= LEAST_DEFAULTS else None,
    )
