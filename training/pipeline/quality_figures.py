"""Figures of the checks of data quality of a day, for Prometheus."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from models.figures import Figure
from training.pipeline.quality import Checks


def list_quality_figures(checks: Checks, day: date) -> Iterator[Figure]:
    """List verdicts and figures of a day's checks; those without a figure are left out."""
    midnight = datetime.combine(day, time(), UTC)
    yield Figure(
        "surety_quality_day_timestamp_seconds",
        "Start of the last day that was checked.",
        {},
        midnight.timestamp(),
    )
    for (table, judged_day), judged in checks.items():
        for check in judged if judged_day == day else ():
            labels = {"table": table, "check": check.name, "column": check.column}
            if check.figure is not None:
                is_failed = float(check.outcome == "failed")
                yield Figure("surety_quality_failed", "1 if a check failed.", labels, is_failed)
                yield Figure(
                    "surety_quality_figure", "What a check measured.", labels, check.figure
                )
