"""A synthetic bank: what a CRM, core banking and an indicators' interface deliver day by day.

Customers have a hidden quality that no table shows. It moves how much of their limits they use,
how late they pay and their bureau score. The monthly hazard of default follows the utilisation,
the debt to income, the late payments, the bureau score and two rates of the economy. A downturn
acts through the rates alone. Whoever defaults has no statement afterwards.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CUSTOMERS, MONTHS = 6_000, 30
REGIONS = ("north", "south", "east", "west")
EDUCATION = ("none", "secondary", "vocational", "bachelor", "master", "doctorate")
EDUCATION_SHARES = (0.04, 0.38, 0.25, 0.21, 0.10, 0.02)
DOWNTURN = range(10, 20)  # months of the history
CALM = {
    "policy_rate": 0.03,
    "interest_rate": 0.045,
    "unemployment_rate": 0.04,
    "gdp_growth": 0.02,
}
STRESS = {
    "policy_rate": 0.06,
    "interest_rate": 0.085,
    "unemployment_rate": 0.085,
    "gdp_growth": -0.02,
}
RELEASED_AFTER_DAYS = {
    "policy_rate": 5,
    "interest_rate": 8,
    "unemployment_rate": 35,
    "gdp_growth": 60,
}
MONTHS_BEFORE = 4  # of indicators, so that the first customers have them
EMPLOYED_SHARE = 0.93
LOAN_SHARE = 0.6  # of the customers that have a loan beside their card
LOAN_MONTHS = 60

Floats = NDArray[np.float64]
Frame = pd.DataFrame


@dataclass(frozen=True, slots=True)
class Bank:
    """The rows of each table, and the day on which each arrives as the column `arrives`."""

    tables: dict[str, Frame]
    first_day: date
    last_day: date

    def select_day(self, table: str, day: date) -> Frame:
        """Return the rows that arrive on a day, without that column."""
        rows = self.tables[table]
        return rows[rows["arrives"] == pd.Timestamp(day)].drop(columns="arrives")


@dataclass(frozen=True, slots=True)
class _People:
    """Customers: what does not change, shape `(n,)`."""

    ids: NDArray[np.str_]
    quality: Floats
    income: Floats
    card_limit: Floats
    loan: Floats  # what was borrowed, or 0

    @property
    def statement_days(self) -> NDArray[np.int64]:
        """The day of the month, from 0, on which statements are made: one of four."""
        return np.arange(len(self.ids)) % 4 * 7


@dataclass(frozen=True, slots=True)
class _History:
    """Each customer and month, shape `(n, months)`. `is_active` is false from the default on."""

    is_active: NDArray[np.bool_]
    defaulted_in: NDArray[np.bool_]
    utilization: Floats
    loan_balance: Floats
    days_late: NDArray[np.int64]
    score: NDArray[np.int64]
    inquiries: NDArray[np.int64]


def generate_bank(
    last_day: date, seed: int, customers: int = CUSTOMERS, months: int = MONTHS
) -> Bank:
    """Draw a bank whose history has so many months and ends on `last_day`."""
    random = np.random.default_rng(seed)
    starts = pd.date_range(end=pd.Timestamp(last_day), periods=months, freq="MS")
    people = _draw_people(random, customers)
    economy = _draw_economy(random, months)
    history = _simulate(random, people, economy)
    tables = {
        "customers": _list_customers(random, people, starts[0]),
        "macro_indicators": _list_indicators(random, economy, starts),
        "accounts": _list_accounts(people, history, starts),
        "payments": _list_payments(people, history, starts),
        "inquiries": _list_inquiries(people, history, starts),
        "bureau_scores": _list_scores(people, history, starts),
        "defaults": _list_defaults(random, people, history, starts),
    }
    arrived = {
        name: rows[rows["arrives"] <= pd.Timestamp(last_day)].sort_values("arrives", kind="stable")
        for name, rows in tables.items()
    }
    return Bank(arrived, starts[0].date(), last_day)


def _draw_people(random: np.random.Generator, customers: int) -> _People:
    quality = random.normal(0, 1, customers)
    income = np.exp(random.normal(10.9, 0.45, customers) + 0.15 * quality).round(-2)
    has_loan = random.random(customers) < LOAN_SHARE
    return _People(
        ids=np.array([f"CUST_{number:06}" for number in range(1, customers + 1)]),
        quality=quality,
        income=np.clip(income, 8_000, 900_000),
        card_limit=np.clip((income * random.uniform(0.1, 0.4, customers)).round(-2), 500, None),
        loan=np.where(has_loan, (income * random.uniform(0.2, 1.2, customers)).round(-2), 0.0),
    )


def _draw_economy(random: np.random.Generator, months: int) -> dict[str, Floats]:
    """Draw the indicators of each month and of those before, moving towards their spell's level."""
    paths = {}
    for name, calm in CALM.items():
        level, path = calm, []
        for month in range(-MONTHS_BEFORE, months):
            target = STRESS[name] if month in DOWNTURN else calm
            level += 0.35 * (target - level) + random.normal(0, 0.001)
            path.append(round(level, 4))
        paths[name] = np.array(path)
    return paths


