"""Synthetic data for `bureau`: three tables with known true probabilities of default.

Every loan has its own customer and bureau record. The true log-odds depend only on the inputs of
the model. The effects are strong and not linear: days past due saturate, the ratio of loan to
income bends at twice a year's income, and delinquency has a larger effect at high utilisation. Age
has no effect. The tables contain the same errors as the real ones: misspelt purposes, impossible
fees, taxes and disbursements, loans without a customer, and duplicate rows.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROWS = 12_500
FIRST_DAY, DAYS = datetime(2023, 7, 1, tzinfo=UTC), 1_096
MISSPELT = 0.004  # share of the loans; each share below is a different kind of error
DEAR, OVERTAXED, OVERPAID, ORPHANED, REPEATED = 0.001, 0.0005, 0.0005, 0.0005, 0.001

Floats = NDArray[np.float64]
Frame = pd.DataFrame


@dataclass(frozen=True, slots=True)
class Tables:
    """The three tables, and the true probability of default of each loan."""

    customers: Frame
    loans: Frame
    bureau: Frame
    true_probability: "pd.Series[float]"  # by loan_id

    def by_name(self) -> dict[str, Frame]:
        """Return the three tables by their names in a source."""
        return {"customers": self.customers, "loans": self.loans, "bureau": self.bureau}


def generate(rows: int, seed: int) -> Tables:
    """Draw loans with their customers and bureau records, then add the errors."""
    random = np.random.default_rng(seed)
    hidden = random.normal(0, 1, rows)  # care with money, visible only through the bureau's data
    customers, loans = _draw_customers(random, rows), _draw_loans(random, rows)
    loans = _add_amounts(random, loans, customers["income"].to_numpy())
    bureau = _draw_bureau(random, hidden)
    for frame in (loans, bureau):
        frame.insert(0, "cust_id", customers["cust_id"])
    loans.insert(0, "loan_id", [f"L{number:06d}" for number in range(rows)])
    truth = 1.0 / (1.0 + np.exp(-compute_true_log_odds(customers, loans, bureau)))
    loans["default"] = (random.random(rows) < truth).astype(np.int64)
    _add_errors(random, loans)
    clean = Tables(customers, loans, bureau, pd.Series(truth, index=loans["loan_id"]))
    return Tables(*_add_duplicates(random, clean), clean.true_probability)


INTERCEPT = -13.8
WEIGHTS = {
    "loan_to_income": 1.4,
    "heavy_loan": 1.3,
    "delinquency": 0.1,
    "days_past_due": 0.8,
    "utilization": 0.045,
    "delinquency_x_utilization": 0.0005,
    "open_accounts": 0.25,
    "tenure": 0.3,
    "income": -0.35,
    "rented": 0.7,
    "personal": 0.6,
    "home": -0.5,
    "unsecured": 0.6,
}


def compute_true_log_odds(customers: Frame, loans: Frame, bureau: Frame) -> Floats:
    """Compute the true log-odds of each loan. The tables have the same order and no errors."""
    income, amount = customers["income"].to_numpy(), loans["loan_amount"].to_numpy()
    months, late = bureau["total_loan_months"].to_numpy(), bureau["delinquent_months"].to_numpy()
    loan_to_income = (amount / income).round(2)
    delinquency = (100 * late / months).round(1)
    days = (bureau["total_dpd"].to_numpy() / np.maximum(late, 1)).round(1)
    utilization = bureau["credit_utilization_ratio"].to_numpy()
    terms = {
        "loan_to_income": loan_to_income,
        "heavy_loan": np.maximum(loan_to_income - 2, 0),
        "delinquency": delinquency,
        "days_past_due": np.log1p(days),
        "utilization": utilization,
        "delinquency_x_utilization": delinquency * utilization,
        "open_accounts": bureau["number_of_open_accounts"].to_numpy(),
        "tenure": loans["loan_tenure_months"].to_numpy() / 12,
        "income": np.log(income / 1_000_000),
        "rented": customers["residence_type"].to_numpy() == "Rented",
        "personal": loans["loan_purpose"].to_numpy() == "Personal",
        "home": loans["loan_purpose"].to_numpy() == "Home",
        "unsecured": loans["loan_type"].to_numpy() == "Unsecured",
    }
    return INTERCEPT + sum((WEIGHTS[name] * term for name, term in terms.items()), np.zeros(1))


def _draw_customers(random: np.random.Generator, n: int) -> Frame:
    place_indices = random.integers(0, len(REGIONS), n)
    return pd.DataFrame(
        {
            "cust_id": [f"C{number:06d}" for number in range(n)],
            "age": np.clip(random.normal(40, 10, n), 18, 70).astype(np.int64),
            "gender": random.choice(["F", "M"], n),
            "marital_status": random.choice(["Married", "Single"], n, p=[0.6, 0.4]),
            "employment_status": random.choice(["Salaried", "Self-Employed"], n, p=[0.7, 0.3]),
            "income": np.clip(random.lognormal(14.2, 0.7, n), 150_000, 2e7).astype(np.int64),
            "number_of_dependants": random.integers(0, 5, n),
            "residence_type": random.choice(["Owned", "Rented", "Mortgage"], n, p=[0.5, 0.2, 0.3]),
            "years_at_current_address": random.integers(0, 31, n),
            "city": [REGIONS[i][0] for i in place_indices],
            "state": [REGIONS[i][1] for i in place_indices],
            "zipcode": [REGIONS[i][2] for i in place_indices],
        }
    )


REGIONS = (
    ("Mumbai", "Maharashtra", 400001),
    ("Delhi", "Delhi", 110001),
    ("Bangalore", "Karnataka", 560001),
    ("Chennai", "Tamil Nadu", 600001),
)


def _draw_loans(random: np.random.Generator, n: int) -> Frame:
    purpose = random.choice(["Home", "Auto", "Education", "Personal"], n, p=[0.3, 0.25, 0.15, 0.3])
    secured = np.isin(purpose, ("Home", "Auto"))
    disbursed = pd.to_datetime(FIRST_DAY) + pd.to_timedelta(random.integers(0, DAYS, n), unit="D")
    return pd.DataFrame(
        {
            "loan_purpose": purpose.astype(object),
            "loan_type": np.where(secured, "Secured", "Unsecured").astype(object),
            "loan_tenure_months": random.integers(6, 60, n),
            "disbursal_date": disbursed.strftime("%Y-%m-%d"),
            "installment_start_dt": (disbursed + pd.Timedelta(days=30)).strftime("%Y-%m-%d"),
        }
    )


def _add_amounts(random: np.random.Generator, loans: Frame, income: Floats) -> Frame:
    n = len(loans)
    amount = np.maximum(income * random.gamma(3, 0.45, n), 10_000).round(-3)
    fee, tax = (amount * random.uniform(0.01, 0.025, n)).round(), (amount * 0.18).round()
    return loans.assign(
        sanction_amount=(amount * random.uniform(1, 1.3, n)).round(-3),
        loan_amount=amount,
        processing_fee=fee,
        gst=tax,
        net_disbursement=(amount - fee - tax).round(),
        principal_outstanding=(amount * random.uniform(0, 1, n)).round(),
        bank_balance_at_application=(income * random.gamma(2, 0.15, n)).round(),
    )


def _draw_bureau(random: np.random.Generator, hidden: Floats) -> Frame:
    n = len(hidden)
    opened = 1 + random.binomial(3, 0.5, n)
    months = 12 * opened + random.integers(0, 100, n)
    share = 1 / (1 + np.exp(3.6 + 1.9 * hidden - random.normal(0, 0.5, n)))
    late = random.binomial(months, share)
    days = np.clip(random.normal(5 - 2 * hidden, 1.5, n), 1, 12)
    used = 100 / (1 + np.exp(0.6 + 1.2 * hidden - random.normal(0, 0.7, n)))
    return pd.DataFrame(
        {
            "number_of_open_accounts": opened,
            "number_of_closed_accounts": random.integers(0, 4, n),
            "total_loan_months": months,
            "delinquent_months": late,
            "total_dpd": (late * days).round().astype(np.int64),
            "enquiry_count": random.integers(1, 10, n),
            "credit_utilization_ratio": used.round().astype(np.int64),
        }
    )


def _add_errors(random: np.random.Generator, loans: Frame) -> None:
    """Add each kind of error to different rows of the loans, in place."""
    order = iter(random.permutation(len(loans)).tolist())

    def take(share: float) -> list[int]:
        return [next(order) for _ in range(round(share * len(loans)))]

    amount = loans["loan_amount"]
    misspelt = loans.index[loans["loan_purpose"] == "Personal"][: round(MISSPELT * len(loans))]
    loans.loc[misspelt, "loan_purpose"] = "Personaal"
    for rows, column, share in (
        (take(DEAR), "processing_fee", 0.15),
        (take(OVERTAXED), "gst", 0.45),
        (take(OVERPAID), "net_disbursement", 1.2),
    ):
        loans.loc[rows, column] = (share * amount[rows]).round()
    loans.loc[take(ORPHANED), "cust_id"] = "C-unknown"


def _add_duplicates(random: np.random.Generator, tables: Tables) -> tuple[Frame, Frame, Frame]:
    """Repeat a few rows of each table at its end."""

    def repeat(frame: Frame) -> Frame:
        rows = random.choice(len(frame), round(REPEATED * len(frame)), replace=False)
        return pd.concat([frame, frame.iloc[rows]], ignore_index=True)

    return repeat(tables.customers), repeat(tables.loans), repeat(tables.bureau)
