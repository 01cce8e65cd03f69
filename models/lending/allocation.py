"""Allocation: which claims a payment settles, by an order that is data.

An order is a list of groups. Within a group the oldest instalment comes first, and its components
in the order of the group; a group is settled before the next one begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from models.lending.errors import TermsError
from models.lending.money import ZERO, exact, require_amount

Component = Literal["penal", "fee", "interest", "principal"]
COMPONENTS: tuple[Component, ...] = get_args(Component)


@dataclass(frozen=True, slots=True)
class AllocationOrder:
    """The order in which payments settle claims."""

    name: str
    groups: tuple[tuple[Component, ...], ...]

    def __post_init__(self) -> None:
        """Refuse an order that leaves a component out or repeats one."""
        names = [component for group in self.groups for component in group]
        if sorted(names) != sorted(COMPONENTS):
            rule = f"must name each of {', '.join(COMPONENTS)} once, got {', '.join(names)}"
            raise TermsError(field=f"allocation order {self.name}", rule=rule)


# The instalment that makes a loan late is settled first: arrears grow no older than they must.
INSTALMENT_FIRST = AllocationOrder(
    "instalment_first", (("interest", "principal"), ("fee",), ("penal",))
)
COMPONENT_FIRST = AllocationOrder(
    "component_first", (("penal",), ("fee",), ("interest",), ("principal",))
)
# Lenders that expect no more income from a loan take back what they lent first.
PRINCIPAL_FIRST = AllocationOrder(
    "principal_first", (("principal",), ("interest",), ("fee",), ("penal",))
)
ORDERS = {order.name: order for order in (INSTALMENT_FIRST, COMPONENT_FIRST, PRINCIPAL_FIRST)}


@dataclass(frozen=True, slots=True)
class Due:
    """What is unpaid of one instalment. Number 0 holds what belongs to no instalment."""

    number: int
    unpaid: Mapping[Component, Decimal]


@dataclass(frozen=True, slots=True)
class AllocationLine:
    """One claim that a payment settles, wholly or in part."""

    number: int
    component: Component
    amount: Decimal


@exact
def allocate(
    amount: Decimal, dues: Sequence[Due], order: AllocationOrder
) -> tuple[tuple[AllocationLine, ...], Decimal]:
    """Settle claims with an amount. Returns the lines, and what is left when nothing is due.

    The lines and the rest sum to the amount. `dues` may come in any order.
    """
    rest = require_amount("amount", amount)
    lines = []
    for due, component in claims_in_order(dues, order):
        settled = min(rest, due.unpaid.get(component, ZERO))
        if settled:
            lines.append(AllocationLine(due.number, component, settled))
            rest -= settled
    return tuple(lines), rest


def claims_in_order(dues: Sequence[Due], order: AllocationOrder) -> Iterator[tuple[Due, Component]]:
    """Yield every claim in the order in which it is settled."""
    oldest_first = sorted(dues, key=lambda due: due.number)
    for group in order.groups:
        for due in oldest_first:
            for component in group:
                yield due, component
