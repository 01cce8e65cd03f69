"""Provisions for loans by asset class, and the ratios that are read from their sums."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from models.lending.errors import AmountError
from models.lending.money import (
    ARITHMETIC,
    TO_THE_CENT,
    exact,
    require_amount,
    require_positive,
)
from models.lending.provision_rules import HUNDRED, ProvisionRules

FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedExposure:
    """What a provision depends on.

    `realisable_security` is tangible and enforceable; a guarantee does not count. `is_unsecured`
    says how the loan began, whatever was pledged later. `category` is the kind of credit.
    """

    asset_class: str
    outstanding: Decimal
    realisable_security: Decimal
    is_unsecured: bool
    category: str = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """A provision in its two parts, each rounded half up to the cent, and the rules behind it."""

    covered: Decimal
    uncovered: Decimal
    covered_provision: Decimal
    uncovered_provision: Decimal
    rule_set: str

    @property
    @exact
    def amount(self) -> Decimal:
        """All that is set aside."""
        return self.covered_provision + self.uncovered_provision


@exact
def provision(exposure: ClassifiedExposure, rules: ProvisionRules) -> Provision:
    """Return what is to be set aside for one loan.

    `covered = min(outstanding, realisable security)`; each part times its rate.

    Raises
    ------
    RuleSetError
        If the rules have no rate for the class or the category.
    """
    outstanding = require_amount("outstanding", exposure.outstanding)
    covered = min(outstanding, require_amount("realisable_security", exposure.realisable_security))
    rates = rules.rates(exposure.asset_class, exposure.category, is_unsecured=exposure.is_unsecured)
    uncovered = outstanding - covered
    return Provision(
        covered=covered,
        uncovered=uncovered,
        covered_provision=TO_THE_CENT.apply(covered * rates.covered_percent / HUNDRED),
        uncovered_provision=TO_THE_CENT.apply(uncovered * rates.uncovered_percent / HUNDRED),
        rule_set=rules.label,
    )


@exact
def is_unsecured_at_sanction(amount: Decimal, security: Decimal, rules: ProvisionRules) -> bool:
    """Whether security was at most the limit of the rules when the credit was granted."""
    limit = require_positive("amount", amount) * rules.unsecured_limit_percent / HUNDRED
    return require_amount("security", security) <= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class NpaFigures:
    """Ratios of non-performing advances, in per cent with four places."""

    net_npa: Decimal
    gross_npa_percent: Decimal
    net_npa_percent: Decimal
    coverage_percent: Decimal | None  # None without a non-performing advance


@exact
def npa_figures(gross_advances: Decimal, gross_npa: Decimal, provisions: Decimal) -> NpaFigures:
    """Return gross and net NPA and the provision coverage ratio (PCR).

    `provisions` are those held for non-performing advances. `net NPA % = (gross NPA - provisions)
    / (gross advances - provisions)` and `PCR = provisions / gross NPA`.

    Raises
    ------
    AmountError
        If the parts are larger than what they are parts of, or nothing is left to divide by.
    """
    require_positive("gross_advances", gross_advances)
    if not provisions <= gross_npa <= gross_advances:
        rule = "must be at most gross_npa, and gross_npa at most gross_advances"
        raise AmountError(field="provisions", rule=f"{rule}, got {provisions} and {gross_npa}")
    net = gross_npa - require_amount("provisions", provisions)
    net_advances = gross_advances - provisions
    return NpaFigures(
        net_npa=net,
        gross_npa_percent=_percent(gross_npa, gross_advances),
        net_npa_percent=_percent(net, net_advances) if net_advances else _rounded(net_advances),
        coverage_percent=_percent(provisions, gross_npa) if gross_npa else None,
    )


def _percent(part: Decimal, total: Decimal) -> Decimal:
    return _rounded(HUNDRED * part / total)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(FOUR_PLACES, rounding=ROUND_HALF_UP, context=ARITHMETIC)
