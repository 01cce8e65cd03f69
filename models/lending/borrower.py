"""All loans of one borrower: the state of each, and the classes that they share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from models.lending.asset_classes import (
    AssetClassification,
    NpaPeriod,
    classify,
    npa_day,
    npa_periods,
)
from models.lending.loan_state import LoanState, derive
from models.lending.replay import Loan
from models.lending.rule_sets import RuleSet

Periods = Mapping[str, tuple[NpaPeriod, ...]]


class EarlierState(NamedTuple):
    """What is known of a loan before it is derived: it stands as it was at the end of a day.

    `npa_since` is since when it was non-performing then. What is right saves a round, what is
    wrong costs one. Of the journal only what is dated after `as_of` is derived, if it is given.
    """

    npa_since: date | None = None
    as_of: date | None = None


NEVER = EarlierState()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedLoan:
    """A loan's state and class at the end of a day.

    `turns_npa_on` is the day at whose end an active, performing loan becomes non-performing if
    nothing is paid; None while neither it nor a loan that shares its fate is late.
    """

    state: LoanState
    classification: AssetClassification
    npa_periods: tuple[NpaPeriod, ...]
    turns_npa_on: date | None = None


def derive_loans(
    loans: Mapping[str, Loan],
    as_of: date,
    rules: RuleSet,
    earlier: Mapping[str, EarlierState] | None = None,
) -> dict[str, ClassifiedLoan]:
    """Derive and classify every loan of a borrower at the end of a day.

    A class may change how a payment is allocated, and payments change the class. Both look only
    back in time, so each round is right up to one more change, and the rounds come to rest, always
    at the same periods.
    """
    begun = {name: (earlier or {}).get(name, NEVER) for name in loans}
    periods: Periods = {
        name: (NpaPeriod(one.npa_since),) if one.npa_since else () for name, one in begun.items()
    }
    while True:
        states = {
            name: derive(loan, as_of, periods[name], begun[name].as_of)
            for name, loan in loans.items()
        }
        derived = _periods(states, as_of, rules)
        if derived == periods:
            break
        periods = derived
    return {
        name: ClassifiedLoan(
            state=state,
            classification=classify(state.lateness, _since(periods[name]), as_of, rules),
            npa_periods=periods[name],
            turns_npa_on=_turns_npa_on(name, states, periods, rules),
        )
        for name, state in states.items()
    }


def _turns_npa_on(
    name: str, states: Mapping[str, LoanState], periods: Periods, rules: RuleSet
) -> date | None:
    if states[name].status != "active" or _since(periods[name]):
        return None
    group = states.values() if rules.is_borrower_wise else (states[name],)
    return npa_day([s.oldest_due for s in group if s.status == "active" and s.oldest_due], rules)


def _periods(states: Mapping[str, LoanState], as_of: date, rules: RuleSet) -> Periods:
    if rules.is_borrower_wise:
        shared = npa_periods([state.arrears for state in states.values()], as_of, rules)
        return dict.fromkeys(states, shared)
    return {name: npa_periods([state.arrears], as_of, rules) for name, state in states.items()}


def _since(periods: tuple[NpaPeriod, ...]) -> date | None:
    return periods[-1].since if periods and periods[-1].until is None else None
