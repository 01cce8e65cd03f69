"""Synthetic data for `application`: personal loans with known true probabilities of default.

Marginal distributions follow the earlier application-scoring system, so its requests stay typical.
The true log-odds are not linear: late payments saturate, utilisation bends at 60 %, and two pairs
of fields interact. Age, number of credit lines, home ownership and purpose have no effect.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.catalogue.application import Application

ROWS = 50_000
DAYS = 365
LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)

Floats = NDArray[np.float64]


def generate(rows: int, seed: int) -> pd.DataFrame:
    """Draw applications in order of `as_of`, over the year that ends on `LAST_DAY`.

    In addition to the 17 fields, the frame has `as_of` (day of application), `true_probability`
    and `default`.
    """
    random = np.random.default_rng(seed)
    frame = _draw_applicants(random, rows)
    truth = 1.0 / (1.0 + np.exp(-compute_true_log_odds(frame)))
    frame["true_probability"] = truth
    frame["default"] = (random.random(rows) < truth).astype(np.int64)
    days = np.sort(random.integers(0, DAYS, rows))
    frame.insert(0, "as_of", [LAST_DAY - timedelta(days=DAYS - 1 - int(day)) for day in days])
    return frame


INTERCEPT = -3.1
WEIGHTS = {
    "credit_score": -0.9,
    "income": -0.5,
    "employment_length": -0.3,
    "savings": -0.2,
    "debt_to_income": 2.0,
    "utilization": 1.5,
    "high_utilization": 3.0,
    "late": 0.8,
    "utilization_x_late": 0.6,
    "bankruptcies": 1.0,
    "inquiries": 0.12,
    "burden": 1.5,
    "unemployed": 0.5,
    "unemployed_x_burden": 1.0,
}


def compute_true_log_odds(frame: pd.DataFrame) -> Floats:
    """Compute the true log-odds of default of each row."""
    terms = compute_true_terms(frame)
    return INTERCEPT + sum((WEIGHTS[name] * term for name, term in terms.items()), np.zeros(1))


def compute_true_terms(frame: pd.DataFrame) -> dict[str, Floats]:
    """Compute the terms of the true log-odds, before they are weighted."""
    numbers = frame.select_dtypes("number")
    c: dict[str, Floats] = {str(n): numbers[n].to_numpy(dtype=np.float64) for n in numbers}
    c["monthly_payment"] = Application.monthly_payment.compute(c)
    burden = Application.payment_to_income.compute(c)
    unemployed = (frame["employment_status"] == "unemployed").to_numpy(dtype=np.float64)
    utilization, late = c["credit_utilization"], np.log1p(c["num_late_payments"])
    return {
        "credit_score": (c["credit_score"] - 680) / 80,
        "income": np.log(c["income"] / 50_000),
        "employment_length": np.minimum(c["employment_length"], 10) / 5,
        "savings": np.log1p(c["savings"] / 5_000),
        "debt_to_income": c["debt_to_income"],
        "utilization": utilization,
        "high_utilization": np.maximum(utilization - 0.6, 0),
        "late": late,
        "utilization_x_late": utilization * late,
        "bankruptcies": c["num_bankruptcies"],
        "inquiries": c["inquiries_last_6m"],
        "burden": burden,
        "unemployed": unemployed,
        "unemployed_x_burden": unemployed * burden,
    }


def _draw_applicants(random: np.random.Generator, n: int) -> pd.DataFrame:
    def clip_to_int(values: Floats, low: float, high: float) -> NDArray[np.int64]:
        return np.clip(values, low, high).astype(np.int64)

    def pick(**shares: float) -> NDArray[np.str_]:
        return random.choice(list(shares), n, p=list(shares.values()))

    columns = {
        "age": clip_to_int(random.normal(45, 12, n), 18, 75),
        "income": clip_to_int(random.lognormal(10.8, 0.5, n), 20_000, 300_000),
        "employment_length": clip_to_int(random.exponential(7, n), 0, 40),
        "credit_score": clip_to_int(random.normal(680, 80, n), 300, 850),
        "num_credit_lines": clip_to_int(random.poisson(5, n).astype(np.float64), 0, 20),
        "credit_utilization": random.beta(2, 5, n).round(4),
        "debt_to_income": np.minimum(random.beta(2, 5, n), 0.8).round(4),
        "total_debt": clip_to_int(random.lognormal(10.5, 0.8, n), 0, 200_000),
        "savings": clip_to_int(random.lognormal(9, 1.5, n), 0, 100_000),
        "loan_amount": clip_to_int(random.lognormal(9.5, 0.7, n), 1_000, 100_000),
        "loan_term": random.choice([12, 24, 36, 48, 60], n),
        "num_late_payments": clip_to_int(random.poisson(1.5, n).astype(np.float64), 0, 10),
        "num_bankruptcies": random.binomial(1, 0.05, n),
        "inquiries_last_6m": clip_to_int(random.poisson(2, n).astype(np.float64), 0, 10),
        "employment_status": pick(employed=0.65, self_employed=0.20, unemployed=0.10, retired=0.05),
        "home_ownership": pick(mortgage=0.45, rent=0.35, own=0.15, other=0.05),
        "loan_purpose": pick(
            debt_consolidation=0.30,
            credit_card=0.25,
            home_improvement=0.20,
            business=0.10,
            medical=0.10,
            other=0.05,
        ),
    }
    return pd.DataFrame(columns)
