"""Claims on a borrower: what fell due, what was paid of it, and what was given up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from models.lending.allocation import COMPONENTS, Component, Due
from models.lending.dates import days_between
from models.lending.money import ZERO, amount_from_cents, cents_from_amount
from models.lending.penal_charges import PenalPolicy, charges_in_cents

Amounts = dict[Component, Decimal]


def _nothing() -> Amounts:
    return dict.fromkeys(COMPONENTS, ZERO)


class LatenessCharges(NamedTuple):
    """Penal charges of some days: since when any are unpaid, and the cents up to each end."""

    first: date | None
    cents: list[int]


@dataclass(slots=True)
class Claim:
    """One instalment that fell due, with the charges that belong to it; number 0 holds the rest.

    Demanded amounts are always `unpaid + paid + given_up`, each at least 0.
    """

    number: int
    due_on: date
    unpaid: Amounts = field(default_factory=_nothing)
    paid: Amounts = field(default_factory=_nothing)
    given_up: Amounts = field(default_factory=_nothing)
    charges_since: date | None = None  # oldest day of a fee or penal charge that is unpaid
    met_on: date | None = None
    overdue_amount_days: Decimal = ZERO  # the exact base of the penal charge
    penal_charged: Decimal = ZERO

    @property
    def due(self) -> Due:
        """What an allocation sees of it."""
        return Due(self.number, self.unpaid)

    @property
    def overdue(self) -> Decimal:
        """Unpaid interest and principal: the base of penal charges and of days past due."""
        return self.unpaid["interest"] + self.unpaid["principal"]

    @property
    def is_overdue(self) -> bool:
        """Whether any interest or principal is unpaid."""
        return bool(self.unpaid["principal"] or self.unpaid["interest"])

    @property
    def is_open(self) -> bool:
        """Whether anything is unpaid."""
        return any(self.unpaid.values())

    def demand(self, component: Component, amount: Decimal, day: date) -> None:
        """Add to what is claimed."""
        self.unpaid[component] += amount
        if amount and component in {"fee", "penal"}:
            self.charges_since = self.charges_since or day
        if amount:
            self.met_on = None

    def settle(self, component: Component, amount: Decimal, day: date) -> None:
        """Count an amount as paid."""
        self.unpaid[component] -= amount
        self.paid[component] += amount
        self._note_settlement(day)

    def give_up(self, component: Component, amount: Decimal, day: date) -> None:
        """Count an amount as waived or written off."""
        self.unpaid[component] -= amount
        self.given_up[component] += amount
        self._note_settlement(day)

    def charge_lateness(
        self, policy: PenalPolicy, start: date, ends: Sequence[int]
    ) -> LatenessCharges:
        """Demand the penal charges of days from `start` on; `ends` count them, rising.

        Something is overdue, and nothing else happens to the claim meanwhile.
        """
        free = max(0, policy.grace_days - days_between(self.due_on, start))
        chargeable = ends[-1] - free
        before = cents_from_amount(self.penal_charged)
        if chargeable <= 0:
            return LatenessCharges(None, [0] * len(ends))
        charge = partial(charges_in_cents, policy, self.overdue_amount_days, self.overdue)
        counts = [end - free for end in ends if end > free]
        so_far = [before] * (len(ends) - len(counts)) + charge(counts)
        cents = [later - sooner for sooner, later in pairwise([before, *so_far])]
        first = None
        if so_far[-1] != before:
            # Where charges are unpaid already, their age does not change.
            number = 1 if self.charges_since else first_above(charge, before, chargeable)
            first = start + timedelta(days=free + number - 1)
            self.demand("penal", amount_from_cents(so_far[-1] - before), first)
            self.penal_charged = amount_from_cents(so_far[-1])
        self.overdue_amount_days += self.overdue * chargeable
        return LatenessCharges(first, cents)

    def _note_settlement(self, day: date) -> None:
        if not self.unpaid["fee"] + self.unpaid["penal"]:
            self.charges_since = None
        if not self.is_open:
            self.met_on = day


def first_above(charge: Callable[[Sequence[int]], list[int]], before: int, most: int) -> int:
    """Return the first day, of so many, after which more is charged than before."""
    return next(day for day in range(1, most + 1) if charge([day])[0] > before)


def oldest_due(claims: Iterable[Claim]) -> date | None:
    """Return the oldest due date of which interest or principal is unpaid, wholly or in part."""
    return min((claim.due_on for claim in claims if claim.is_overdue), default=None)


def oldest_charge(claims: Iterable[Claim]) -> date | None:
    """Return the oldest day since which a fee or a penal charge is unpaid."""
    return min((claim.charges_since for claim in claims if claim.charges_since), default=None)
