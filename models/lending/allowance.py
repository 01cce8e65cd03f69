"""How an allowance came from one month-end to the next, by stage (IFRS 7.35H)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from models.lending.errors import AmountError
from models.lending.money import ZERO, exact
from models.lending.stages import Stage

STAGES: tuple[Stage, ...] = (1, 2, 3)
Exit = Literal["derecognised", "written_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceChange:
    """One loan's allowance, or the sums of all loans that moved alike.

    Without an opening stage it is new; without a closing one it left the book as `exit` says.
    """

    opening_stage: Stage | None
    closing_stage: Stage | None
    opening: Decimal = ZERO
    closing: Decimal = ZERO
    exit: Exit | None = None

    def __post_init__(self) -> None:
        """Refuse an amount without a stage, and an end without a reason."""
        if (self.opening_stage is None and self.opening) or (
            self.closing_stage is None and self.closing
        ):
            raise AmountError(field="allowance", rule="must be 0 where the loan has no stage")
        if (self.closing_stage is None) != (self.exit is not None):
            rule = "must say how a loan left, and only of one that left"
            raise AmountError(field="exit", rule=rule)


@dataclass(slots=True)
class AllowanceMovement:
    """The lines of one stage; `closing` is the sum of the others.

    A loan that moves takes its opening allowance along; what is measured anew is measured in the
    stage where it ends.
    """

    opening: Decimal = ZERO
    transfers_in: Decimal = ZERO
    transfers_out: Decimal = ZERO
    new: Decimal = ZERO
    remeasured: Decimal = ZERO
    derecognised: Decimal = ZERO
    written_off: Decimal = ZERO

    @property
    @exact
    def closing(self) -> Decimal:
        """The allowance at the end."""
        arrived = self.opening + self.transfers_in + self.new + self.remeasured
        return arrived - self.transfers_out - self.derecognised - self.written_off


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One movement for each stage."""

    stages: dict[Stage, AllowanceMovement] = field(
        default_factory=lambda: {number: AllowanceMovement() for number in STAGES}
    )

    @property
    @exact
    def closing(self) -> Decimal:
        """The allowance of the book at the end."""
        return sum((movement.closing for movement in self.stages.values()), ZERO)


@exact
def reconcile(changes: Iterable[AllowanceChange]) -> Reconciliation:
    """Sum the changes of all loans up by stage."""
    reconciliation = Reconciliation()
    for change in changes:
        _add(reconciliation.stages, change)
    return reconciliation


def _add(stages: dict[Stage, AllowanceMovement], change: AllowanceChange) -> None:
    before = stages[change.opening_stage] if change.opening_stage else None
    after = stages[change.closing_stage] if change.closing_stage else None
    if before:
        before.opening += change.opening
    if before and not after:
        if change.exit == "written_off":
            before.written_off += change.opening
        else:
            before.derecognised += change.opening
    if after and not before:
        after.new += change.closing
    if before and after:
        after.remeasured += change.closing - change.opening
        if change.opening_stage != change.closing_stage:
            before.transfers_out += change.opening
            after.transfers_in += change.opening
