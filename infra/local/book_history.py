"""A past for a book that was just seeded: recorded month ends, and reports of expected loss."""

import json
from datetime import date, timedelta

from infra.local.lending import run
from infra.local.run import ask, say

MONTHS = 12
RULES = ("ifrs9", "cecl", "cecl_dcf", "rbi_ecl_2026")
AMOUNTS = (
    *(100_000, 200_000, 400_000, 600_000, 900_000, 1_200_000, 1_500_000, 2_000_000),
    *(3_000_000, 5_000_000, 9_000_000, 20_000_000),
)
APPLICANTS = (*range(1103, 1103 + len(AMOUNTS) - 1), 1101)
PURPOSES = ("Education", "Vehicle", "Home Renovation", "Medical", "Business")
# No model has scored a generated book; every report names what it took instead.
UNSCORED = "0.05"


def first_month(today: date) -> date:
    """Return the month end with which the past of a new book begins, a year before the last one."""
    month = _month_before(today)
    for _ in range(MONTHS - 1):
        month = _month_before(month)
    return month


def record_history(today: date) -> None:
    """Record the months that are closed since the first, and report on the last two.

    What was recorded before stays as it is, so that this may run at each start.
    """
    say("recording a year of month ends and reports of expected loss: half a minute")
    last = _month_before(today)
    run("functions.lending", "snapshot", "--month", f"{last:%Y-%m}")
    for rules, day in ((RULES[0], _month_before(last)), *((name, last) for name in RULES)):
        chosen = ("--date", str(day), "--rules", rules, "--unscored", UNSCORED)
        run("functions.lending", "expected-loss", *chosen)


def _month_before(day: date) -> date:
    """Return the last day of the month before a day's."""
    return day.replace(day=1) - timedelta(days=1)


def apply_for_loans(url: str, token: str) -> None:
    """Apply for some loans, as an administrator: for a book in which a model has decided nothing.

    The amounts are from a few months' income to what nobody is lent.
    """
    for number, (customer, amount) in enumerate(zip(APPLICANTS, AMOUNTS, strict=True)):
        application = {
            "customer_id": customer,
            "loan_amount": amount,
            "loan_tenure_months": 24 + 12 * (number % 4),
            "interest_rate": 10.5,
            "loan_purpose": PURPOSES[number % len(PURPOSES)],
        }
        ask(f"{url}/api/loans/apply", json.dumps(application).encode(), token=token)
