"""What other cut-offs would have done to the applications of the last days.

The probabilities are those that were recorded with each decision; no model is asked again.
"""

from datetime import date
from typing import Any, Literal

from sqlalchemy import text
from typing_extensions import TypedDict

from functions.lending.requests import PolicyBody
from functions.lending.storage.transaction import Transaction

# Interest over the whole schedule, before rounding: what a loan earns that is repaid as agreed.
SUMS = text("""
WITH decided AS (
    SELECT CAST(d.probability_of_default AS double precision) AS p, d.outcome AS present,
        CASE WHEN d.probability_of_default < :approve_below THEN 'approved'
            WHEN d.probability_of_default < :decline_from THEN 'pending'
            ELSE 'rejected' END AS moved,
        CAST(a.amount AS double precision) AS amount, a.months,
        CAST(a.annual_rate AS double precision) / 1200 AS r
    FROM applications a JOIN decisions d ON d.application_id = a.id AND d.is_automated
    WHERE a.business_date > CAST(:day AS date) - CAST(:days AS integer)
        AND a.business_date <= :day
), earned AS (
    SELECT *, CASE WHEN r = 0 THEN 0 ELSE amount * months * r / (1 - power(1 + r, -months)) - amount
        END AS interest FROM decided
)
SELECT present, moved, count(*) AS number, sum(amount) AS amount, sum(p) AS bads,
    sum((1 - p) * interest - p * :loss_given_default * amount) AS profit
FROM earned GROUP BY present, moved ORDER BY present, moved
""")
Side = Literal["present", "moved"]


class PolicyFigures(TypedDict):
    """What a policy makes of the applications; the last three are of those it approves."""

    approved: int
    pending: int
    rejected: int
    approval_rate: float | None
    approved_amount: float
    expected_bad_rate: float | None
    expected_profit: float


class PolicyReply(TypedDict):
    """Both policies side by side, and how many applications moved from which answer to which."""

    as_of: date
    days: int
    applications: int
    definition: str
    present: PolicyFigures
    moved: PolicyFigures
    changes: list[dict[str, Any]]


DEFINITION = (
    "Applications of the last days that a model decided. Expected bad rate: the mean probability of"
    " default of those approved. Expected profit: (1 - p) times the interest of the schedule, less"
    " p times loss_given_default times the amount, before funding and running costs."
)


def move(transaction: Transaction, policy: PolicyBody) -> PolicyReply:
    """Return what the policy makes of recent applications, beside what models decided on them."""
    values = policy.model_dump() | {"day": transaction.business_date}
    rows = list(transaction.connection.execute(SUMS, values))
    return {
        "as_of": transaction.business_date,
        "days": policy.days,
        "applications": sum(row.number for row in rows),
        "definition": DEFINITION,
        "present": _figures(rows, "present"),
        "moved": _figures(rows, "moved"),
        "changes": [
            {"from": row.present, "to": row.moved, "number": row.number}
            for row in rows
            if row.present != row.moved
        ],
    }


def _figures(rows: list[Any], side: Side) -> PolicyFigures:
    counts = dict.fromkeys(("approved", "pending", "rejected"), 0)
    for row in rows:
        counts[getattr(row, side)] += row.number
    approved = [row for row in rows if getattr(row, side) == "approved"]
    number, total = counts["approved"], sum(counts.values())
    return {
        "approved": number,
        "pending": counts["pending"],
        "rejected": counts["rejected"],
        "approval_rate": round(100 * number / total, 2) if total else None,
        "approved_amount": round(sum(row.amount for row in approved), 2),
        "expected_bad_rate": (
            round(100 * sum(row.bads for row in approved) / number, 2) if number else None
        ),
        "expected_profit": round(sum(row.profit for row in approved), 2),
    }
