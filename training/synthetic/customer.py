"""Synthetic data for `customer`: an economic cycle with known true probabilities of default.

The economy is in expansion or in downturn. Spells alternate and last `EXPANSION_MONTHS` or
`DOWNTURN_MONTHS`, so the three years always contain both. Unemployment and interest move towards
the levels of the current spell. Each customer's rates deviate from them by a random regional
difference. A spell affects defaults only through the two rates, and downturns have more defaults.

The true log-odds are not linear: debt saturates, utilisation bends at one half, employment counts
up to ten years, and unemployment has a larger effect at high utilisation. Age and the number of
accounts have no effect.

The optional fields echo the ten: given those, they tell nothing more of the default. Some customers
have none of them, as if a caller had sent the documented request.
"""

from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.catalogue.customer import Customer, Education

ROWS = 50_000
MONTHS = 36
FIRST_DAY, LAST_DAY = datetime(2023, 7, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)
EXPANSION_MONTHS = (8, 16)
DOWNTURN_MONTHS = (5, 10)
LEVELS = {"interest_rate": (0.045, 0.085), "unemployment_rate": (0.04, 0.085)}  # by spell
EDUCATION_SHARES = (0.04, 0.38, 0.25, 0.21, 0.10, 0.02)
REGIONS = ("north", "south", "east", "west")
SHARE_WITHOUT_DETAILS = 0.2
SPEED = 0.35  # share of the distance to its level that a rate moves in a month

Floats = NDArray[np.float64]


def generate(rows: int, seed: int) -> pd.DataFrame:
    """Draw customers in order of `as_of`, over the three years that end on `LAST_DAY`.

    In addition to the fields, the frame has `as_of` (day of scoring), `downturn` (0 or 1),
    `true_probability` and `default`.
    """
    random = np.random.default_rng(seed)
    downturn = draw_spells(random)
    calendar = pd.date_range(FIRST_DAY, LAST_DAY)
    days = calendar[np.sort(random.integers(0, len(calendar), rows))]
    month = 12 * (days.year - FIRST_DAY.year) + days.month - FIRST_DAY.month
    frame = _draw_customers(random, rows)
    for name, around in (("interest_rate", 0.008), ("unemployment_rate", 0.007)):
        path = _draw_path(random, downturn, *LEVELS[name])
        rates = path[month] + random.normal(0, around, rows)
        frame[name] = np.clip(rates, 0.005, 0.25).round(4)
    truth = 1.0 / (1.0 + np.exp(-compute_true_log_odds(frame)))
    frame.insert(0, "as_of", days)
    frame["downturn"] = downturn[month].astype(np.int64)
    frame["true_probability"] = truth
    frame["default"] = (random.random(rows) < truth).astype(np.int64)
    # A stream of its own: the ten fields and the outcomes are what they were without it.
    details = draw_details(np.random.default_rng((seed, 1)), frame)
    return pd.concat([frame, details], axis=1)


