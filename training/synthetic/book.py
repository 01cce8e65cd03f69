"""A synthetic loan book: customers, applications, loans and repayments, with known true PDs.

Who defaults is drawn from the true probability of `training.synthetic.instalment`. Who does, stops
paying within the first year; the others pay on the due date, some a few days early or late. The
lender's policy and its offers are drawn too, so that about half of all applications become loans.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from models.catalogue.instalment import Instalment, instalments
from models.lending.dates import add_months, first_due_date
from models.lending.penal_charges import PenalPolicy, penal_charge
from models.lending.schedule import ScheduledInstalment, amortise
from models.lending.terms import LoanTerms
from training.synthetic.instalment import compute_true_log_odds, draw_applications

CUSTOMERS, APPLICATIONS_EACH = 1_000, 1.5
PART = 10_000  # customers that are drawn at a time
FIRST_CUSTOMER = 1_101  # the documented requests name customers 1101 and 1102
DAYS = 720  # from the first application to the last
POLICY_SHARE, REFER_FROM, DECLINE_FROM = 0.30, 0.30, 0.50
ACCEPTED = 0.92  # of the offers
LATE, EARLY = 0.12, 0.05  # of the instalments
MOST_DAYS_LATE, MOST_DAYS_EARLY = 20, 4
# What the first product of the loan book charges: who is late pays that, too.
PENAL = PenalPolicy(annual_rate_percent=Decimal(24), grace_days=3)
FIRST_NAMES = ("Asha", "Ravi", "Meera", "Arjun", "Priya", "Vikram", "Leela", "Sanjay", "Divya")
LAST_NAMES = ("Rao", "Iyer", "Shah", "Das", "Nair", "Gupta", "Menon", "Kaur", "Bose", "Reddy")
CITIES = (
    ("Bengaluru", "Karnataka"),
    ("Mumbai", "Maharashtra"),
    ("Chennai", "Tamil Nadu"),
    ("Kolkata", "West Bengal"),
    ("Jaipur", "Rajasthan"),
)


def generate_parts(customers: int, seed: int, as_of: date) -> Iterator[Mapping[str, pd.DataFrame]]:
    """Draw a book part by part, so that no more than a part is in memory.

    A book of one part is that of `generate`. Each part has seeds of its own, and numbers its
    customers and applications after those before it.
    """
    for number, first in enumerate(range(0, customers, PART)):
        part_seed = seed if number == 0 else [seed, number]
        tables = generate(min(PART, customers - first), part_seed, as_of)
        for table in tables.values():
            if "customer_id" in table:
                table["customer_id"] += first
            if "application" in table:
                table["application"] += int(first * APPLICATIONS_EACH)
        yield {name: _renamed(name, table) for name, table in tables.items()}


def _renamed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return a part's table with the names that follow from its numbers."""
    if name == "customers":
        numbers = table["customer_id"]
        email = [f"customer{number}@example.org" for number in numbers]
        phone = [f"+91 80 55{number % 1_000_000:06d}" for number in numbers]
        return table.assign(email=email, phone=phone)
    if name == "repayments" and len(table):
        instalment = table["reference"].str.rpartition("-")[2]
        return table.assign(reference="UTR-" + table["application"].astype(str) + "-" + instalment)
    return table


def generate(customers: int, seed: int | list[int], as_of: date) -> dict[str, pd.DataFrame]:
    """Draw a book whose last business day is `as_of`; tables by name."""
    random = np.random.default_rng(seed)
    people = draw_customers(random, customers, as_of)
    applications = draw_book_applications(random, people, as_of)
    granted = applications[applications["status"] == "accepted"]
    loans, payments = [], []
    for record in granted.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        disbursement = _draw_disbursement(random, row, as_of)
        if disbursement:
            loans.append(disbursement)
            payments += list(draw_repayments(random, row, disbursement, as_of))
    return {
        "customers": people,
        "applications": applications,
        "disbursements": pd.DataFrame(loans),
        "repayments": pd.DataFrame(payments),
    }


