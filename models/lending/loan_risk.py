"""The expected loss of one loan of the book: its stage, its scenarios, its floor."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.lending.errors import AmountError
from models.lending.expected_loss import Repayable, Scenario, expected_loss
from models.lending.expected_loss_rules import ExpectedLossRules, loss_floor
from models.lending.money import ZERO, exact
from models.lending.provision_rules import HUNDRED
from models.lending.stages import CreditStanding, Stage, increase_ratio, stage
from models.lending.term_structure import ONE, shift_odds


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRisk:
    """What the expected loss of a loan depends on. Probabilities are of 12 months."""

    loan: Repayable
    days_past_due: int
    is_impaired: bool
    months_impaired: int
    probability_of_default: Decimal
    probability_at_origination: Decimal
    loss_given_default: Decimal
    category: str = "unsecured_retail"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskShift:
    """What a scenario does to a loan: the odds of default are multiplied, the share lost grows."""

    odds_factor: Decimal = ONE
    loss_given_default_points: Decimal = ZERO

    def __post_init__(self) -> None:
        """Refuse odds that nothing could have, and more points than there are."""
        if not Decimal("0.0001") <= self.odds_factor <= Decimal(10_000):
            rule = f"must be from 0.0001 to 10,000, got {self.odds_factor}"
            raise AmountError(field="odds_factor", rule=rule)
        if not -HUNDRED <= self.loss_given_default_points <= HUNDRED:
            rule = f"must be from -100 to 100, got {self.loss_given_default_points}"
            raise AmountError(field="loss_given_default_points", rule=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One of the futures over which losses are weighted."""

    name: str
    weight: Decimal
    shift: RiskShift


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The stage and the expected loss of a loan; without stages, the stage is None."""

    stage: Stage | None
    expected_loss: Decimal


ONE_FUTURE = (Outlook(name="base", weight=ONE, shift=RiskShift()),)


@exact
def assess(
    risk: LoanRisk,
    outlooks: Sequence[Outlook],
    rules: ExpectedLossRules,
    stress: RiskShift = RiskShift(),
) -> Assessment:
    """Return the stage and the expected loss of a loan, under a stress or as things stand.

    A stress comes first: it may move a loan to stage 2, and every future starts from it.
    """
    probability = shift_odds(risk.probability_of_default, stress.odds_factor)
    share = shift_share(risk.loss_given_default, stress.loss_given_default_points)
    loan_stage = _stage(risk, probability, rules)
    scenarios = [
        Scenario(
            weight=outlook.weight,
            probability_of_default=shift_odds(probability, outlook.shift.odds_factor),
            loss_given_default=shift_share(share, outlook.shift.loss_given_default_points),
        )
        for outlook in outlooks
    ]
    # Without stages, too, a loan in default is lost at its share and not by a probability.
    method = 3 if risk.is_impaired else loan_stage
    loss = expected_loss(risk.loan, scenarios, method, is_discounted=rules.is_discounted)
    if rules.floors and loan_stage:
        percent = rules.floors.percent(loan_stage, risk.category, risk.months_impaired)
        loss = max(loss, loss_floor(risk.loan.gross, percent))
    return Assessment(stage=loan_stage, expected_loss=loss)


@exact
def shift_share(share: Decimal, points: Decimal) -> Decimal:
    """Add percentage points to a share, within 0 and 1."""
    return min(max(share + points / HUNDRED, Decimal(0)), ONE)


def _stage(risk: LoanRisk, probability: Decimal, rules: ExpectedLossRules) -> Stage | None:
    if rules.stages is None:
        return None
    months = risk.loan.months_left
    standing = CreditStanding(
        days_past_due=risk.days_past_due,
        increase_ratio=increase_ratio(probability, risk.probability_at_origination, months),
        is_impaired=risk.is_impaired,
    )
    return stage(standing, rules.stages)
