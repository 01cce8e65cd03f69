"""The queue of reviews, what awaits a second person, and how overrides turned out."""

from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb
from typing_extensions import TypedDict

from functions.lending.actions.lists import cursor_from_id
from functions.lending.errors import NotInBookError
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.round_trips import Statement, send
from functions.lending.storage.transaction import Transaction
from models.discovery import credit_models
from models.policy import Cutoffs

Order = Literal["age", "distance"]
QUEUE = """
SELECT a.id, a.customer_id, a.branch_id, a.amount, a.months, a.purpose, a.pending_cause, a.version,
    coalesce(r.asked_at, a.created_at) AS waiting_since, d.probability_of_default,
    d.outcome AS model_outcome, d.reasons,
    d.probability_of_default - (%(cutoffs)s::jsonb ->> d.model)::numeric AS distance,
    r.asked_by, r.note, r.claimed_by, r.claimed_at, r.proposed_by, r.proposed_outcome,
    (SELECT o.id FROM applications o WHERE o.counter_to = a.id
        AND o.status IN ('pending', 'approved') LIMIT 1) AS counter_offer
FROM applications a LEFT JOIN reviews r ON r.application_id = a.id
    LEFT JOIN decisions d ON d.application_id = a.id AND d.is_automated
WHERE a.status = 'pending' {filters} ORDER BY {order} LIMIT %(limit)s
"""
AFTER, BY_AGE = "AND a.id > %(after)s", "a.id"
BY_DISTANCE = "abs(d.probability_of_default - (%(cutoffs)s::jsonb ->> d.model)::numeric), a.id"
OVERRIDES = """
WITH persons AS (
    SELECT p.outcome, l.id AS loan,
        l.npa_since IS NOT NULL OR l.status IN ('written_off', 'settled') AS is_default,
        m.outcome = 'rejected' AND p.outcome = 'approved' AS is_override
    FROM decisions p LEFT JOIN decisions m ON m.application_id = p.application_id AND m.is_automated
        LEFT JOIN loans l ON l.application_id = p.application_id
    WHERE NOT p.is_automated
)
SELECT count(*) AS reviewed, count(*) FILTER (WHERE is_override) AS overrides,
    count(loan) FILTER (WHERE is_override) AS override_loans,
    count(*) FILTER (WHERE is_override AND is_default) AS override_defaults,
    count(loan) FILTER (WHERE NOT coalesce(is_override, false)) AS other_loans,
    count(*) FILTER (WHERE NOT coalesce(is_override, false) AND is_default) AS other_defaults
FROM persons
"""


class ReviewItem(TypedDict):
    """An application that waits for a person; `distance` is its PD less the cut-off of approval."""

    application_id: str
    customer_id: int
    branch_id: int
    loan_amount: float
    loan_tenure_months: int
    loan_purpose: str
    pending_cause: str | None
    waiting_since: datetime
    risk_probability: float | None
    distance: float | None
    model_outcome: Literal["approved", "pending", "rejected"] | None
    reasons: list[dict[str, Any]]
    requested_by: str | None
    request_note: str | None
    claimed_by: str | None
    claimed_at: datetime | None
    proposed_by: str | None
    counter_offer: str | None
    version: int


class ReviewsReply(TypedDict):
    """A page of the queue: the oldest first, or what is nearest to the cut-off."""

    reviews: list[ReviewItem]
    count: int
    next_cursor: str | None


class OverridesReply(TypedDict):
    """How often persons overrode model or policy, and what became of those loans.

    A default is a loan that is non-performing, written off or settled; rates are per cent.
    """

    reviewed: int
    overrides: int
    override_rate: float
    override_loans: int
    override_default_rate: float | None
    other_loans: int
    other_default_rate: float | None


def list_reviews(
    transaction: Transaction, limit: int, order: Order, after: UUID | None
) -> ReviewsReply:
    """Return a page of the queue; only by age does it go on with a cursor."""
    is_by_age = order == "age"
    text = QUEUE.format(
        filters=AFTER if is_by_age and after else "", order=BY_AGE if is_by_age else BY_DISTANCE
    )
    values = {"limit": limit + 1, "after": after, "cutoffs": Jsonb(approval_cutoffs())}
    [rows] = send(transaction.connection, [Statement(text, values)])
    page = rows[:limit]
    transaction.audit("read", "reviews", detail={"count": len(page)})
    is_more = is_by_age and len(rows) > limit
    return {
        "reviews": [_item(row) for row in page],
        "count": len(page),
        "next_cursor": cursor_from_id(page[-1].id) if is_more else None,
    }


def read_review(transaction: Transaction, application_id: UUID) -> ReviewItem:
    """Return one application of the queue.

    Raises
    ------
    NotInBookError
        If it does not wait for a person, or the caller may not see it.
    """
    text = QUEUE.format(filters="AND a.id = %(one)s", order=BY_AGE)
    values = {"limit": 1, "one": application_id, "cutoffs": Jsonb(approval_cutoffs())}
    [rows] = send(transaction.connection, [Statement(text, values)])
    if not rows:
        what = "application that waits for a person"
        raise NotInBookError(what)
    transaction.audit("read", public_id("app", application_id), rows[0].branch_id)
    return _item(rows[0])


def summarise_overrides(transaction: Transaction) -> OverridesReply:
    """Compare loans that a person granted against model or policy with the others."""
    [[row]] = send(transaction.connection, [Statement(OVERRIDES, {})])
    return {
        "reviewed": row.reviewed,
        "overrides": row.overrides,
        "override_rate": _percent(row.overrides, row.reviewed) or 0.0,
        "override_loans": row.override_loans,
        "override_default_rate": _percent(row.override_defaults, row.override_loans),
        "other_loans": row.other_loans,
        "other_default_rate": _percent(row.other_defaults, row.other_loans),
    }


@cache
def approval_cutoffs() -> dict[str, float]:
    """Return the PD from which each model of the catalogue does not approve, where it is fixed."""
    return {
        name: model.policy.approve_below
        for name, model in credit_models().items()
        if isinstance(model.policy, Cutoffs)
    }


def _item(row: Any) -> ReviewItem:  # noqa: ANN401 -- a row of psycopg
    probability, distance = row.probability_of_default, row.distance
    return {
        "application_id": public_id("app", row.id),
        "customer_id": row.customer_id,
        "branch_id": row.branch_id,
        "loan_amount": float(row.amount),
        "loan_tenure_months": row.months,
        "loan_purpose": row.purpose,
        "pending_cause": row.pending_cause,
        "waiting_since": row.waiting_since,
        "risk_probability": None if probability is None else float(probability),
        "distance": None if distance is None else float(distance),
        "model_outcome": row.model_outcome,
        "reasons": row.reasons or [],
        "requested_by": row.asked_by,
        "request_note": row.note,
        "claimed_by": row.claimed_by,
        "claimed_at": row.claimed_at,
        "proposed_by": row.proposed_by,
        "counter_offer": public_id("app", row.counter_offer) if row.counter_offer else None,
        "version": row.version,
    }


def _percent(part: int, total: int) -> float | None:
    return round(100 * part / total, 2) if total else None
