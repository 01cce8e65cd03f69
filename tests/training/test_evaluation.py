import numpy as np

from models.annotations import days_from_date
from training.evaluation import select_periods


def days(*texts: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([days_from_date(text) for text in texts])


def test_periods_are_months() -> None:
    dates = days("2024-01-31", "2024-02-01", "2024-01-01", "2024-12-31")
    segments = select_periods(dates)
    assert [segment.group for segment in segments] == ["2024-01", "2024-02", "2024-12"]
    assert segments[0].rows.tolist() == [True, False, True, False]


def test_a_long_time_has_quarters() -> None:
    months = [f"{2020 + m // 12}-{m % 12 + 1:02}-15" for m in range(30)]
    segments = select_periods(days(*months))
    assert [segment.group for segment in segments][:5] == [
        *("2020 Q1", "2020 Q2", "2020 Q3", "2020 Q4", "2021 Q1"),
    ]
    assert [int(segment.rows.sum()) for segment in segments] == [3] * 10
