"""Expected loss of one loan, month by month: `sum of S(t - 1) h LGD EAD_t / (1 + EIR / 12)^t`.

A default falls on the end of its month and is discounted to today by the original effective rate.
Exposure follows the contract's schedule; what is overdue today stays owed on top of it. Amounts
are exact until one loss, weighted over all scenarios, is rounded to the cent.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.lending.broken_periods import month_interest
from models.lending.dates import MONTHS_A_YEAR
from models.lending.errors import AmountError
from models.lending.money import (
    TO_THE_CENT,
    ZERO,
    Rounding,
    exact,
    require_amount,
    require_count,
    require_rate,
)
from models.lending.provision_rules import HUNDRED
from models.lending.stages import Stage
from models.lending.term_structure import (
    HORIZON_MONTHS,
    ONE,
    marginal_probabilities,
    monthly_hazard,
    require_share,
)
from models.lending.terms import LONGEST_MONTHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayable:
    """A loan as it will be repaid: what is not due yet, what is overdue, and by which terms.

    `effective_rate_percent` is the original effective rate, nominal a year with monthly rests. A
    loan past its last due date has one month left: its overdue amount is all that can be lost.
    """

    undue_principal: Decimal
    overdue: Decimal
    annual_rate_percent: Decimal
    effective_rate_percent: Decimal
    equal_instalment: Decimal
    months_left: int
    interest_rounding: Rounding = TO_THE_CENT

    def __post_init__(self) -> None:
        """Refuse amounts that are no money, and rates and months out of bounds."""
        require_amount("undue_principal", self.undue_principal)
        require_amount("overdue", self.overdue)
        require_amount("equal_instalment", self.equal_instalment)
        require_rate("annual_rate_percent", self.annual_rate_percent)
        require_rate("effective_rate_percent", self.effective_rate_percent)
        require_count("months_left", self.months_left, 1, LONGEST_MONTHS)

    @property
    @exact
    def gross(self) -> Decimal:
        """All that is owed today."""
        return self.undue_principal + self.overdue


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One view of the future: how likely it is, and the risk in it."""

    weight: Decimal
    probability_of_default: Decimal  # over 12 months
    loss_given_default: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyLoss:
    """The expected loss of one month, unrounded."""

    month: int
    exposure_at_default: Decimal
    marginal_probability: Decimal
    discount: Decimal
    loss: Decimal


@dataclass(frozen=True, slots=True)
class Recovery:
    """Money expected from a loan in default, some months from today."""

    month: int
    amount: Decimal


@exact
def project_exposure(loan: Repayable) -> tuple[Decimal, ...]:
    """Return the exposure at default in each remaining month: what is owed when it begins."""
    exposures = []
    balance = loan.undue_principal
    for month in range(1, loan.months_left + 1):
        exposures.append(loan.overdue + balance)
        interest = month_interest(balance, loan.annual_rate_percent, loan.interest_rounding)
        principal = max(loan.equal_instalment - interest, ZERO)
        balance -= balance if month == loan.months_left else min(principal, balance)
    return tuple(exposures)


@exact
def monthly_losses(
    loan: Repayable, scenario: Scenario, months: int, *, is_discounted: bool = True
) -> tuple[MonthlyLoss, ...]:
    """Return the losses from defaults within some months, but none after the loan's last."""
    share = require_share("loss_given_default", scenario.loss_given_default)
    hazard = monthly_hazard(scenario.probability_of_default)
    exposures = project_exposure(loan)[:months]
    probabilities = marginal_probabilities(hazard, len(exposures))
    discounts = _discounts(loan.effective_rate_percent, len(exposures), is_discounted=is_discounted)
    rows = zip(exposures, probabilities, discounts, strict=True)
    return tuple(
        MonthlyLoss(
            month=month,
            exposure_at_default=exposure,
            marginal_probability=probability,
            discount=discount,
            loss=probability * share * exposure * discount,
        )
        for month, (exposure, probability, discount) in enumerate(rows, start=1)
    )


@exact
def expected_loss(
    loan: Repayable,
    scenarios: Sequence[Scenario],
    loan_stage: Stage | None,
    *,
    is_discounted: bool = True,
) -> Decimal:
    """Return the expected loss of a loan, rounded once.

    Losses of the scenarios are weighted, never their inputs: the loss is not linear in them.
    Stage 1 counts defaults of 12 months, stage 2 of the remaining life; in stage 3 the default has
    happened, and the loss is the share of all that is owed. Without stages (CECL) the life counts.

    Raises
    ------
    AmountError
        If the weights do not sum to 1.
    """
    require_weights(scenarios)
    if loan_stage == 3:  # noqa: PLR2004 -- the third of three stages
        losses = [s.weight * loan.gross * s.loss_given_default for s in scenarios]
        return TO_THE_CENT.apply(sum(losses, ZERO))
    months = HORIZON_MONTHS if loan_stage == 1 else LONGEST_MONTHS
    weighted = [
        scenario.weight * row.loss
        for scenario in scenarios
        for row in monthly_losses(loan, scenario, months, is_discounted=is_discounted)
    ]
    return TO_THE_CENT.apply(sum(weighted, ZERO))


@exact
def require_weights(scenarios: Collection[Scenario]) -> None:
    """Refuse scenarios whose weights do not sum to 1."""
    total = sum((require_share("weight", s.weight) for s in scenarios), ZERO)
    if total != 1:
        raise AmountError(field="weight", rule=f"of all scenarios must sum to 1, got {total}")


@exact
def loss_of_recoveries(
    gross: Decimal, recoveries: Collection[Recovery], effective_rate_percent: Decimal
) -> Decimal:
    """Return the loss of a loan in stage 3 that is judged alone: gross less what will come back.

    Recoveries are discounted by the original effective rate. A loss is never below 0.
    """
    require_rate("effective_rate_percent", effective_rate_percent)
    factor = _growth(effective_rate_percent)
    value = sum((require_amount("amount", r.amount) / factor**r.month for r in recoveries), ZERO)
    return max(require_amount("gross", gross) - TO_THE_CENT.apply(value), ZERO)


@exact
def month_income(
    gross: Decimal, loss: Decimal, effective_rate_percent: Decimal, loan_stage: Stage
) -> Decimal:
    """Return the interest income of the next month: on the net amount in stage 3, else on gross."""
    is_net = loan_stage == 3  # noqa: PLR2004 -- likewise
    amount = require_amount("gross", gross) - (require_amount("loss", loss) if is_net else ZERO)
    return TO_THE_CENT.apply(amount * effective_rate_percent / (HUNDRED * MONTHS_A_YEAR))


def _growth(effective_rate_percent: Decimal) -> Decimal:
    return ONE + effective_rate_percent / (HUNDRED * MONTHS_A_YEAR)


def _discounts(rate: Decimal, months: int, *, is_discounted: bool) -> Iterator[Decimal]:
    factor = _growth(rate) if is_discounted else ONE
    for month in range(1, months + 1):
        yield ONE / factor**month
