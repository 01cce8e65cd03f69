"""Synthetic data for `instalment`: granted loans with known true probabilities of default.

Applicants are drawn first. Loans that take more than `MOST_SHARE` of the income are not granted,
as a lender's policy would have it, so the label is default among granted loans only. The true
log-odds are not linear: the share of income bends at one third, and experience counts up to ten
years. Age has no effect.

What a credit bureau knows is drawn after the outcome, and is missing for some: a score and a number
of enquiries that defaulters tend to share. So it tells something that the other fields do not, and
leaves the true probability given those as it is.
"""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.catalogue.instalment import Instalment

ROWS = 30_000
FIRST_DAY, LAST_DAY = datetime(2023, 7, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)
MOST_SHARE = 0.75  # of a month's income, for all instalments
INCOME_TIERS = ((25_000, 50_000), (50_000, 100_000), (100_000, 250_000))
INCOME_SHARES = (0.3, 0.5, 0.2)
TENURES = (12, 24, 36, 48, 60)
EMPLOYMENT = {"salaried": 0.6, "self_employed": 0.18, "business": 0.12, "contract": 0.06}
EMPLOYMENT |= {"retired": 0.04}
PURPOSES = {"Home Renovation": 0.2, "Education": 0.15, "Medical": 0.1, "Business": 0.15}
PURPOSES |= {"Vehicle": 0.15, "Wedding": 0.05, "Debt Consolidation": 0.1, "Personal": 0.1}
HAVE_OTHERS = 0.35  # share of applicants with other loans
INTERCEPT = -4.1
BY_EMPLOYMENT = {"self_employed": 0.4, "business": 0.35, "contract": 0.7, "retired": 0.1}
KNOWN_TO_BUREAU = 0.6  # share of applicants
BUREAU_SCORES = {0: (720.0, 70.0), 1: (660.0, 70.0)}  # mean and spread by outcome
BUREAU_ENQUIRIES = {0: 1.0, 1: 2.2}  # mean by outcome
BY_PURPOSE = {"Debt Consolidation": 0.45, "Business": 0.3, "Wedding": 0.3, "Education": -0.15}

Floats = NDArray[np.float64]


def generate(rows: int, seed: int) -> pd.DataFrame:
    """Draw granted loans in order of `as_of`, over the three years that end on `LAST_DAY`.

    In addition to the fields, the frame has `as_of`, `true_probability` and `default`.
    """
    random = np.random.default_rng(seed)
    parts: list[pd.DataFrame] = []
    while sum(len(part) for part in parts) < rows:
        drawn = draw_applications(random, rows)
        parts.append(drawn[_columns(drawn)["obligations_to_income"] <= MOST_SHARE])
    frame = pd.concat(parts).iloc[:rows].reset_index(drop=True)
    calendar = pd.date_range(FIRST_DAY, LAST_DAY)
    frame.insert(0, "as_of", calendar[np.sort(random.integers(0, len(calendar), rows))])
    truth = 1.0 / (1.0 + np.exp(-compute_true_log_odds(frame)))
    frame["true_probability"] = truth
    frame["default"] = (random.random(rows) < truth).astype(np.int64)
    return pd.concat([frame, draw_bureau_record(random, frame["default"])], axis=1)


def draw_bureau_record(random: np.random.Generator, outcome: "pd.Series[int]") -> pd.DataFrame:
    """Draw what the credit bureau knows of each applicant, given who defaults; NaN for unknown."""
    means, spreads = (outcome.map({k: v[i] for k, v in BUREAU_SCORES.items()}) for i in (0, 1))
    score = np.clip(random.normal(means, spreads), 300, 900).round()
    enquiries = np.clip(random.poisson(outcome.map(BUREAU_ENQUIRIES)), 0, 100).astype(np.float64)
    is_known = random.random(len(outcome)) < KNOWN_TO_BUREAU
    drawn = {"bureau_score": score, "bureau_enquiries": enquiries}
    return pd.DataFrame({name: np.where(is_known, v, np.nan) for name, v in drawn.items()})


def draw_applications(random: np.random.Generator, rows: int) -> pd.DataFrame:
    """Draw applications, before the lender's policy."""
    tiers = random.choice(len(INCOME_TIERS), rows, p=INCOME_SHARES)
    low, high = np.array(INCOME_TIERS)[tiers].T
    age = np.clip(random.normal(38, 10, rows), 21, 65).astype(np.int64)
    experience = np.clip(random.exponential(9, rows), 0, age - 18)
    has_others = random.random(rows) < HAVE_OTHERS
    income = random.uniform(low, high).round(-2)
    return pd.DataFrame(
        {
            "age": age,
            "employment_type": _draw(random, EMPLOYMENT, rows),
            "years_of_experience": experience.round(0),
            "monthly_income": income,
            "other_instalments": (has_others * random.beta(2, 6, rows) * income).round(0),
            "loan_amount": np.clip(random.lognormal(13.0, 0.55, rows), 2e5, 3e6).round(-3),
            "loan_tenure_months": random.choice(TENURES, rows),
            "interest_rate": random.uniform(8.5, 14.5, rows).round(2),
            "loan_purpose": _draw(random, PURPOSES, rows),
        }
    )


def compute_true_log_odds(frame: pd.DataFrame) -> Floats:
    """Compute the true log-odds of default of each row."""
    columns = _columns(frame)
    share = columns["obligations_to_income"]
    log_odds: Floats = (
        INTERCEPT
        + 2.2 * share
        + 5.0 * np.maximum(share - 1 / 3, 0)
        + 0.35 * columns["loan_to_income"]
        - 0.6 * np.log(columns["monthly_income"] / 60_000)
        - 0.09 * np.minimum(columns["years_of_experience"], 10)
        + 0.16 * (columns["interest_rate"] - 8.5)
        + frame["employment_type"].map(BY_EMPLOYMENT).fillna(0).to_numpy(dtype=np.float64)
        + frame["loan_purpose"].map(BY_PURPOSE).fillna(0).to_numpy(dtype=np.float64)
    )
    return log_odds


def _columns(frame: pd.DataFrame) -> dict[str, Floats]:
    numbers = frame.select_dtypes("number")
    columns: dict[str, Floats] = {
        str(name): numbers[name].to_numpy(dtype=np.float64) for name in numbers
    }
    for name in ("obligations_to_income", "loan_to_income"):
        columns[name] = getattr(Instalment, name).compute(columns)
    return columns


def _draw(random: np.random.Generator, shares: dict[str, float], rows: int) -> NDArray[np.str_]:
    return random.choice(list(shares), rows, p=list(shares.values()))
