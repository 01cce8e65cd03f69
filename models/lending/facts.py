"""Facts of a loan: what happened, each with the day on which it counts. A fact is never changed.

A state is derived from all facts at once, so posting late or taking something back needs no code
of its own: a reversal takes its fact out, as if it had never been posted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from models.lending.dates import require_date
from models.lending.errors import PostingError
from models.lending.money import require_count, require_positive, require_rate
from models.lending.prepayment import PrepaymentOption
from models.lending.terms import LONGEST_MONTHS

WriteOffKind = Literal["technical", "settled"]
WaivableComponent = Literal["penal", "fee", "interest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """What every fact with an effect of its own has.

    `reference` is unique in the loan. Among facts of one kind and day it decides the order, so it
    must not depend on when the fact was posted.
    """

    reference: str
    value_date: date

    def __post_init__(self) -> None:
        """Refuse a fact without a reference or a date."""
        if not self.reference:
            raise PostingError(field="reference", rule="must not be empty")
        require_date("value_date", self.value_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountPosted(Dated):
    """A fact with an amount."""

    amount: Decimal

    def __post_init__(self) -> None:
        """Refuse an amount that is no money or 0."""
        Dated.__post_init__(self)
        object.__setattr__(self, "amount", require_positive("amount", self.amount))


class Disbursement(AmountPosted):
    """The money reached the borrower. Interest runs from this day."""

    __slots__ = ()


class Fee(AmountPosted):
    """A fee falls due on this day."""

    __slots__ = ()


class Repayment(AmountPosted):
    """The borrower paid. What is not due yet stays the borrower's credit for the next due date."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepayment(AmountPosted):
    """The borrower paid ahead: arrears first, then principal, then a new schedule."""

    option: PrepaymentOption


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(AmountPosted):
    """The lender gives up a claim, up to this amount and to what is unpaid of it."""

    component: WaivableComponent


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff(Dated):
    """The lender takes the loan off its books.

    `technical`: the claim stays, and later payments are recoveries. `settled`: it is given up.
    """

    kind: WriteOffKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule(Dated):
    """From this due date on, what is not due yet is repaid at other terms. Arrears stay due."""

    months: int
    annual_rate_percent: Decimal

    def __post_init__(self) -> None:
        """Refuse terms out of bounds."""
        Dated.__post_init__(self)
        require_count("months", self.months, 1, LONGEST_MONTHS)
        require_rate("annual_rate_percent", self.annual_rate_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """A fact is taken back: a cheque bounced, or the posting was wrong."""

    reference: str
    reverses: str


# Kinds of one day, in the order in which they count: claims and waivers before payments.
EffectiveFact = Disbursement | Fee | Waiver | Repayment | Prepayment | Reschedule | WriteOff
KINDS = (Disbursement, Fee, Waiver, Repayment, Prepayment, Reschedule, WriteOff)
Fact = EffectiveFact | Reversal


def effective_facts(facts: Collection[Fact], until: date) -> list[EffectiveFact]:
    """Return the facts that count up to and on a day, in the order in which they count.

    The order depends on value dates, kinds and references, never on the order of posting.

    Raises
    ------
    PostingError
        If two facts share a reference, or a reversal has nothing to reverse.
    """
    effects = {fact.reference: fact for fact in facts if not isinstance(fact, Reversal)}
    reversals = [fact for fact in facts if isinstance(fact, Reversal)]
    references = {*effects, *(reversal.reference for reversal in reversals)}
    if len(references) < len(facts):
        rule = "must be unique in the loan; give every fact a reference of its own"
        raise PostingError(field="reference", rule=rule)
    for reversal in reversals:
        if reversal.reverses not in effects:
            rule = (
                f"must name a posted fact that is not reversed yet, got {reversal.reverses}; "
                "to undo a reversal, post the fact again under a new reference"
            )
            raise PostingError(field="reverses", rule=rule)
        del effects[reversal.reverses]
    dated = [fact for fact in effects.values() if fact.value_date <= until]
    return sorted(dated, key=lambda f: (f.value_date, KINDS.index(type(f)), f.reference))