def draw_spells(random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw for each month whether it is in downturn."""
    months: list[bool] = []
    downturn = bool(random.integers(2))
    while len(months) < MONTHS:
        shortest, longest = DOWNTURN_MONTHS if downturn else EXPANSION_MONTHS
        months += [downturn] * int(random.integers(shortest, longest + 1))
        downturn = not downturn
    return np.array(months[:MONTHS])


INTERCEPT = -3.6
WEIGHTS = {
    "payment_history": -1.3,
    "utilization": 1.6,
    "high_utilization": 2.5,
    "debt": 1.1,
    "income": -0.5,
    "employment": -0.45,
    "interest": 14.0,
    "unemployment": 10.0,
    "unemployment_x_utilization": 14.0,
}


def compute_true_log_odds(frame: pd.DataFrame) -> Floats:
    """Compute the true log-odds of default of each row."""
    terms = compute_true_terms(frame)
    return INTERCEPT + sum((WEIGHTS[name] * term for name, term in terms.items()), np.zeros(1))


def compute_true_terms(frame: pd.DataFrame) -> dict[str, Floats]:
    """Compute the terms of the true log-odds, before they are weighted."""
    numbers = frame.select_dtypes("number")
    c: dict[str, Floats] = {str(n): numbers[n].to_numpy(dtype=np.float64) for n in numbers}
    utilization, unemployment = c["credit_utilization"], c["unemployment_rate"] - 0.04
    return {
        "payment_history": (c["payment_history_score"] - 680) / 80,
        "utilization": utilization,
        "high_utilization": np.maximum(utilization - 0.5, 0),
        "debt": np.log1p(Customer.debt_to_income.compute(c)),
        "income": np.log(c["annual_income"] / 50_000),
        "employment": np.minimum(c["employment_years"], 10) / 5,
        "interest": c["interest_rate"] - 0.045,
        "unemployment": unemployment,
        "unemployment_x_utilization": unemployment * utilization,
    }


def _draw_path(
    random: np.random.Generator, downturn: NDArray[np.bool_], low: float, high: float
) -> Floats:
    """Draw a rate month by month. It moves towards the level of its spell, with noise."""
    levels = np.where(downturn, high, low)
    rates = [float(levels[0])]
    for level in levels[1:]:
        rates.append(rates[-1] + SPEED * (float(level) - rates[-1]) + random.normal(0, 0.002))
    return np.array(rates)


def _draw_customers(random: np.random.Generator, n: int) -> pd.DataFrame:
    def clip_to_int(values: Floats, low: float, high: float) -> NDArray[np.int64]:
        return np.clip(values, low, high).astype(np.int64)

    return pd.DataFrame(
        {
            "customer_id": [f"CUST_{number:06d}" for number in range(n)],
            "age": clip_to_int(random.normal(45, 12, n), 18, 75),
            "annual_income": clip_to_int(random.lognormal(10.9, 0.5, n), 15_000, 400_000),
            "credit_utilization": random.beta(2, 4, n).round(4),
            "payment_history_score": clip_to_int(random.normal(680, 80, n), 300, 850),
            "employment_years": clip_to_int(random.exponential(7, n), 0, 40),
            "num_credit_accounts": clip_to_int(random.poisson(5, n).astype(np.float64), 0, 20),
            "total_debt": clip_to_int(random.lognormal(10.1, 0.9, n), 0, 300_000),
        }
    )


def draw_details(random: np.random.Generator, customers: pd.DataFrame) -> pd.DataFrame:
    """Draw the optional fields from the ten; a share of the customers has none of them."""
    n = len(customers)
    has_accounts = (customers["num_credit_accounts"] > 0).to_numpy()
    utilization = customers["credit_utilization"].to_numpy()
    frame = pd.DataFrame(
        {
            "education": random.choice(get_args(Education), n, p=EDUCATION_SHARES),
            "region": random.choice(REGIONS, n),
            "mean_utilization_3m": np.clip(utilization + random.normal(0, 0.05, n), 0, 1).round(4),
            "account_age_months": random.gamma(2, 36, n).astype(np.int64),
            "inquiries_6m": random.poisson(0.5 + utilization),
            "policy_rate": (customers["interest_rate"] - 0.015).round(4),
            "gdp_growth": (0.02 - 0.9 * (customers["unemployment_rate"] - 0.04)).round(4),
        }
        | _draw_lateness(random, customers["payment_history_score"].to_numpy(np.float64))
    )
    for name in ("mean_utilization_3m", "account_age_months"):
        frame[name] = frame[name].where(has_accounts)
    names = [name for name in Customer.model_fields if name in frame]
    has_details = random.random(n) >= SHARE_WITHOUT_DETAILS
    details: pd.DataFrame = frame[names].apply(lambda column: column.where(has_details))
    return details


def _draw_lateness(
    random: np.random.Generator, payment_history_score: Floats
) -> dict[str, NDArray[np.generic]]:
    """Draw late payments by window: a low score has more of them, and longer ones."""
    n = len(payment_history_score)
    monthly = 1 / (1 + np.exp((payment_history_score - 560) / 40))
    columns: dict[str, NDArray[np.generic]] = {}
    late, worst = np.zeros(n, np.int64), np.zeros(n, np.int64)
    before = 0
    for months in (3, 6, 12):
        more = random.binomial(months - before, monthly)
        delay = np.where(more > 0, random.geometric(0.06, n), 0)
        late, worst, before = late + more, np.maximum(worst, np.minimum(delay, 180)), months
        columns[f"late_payments_{months}m"] = late
        columns[f"worst_days_past_due_{months}m"] = worst
    columns["paid_share_12m"] = np.where(late == 0, 1.0, 1 - random.beta(1, 12, n) * late / 12)
    return columns
