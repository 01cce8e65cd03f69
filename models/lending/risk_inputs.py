"""From columns of a book to columns of risk: shares lost, probabilities, security."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from models.lending.errors import RuleSetError
from models.lending.loan_arrays import (
    CATEGORIES,
    CENTS,
    MILLION,
    PROBABILITY_SCALE,
    Integers,
    LoanArrays,
)
from models.lending.loss_given_default import RecoveryRules, loss_given_default
from models.lending.provision_arrays import ExposureArrays
from models.lending.provision_rules import HUNDRED, ProvisionRules

LARGEST_OWED = 10**12  # cents whose product with a million fits; a larger loan goes by decimals
UNSECURED, SECURED = (CATEGORIES.index(name) for name in ("unsecured_retail", "secured_retail"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BookColumns:
    """Loans as a book has them; amounts are cents, rates millionths of a per cent.

    A probability of 0 means that no model has scored the application. `first_security` is what
    was pledged when the loan was paid out. `class_index` is -1 for a class without a rate.
    """

    class_index: Integers
    undue_principal: Integers
    overdue: Integers
    annual_rate: Integers
    effective_rate: Integers
    equal_instalment: Integers
    months_left: Integers
    days_past_due: Integers
    is_impaired: Integers
    months_impaired: Integers
    probability_of_default: Integers
    probability_at_origination: Integers
    outstanding: Integers
    liquid: Integers
    other_security: Integers
    first_security: Integers
    amount: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """What turns a book into risk; `unscored` stands for a probability that nobody estimated."""

    recovery: RecoveryRules
    provisions: ProvisionRules
    unscored: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """What expected losses and provisions are made from; how many loans no model has scored."""

    loans: LoanArrays
    exposures: ExposureArrays
    unscored: int


def risk_from_book(book: BookColumns, rules: RiskRules) -> RiskInputs:
    """Return the inputs of risk of each loan.

    Raises
    ------
    RuleSetError
        If the provision rules have no rate for the class of a loan.
    """
    if (book.class_index < 0).any():
        rule = "has no rate for the class of some loans: give their product its rule set"
        raise RuleSetError(field=rules.provisions.label, rule=rule)
    now, then = _probabilities(book, rules.unscored)
    security = book.liquid + book.other_security
    limit = book.amount * float(rules.provisions.unsecured_limit_percent / HUNDRED)
    loans = LoanArrays(
        undue_principal=book.undue_principal,
        overdue=book.overdue,
        annual_rate=book.annual_rate,
        effective_rate=book.effective_rate,
        equal_instalment=book.equal_instalment,
        months_left=book.months_left,
        days_past_due=book.days_past_due,
        is_impaired=book.is_impaired != 0,
        months_impaired=book.months_impaired,
        probability_of_default=now,
        probability_at_origination=then,
        loss_given_default=shares_lost(
            book.undue_principal + book.overdue, book.liquid, book.other_security, rules.recovery
        ),
        category=np.where(security > 0, SECURED, UNSECURED),
    )
    exposures = ExposureArrays(
        asset_class=book.class_index,
        class_names=rules.provisions.asset_classes,
        outstanding=book.outstanding,
        realisable_security=security,
        is_unsecured=book.first_security <= limit,
    )
    unscored = int(np.count_nonzero(book.probability_of_default == 0))
    return RiskInputs(loans=loans, exposures=exposures, unscored=unscored)


def _probabilities(book: BookColumns, unscored: Decimal) -> tuple[Integers, Integers]:
    """Return probabilities now and at origination; a loan scored later began as it was scored."""
    stand_in = int(unscored.scaleb(len(str(PROBABILITY_SCALE)) - 1))
    now, then = book.probability_of_default, book.probability_at_origination
    now = np.where(now == 0, stand_in, now)
    then = np.where(then == 0, now, then)
    most = PROBABILITY_SCALE - 1
    return np.minimum(now, most), np.minimum(then, most)


def shares_lost(
    owed: Integers, liquid: Integers, other: Integers, rules: RecoveryRules
) -> Integers:
    """Return `loss_given_default` of each loan in millionths; 0 where nothing is owed."""
    lost_shares = [int(share * MILLION) for share in (rules.liquid, rules.secured, rules.unsecured)]
    fits = np.minimum(owed, LARGEST_OWED)
    by_liquid = np.minimum(liquid, fits)
    by_other = np.minimum(other, fits - by_liquid)
    parts: Sequence[Integers] = (by_liquid, by_other, fits - by_liquid - by_other)
    lost = sum(part * share for part, share in zip(parts, lost_shares, strict=True))
    divisor = np.maximum(fits, 1)
    shares: Integers = (2 * lost + divisor) // (2 * divisor)
    for row in np.flatnonzero(owed > LARGEST_OWED):
        amounts = [Decimal(int(column[row])) / CENTS for column in (owed, liquid, other)]
        share = loss_given_default(amounts[0], amounts[1], amounts[2], rules)
        shares[row] = int(share * MILLION)
    return np.where(owed > 0, shares, 0)
