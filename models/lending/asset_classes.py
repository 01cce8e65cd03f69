"""Asset classes of a borrower's loans at the end of a day: SMA buckets, NPA, contagion, upgrade.

Two ways to the same answer: day by day from yesterday's state (`classify_loans`), or at once from
the histories of arrears (`npa_periods`). A test holds them against each other.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from models.lending.dates import add_months
from models.lending.days_past_due import ArrearsHistory, arrears_at, days_past_due
from models.lending.rule_sets import ClassBand, RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrears:
    """How late a loan is at the end of a day.

    `charge_days` is the age of unpaid fees and penal charges. It makes a loan special mention,
    never non-performing: an NPA is late with interest or principal.
    """

    days_past_due: int = 0
    charge_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetClassification:
    """The class of one loan at the end of a day, and the rule set that says so."""

    asset_class: str
    npa_since: date | None
    rule_set: str

    @property
    def is_npa(self) -> bool:
        """Whether the loan is non-performing."""
        return self.npa_since is not None


@dataclass(frozen=True, slots=True)
class NpaPeriod:
    """Non-performing from the end of day `since`; performing again from the end of `until`."""

    since: date
    until: date | None = None

    def contains(self, day: date) -> bool:
        """Whether the end of this day lies in the period."""
        return self.since <= day and (self.until is None or day < self.until)


def classify_loans(
    loans: Mapping[str, Arrears],
    npa_since: Mapping[str, date | None],
    as_of: date,
    rules: RuleSet,
) -> dict[str, AssetClassification]:
    """Classify all loans of one borrower at the end of a day, from the state of the day before.

    Borrower-wise rules give every loan the earliest NPA date of any (contagion), and give it back
    to none before all may be upgraded.
    """
    groups = [tuple(loans)] if rules.is_borrower_wise else [(name,) for name in loans]
    classes = {}
    for group in groups:
        dates = [npa_since.get(name) for name in group]
        days = [loans[name].days_past_due for name in group]
        since = next_npa_since([day for day in dates if day], days, as_of, rules)
        for name in group:
            classes[name] = classify(loans[name], since, as_of, rules)
    return classes


def next_npa_since(
    earlier: Collection[date], days: Collection[int], as_of: date, rules: RuleSet
) -> date | None:
    """Return since when loans that share their fate are non-performing, or None.

    `earlier` are the NPA dates of the day before, `days` the days past due of each loan.
    """
    if earlier and not _is_cured(days, rules):
        return min(earlier)
    late = [day - rules.npa_from for day in days if day >= rules.npa_from]
    return as_of - timedelta(days=max(late)) if late else None


def npa_day(oldest_due: Collection[date], rules: RuleSet) -> date | None:
    """Return the day at whose end performing loans that share their fate cease to be so.

    `oldest_due` are the oldest unpaid due dates of those that are late; nothing more is paid.
    None if no loan is late.
    """
    return min(oldest_due) + timedelta(days=rules.npa_from - 1) if oldest_due else None


def classify(
    arrears: Arrears, npa_since: date | None, as_of: date, rules: RuleSet
) -> AssetClassification:
    """Return the class of one loan. Loss is never a matter of months: `declare_loss` sets it."""
    if npa_since is None:
        days = max(arrears.days_past_due, min(arrears.charge_days, rules.npa_from - 1))
        name = _class_from(rules.performing, days)
    elif rules.non_performing_by == "days_past_due":
        name = _class_from(rules.non_performing, arrears.days_past_due)
    else:
        reached = [b for b in rules.non_performing if add_months(npa_since, b.start) <= as_of]
        name = reached[-1].asset_class
    return AssetClassification(asset_class=name, npa_since=npa_since, rule_set=rules.label)


def declare_loss(
    classification: AssetClassification, as_of: date, rules: RuleSet
) -> AssetClassification:
    """Return the class of a loan that the lender, its auditor or an inspector declared a loss."""
    return AssetClassification(
        asset_class=rules.loss_class,
        npa_since=classification.npa_since or as_of,
        rule_set=rules.label,
    )


def npa_periods(
    histories: Sequence[ArrearsHistory], as_of: date, rules: RuleSet
) -> tuple[NpaPeriod, ...]:
    """Return when loans that share their fate were non-performing, up to the end of `as_of`."""
    changes = sorted({change.day for history in histories for change in history})
    days = [day for day in changes if day <= as_of]
    periods: list[NpaPeriod] = []
    since: date | None = None
    for day, next_day in pairwise([*days, as_of + timedelta(days=1)]):
        oldest = [arrears_at(history, day).oldest_due for history in histories]
        if since and _is_cured([days_past_due(due, day) for due in oldest], rules):
            periods.append(NpaPeriod(since, day))
            since = None
        if since is None:
            starts = [due + timedelta(days=rules.npa_from - 1) for due in oldest if due]
            start = max(day, min(starts)) if starts else next_day
            since = start if start < next_day else None
    return tuple(periods) if since is None else (*periods, NpaPeriod(since))


def _is_cured(days: Collection[int], rules: RuleSet) -> bool:
    threshold = 1 if rules.upgrade == "all_arrears_paid" else rules.npa_from
    return max(days, default=0) < threshold


def _class_from(bands: Sequence[ClassBand], days: int) -> str:
    starts = [band.start for band in bands]
    return bands[max(bisect_right(starts, days) - 1, 0)].asset_class
