from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lending.asset_classes import (
    Arrears,
    NpaPeriod,
    classify,
    classify_loans,
    declare_loss,
    next_npa_since,
    npa_periods,
)
from models.lending.days_past_due import ArrearsChange, ArrearsHistory, arrears_at, days_past_due
from models.lending.rule_sets import RBI_IRAC_2025, RULE_SETS, SOURCE_D
from tests.support.loan_book import golden

ONE = golden()["one_unpaid_instalment"]
DUE_ON, NPA_SINCE = (date.fromisoformat(ONE[name]) for name in ("due_on", "npa_since"))


@pytest.mark.parametrize(("as_of", "days", "asset_class"), ONE["days"])
def test_an_instalment_that_is_never_paid(as_of: str, days: int, asset_class: str) -> None:
    day = date.fromisoformat(as_of)
    since = next_npa_since([], [days], day, RBI_IRAC_2025)
    classification = classify(Arrears(days_past_due=days), since, day, RBI_IRAC_2025)
    assert classification.asset_class == asset_class
    assert classification.npa_since == (NPA_SINCE if day >= NPA_SINCE else None)
    assert classification.rule_set == "rbi_irac_2025@1"


@pytest.mark.parametrize(
    ("since", "as_of", "asset_class"),
    [
        *((date(2023, 8, 1), *case) for case in golden()["npa_since_first_of_august_2023"]),
        *((date(2028, 2, 29), *case) for case in golden()["npa_since_leap_day"]),
    ],
)
def test_a_non_performing_loan_ages_by_anniversaries(
    since: date, as_of: str, asset_class: str
) -> None:
    day = date.fromisoformat(as_of)
    assert classify(Arrears(), since, day, RBI_IRAC_2025).asset_class == asset_class


@pytest.mark.parametrize(("days", "asset_class"), golden()["earlier_system"])
def test_the_bands_of_the_earlier_system(days: int, asset_class: str) -> None:
    day = date(2026, 6, 30)
    classes = classify_loans({"A": Arrears(days_past_due=days)}, {}, day, SOURCE_D)
    assert classes["A"].asset_class == asset_class
    assert classes["A"].is_npa is (days >= 90)


def test_one_loan_drags_the_other_along_and_both_come_back_together() -> None:
    since: dict[str, date | None] = {}
    for as_of, days_a, days_b, class_a, class_b in golden()["two_loans_of_a_borrower"]:
        loans = {"A": Arrears(days_past_due=days_a), "B": Arrears(days_past_due=days_b)}
        classes = classify_loans(loans, since, date.fromisoformat(as_of), RBI_IRAC_2025)
        assert [c.asset_class for c in classes.values()] == [class_a, class_b], as_of
        since = {name: c.npa_since for name, c in classes.items()}


def test_a_new_loan_of_a_non_performing_borrower_has_the_date_of_the_first() -> None:
    loans = {"A": Arrears(days_past_due=120), "B": Arrears()}
    classes = classify_loans(loans, {"A": NPA_SINCE}, date(2026, 7, 28), RBI_IRAC_2025)
    assert classes["B"].npa_since == NPA_SINCE


def test_rules_by_loan_know_no_contagion_and_upgrade_below_the_threshold() -> None:
    loans = {"A": Arrears(days_past_due=120), "B": Arrears(days_past_due=5)}
    since = {"A": date(2026, 6, 1), "B": None}
    classes = classify_loans(loans, since, date(2026, 6, 30), SOURCE_D)
    assert [c.asset_class for c in classes.values()] == ["sub_standard", "standard"]
    improved = classify_loans({"A": Arrears(days_past_due=30)}, since, date(2026, 7, 1), SOURCE_D)
    assert improved["A"].asset_class == "standard"


@pytest.mark.parametrize(("days", "asset_class"), [(1, "sma_0"), (61, "sma_2"), (400, "sma_2")])
def test_charges_alone_make_a_loan_special_mention_and_never_npa(
    days: int, asset_class: str
) -> None:
    arrears = Arrears(charge_days=days)
    assert classify(arrears, None, date(2026, 6, 30), RBI_IRAC_2025).asset_class == asset_class


def test_a_loss_is_declared() -> None:
    day = date(2026, 6, 30)
    npa = classify(Arrears(days_past_due=92), NPA_SINCE, day, RBI_IRAC_2025)
    assert declare_loss(npa, day, RBI_IRAC_2025).asset_class == "loss"
    assert declare_loss(npa, day, RBI_IRAC_2025).npa_since == NPA_SINCE
    standard = classify(Arrears(), None, day, RBI_IRAC_2025)
    assert declare_loss(standard, day, RBI_IRAC_2025).npa_since == day


def test_a_period_ends_with_the_close_of_its_last_day() -> None:
    period = NpaPeriod(date(2026, 6, 29), date(2026, 7, 25))
    days = [date(2026, 6, 28), date(2026, 6, 29), date(2026, 7, 24), date(2026, 7, 25)]
    assert [period.contains(day) for day in days] == [False, True, True, False]


@st.composite
def histories(draw: st.DrawFn) -> ArrearsHistory:
    """Arrears as they occur: a due date is missed, paid up to a later one, or paid in full."""
    day, oldest = date(2026, 1, 1), None
    changes = []
    for gap in draw(st.lists(st.integers(1, 120), max_size=6)):
        day += timedelta(days=gap)
        if oldest is None:
            oldest = day
        else:
            age = draw(st.integers(0, (day - oldest).days))
            oldest = draw(st.sampled_from([None, oldest + timedelta(days=age)]))
        changes.append(ArrearsChange(day, oldest))
    return tuple(changes)


@given(st.lists(histories(), min_size=1, max_size=3), st.sampled_from(sorted(RULE_SETS)))
def test_day_by_day_and_at_once_agree(all_histories: list[ArrearsHistory], name: str) -> None:
    rules, day, end = RULE_SETS[name], date(2026, 1, 1), date(2028, 1, 1)
    periods = npa_periods(all_histories, end, rules)
    since: date | None = None
    while day < end:
        days = [days_past_due(arrears_at(h, day).oldest_due, day) for h in all_histories]
        since = next_npa_since([since] if since else [], days, day, rules)
        assert since == next((p.since for p in periods if p.contains(day)), None), day
        day += timedelta(days=1)
