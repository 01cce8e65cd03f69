"""Early warnings: loans to look at before they are lost, found anew by each close.

Every reason is one statement over loans that are late, or over what changed lately; each names
since when it holds.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, text

from functions.lending.storage import cells


class WarningReason(NamedTuple):
    """Why a loan is looked at, what to do next, and the statement that finds such loans."""

    meaning: str
    next_action: str
    statement: str


LATE = """
late AS (SELECT id, days_past_due, oldest_due FROM loans
    WHERE status = 'active' AND days_past_due > 0)
"""
# Of each loan that is late or was so lately, the last three instalments that fell due.
THREE_LATE = f"""
WITH {LATE}, candidates AS (SELECT id FROM late UNION
    SELECT loan_id FROM instalments WHERE met_on > due_on AND due_on > :day - 31 AND due_on <= :day)
SELECT c.id, min(i.due_on) FROM candidates c CROSS JOIN LATERAL (
    SELECT due_on, met_on, unpaid_interest + unpaid_principal AS unpaid FROM instalments
    WHERE loan_id = c.id AND due_on <= :day ORDER BY number DESC LIMIT 3) i
GROUP BY c.id HAVING count(*) = 3 AND bool_and(i.unpaid > 0 OR i.met_on > i.due_on)
"""  # noqa: S608 -- constants
FIRST_PAYMENT = f"""
WITH {LATE} SELECT late.id, i.due_on FROM late JOIN instalments i ON i.loan_id = late.id
    AND i.number = 1 AND i.due_on <= :day AND i.unpaid_interest + i.unpaid_principal > 0
"""  # noqa: S608 -- likewise
RISING = f"""
WITH {LATE}, months AS (SELECT month_end, row_number() OVER (ORDER BY month_end DESC) AS age
    FROM month_ends WHERE month_end <= :day ORDER BY month_end DESC LIMIT 3)
SELECT late.id, min(m.month_end) FROM late JOIN loan_months m ON m.loan_id = late.id
    AND m.revision = 0 JOIN months USING (month_end)
GROUP BY late.id HAVING count(*) = 3 AND min(m.days_past_due) > 0
    AND min(m.days_past_due) FILTER (WHERE age = 1) > min(m.days_past_due) FILTER (WHERE age = 2)
    AND min(m.days_past_due) FILTER (WHERE age = 2) > min(m.days_past_due) FILTER (WHERE age = 3)
"""  # noqa: S608 -- likewise
PARTIAL = f"""
WITH {LATE} SELECT late.id, min(i.due_on) FROM late JOIN instalments i ON i.loan_id = late.id
    AND i.due_on <= :day AND i.unpaid_interest + i.unpaid_principal > 0 AND i.paid > 0
GROUP BY late.id
"""  # noqa: S608 -- likewise
SCORE_DOWN = """
WITH several AS (SELECT customer_id FROM decisions WHERE is_automated
    GROUP BY customer_id HAVING count(*) > 1)
SELECT l.id, CAST(newest.created_at AS date) FROM several JOIN loans l USING (customer_id)
    JOIN decisions own ON own.application_id = l.application_id AND own.is_automated
    CROSS JOIN LATERAL (SELECT credit_score, created_at FROM decisions d
        WHERE d.customer_id = l.customer_id AND d.is_automated ORDER BY created_at DESC LIMIT 1
    ) newest
WHERE l.status = 'active' AND newest.credit_score <= own.credit_score - 40
"""
# Guarantors have no number of a customer: the digits of a telephone tell who they are.
GUARANTOR = """
WITH lost AS (SELECT regexp_replace(c.phone, '\\D', '', 'g') AS phone, min(l.npa_since) AS since
    FROM loans l JOIN customers c ON c.id = l.customer_id
    WHERE l.status = 'active' AND l.npa_since IS NOT NULL GROUP BY 1)
SELECT l.id, min(lost.since) FROM guarantors g
    JOIN lost ON lost.phone = regexp_replace(g.phone, '\\D', '', 'g')
    JOIN loans l ON l.id = g.loan_id WHERE l.status = 'active' GROUP BY l.id
"""
COLLATERAL_DOWN = """
SELECT l.id, min(v.valued_on) FROM (
    SELECT loan_id, valued_on, value, lag(value) OVER (PARTITION BY loan_id, kind, description
        ORDER BY valued_on, id) AS before,
        row_number() OVER (PARTITION BY loan_id, kind, description ORDER BY valued_on DESC, id DESC)
        AS age FROM collateral WHERE valued_on <= :day) v JOIN loans l ON l.id = v.loan_id
WHERE v.age = 1 AND v.value <= 0.9 * v.before AND l.status = 'active' GROUP BY l.id
"""
REASONS: Mapping[str, WarningReason] = {
    "three_late_in_a_row": WarningReason(
        "The last three instalments that fell due were paid late or not at all.",
        "Call the borrower, and agree on a due day that fits the income.",
        THREE_LATE,
    ),
    "first_payment_default": WarningReason(
        "The first instalment is overdue.",
        "Verify identity, employment and bank mandate within two days.",
        FIRST_PAYMENT,
    ),
    "days_past_due_rising": WarningReason(
        "Days past due rose at each of the last three month ends.",
        "Visit the borrower, and look for a restructuring before 90 days.",
        RISING,
    ),
    "partial_payments": WarningReason(
        "An overdue instalment was paid in part.",
        "Ask what can be paid each month, and offer new terms.",
        PARTIAL,
    ),
    "score_down": WarningReason(
        "A newer decision on the borrower scored 40 points or more below the loan's own.",
        "Grant nothing more, and review the exposure.",
        SCORE_DOWN,
    ),
    "guarantor_npa": WarningReason(
        "A guarantor has a non-performing loan here; told by the telephone number.",
        "Ask for another guarantor or for collateral.",
        GUARANTOR,
    ),
    "collateral_value_down": WarningReason(
        "The newest valuation of a collateral is 10 % or more below the one before.",
        "Value it again, and ask for more collateral where the loan exceeds it.",
        COLLATERAL_DOWN,
    ),
}


# Warnings with who follows them up; `:day` is the open day, on which a snooze may have ended.
FOLLOWED = """
    early_warnings w LEFT JOIN warning_followups f USING (loan_id, reason)
    WHERE (CAST(:owner AS text) IS NULL OR f.owner = :owner)
        AND CASE CAST(:snoozed AS text) WHEN 'all' THEN true
            ELSE (coalesce(f.snoozed_until > :day, false)) = (:snoozed = 'only') END"""
SNOOZED = ("no", "only", "all")


def refresh(connection: Connection, day: date) -> int:
    """Replace the warnings by those at the end of a closed day; return how many there are."""
    cells.without_limit(connection)
    connection.execute(text("DELETE FROM early_warnings"))
    number = 0
    for name, reason in REASONS.items():
        statement = f"""
            INSERT INTO early_warnings SELECT l.id, l.branch_id, l.customer_id, :reason, w.since,
                l.outstanding_principal, :day
            FROM ({reason.statement}) AS w (loan_id, since) JOIN loans l ON l.id = w.loan_id
            WHERE l.status = 'active'"""  # noqa: S608 -- statements of ours
        values = {"reason": name, "day": day}
        number += connection.execute(text(statement), values).rowcount
    return number