def draw_customers(random: np.random.Generator, customers: int, as_of: date) -> pd.DataFrame:
    """Draw customers with employment."""
    drawn = draw_applications(random, customers)
    first, last = (random.choice(names, customers) for names in (FIRST_NAMES, LAST_NAMES))
    cities = np.array(CITIES)[random.integers(0, len(CITIES), customers)]
    numbers = FIRST_CUSTOMER + np.arange(customers)
    births = [
        add_months(as_of, -12 * int(age)) - timedelta(days=int(days))
        for age, days in zip(drawn["age"], random.integers(0, 365, customers), strict=True)
    ]
    return pd.DataFrame(
        {
            "customer_id": numbers,
            "full_name": [f"{a} {b}" for a, b in zip(first, last, strict=True)],
            "email": [f"customer{number}@example.org" for number in numbers],
            "phone": [f"+91 80 55{number % 1_000_000:06d}" for number in numbers],
            "city": cities[:, 0],
            "state": cities[:, 1],
            "date_of_birth": births,
            "employer_name": [f"{name} Works" for name in random.choice(LAST_NAMES, customers)],
            "employment_type": drawn["employment_type"],
            "monthly_income": drawn["monthly_income"],
            "years_of_experience": drawn["years_of_experience"],
            "age": drawn["age"],
        }
    )


def draw_book_applications(
    random: np.random.Generator, people: pd.DataFrame, as_of: date
) -> pd.DataFrame:
    """Draw applications with their true probability of default, and what became of each."""
    count = int(len(people) * APPLICATIONS_EACH)
    others = random.integers(0, len(people), count - len(people))
    who = people.iloc[np.concatenate([np.arange(len(people)), others])].reset_index(drop=True)
    drawn = draw_applications(random, count)
    for name in ("age", "employment_type", "years_of_experience", "monthly_income"):
        drawn[name] = who[name]
    drawn["other_instalments"] = 0.0
    days = np.sort(random.integers(1, DAYS, count))[::-1]
    truth = 1.0 / (1.0 + np.exp(-compute_true_log_odds(drawn)))
    columns = {str(n): drawn[n].to_numpy(dtype=np.float64) for n in drawn.select_dtypes("number")}
    share = instalments(columns) / columns["monthly_income"]
    is_declined = (share > POLICY_SHARE) | (truth >= DECLINE_FROM)
    is_taken = random.random(count) < ACCEPTED
    status = np.select(
        [is_declined, truth >= REFER_FROM, is_taken], ["rejected", "pending", "accepted"], "expired"
    )
    names = [n for n in Instalment.model_fields if n.startswith(("loan_", "interest_"))]
    frame = drawn[names].copy()
    frame.insert(0, "application", np.arange(1, count + 1))
    frame.insert(1, "customer_id", who["customer_id"])
    frame["applied_on"] = [as_of - timedelta(days=int(day)) for day in days]
    frame["status"] = status
    frame["true_probability"] = truth
    frame["default"] = (random.random(count) < truth).astype(np.int64)
    return frame


def _draw_disbursement(
    random: np.random.Generator, row: Mapping[str, Any], as_of: date
) -> dict[str, Any] | None:
    day = row["applied_on"] + timedelta(days=int(random.integers(1, 8)))
    if day > as_of:
        return None
    due_day = int(random.choice([1, 5, 10, 15]))
    first = first_due_date(day, due_day, 20)
    return {
        "application": row["application"],
        "disbursed_on": day,
        "first_due_on": first,
        "due_day": due_day,
    }


def draw_repayments(
    random: np.random.Generator, row: Mapping[str, Any], loan: Mapping[str, Any], as_of: date
) -> Iterator[dict[str, Any]]:
    """Draw what was paid up to `as_of`."""
    stops_after = int(random.integers(0, 9)) if row["default"] else row["loan_tenure_months"]
    for instalment in _schedule(row, loan)[:stops_after]:
        shift = _draw_shift(random)
        paid_on = max(instalment.due_on + timedelta(days=shift), loan["disbursed_on"])
        if paid_on > as_of:
            return
        penal = penal_charge(PENAL, instalment.payment * max(0, shift - PENAL.grace_days))
        yield {
            "application": row["application"],
            "reference": f"UTR-{row['application']}-{instalment.number}",
            "value_date": paid_on,
            "amount": instalment.payment + penal,
        }


def _schedule(row: Mapping[str, Any], loan: Mapping[str, Any]) -> tuple[ScheduledInstalment, ...]:
    terms = LoanTerms(
        annual_rate_percent=Decimal(str(row["interest_rate"])),
        months=int(row["loan_tenure_months"]),
        first_due_on=loan["first_due_on"],
        due_day=loan["due_day"],
    )
    amount = Decimal(str(row["loan_amount"]))
    return amortise(amount, terms, loan["disbursed_on"]).instalments


def _draw_shift(random: np.random.Generator) -> int:
    chance = random.random()
    if chance < LATE:
        return int(random.integers(1, MOST_DAYS_LATE + 1))
    return -int(random.integers(1, MOST_DAYS_EARLY + 1)) if chance < LATE + EARLY else 0
