"""Stages of IFRS 9: performing, significantly riskier than when it was granted, credit-impaired."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from models.lending.money import exact, require_count
from models.lending.term_structure import cumulative_probability

Stage = Literal[1, 2, 3]
MOST_DAYS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRules:
    """When credit risk has increased significantly, and when a loan is impaired.

    More than `significant_days` or `impaired_days` past due, as the loan book counts days. The
    ratio is that of the probabilities to default over the remaining life, now and as they were
    estimated at origination. All three are the lender's own choice; IFRS 9 presumes 30 and 90 days.
    """

    significant_days: int = 30
    impaired_days: int = 90
    increase_ratio: Decimal = Decimal(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditStanding:
    """What decides the stage of a loan. `is_impaired` includes an NPA of the borrower."""

    days_past_due: int
    increase_ratio: Decimal
    is_impaired: bool = False
    is_watched: bool = False


def stage(standing: CreditStanding, rules: StageRules) -> Stage:
    """Return the stage of a loan at the end of a day."""
    days = require_count("days_past_due", standing.days_past_due, 0, MOST_DAYS)
    if standing.is_impaired or days > rules.impaired_days:
        return 3
    is_riskier = standing.increase_ratio >= rules.increase_ratio
    return 2 if days > rules.significant_days or is_riskier or standing.is_watched else 1


@exact
def increase_ratio(now: Decimal, at_origination: Decimal, months_left: int) -> Decimal:
    """Return how much likelier a default in the remaining months is than was thought at first.

    Both probabilities are of 12 months; each is carried to the remaining life by its flat hazard.
    """
    lifetime = cumulative_probability(now, months_left)
    return lifetime / cumulative_probability(at_origination, months_left)
