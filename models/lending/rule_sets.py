"""Rule sets for asset classes: regulation as versioned data, checked when it is declared.

A figure that depends on a rule set names it. Nothing here is consulted except through a `RuleSet`.
"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from models.lending.errors import RuleSetError

UpgradeRule = Literal["all_arrears_paid", "below_threshold"]


@dataclass(frozen=True, slots=True)
class ClassBand:
    """From this many days past due (or months of being non-performing), this class applies."""

    start: int
    asset_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """How arrears become asset classes.

    `performing` are the bands by days past due below `npa_from`; `non_performing` are the bands
    from there on, by months since the borrower became non-performing or by days past due.
    """

    name: str
    version: int
    valid_from: date | None  # None: a house rule that no authority dated
    source: str
    performing: tuple[ClassBand, ...]
    npa_from: int  # days past due
    non_performing: tuple[ClassBand, ...]
    non_performing_by: Literal["months_since_npa", "days_past_due"]
    is_borrower_wise: bool
    upgrade: UpgradeRule
    loss_class: str

    def __post_init__(self) -> None:
        """Refuse bands with a gap, out of order, or with a class named twice."""
        by_days = self.non_performing_by == "days_past_due"
        self._require_rising("performing", self.performing, 0)
        self._require_rising("non_performing", self.non_performing, self.npa_from if by_days else 0)
        highest = self.performing[-1].start
        if highest >= self.npa_from:
            rule = f"must be above the last performing band, which starts at {highest}"
            raise RuleSetError(field=f"{self.name}.npa_from", rule=rule)
        names = list(self.asset_classes)
        if len({*names}) < len(names):
            raise RuleSetError(field=self.name, rule=f"names a class twice: {', '.join(names)}")

    def _require_rising(self, field: str, bands: tuple[ClassBand, ...], first: int) -> None:
        starts = [band.start for band in bands]
        if not starts or starts[0] != first or any(a >= b for a, b in pairwise(starts)):
            rule = f"must start at {first} and rise, got {starts}"
            raise RuleSetError(field=f"{self.name}.{field}", rule=rule)

    @property
    def label(self) -> str:
        """Name and version, as a figure quotes them."""
        return f"{self.name}@{self.version}"

    @property
    def asset_classes(self) -> tuple[str, ...]:
        """Every class, from best to worst."""
        names = [band.asset_class for band in (*self.performing, *self.non_performing)]
        return tuple(names) if self.loss_class in names else (*names, self.loss_class)


RBI_IRAC_2025 = RuleSet(
    name="rbi_irac_2025",
    version=1,
    valid_from=date(2025, 11, 28),
    source="RBI (Income Recognition, Asset Classification and Provisioning) Directions, 2025; "
    "RBI/2021-22/125 for the count of days",
    performing=(
        ClassBand(0, "standard"),
        ClassBand(1, "sma_0"),
        ClassBand(31, "sma_1"),
        ClassBand(61, "sma_2"),
    ),
    npa_from=91,
    non_performing=(
        ClassBand(0, "sub_standard"),
        ClassBand(12, "doubtful_1"),
        ClassBand(24, "doubtful_2"),
        ClassBand(48, "doubtful_3"),
    ),
    non_performing_by="months_since_npa",
    is_borrower_wise=True,
    upgrade="all_arrears_paid",
    loss_class="loss",
)
SOURCE_D = RuleSet(
    name="source_d",
    version=1,
    valid_from=None,
    source="the bands of the earlier system: 90, 180 and 365 days",
    performing=(ClassBand(0, "standard"),),
    npa_from=90,
    non_performing=(
        ClassBand(90, "sub_standard"),
        ClassBand(180, "doubtful"),
        ClassBand(365, "loss"),
    ),
    non_performing_by="days_past_due",
    is_borrower_wise=False,
    upgrade="below_threshold",
    loss_class="loss",
)
DEFAULT_RULE_SET = RBI_IRAC_2025
RULE_SETS = {rules.name: rules for rules in (RBI_IRAC_2025, SOURCE_D)}


def rule_set_from_name(name: str) -> RuleSet:
    """Return a rule set.

    Raises
    ------
    RuleSetError
        If there is none of this name.
    """
    if name not in RULE_SETS:
        raise RuleSetError(
            field="rule set", rule=f"must be one of {', '.join(RULE_SETS)}, got {name}"
        )
    return RULE_SETS[name]
