"""Precision and recall at the decision's cut-off, by month, in numbers that can be counted."""

from datetime import date

import pandas as pd

from models.annotations import days_from_date
from training.monitoring.refusals import measure_refusals

COLUMNS = ["day", "decision", "outcome"]


def decided(day: date, counts: dict[tuple[str, int], int]) -> pd.DataFrame:
    """Decisions of one day: how many of each decision and outcome."""
    rows = [
        (days_from_date(day), decision, outcome)
        for (decision, outcome), count in counts.items()
        for _ in range(count)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_precision_and_recall_are_those_of_what_was_not_approved() -> None:
    counts = {
        ("approve", 0): 80,
        ("approve", 1): 10,
        ("refer", 0): 15,
        ("refer", 1): 20,
        ("decline", 0): 5,
        ("decline", 1): 10,
    }
    figures = measure_refusals(decided(date(2026, 9, 1), counts))
    assert (figures.rows, figures.flagged, figures.defaults) == (140, 50, 40)
    assert (figures.precision, figures.recall) == (30 / 50, 30 / 40)


def test_each_month_is_judged_by_itself_and_a_small_one_is_not_enough() -> None:
    frame = pd.concat(
        [
            decided(date(2026, 9, 30), {("decline", 1): 30, ("approve", 0): 100}),
            decided(date(2026, 10, 1), {("decline", 1): 29, ("approve", 0): 100}),
            decided(date(2026, 11, 1), {("refer", 0): 30, ("approve", 1): 29}),
        ],
        ignore_index=True,
    )
    months = {
        one.name: (one.rows, one.precision, one.recall) for one in measure_refusals(frame).vintages
    }
    assert months == {
        "2026-09": (130, 1.0, 1.0),
        "2026-10": (129, None, None),
        "2026-11": (59, 0.0, None),
    }


def test_no_outcome_is_not_enough() -> None:
    figures = measure_refusals(pd.DataFrame(columns=COLUMNS))
    assert (figures.rows, figures.precision, figures.recall) == (0, None, None)
    assert figures.vintages == ()