def _simulate(random: np.random.Generator, people: _People, economy: dict[str, Floats]) -> _History:
    customers, months = len(people.ids), len(economy["interest_rate"]) - MONTHS_BEFORE
    shape = (customers, months)
    history = _History(
        is_active=np.ones(shape, bool),
        defaulted_in=np.zeros(shape, bool),
        utilization=np.zeros(shape),
        loan_balance=people.loan[:, None] * np.clip(1 - np.arange(months) / LOAN_MONTHS, 0, 1),
        days_late=np.zeros(shape, np.int64),
        score=np.zeros(shape, np.int64),
        inquiries=random.poisson(np.exp(-1.6 - 0.3 * people.quality)[:, None], shape),
    )
    target = _sigmoid(-0.9 - 0.9 * people.quality)
    utilization, lateness, active = target.copy(), np.zeros(customers), np.ones(customers, bool)
    for month in range(months):
        unemployment = economy["unemployment_rate"][month + MONTHS_BEFORE] - 0.04
        interest = economy["interest_rate"][month + MONTHS_BEFORE] - 0.045
        noise = random.normal(0, 0.08, customers)
        utilization = np.clip(0.8 * utilization + 0.2 * target + noise, 0, 1)
        is_late = random.random(customers) < _sigmoid(
            -2.8 - people.quality + 1.5 * utilization + 10 * unemployment
        )
        days_late = np.where(is_late, random.geometric(0.06, customers), 0)
        lateness = 0.7 * lateness + 0.3 * np.minimum(days_late / 30, 3)
        score = 690 + 55 * people.quality - 40 * lateness + random.normal(0, 15, customers)
        history.is_active[:, month] = active
        history.utilization[:, month] = utilization
        history.days_late[:, month] = days_late
        history.score[:, month] = np.clip(score, 300, 850)
        debt = utilization * people.card_limit + history.loan_balance[:, month]
        risk = 2.0 * utilization + 0.7 * debt / people.income + 0.5 * lateness
        hazard = _sigmoid(-6.6 - 0.01 * (score - 690) + risk + 15 * unemployment + 12 * interest)
        defaults = active & (random.random(customers) < hazard)
        history.defaulted_in[:, month] = defaults
        active = active & ~defaults
    return history


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _list_customers(random: np.random.Generator, people: _People, first: pd.Timestamp) -> Frame:
    rows = len(people.ids)
    ages = random.integers(20 * 365, 75 * 365, rows)
    employed_days = np.minimum(random.exponential(6 * 365, rows), ages - 18 * 365).astype(np.int64)
    employed = first - pd.to_timedelta(employed_days, unit="D")
    return Frame(
        {
            "customer_id": people.ids,
            "birth_date": first - pd.to_timedelta(ages, unit="D"),
            "annual_income": people.income,
            "employed_since": pd.Series(employed).where(random.random(rows) < EMPLOYED_SHARE),
            "education": random.choice(EDUCATION, rows, p=EDUCATION_SHARES),
            "region": random.choice(REGIONS, rows),
            "arrives": first,
        }
    )


