"""Money in and out of one loan: each action makes one fact and posts it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from functions.lending.actions.confirming import AwaitingReply, confirm, find_request
from functions.lending.actions.customers import has_valid_kyc
from functions.lending.actions.loan_replies import posted_reply
from functions.lending.actions.replies import PostedReply
from functions.lending.errors import SecondPersonError, TransitionError
from functions.lending.posting.fact_rows import FirstDue
from functions.lending.posting.postings import Borrower, NewFact, lock_borrower_of_loan, post
from functions.lending.requests import (
    DatedBody,
    DisbursementBody,
    FeeBody,
    ForeclosureBody,
    PaymentBody,
    PrepaymentBody,
    RescheduleBody,
    ReversalBody,
    WaiverBody,
    WriteOffBody,
)
from functions.lending.storage.identifiers import new_id, public_id
from functions.lending.storage.transaction import LOCAL, LoanEvent, Transaction
from models.lending.dates import first_due_date
from models.lending.facts import (
    Disbursement,
    Fact,
    Fee,
    Prepayment,
    Repayment,
    Reschedule,
    Reversal,
    Waiver,
    WriteOff,
)
from models.lending.foreclosure import foreclosure_quote


def disburse(transaction: Transaction, loan_id: UUID, body: DisbursementBody) -> PostedReply:
    """Pay a granted loan out; interest runs from the value date.

    Raises
    ------
    TransitionError
        If the loan is not granted, or the customer has no valid KYC.
    """
    borrower = lock_borrower_of_loan(transaction, loan_id)
    row = borrower.records[loan_id].row
    _require(borrower, loan_id, {"granted"}, "disbursed")
    if not has_valid_kyc(transaction, borrower.customer_id):
        message = "the customer has no valid KYC on the business date: verify the identity first"
        raise TransitionError(message)
    fact = Disbursement(**_dated(transaction, body), amount=row.amount)
    due_day = body.due_day or (body.first_due_on or fact.value_date).day
    first = body.first_due_on or first_due_date(fact.value_date, due_day)
    due = {"first_due_on": first, "due_day": due_day}
    first_due = FirstDue(reference=fact.reference, first_due_on=first, due_day=due_day)
    new = NewFact(fact=fact, extra=due, first_due=first_due)
    return _post(transaction, borrower, loan_id, new)


def repay(transaction: Transaction, loan_id: UUID, body: PaymentBody) -> PostedReply:
    """Take a payment on any day; what is not due yet stays the borrower's credit."""
    borrower = lock_borrower_of_loan(transaction, loan_id)
    _require(borrower, loan_id, {"active", "written_off"}, "repaid")
    fact = Repayment(**_dated(transaction, body), amount=body.amount)
    return _post(transaction, borrower, loan_id, NewFact(fact=fact))


def prepay(transaction: Transaction, loan_id: UUID, body: PrepaymentBody) -> PostedReply:
    """Take a payment ahead of time: arrears first, then principal, then a new schedule."""
    borrower = lock_borrower_of_loan(transaction, loan_id)
    _require(borrower, loan_id, {"active"}, "prepaid")
    fact = Prepayment(**_dated(transaction, body), amount=body.amount, option=body.option)
    return _post(transaction, borrower, loan_id, NewFact(fact=fact))


def foreclose(transaction: Transaction, loan_id: UUID, body: ForeclosureBody) -> PostedReply:
    """Close a loan with the payment of everything.

    Raises
    ------
    TransitionError
        If the amount is not that of the quote for the day.
    """
    borrower = lock_borrower_of_loan(transaction, loan_id)
    _require(borrower, loan_id, {"active"}, "closed")
    dated = _dated(transaction, body)
    record = borrower.records[loan_id]
    loan = record.loan(record.facts)
    if loan is None:
        raise AssertionError
    total = foreclosure_quote(loan, dated["value_date"]).total
    if body.amount != total:
        message = f"amount must be the quote for {dated['value_date']}, {total}: read it again"
        raise TransitionError(message)
    fact = Prepayment(**dated, amount=body.amount, option="reduce_tenure")
    return _post(transaction, borrower, loan_id, NewFact(fact=fact))


def charge_fee(transaction: Transaction, loan_id: UUID, body: FeeBody) -> PostedReply:
    """Let a fee fall due."""
    borrower = lock_borrower_of_loan(transaction, loan_id)
    _require(borrower, loan_id, {"active"}, "charged")
    fact = Fee(**_dated(transaction, body), amount=body.amount)
    return _post(transaction, borrower, loan_id, NewFact(fact=fact, extra={"note": body.note}))


def reverse(transaction: Transaction, loan_id: UUID, body: ReversalBody) -> PostedReply:
    """Take a posting back, as if it had never been made."""
    borrower = lock_borrower_of_loan(transaction, loan_id)
    fact = Reversal(reference=f"reversal:{body.reference}"[:128], reverses=body.reference)
    new = NewFact(fact=fact, extra={"reason": body.reason})
    return _post(transaction, borrower, loan_id, new)


