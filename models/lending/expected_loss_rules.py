"""Rule sets of expected loss: stages or none, discounting or not, and a regulator's floors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.lending.dates import MONTHS_A_YEAR
from models.lending.errors import RuleSetError
from models.lending.money import TO_THE_CENT, exact
from models.lending.provision_rules import HUNDRED
from models.lending.stages import Stage, StageRules

YEAR_BANDS = 5  # of a loan in stage 3: under 1, 2, 3 and 4 years, and longer


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFloors:
    """The least a lender sets aside, in per cent of what is owed, by kind of credit.

    `performing` has the rates of stages 1 and 2; `impaired` those of stage 3, by full years in it.
    """

    performing: Mapping[str, tuple[Decimal, Decimal]]
    impaired: Mapping[str, tuple[Decimal, ...]]

    def __post_init__(self) -> None:
        """Refuse kinds of credit that lack a rate."""
        if {*self.performing} != {*self.impaired}:
            rule = "must have the same kinds of credit for all stages"
            raise RuleSetError(field="floors", rule=rule)
        if any(len(rates) != YEAR_BANDS for rates in self.impaired.values()):
            raise RuleSetError(field="floors.impaired", rule=f"must have {YEAR_BANDS} rates each")

    def percent(self, loan_stage: Stage, category: str, months_impaired: int) -> Decimal:
        """Return the rate of one loan.

        Raises
        ------
        RuleSetError
            If there is no such kind of credit.
        """
        if category not in self.performing:
            names = ", ".join(self.performing)
            rule = f"must be one of {names}, got {category}"
            raise RuleSetError(field="floors category", rule=rule)
        if loan_stage < 3:  # noqa: PLR2004 -- the third of three stages
            return self.performing[category][loan_stage - 1]
        band = min(months_impaired // MONTHS_A_YEAR, YEAR_BANDS - 1)
        return self.impaired[category][band]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLossRules:
    """One way to compute expected loss. `stages` is None where the whole life always counts."""

    name: str
    version: int
    valid_from: date | None
    source: str
    note: str = ""
    stages: StageRules | None
    is_discounted: bool
    floors: LossFloors | None = None

    @property
    def label(self) -> str:
        """Name and version, as a figure quotes them."""
        return f"{self.name}@{self.version}"


@exact
def loss_floor(gross: Decimal, percent: Decimal) -> Decimal:
    """Return the least amount to be set aside for a loan."""
    return TO_THE_CENT.apply(gross * percent / HUNDRED)


def _percents(*rates: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, rates))


def _pair(first: str, second: str) -> tuple[Decimal, Decimal]:
    return Decimal(first), Decimal(second)


SECURED = _percents("25", "40", "55", "75", "100")
UNSECURED = _percents("40", "100", "100", "100", "100")
UNSECURED_RETAIL = _percents("25", "100", "100", "100", "100")
SAFEST = _percents("10", "20", "30", "40", "100")
REAL_ESTATE = _percents("15", "25", "40", "55", "100")
RBI_FLOORS_2026 = LossFloors(
    performing={
        "secured_retail": _pair("0.40", "5"),
        "unsecured_retail": _pair("1.00", "5"),
        "housing_individual": _pair("0.25", "1.5"),
        "small_and_micro": _pair("0.25", "5"),
        "medium": _pair("0.40", "5"),
        "farm": _pair("0.25", "5"),
        "corporate": _pair("0.40", "5"),
        "corporate_unsecured": _pair("0.40", "5"),
        "gold": _pair("0.40", "1.5"),
        "deposits": _pair("0.40", "0.40"),
        "commercial_real_estate": _pair("1.25", "5"),
        "other_real_estate": _pair("0.40", "2.5"),
        "other": _pair("0.40", "5"),
    },
    impaired={
        "secured_retail": SECURED,
        "unsecured_retail": UNSECURED_RETAIL,
        "housing_individual": SAFEST,
        "small_and_micro": SECURED,
        "medium": SECURED,
        "farm": SECURED,
        "corporate": SECURED,
        "corporate_unsecured": UNSECURED,
        "gold": SAFEST,
        "deposits": SAFEST,
        "commercial_real_estate": REAL_ESTATE,
        "other_real_estate": REAL_ESTATE,
        "other": SECURED,
    },
)
IFRS_9 = ExpectedLossRules(
    name="ifrs9",
    version=1,
    valid_from=date(2018, 1, 1),
    source="IFRS 9, 5.5 and B5.5; thresholds of stages are the lender's own",
    stages=StageRules(),
    is_discounted=True,
)
CECL = ExpectedLossRules(
    name="cecl",
    version=1,
    valid_from=date(2023, 1, 1),
    source="ASC 326-20: lifetime loss by PD and LGD, undiscounted",
    stages=None,
    is_discounted=False,
)
CECL_DCF = ExpectedLossRules(
    name="cecl_dcf",
    version=1,
    valid_from=date(2023, 1, 1),
    source="ASC 326-20-30-4: lifetime loss, discounted at the effective rate",
    stages=None,
    is_discounted=True,
)
RBI_ECL_2026 = ExpectedLossRules(
    name="rbi_ecl_2026",
    version=1,
    valid_from=date(2027, 4, 1),
    source="RBI (Commercial Banks - Asset Classification, Provisioning and Income Recognition) "
    "Directions, 2026, RBI/DOR/2026-27/398",
    note="effective 2027-04-01, from a secondary source",
    stages=StageRules(),
    is_discounted=True,
    floors=RBI_FLOORS_2026,
)
EXPECTED_LOSS_RULES = {rules.name: rules for rules in (IFRS_9, CECL, CECL_DCF, RBI_ECL_2026)}


def expected_loss_rules_from_name(name: str) -> ExpectedLossRules:
    """Return a rule set.

    Raises
    ------
    RuleSetError
        If there is none of this name.
    """
    if name not in EXPECTED_LOSS_RULES:
        rule = f"must be one of {', '.join(EXPECTED_LOSS_RULES)}, got {name}"
        raise RuleSetError(field="expected loss rules", rule=rule)
    return EXPECTED_LOSS_RULES[name]