def _list_indicators(
    random: np.random.Generator, economy: dict[str, Floats], starts: pd.DatetimeIndex
) -> Frame:
    """List each figure on the day of its release, and one in six again with its revision."""
    rows = []
    for name, path in economy.items():
        for month, value in enumerate(path):
            period = starts[0] + pd.DateOffset(months=month - MONTHS_BEFORE)
            released = period + pd.DateOffset(months=1, days=RELEASED_AFTER_DAYS[name])
            rows.append((name, period, value, released))
            if random.random() < 1 / 6:
                revised = round(value + random.normal(0, 0.0005), 4)
                rows.append((name, period, revised, released + pd.DateOffset(days=30)))
    frame = Frame(rows, columns=["indicator", "period", "value", "released_on"])
    # What was released before the history began arrives with its first day.
    before = frame["released_on"] < starts[0]
    return frame.assign(arrives=frame["released_on"].mask(before, starts[0])).drop_duplicates(
        ["indicator", "period", "arrives"], keep="last"
    )


def _list_accounts(people: _People, history: _History, starts: pd.DatetimeIndex) -> Frame:
    customer, month, stated = _active_months(people, history, starts)
    card = Frame(
        {
            "account_id": np.char.add(people.ids[customer], "-C"),
            "customer_id": people.ids[customer],
            "kind": "card",
            "opened_on": starts[0] - pd.to_timedelta(100 + 7 * (customer % 300), unit="D"),
            "closed_on": pd.NaT,
            "credit_limit": people.card_limit[customer],
            "balance": (history.utilization * people.card_limit[:, None])[customer, month].round(2),
            "arrives": stated,
        }
    )
    loan = card.assign(
        account_id=np.char.add(people.ids[customer], "-L"),
        kind="loan",
        credit_limit=people.loan[customer],
        balance=history.loan_balance[customer, month].round(2),
    )
    return pd.concat([card, loan[people.loan[customer] > 0]], ignore_index=True)


def _list_payments(people: _People, history: _History, starts: pd.DatetimeIndex) -> Frame:
    """List each payment on its due day, and a late one again on the day it is paid."""
    customer, month, due = _active_months(people, history, starts)
    amount = np.maximum(
        0.05 * history.utilization[customer, month] * people.card_limit[customer], 10
    )
    days_late = history.days_late[customer, month]
    paid = due + pd.to_timedelta(days_late, unit="D")
    is_late = days_late > 0
    at_due = Frame(
        {
            "payment_id": [f"{people.ids[c]}-{m:03}" for c, m in zip(customer, month, strict=True)],
            "account_id": np.char.add(people.ids[customer], "-C"),
            "customer_id": people.ids[customer],
            "due_date": due,
            "amount_due": amount.round(2),
            "paid_on": pd.Series(paid).where(~is_late),
            "amount_paid": np.where(is_late, 0.0, amount.round(2)),
            "arrives": due,
        }
    )
    late = at_due[is_late]
    later = late.assign(
        paid_on=paid[is_late], amount_paid=late["amount_due"], arrives=paid[is_late]
    )
    return pd.concat([at_due, later], ignore_index=True)


def _list_inquiries(people: _People, history: _History, starts: pd.DatetimeIndex) -> Frame:
    customer, month, day = _active_months(people, history, starts)
    counts = history.inquiries[customer, month]
    index = np.repeat(np.arange(len(customer)), counts)
    return Frame(
        {
            "inquiry_id": [f"INQ_{number:07}" for number in range(1, len(index) + 1)],
            "customer_id": people.ids[customer[index]],
            "inquired_on": day[index],
            "arrives": day[index],
        }
    )


def _list_scores(people: _People, history: _History, starts: pd.DatetimeIndex) -> Frame:
    customer, month, day = _active_months(people, history, starts)
    return Frame(
        {
            "customer_id": people.ids[customer],
            "scored_on": day,
            "payment_history_score": history.score[customer, month],
            "arrives": day,
        }
    )


def _list_defaults(
    random: np.random.Generator, people: _People, history: _History, starts: pd.DatetimeIndex
) -> Frame:
    customer, month = np.nonzero(history.defaulted_in)
    day = starts[month] + pd.to_timedelta(random.integers(28, 31, len(customer)), unit="D")
    return Frame({"customer_id": people.ids[customer], "defaulted_on": day, "arrives": day})


def _active_months(
    people: _People, history: _History, starts: pd.DatetimeIndex
) -> tuple[NDArray[np.int64], NDArray[np.int64], pd.DatetimeIndex]:
    """Return the customer and the month of each statement, and the day on which it is made."""
    customer, month = np.nonzero(history.is_active)
    days = starts[month] + pd.to_timedelta(people.statement_days[customer], unit="D")
    return customer, month, pd.DatetimeIndex(days)
