"""Provisions of many loans at once, in whole cents: equal to `provision` of each one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.lending.expected_loss_arrays import multiply_half_up
from models.lending.loan_arrays import CENTS, Integers, Mask
from models.lending.provision_rules import ProvisionRules

DIVISOR = 100 * CENTS  # rates are hundredths of a per cent


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureArrays:
    """One column for each member of a `ClassifiedExposure`; amounts are cents.

    `asset_class` are indices into `class_names`.
    """

    asset_class: Integers
    class_names: Sequence[str]
    outstanding: Integers
    realisable_security: Integers
    is_unsecured: Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionArrays:
    """Provisions in cents: of the part that security covers, and of the rest."""

    covered: Integers
    covered_provision: Integers
    uncovered_provision: Integers

    @property
    def amount(self) -> Integers:
        """All that is set aside."""
        return self.covered_provision + self.uncovered_provision


def provision_arrays(
    exposures: ExposureArrays, rules: ProvisionRules, category: str = "other"
) -> ProvisionArrays:
    """Return what is to be set aside for each loan.

    Raises
    ------
    RuleSetError
        If the rules have no rate for a class.
    """
    covered_rates, uncovered_rates = (
        np.zeros(len(exposures.outstanding), dtype=np.int64) for _ in range(2)
    )
    for index, name in enumerate(exposures.class_names):
        for is_unsecured in (False, True):
            rates = rules.rates(name, category, is_unsecured=is_unsecured)
            rows = (exposures.asset_class == index) & (exposures.is_unsecured == is_unsecured)
            covered_rates[rows] = int(rates.covered_percent * CENTS)
            uncovered_rates[rows] = int(rates.uncovered_percent * CENTS)
    covered = np.minimum(exposures.outstanding, exposures.realisable_security)
    rest = exposures.outstanding - covered
    return ProvisionArrays(
        covered=covered,
        covered_provision=multiply_half_up(covered, covered_rates, DIVISOR),
        uncovered_provision=multiply_half_up(rest, uncovered_rates, DIVISOR),
    )