def waive(transaction: Transaction, loan_id: UUID, body: WaiverBody) -> PostedReply | AwaitingReply:
    """Give a claim up, up to an amount and to what is unpaid of it.

    Above the product's limit a second person has to confirm it.
    """
    borrower = lock_borrower_of_loan(transaction, loan_id)
    _require(borrower, loan_id, {"active"}, "waived")
    fact = Waiver(**_dated(transaction, body), amount=body.amount, component=body.component)
    new = NewFact(fact=fact, extra={"reason": body.reason})
    if body.amount <= borrower.records[loan_id].waiver_limit:
        return _post(transaction, borrower, loan_id, new)
    return _post_by_two(transaction, borrower, loan_id, new, body)


def write_off(
    transaction: Transaction, loan_id: UUID, body: WriteOffBody
) -> PostedReply | AwaitingReply:
    """Take a loan off the books, once a second person confirms it."""
    borrower = lock_borrower_of_loan(transaction, loan_id)
    _require(borrower, loan_id, {"active"}, "written off")
    fact = WriteOff(**_dated(transaction, body), kind=body.kind)
    new = NewFact(fact=fact, extra={"reason": body.reason})
    return _post_by_two(transaction, borrower, loan_id, new, body)


def _post_by_two(
    transaction: Transaction,
    borrower: Borrower,
    loan_id: UUID,
    new: NewFact,
    body: WaiverBody | WriteOffBody,
) -> PostedReply | AwaitingReply:
    branch_id = borrower.records[loan_id].row.branch_id
    action = event_type(new.fact)
    first_person = confirm(transaction, loan_id, branch_id, action, body)
    if isinstance(first_person, dict):
        return first_person
    if first_person:
        by_two = {"posted_by": first_person, "approved_by": transaction.principal}
        new = replace(new, extra={**new.extra, **by_two})
    return _post(transaction, borrower, loan_id, new)


def reschedule(transaction: Transaction, loan_id: UUID, body: RescheduleBody) -> PostedReply:
    """Agree new terms from a due date on; arrears stay due."""
    borrower = lock_borrower_of_loan(transaction, loan_id)
    _require(borrower, loan_id, {"active"}, "rescheduled")
    fact = Reschedule(
        reference=public_id("fact", new_id()),
        value_date=body.value_date,
        months=body.months,
        annual_rate_percent=body.interest_rate,
    )
    new = NewFact(fact=fact, extra={"reason": body.reason})
    return _post(transaction, borrower, loan_id, new)


def confirm_request(transaction: Transaction, identifier: UUID) -> PostedReply:
    """Post what another person asked for, as it was asked.

    Raises
    ------
    TransitionError
        If it does not wait any longer.
    SecondPersonError
        If it was asked for by the same person.
    """
    row = find_request(transaction, identifier)
    if transaction.principal == LOCAL:
        message = "nobody is authenticated here: two persons cannot be told apart"
        raise SecondPersonError(message)
    kind, act = BY_TWO[row.action]
    done = act(transaction, row.loan_id, kind.model_validate(row.body))
    if "status" in done:  # somebody was faster, so that it was asked for anew: that is undone
        message = "this request does not wait any longer: read the list again"
        raise TransitionError(message)
    return done


def _require(borrower: Borrower, loan_id: UUID, statuses: set[str], action: str) -> None:
    status = borrower.records[loan_id].row.status
    if status not in statuses:
        allowed = " or ".join(sorted(statuses))
        message = f"the loan is {status}: only a loan that is {allowed} can be {action}"
        raise TransitionError(message)


def _dated(transaction: Transaction, body: DatedBody) -> Mapping[str, Any]:
    """Return reference and value date: the caller's, or a new name and the business date."""
    return {
        "reference": body.external_reference or public_id("fact", new_id()),
        "value_date": body.value_date or transaction.business_date,
    }


def _post(transaction: Transaction, borrower: Borrower, loan_id: UUID, new: NewFact) -> PostedReply:
    posted = post(transaction, borrower, loan_id, new)
    branch_id = borrower.records[loan_id].row.branch_id
    kind = event_type(new.fact)
    amount = getattr(new.fact, "amount", None)
    data = {"reference": new.fact.reference, "status": posted.derived.state.status}
    if amount is not None:
        data["amount"] = str(amount)
    # Every posting is one fact and one event: the number of facts is the event's number.
    sequence = len(borrower.records[loan_id].facts) + 1
    transaction.publish(LoanEvent(loan_id, branch_id, sequence, kind), data)
    action = kind.rpartition(".")[2]
    detail = {"reference": new.fact.reference}
    transaction.audit(action, public_id("loan", loan_id), branch_id, detail)
    return posted_reply(transaction, new.fact, posted)


BY_TWO: Mapping[str, tuple[type[Any], Callable[..., PostedReply | AwaitingReply]]] = {
    "loan.waived": (WaiverBody, waive),
    "loan.written_off": (WriteOffBody, write_off),
}
EVENTS: Mapping[type[Any], str] = {
    Disbursement: "loan.disbursed",
    Repayment: "loan.repaid",
    Prepayment: "loan.prepaid",
    Fee: "loan.charged",
    Reversal: "loan.reversed",
    Waiver: "loan.waived",
    WriteOff: "loan.written_off",
    Reschedule: "loan.rescheduled",
}


def event_type(fact: Fact) -> str:
    """Return the type of the event that a posting makes."""
    return EVENTS[type(fact)]
