"""Moving a pointer for a caller: the checks of the command line, and the move."""

from dataclasses import dataclass
from datetime import datetime

from functions.retrain.proposals import Proposal, find_proposal, propose
from models.contract import CreditModel, name_from_model
from models.errors import ApprovalError, SequenceError
from models.registry.approval import (
    Judgement,
    check_reason,
    check_second_person,
    find_judgement,
    needs_second_person,
)
from models.registry.isolated_load import load_in_isolation
from models.registry.pointer import Author, Pointer, find_pointer, promote, roll_back
from models.registry.versions import Version, read_by_name
from models.stores.preconditions import prove_preconditions
from models.stores.store import OpenedStore

NOBODY = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a caller asks for: the version, the sequence they saw, their name and their reason.

    `who` is None if nothing tells callers apart.
    """

    version: str
    expected: int
    who: str | None
    when: datetime
    reason: str | None

    @property
    def author(self) -> Author:
        """The author of the move."""
        return Author(who=self.who or NOBODY, when=self.when, reason=self.reason)


def promote_by_order(
    store: OpenedStore, model: type[CreditModel], order: Order
) -> Pointer | Proposal:
    """Promote a version, or propose it if a second person must agree first.

    Raises
    ------
    SequenceError
        If the pointer has another sequence than the caller saw.
    ApprovalError
        If the reason or the second person is missing.
    ModelRefusedError
        If a separate process cannot load the version.
    """
    model_name = name_from_model(model)
    version = _load(store, model, order)
    judgement = find_judgement(store, model_name, version.version)
    proposal = find_proposal(store, model_name, order.expected, version.version)
    if needs_second_person(model.gate_policy, judgement):
        if proposal is None:
            return _propose(store, model_name, order, judgement)
        author = _approve(proposal, order, judgement)
    else:
        check_reason(version.version, judgement, order.reason)
        author = _with_failures(order.author, judgement)
    return promote(store, model_name, version, author, order.expected)


def roll_back_by_order(store: OpenedStore, model: type[CreditModel], order: Order) -> Pointer:
    """Make the previous champion the champion again. Errors are those of `promote_by_order`.

    This needs no reason and no second person: a rollback is often urgent.
    """
    version = _load(store, model, order)
    return roll_back(store, name_from_model(model), version, order.author, order.expected)


def _load(store: OpenedStore, model: type[CreditModel], order: Order) -> Version:
    """Check the sequence, and load the version in a separate process."""
    model_name = name_from_model(model)
    pointer = find_pointer(store, model_name)
    actual = pointer.sequence if pointer else 0
    if actual != order.expected:
        raise SequenceError(model_name, actual)
    version, bundle = read_by_name(store, model_name, order.version)
    load_in_isolation(bundle, model)
    prove_preconditions(store)
    return version


def _propose(
    store: OpenedStore, model_name: str, order: Order, judgement: Judgement | None
) -> Proposal:
    check_reason(order.version, judgement, order.reason)
    proposal = Proposal(
        version=order.version,
        sequence=order.expected,
        who=_require_name(order),
        when=order.when,
        reason=order.reason or "",
    )
    return propose(store, model_name, proposal)


def _approve(proposal: Proposal, order: Order, judgement: Judgement | None) -> Author:
    """Return the proposer as the author, with the caller as the second person."""
    approver = _require_name(order)
    check_second_person(proposal.who, approver, is_needed=True)
    author = Author(who=proposal.who, when=order.when, reason=proposal.reason, approved_by=approver)
    return _with_failures(author, judgement)


def _with_failures(author: Author, judgement: Judgement | None) -> Author:
    return Author(
        who=author.who,
        when=author.when,
        reason=author.reason,
        approved_by=author.approved_by,
        failed=judgement.failed if judgement else (),
    )


def _require_name(order: Order) -> str:
    if order.who is None:
        message = "a second person cannot be told apart while AUTH identifies no caller"
        raise ApprovalError(message, "approved_by")
    return order.who
