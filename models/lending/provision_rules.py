"""Rates of provisions by asset class: regulation as versioned data, checked when it is declared.

A figure that depends on these rates names them. The classes are those of a `RuleSet`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.lending.errors import RuleSetError
from models.lending.money import require_rate

HUNDRED = Decimal(100)
RATE_DECIMALS = 2  # of a rate of provisions, so that integers can hold it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRates:
    """Per cent of the part that security covers, and of the part that it does not cover."""

    covered_percent: Decimal
    uncovered_percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRules:
    """How much a lender sets aside for a loan of each asset class.

    `classified_by` is the `RuleSet` whose classes these are: another one may use their names for
    other arrears. `performing_percent` is by the kind of credit, `non_performing` by asset class.
    A loan that was unsecured from the beginning, because security was at most
    `unsecured_limit_percent` of the credit, has the rates of `unsecured` where that mapping has
    its class.
    """

    name: str
    version: int
    valid_from: date
    source: str
    classified_by: str
    performing: tuple[str, ...]
    performing_percent: Mapping[str, Decimal]
    non_performing: Mapping[str, ClassRates]
    unsecured: Mapping[str, ClassRates]
    unsecured_limit_percent: Decimal

    def __post_init__(self) -> None:
        """Refuse a rate above 100 per cent or finer than a hundredth, and a class named twice."""
        twice = {*self.performing} & {*self.non_performing}
        if twice:
            raise RuleSetError(field=self.name, rule=f"names a class twice: {', '.join(twice)}")
        for rates in (*self.non_performing.values(), *self.unsecured.values()):
            self._require(rates.covered_percent)
            self._require(rates.uncovered_percent)
        for rate in self.performing_percent.values():
            self._require(rate)

    def _require(self, rate: Decimal) -> None:
        require_rate(f"{self.name} rate", rate)
        if rate > HUNDRED or round(rate, RATE_DECIMALS) != rate:
            rule = f"must be at most 100 per cent with at most 2 decimal places, got {rate}"
            raise RuleSetError(field=f"{self.name} rate", rule=rule)

    @property
    def label(self) -> str:
        """Name and version, as a figure quotes them."""
        return f"{self.name}@{self.version}"

    @property
    def asset_classes(self) -> tuple[str, ...]:
        """Every class that has a rate, from best to worst."""
        return (*self.performing, *self.non_performing)

    def require_classified(self, loans: Mapping[str, int]) -> None:
        """Refuse loans that another rule set classified; `loans` counts them by its label.

        Raises
        ------
        RuleSetError
            If there are any.
        """
        others = {n: c for n, c in loans.items() if n.partition("@")[0] != self.classified_by}
        if others:
            counted = ", ".join(f"{count} by {name}" for name, count in sorted(others.items()))
            rule = (
                f"has rates for loans that {self.classified_by} classifies, and there are others: "
                f"{counted}, which states no provisions: give their product {self.classified_by}"
            )
            raise RuleSetError(field=self.label, rule=rule)

    def rates(self, asset_class: str, category: str, *, is_unsecured: bool) -> ClassRates:
        """Return the rates of a class.

        Raises
        ------
        RuleSetError
            If the rules have no such class or category.
        """
        if asset_class in self.performing:
            if category not in self.performing_percent:
                names = ", ".join(self.performing_percent)
                rule = f"must be one of {names}, got {category}"
                raise RuleSetError(field=f"{self.label} category", rule=rule)
            rate = self.performing_percent[category]
            return ClassRates(covered_percent=rate, uncovered_percent=rate)
        if asset_class not in self.non_performing:
            names = ", ".join(self.asset_classes)
            rule = f"has rates for {names}; none for {asset_class}: classify by rbi_irac_2025"
            raise RuleSetError(field=self.label, rule=rule)
        rates = self.non_performing[asset_class]
        return self.unsecured.get(asset_class, rates) if is_unsecured else rates


def _same(percent: str) -> ClassRates:
    return ClassRates(covered_percent=Decimal(percent), uncovered_percent=Decimal(percent))


def _split(covered_percent: str) -> ClassRates:
    return ClassRates(covered_percent=Decimal(covered_percent), uncovered_percent=HUNDRED)


RBI_PROVISIONS_2025 = ProvisionRules(
    name="rbi_irac_2025",
    version=1,
    valid_from=date(2025, 11, 28),
    source="RBI (Income Recognition, Asset Classification and Provisioning) Directions, 2025",
    classified_by="rbi_irac_2025",
    performing=("standard", "sma_0", "sma_1", "sma_2"),
    performing_percent={
        "other": Decimal("0.40"),
        "farm_micro_housing": Decimal("0.25"),
        "commercial_real_estate": Decimal("1.00"),
        "commercial_real_estate_housing": Decimal("0.75"),
        "teaser_housing": Decimal("2.00"),
    },
    non_performing={
        "sub_standard": _same("15"),
        "doubtful_1": _split("25"),
        "doubtful_2": _split("40"),
        "doubtful_3": _split("100"),
        "loss": _same("100"),
    },
    unsecured={"sub_standard": _same("25")},
    unsecured_limit_percent=Decimal(10),
)
PROVISION_RULES = {rules.name: rules for rules in (RBI_PROVISIONS_2025,)}
