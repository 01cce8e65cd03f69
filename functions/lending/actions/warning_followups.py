"""Who follows early warnings up, and which ones are snoozed; a close changes nothing of it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from typing_extensions import TypedDict

from functions.lending.actions.lists import cursor_from_id
from functions.lending.actions.loan_replies import find_loan
from functions.lending.analytics.early_warnings import FOLLOWED, REASONS
from functions.lending.errors import TransitionError
from functions.lending.requests import WarningOwner, WarningSnooze
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction
from functions.web.problems import Fault, reject_faults

MOST_DAYS = 90
AWAKE: Mapping[str, Any] = {"snoozed_until": None, "snooze_note": None}
COLUMNS = """loan_id, w.customer_id, w.branch_id, w.outstanding, w.as_of, reason, w.since,
    f.owner, f.snoozed_until, f.snooze_note, f.changed_by, f.changed_at"""
FILTERED = f"""{FOLLOWED}
    AND (CAST(:reason AS text) IS NULL OR reason = :reason)
    AND (CAST(:loan AS uuid) IS NULL OR loan_id = :loan)"""
# An index gives the loans of a page in their order; nothing is read of the others.
LISTED = f"""
WITH page AS (SELECT DISTINCT loan_id FROM {FILTERED}
    AND (CAST(:after AS uuid) IS NULL OR loan_id < :after) ORDER BY loan_id DESC LIMIT :rows)
SELECT {COLUMNS} FROM {FILTERED} AND loan_id IN (SELECT loan_id FROM page)
ORDER BY loan_id DESC, reason
"""  # noqa: S608 -- constants
ONE = f"SELECT {COLUMNS} FROM {FOLLOWED} AND loan_id = :loan AND reason = :reason"  # noqa: S608 -- constants
PUT = """
INSERT INTO warning_followups (loan_id, reason, customer_id, branch_id, changed_by, changed_at,
        {names})
    VALUES (:loan_id, :reason, :customer_id, :branch_id, :changed_by, :changed_at, {values})
    ON CONFLICT (loan_id, reason) DO UPDATE SET changed_by = excluded.changed_by,
        changed_at = excluded.changed_at, {assigned}
"""


class WarningQuery(NamedTuple):
    """Filters of the list; `after` is the last loan of the page before."""

    limit: int
    after: UUID | None = None
    loan: UUID | None = None
    reason: str | None = None
    owner: str | None = None
    snoozed: str = "no"


class WarningReply(TypedDict):
    """A warning of the last close, and what became of it."""

    reason: str
    meaning: str
    next_action: str
    since: date
    owner: str | None
    snoozed_until: date | None
    snooze_note: str | None
    changed_by: str | None
    changed_at: datetime | None


class WarnedLoanReply(TypedDict):
    """A loan and its warnings."""

    loan_id: str
    customer_id: int
    branch_id: int
    outstanding: Decimal
    warnings: list[WarningReply]


class WarningsReply(TypedDict):
    """A page of loans with warnings, the newest loan first."""

    as_of: date
    business_date: date
    loans: list[WarnedLoanReply]
    count: int
    next_cursor: str | None


def list_warnings(transaction: Transaction, query: WarningQuery) -> WarningsReply:
    """Return a page of loans with their warnings; the reading is audited."""
    values = query._asdict() | {"rows": query.limit + 1, "day": transaction.business_date}
    rows = transaction.connection.execute(text(LISTED), values).all()
    loans = [_loan(list(of_loan)) for _, of_loan in groupby(rows, key=lambda row: row.loan_id)]
    page = loans[: query.limit]
    transaction.audit("read", "warnings", detail={"count": len(page)})
    last = list(dict.fromkeys(row.loan_id for row in rows))[: query.limit]
    return {
        "as_of": transaction.business_date - timedelta(days=1),
        "business_date": transaction.business_date,
        "loans": page,
        "count": len(page),
        "next_cursor": cursor_from_id(last[-1]) if len(loans) > query.limit else None,
    }


def assign(
    transaction: Transaction, loan_id: UUID, reason: str, body: WarningOwner
) -> WarningReply:
    """Say who follows a warning up, or that nobody does."""
    changed = _put(transaction, loan_id, reason, {"owner": body.owner})
    _audit(transaction, "assign warning", changed, {"owner": body.owner})
    return _warning(changed)


def snooze(
    transaction: Transaction, loan_id: UUID, reason: str, body: WarningSnooze
) -> WarningReply:
    """Take a warning out of the list until a day, and say why."""
    day = transaction.business_date
    if body.until <= day:
        reject_faults([Fault("until", f"must be after the business date {day}")])
    if body.until > day + timedelta(days=MOST_DAYS):
        rule = f"must be at most {MOST_DAYS} days after the business date {day}"
        reject_faults([Fault("until", rule)])
    values = {"snoozed_until": body.until, "snooze_note": body.note}
    changed = _put(transaction, loan_id, reason, values)
    _audit(transaction, "snooze warning", changed, {"until": body.until.isoformat()})
    return _warning(changed)


def wake(transaction: Transaction, loan_id: UUID, reason: str) -> WarningReply:
    """Put a snoozed warning back into the list."""
    changed = _put(transaction, loan_id, reason, AWAKE)
    _audit(transaction, "wake warning", changed, {})
    return _warning(changed)


def _put(
    transaction: Transaction, loan_id: UUID, reason: str, values: Mapping[str, Any]
) -> Row[Any]:
    """Change what is stored beside a warning of the last close.

    Raises
    ------
    TransitionError
        If the loan has no such warning.
    """
    loan = find_loan(transaction, loan_id)
    chosen = {"loan": loan_id, "reason": reason, "owner": None, "snoozed": "all"}
    chosen |= {"day": transaction.business_date}
    if transaction.connection.execute(text(ONE), chosen).first() is None:
        message = f"the loan has no warning {reason} since the last close: GET /v1/warnings"
        raise TransitionError(message)
    statement = PUT.format(
        names=", ".join(values),
        values=", ".join(f":{name}" for name in values),
        assigned=", ".join(f"{name} = excluded.{name}" for name in values),
    )
    row = {"loan_id": loan_id, "reason": reason, "customer_id": loan.customer_id}
    row |= {"branch_id": loan.branch_id, "changed_by": transaction.principal}
    row |= {"changed_at": transaction.now, **values}
    transaction.connection.execute(text(statement), row)
    return transaction.connection.execute(text(ONE), chosen).one()


def _audit(transaction: Transaction, action: str, row: Row[Any], detail: Mapping[str, Any]) -> None:
    subject = public_id("loan", row.loan_id)
    transaction.audit(action, subject, row.branch_id, {"reason": row.reason, **detail})


def _loan(rows: list[Row[Any]]) -> WarnedLoanReply:
    first = rows[0]
    return {
        "loan_id": public_id("loan", first.loan_id),
        "customer_id": first.customer_id,
        "branch_id": first.branch_id,
        "outstanding": first.outstanding,
        "warnings": [_warning(row) for row in rows],
    }


def _warning(row: Row[Any]) -> WarningReply:
    reason = REASONS[row.reason]
    return {
        "reason": row.reason,
        "meaning": reason.meaning,
        "next_action": reason.next_action,
        "since": row.since,
        "owner": row.owner,
        "snoozed_until": row.snoozed_until,
        "snooze_note": row.snooze_note,
        "changed_by": row.changed_by,
        "changed_at": row.changed_at,
    }
