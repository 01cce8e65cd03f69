"""What can be done with a loan: fields of each action, who may, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from functions.client.lending_endpoints import LoanAction
from functions.client.lending_responses import LoanReply
from functions.dashboard.session import User

FieldKind = Literal["amount", "text", "choice", "whole", "rate", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionField:
    """A member of an action's body."""

    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedAction:
    """An action, the scope that it needs, and the states of a loan in which it makes sense."""

    name: LoanAction
    scope: str
    statuses: tuple[str, ...]
    fields: tuple[ActionField, ...]


VALUE_DATE = ActionField(name="value_date", kind="day", is_optional=True)
REFERENCE = ActionField(name="external_reference", kind="text", is_optional=True)
AMOUNT = ActionField(name="amount", kind="amount")
REASON = ActionField(name="reason", kind="text")
ACTIONS = (
    OfferedAction(
        name="disburse", scope="disburse", statuses=("granted",), fields=(VALUE_DATE, REFERENCE)
    ),
    OfferedAction(
        name="repay",
        scope="collect",
        statuses=("active", "written_off"),
        fields=(AMOUNT, VALUE_DATE, REFERENCE),
    ),
    OfferedAction(
        name="prepay",
        scope="collect",
        statuses=("active",),
        fields=(
            AMOUNT,
            ActionField(
                name="option", kind="choice", choices=("reduce_instalment", "reduce_tenure")
            ),
            VALUE_DATE,
            REFERENCE,
        ),
    ),
    OfferedAction(name="close", scope="collect", statuses=("active",), fields=(AMOUNT, REFERENCE)),
    OfferedAction(
        name="charge",
        scope="adjust",
        statuses=("active",),
        fields=(AMOUNT, ActionField(name="note", kind="text")),
    ),
    OfferedAction(
        name="waive",
        scope="adjust",
        statuses=("active",),
        fields=(
            AMOUNT,
            ActionField(name="component", kind="choice", choices=("penal", "fee", "interest")),
            REASON,
        ),
    ),
    OfferedAction(
        name="reschedule",
        scope="adjust",
        statuses=("active",),
        fields=(
            ActionField(name="value_date", kind="day"),
            ActionField(name="months", kind="whole"),
            ActionField(name="interest_rate", kind="rate"),
            REASON,
        ),
    ),
    OfferedAction(
        name="reverse",
        scope="adjust",
        statuses=("active", "closed", "written_off", "settled"),
        fields=(ActionField(name="reference", kind="text"), REASON),
    ),
    OfferedAction(
        name="write_off",
        scope="adjust",
        statuses=("active",),
        fields=(
            ActionField(name="kind", kind="choice", choices=("technical", "settled")),
            REASON,
        ),
    ),
)


def offered_actions(user: User, loan: LoanReply) -> Sequence[OfferedAction]:
    """Return what this user may do with a loan in its state."""
    return [a for a in ACTIONS if user.may(a.scope) and loan.status in a.statuses]
