"""Risk of loans for tests: worked numbers, random loans, and a slow second implementation.

The second one shares no code with the first: it goes month by month, by repeated multiplication,
as somebody would do it on paper.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from models.lending.expected_loss import Repayable
from models.lending.loan_arrays import CATEGORIES, LoanArrays
from models.lending.loan_risk import LoanRisk, Outlook, RiskShift
from models.lending.provisions import ClassifiedExposure
from tests.support.running import REPOSITORY

NUMBERS = REPOSITORY / "tests/models/lending/golden_risk.json"
CENT = Decimal("0.01")


@cache
def golden_risk() -> Mapping[str, Any]:
    """Worked numbers of provisions and expected loss."""
    numbers: Mapping[str, Any] = json.loads(NUMBERS.read_text())
    return numbers


def repayable(**changes: Any) -> Repayable:  # noqa: ANN401 -- fields of a loan
    """500,000 at 14 % over 24 months, of which nothing is overdue."""
    numbers = {"undue_principal": "500000", "overdue": "0", "equal_instalment": "24006.44"}
    numbers |= {"annual_rate_percent": "14", "effective_rate_percent": "14"}
    values: dict[str, Any] = {name: Decimal(text) for name, text in numbers.items()}
    return Repayable(**(values | {"months_left": 24} | changes))


def loan_risk(**changes: Any) -> LoanRisk:  # noqa: ANN401 -- fields of a loan
    """That loan with a probability of default of 6 % and a loss given default of 45 %."""
    values: dict[str, Any] = {"loan": repayable(), "days_past_due": 0, "is_impaired": False}
    values |= {"months_impaired": 0, "loss_given_default": Decimal("0.45")}
    values |= {"probability_of_default": Decimal("0.06")}
    values |= {"probability_at_origination": Decimal("0.06")}
    return LoanRisk(**(values | changes))


OUTLOOKS = (
    Outlook(name="base", weight=Decimal("0.5"), shift=RiskShift()),
    Outlook(name="up", weight=Decimal("0.2"), shift=RiskShift(odds_factor=Decimal("0.75"))),
    Outlook(
        name="down",
        weight=Decimal("0.3"),
        shift=RiskShift(odds_factor=Decimal("1.8"), loss_given_default_points=Decimal(10)),
    ),
)
PROBABILITIES = st.integers(1, 10**6 - 1).map(lambda n: Decimal(n) / 10**6)
PERFORMING = ("standard", "sma_0", "sma_1", "sma_2")
NON_PERFORMING = ("sub_standard", "doubtful_1", "doubtful_2", "doubtful_3", "loss")


def amounts(most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(0, most).map(lambda cents: Decimal(cents) / 100)


@st.composite
def random_risks(draw: st.DrawFn) -> LoanRisk:
    """Loans of any size, rate and age, late and impaired ones among them."""
    rate = Decimal(draw(st.integers(0, 60_000_000))) / 10**6
    months = draw(st.integers(1, 60))
    undue = draw(amounts(10**9))
    return LoanRisk(
        loan=Repayable(
            undue_principal=undue,
            overdue=draw(st.one_of(st.just(Decimal(0)), amounts(10**7))),
            annual_rate_percent=rate,
            effective_rate_percent=draw(st.one_of(st.just(rate), st.just(Decimal("9.5")))),
            # Sometimes too little to repay in time, sometimes so much that the loan ends early.
            equal_instalment=(undue * draw(st.integers(1, 200)) / 100 / months).quantize(CENT),
            months_left=months,
        ),
        days_past_due=draw(st.sampled_from([0, 0, 1, 30, 31, 90, 91, 400])),
        is_impaired=draw(st.sampled_from([False, False, False, True])),
        months_impaired=draw(st.integers(0, 70)),
        probability_of_default=draw(PROBABILITIES),
        probability_at_origination=draw(PROBABILITIES),
        loss_given_default=Decimal(draw(st.integers(0, 10**6))) / 10**6,
        category=draw(st.sampled_from(["unsecured_retail", "secured_retail"])),
    )


@st.composite
def random_exposures(draw: st.DrawFn) -> ClassifiedExposure:
    return ClassifiedExposure(
        asset_class=draw(st.sampled_from([*PERFORMING, *NON_PERFORMING])),
        outstanding=draw(amounts(10**10)),
        realisable_security=draw(st.one_of(st.just(Decimal(0)), amounts(10**10))),
        is_unsecured=draw(st.booleans()),
    )


def slow_stage(risk: LoanRisk, odds_factor: Decimal = Decimal(1)) -> int:
    """The stage by IFRS 9's rules, with the lifetime survival multiplied month by month."""
    if risk.is_impaired or risk.days_past_due > 90:
        return 3
    with localcontext(prec=70):
        odds = risk.probability_of_default / (1 - risk.probability_of_default) * odds_factor
        now, then = odds / (1 + odds), risk.probability_at_origination
        survivals = [Decimal(1), Decimal(1)]
        for _ in range(risk.loan.months_left):
            for index, probability in enumerate((now, then)):
                survivals[index] *= ((1 - probability).ln() / 12).exp()
        is_riskier = 1 - survivals[0] >= 3 * (1 - survivals[1])
    return 2 if risk.days_past_due > 30 or is_riskier else 1


