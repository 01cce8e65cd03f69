"""Counter-offers: an application at terms that the lender proposes in the place of the customer's.

It is an application of its own: stored, decided by the model and accepted like any other. The one
that it answers stays in the queue until the customer accepts.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from typing_extensions import TypedDict

from functions.lending.actions.applicants import read_applicant
from functions.lending.actions.applications import (
    RequestIdentity,
    require_status,
    require_version,
    store_application,
)
from functions.lending.actions.cases import Case, read_case, whole_months
from functions.lending.actions.scoring_rows import ScoredTerms, ScoringQuestion, question_about
from functions.lending.errors import TransitionError
from functions.lending.requests import MOST_MONTHS, CounterOffer, LoanRequest
from functions.lending.storage import tables
from functions.lending.storage.idempotency import fingerprint
from functions.lending.storage.identifiers import public_id
from functions.lending.storage.transaction import Transaction
from models.lending.schedule import equal_instalment

SHARES = tuple(range(100, 25, -5))  # per cent of the amount that was asked for
LONGER = (1.0, 1.25, 1.5, 2.0)  # times the months that were asked for
HUNDRED = 100
OPEN = ("pending", "approved")
WAITS = "only one that waits for a person can be answered by another offer"


class CounterTerms(TypedDict):
    """Terms that the model would approve, and what it says of them."""

    loan_amount: float
    loan_tenure_months: int
    equal_instalment: float
    risk_probability: float
    credit_score: int


class CounterTermsReply(TypedDict):
    """The largest amount that the model would approve, for each number of months it was asked for.

    Nothing is recorded: what is offered is decided as any application is.
    """

    application_id: str
    terms: list[CounterTerms]


def read_question(transaction: Transaction, application_id: UUID) -> ScoringQuestion:
    """Return what the model read of an application that waits for a person.

    Raises
    ------
    TransitionError
        If it does not wait.
    """
    case = read_case(transaction, application_id)
    require_status(case, "pending", WAITS)
    applicant = read_applicant(transaction, case.columns["customer_id"])
    return question_about(applicant, case.columns)


class TermsGrid(NamedTuple):
    """Amounts, the largest first, and numbers of months, the fewest first."""

    amounts: list[float]
    months: list[int]

    @property
    def fields(self) -> dict[str, Sequence[object]]:
        """The grid as the scoring function takes it: what comes last varies fastest."""
        return {"loan_tenure_months": self.months, "loan_amount": self.amounts}


def terms_grid(question: ScoringQuestion) -> TermsGrid:
    """Return the amounts and months to ask the model about, the customer's own among them."""
    amount, months = question.row["loan_amount"], question.row["loan_tenure_months"]
    amounts = {amount, *(float(amount * share // HUNDRED) for share in SHARES)} - {0.0}
    tenures = {months, *(min(MOST_MONTHS, int(months * factor)) for factor in LONGER)}
    return TermsGrid(sorted(amounts, reverse=True), sorted(tenures))


def best_terms(
    question: ScoringQuestion, grid: TermsGrid, scored: Sequence[ScoredTerms]
) -> CounterTermsReply:
    """Return the largest amount that is approved for each number of months."""
    rate = Decimal(str(question.row["interest_rate"]))
    own = question.row["loan_tenure_months"], question.row["loan_amount"]
    terms: dict[int, CounterTerms] = {}
    for (months, amount), cell in zip(product(grid.months, grid.amounts), scored, strict=True):
        if cell.is_approved and (months, amount) != own and months not in terms:
            instalment = equal_instalment(Decimal(str(amount)), whole_months(rate, months))
            terms[months] = {
                "loan_amount": amount,
                "loan_tenure_months": months,
                "equal_instalment": float(instalment),
                "risk_probability": cell.probability_of_default,
                "credit_score": cell.credit_score,
            }
    return {"application_id": question.key, "terms": list(terms.values())}


def store_counter_offer(
    transaction: Transaction, application_id: UUID, offer: CounterOffer, expected: int
) -> tuple[UUID, ScoringQuestion | None]:
    """Store an application at other terms than those of one that waits, and what to ask about it.

    Raises
    ------
    TransitionError
        If that application does not wait for a person, if the terms are its own or more than was
        asked for, or if another offer is open.
    VersionError
        If it has changed since the caller read it.
    """
    case = read_case(transaction, application_id, is_locked=True)
    require_status(case, "pending", WAITS)
    require_version(case, expected)
    _require_other_terms(case, offer)
    columns = case.columns
    name = public_id("app", application_id)
    key = f"counter {name} {offer.loan_amount} {offer.loan_tenure_months}"
    _require_no_other_offer(transaction, application_id, key)
    request = LoanRequest.model_construct(  # of what is checked and stored already
        customer_id=columns["customer_id"],
        loan_amount=offer.loan_amount,
        loan_tenure_months=offer.loan_tenure_months,
        interest_rate=columns["annual_rate"],
        loan_purpose=columns["purpose"],
    )
    identity = RequestIdentity(
        key=key, fingerprint=fingerprint("counter_offer", {"key": key}), counter_to=application_id
    )
    stored = store_application(transaction, request, identity)
    detail = {"offer": public_id("app", stored[0]), "code": offer.code, "note": offer.note}
    transaction.audit("counter_offer", name, columns["branch_id"], detail)
    return stored


def _require_other_terms(case: Case, offer: CounterOffer) -> None:
    amount, months = case.columns["amount"], case.columns["months"]
    if offer.loan_amount > amount:
        message = f"loan_amount must be at most the {amount} that the customer asked for"
        raise TransitionError(message)
    if (offer.loan_amount, offer.loan_tenure_months) == (amount, months):
        message = "the terms are those that the customer asked for: approve the application instead"
        raise TransitionError(message)


def _require_no_other_offer(transaction: Transaction, application_id: UUID, key: str) -> None:
    table = tables.applications
    query = select(table.c.id).where(
        table.c.counter_to == application_id, table.c.status.in_(OPEN), table.c.request_key != key
    )
    other = transaction.connection.execute(query).scalars().first()
    if other:
        message = f"another offer is open: {public_id('app', other)}; withdraw it first"
        raise TransitionError(message)