def slow_expected_loss(risk: LoanRisk, outlooks: Sequence[Outlook], method: int) -> Decimal:
    """The weighted loss; `method` is the stage, or 0 for the undiscounted whole life."""
    total = Decimal(0)
    with localcontext(prec=70):
        for outlook in outlooks:
            points = outlook.shift.loss_given_default_points
            share = min(Decimal(1), max(Decimal(0), risk.loss_given_default + points / 100))
            if method == 3:
                owed = risk.loan.undue_principal + risk.loan.overdue
                total += outlook.weight * share * owed
                continue
            odds = risk.probability_of_default / (1 - risk.probability_of_default)
            odds *= outlook.shift.odds_factor
            losses = _slow_losses(risk, odds / (1 + odds), is_discounted=method > 0)
            counted = list(losses)[:12] if method == 1 else list(losses)
            total += outlook.weight * share * sum(counted, Decimal(0))
        return total.quantize(CENT, rounding=ROUND_HALF_UP)


def _slow_losses(risk: LoanRisk, probability: Decimal, *, is_discounted: bool) -> Iterator[Decimal]:
    loan = risk.loan
    survival_of_a_month = ((1 - probability).ln() / 12).exp()
    alive, value, balance = Decimal(1), Decimal(1), loan.undue_principal
    for month in range(1, loan.months_left + 1):
        if is_discounted:
            value /= 1 + loan.effective_rate_percent / 1200
        yield alive * (1 - survival_of_a_month) * (balance + loan.overdue) * value
        alive *= survival_of_a_month
        interest = (balance * loan.annual_rate_percent / 1200).quantize(CENT, ROUND_HALF_UP)
        repaid = min(balance, max(Decimal(0), loan.equal_instalment - interest))
        balance = Decimal(0) if month == loan.months_left else balance - repaid


def slow_provision(exposure: ClassifiedExposure) -> Decimal:
    """The RBI's provision, from its words: covered and uncovered part, each to the cent."""
    covered = min(exposure.outstanding, exposure.realisable_security)
    rest = exposure.outstanding - covered
    if exposure.asset_class in PERFORMING:
        rates = ("0.40", "0.40")
    elif exposure.asset_class == "sub_standard":
        rates = ("25", "25") if exposure.is_unsecured else ("15", "15")
    else:
        shares = {"doubtful_1": "25", "doubtful_2": "40", "doubtful_3": "100", "loss": "100"}
        rates = (shares[exposure.asset_class], "100")
    parts = zip((covered, rest), rates, strict=True)
    return sum(
        ((part * Decimal(rate) / 100).quantize(CENT, ROUND_HALF_UP) for part, rate in parts),
        Decimal(0),
    )


def random_book(chance: random.Random, size: int) -> list[LoanRisk]:
    """Loans as a lender has them: most are current, some late, a few impaired."""
    return [_random_loan(chance) for _ in range(size)]


def _random_loan(chance: random.Random) -> LoanRisk:
    undue, months = chance.randint(10_000, 10**9), chance.randint(1, 60)
    rate = Decimal(chance.randint(800, 2400)) / 100
    monthly = float(rate) / 1200
    instalment = int(undue * monthly / (1 - (1 + monthly) ** -months))
    then = chance.randint(10**12, 2 * 10**16)
    days = chance.choice([0] * 12 + [1, 15, 31, 60, 91])
    return LoanRisk(
        loan=Repayable(
            undue_principal=Decimal(undue) / 100,
            overdue=Decimal(chance.randint(1, instalment) if days else 0) / 100,
            annual_rate_percent=rate,
            effective_rate_percent=rate,
            equal_instalment=Decimal(instalment) / 100,
            months_left=months,
        ),
        days_past_due=days,
        is_impaired=days > 90,
        months_impaired=chance.randint(0, 60),
        probability_of_default=Decimal(then * chance.choice([1, 1, 2, 4])).scaleb(-17),
        probability_at_origination=Decimal(then).scaleb(-17),
        loss_given_default=Decimal(chance.choice([700_000, 650_000, 485_123])) / 10**6,
    )


def arrays_from_risks(risks: Sequence[LoanRisk]) -> LoanArrays:
    """The loans as columns."""

    def column(name: str, digits: int, *, of_loan: bool = False) -> Any:  # noqa: ANN401 -- an array
        values = [getattr(risk.loan if of_loan else risk, name) for risk in risks]
        return np.array([int(Decimal(value).scaleb(digits)) for value in values])

    return LoanArrays(
        undue_principal=column("undue_principal", 2, of_loan=True),
        overdue=column("overdue", 2, of_loan=True),
        annual_rate=column("annual_rate_percent", 6, of_loan=True),
        effective_rate=column("effective_rate_percent", 6, of_loan=True),
        equal_instalment=column("equal_instalment", 2, of_loan=True),
        months_left=column("months_left", 0, of_loan=True),
        days_past_due=column("days_past_due", 0),
        is_impaired=np.array([risk.is_impaired for risk in risks]),
        months_impaired=column("months_impaired", 0),
        probability_of_default=column("probability_of_default", 17),
        probability_at_origination=column("probability_at_origination", 17),
        loss_given_default=column("loss_given_default", 6),
        category=np.array([CATEGORIES.index(risk.category) for risk in risks]),
    )
