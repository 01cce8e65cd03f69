"""Data quality: figures that a reader can count, against limits and the days before."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from models.errors import DataError
from tests.training.pipeline.conftest import make_load, read_rows
from training.pipeline.quality import (
    Check,
    Checks,
    check_quality,
    describe_failures,
    require_quality,
)
from training.pipeline.quality_limits import QualityLimits
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import TableLoad, Warehouse

FIRST = date(2026, 6, 1)
LIMITS = QualityLimits(
    defaults={"fewest_rows": 3, "max_silent_days": 2, "windows": 3},
    tables={"inquiries": {"newest": "inquired_on"}},
)


def list_days(count: int) -> list[date]:
    return [FIRST + timedelta(days=number) for number in range(count)]


def make_payments(day: date, rows: int, unpaid: int = 0) -> TableLoad:
    """A load of payments that are due on the day, some of which are not paid."""
    return make_load(
        "payments",
        day,
        *(
            {
                "payment_id": f"P{number}",
                "due_date": day,
                "paid_on": None if number < unpaid else day,
            }
            for number in range(rows)
        ),
    )


def load_all(warehouse: Warehouse, loads: Sequence[TableLoad]) -> None:
    """Load these, and nothing of every other table on the same days."""
    days = {load.day for load in loads}
    tables = {(load.table.table, load.day) for load in loads}
    empty = [make_load(name, day) for name in TABLES for day in days if (name, day) not in tables]
    warehouse.replace_days([*loads, *empty])


def find(checks: Checks, table: str, day: date, name: str, column: str = "") -> Check:
    [check] = [c for c in checks[table, day] if (c.name, c.column) == (name, column)]
    return check


def test_a_table_that_did_not_arrive_fails_and_has_no_other_figure(warehouse: Warehouse) -> None:
    warehouse.replace_days([make_payments(FIRST, 2)])
    checks = check_quality(warehouse, [FIRST], LIMITS)
    assert [check.outcome for check in checks["accounts", FIRST]] == ["failed"]
    assert find(checks, "payments", FIRST, "arrived").outcome == "passed"
    assert "2026-06-01, accounts: arrived is 0, below 1" in describe_failures(checks)


def test_rows_are_counted_against_the_mean_of_the_windows_before(warehouse: Warehouse) -> None:
    days = list_days(6)
    counts = (4, 6, 5, 4, 2, 11)
    load_all(warehouse, [make_payments(d, n) for d, n in zip(days, counts, strict=True)])
    checks = check_quality(warehouse, days, LIMITS)
    judged = [find(checks, "payments", day, "row_count") for day in days]
    assert [check.outcome for check in judged] == [
        *["not_enough"] * 3,
        "passed",  # 4, where 5 are usual
        "failed",  # 2, below half of 5
        "failed",  # 11, above twice 11 / 3
    ]
    assert (judged[4].low, judged[4].high) == (2.5, 10)


def test_rows_that_come_rarely_are_counted_over_a_window(warehouse: Warehouse) -> None:
    days = list_days(8)
    rows = [make_payments(day, 4 * (number % 2)) for number, day in enumerate(days)]
    load_all(warehouse, rows)
    limits = QualityLimits(defaults={"window_days": 2, "windows": 3, "fewest_rows": 4})
    assert find(check_quality(warehouse, days, limits), "payments", days[-1], "row_count") == Check(
        name="row_count", figure=4, low=2, high=8
    )


def test_a_table_that_is_silent_for_too_long_fails(warehouse: Warehouse) -> None:
    days = list_days(4)
    load_all(warehouse, [make_payments(FIRST, 4), *(make_payments(day, 0) for day in days[1:])])
    checks = check_quality(warehouse, days, LIMITS)
    silent = [find(checks, "payments", day, "silent_days") for day in days]
    assert [(check.figure, check.outcome) for check in silent] == [
        (0, "passed"),
        (1, "passed"),
        (2, "passed"),
        (3, "failed"),
    ]


def test_absent_values_are_compared_with_their_usual_share(warehouse: Warehouse) -> None:
    days = list_days(6)
    unpaid = (1, 0, 1, 1, 4, 4)
    load_all(warehouse, [make_payments(d, 10, n) for d, n in zip(days[:5], unpaid, strict=False)])
    checks = check_quality(warehouse, days[:5], LIMITS)
    shares = [find(checks, "payments", day, "null_share", "paid_on") for day in days[:5]]
    assert [check.outcome for check in shares] == ["passed"] * 4 + ["failed"]
    assert shares[4].figure == 0.4
    assert shares[4].low == pytest.approx(0.075 - 0.2)
    assert shares[4].high == pytest.approx(0.075 + 0.2)
    # A later run reads what was judged before.
    load_all(warehouse, [make_payments(days[5], 10, unpaid[5])])
    later = check_quality(warehouse, days[5:], LIMITS)
    assert find(later, "payments", days[5], "null_share", "paid_on").high == pytest.approx(
        0.7 / 5 + 0.2
    )


def test_a_share_of_few_rows_is_not_judged(warehouse: Warehouse) -> None:
    load_all(warehouse, [make_payments(FIRST, 2, 2)])
    check = find(
        check_quality(warehouse, [FIRST], LIMITS), "payments", FIRST, "null_share", "paid_on"
    )
    assert check.outcome == "not_enough"


@pytest.mark.parametrize(
    ("change", "table", "name", "column"),
    [
        ({"amount_due": -1.0}, "payments", "outside_contract", "amount_due"),
        ({"due_date": date(1800, 1, 1)}, "payments", "outside_contract", "due_date"),
        ({"kind": "gift"}, "accounts", "outside_contract", "kind"),
        ({"inquired_on": date(2026, 5, 31)}, "inquiries", "newest_age_days", "inquired_on"),
    ],
)
def test_what_came_into_a_table_past_the_contract_fails(
    warehouse: Warehouse, change: dict[str, Any], table: str, name: str, column: str
) -> None:
    load_all(warehouse, [make_load(table, FIRST, change)])
    check = find(check_quality(warehouse, [FIRST], LIMITS), table, FIRST, name, column)
    assert (check.figure, check.high, check.outcome) == (1, 0, "failed")


def test_repeated_keys_fail(warehouse: Warehouse) -> None:
    load_all(warehouse, [make_load("accounts", FIRST, {}, {}, {"account_id": "A2"})])
    check = find(check_quality(warehouse, [FIRST], LIMITS), "accounts", FIRST, "repeated_keys")
    assert (check.figure, check.outcome) == (1, "failed")


def test_refused_rows_fail_beyond_their_share(warehouse: Warehouse) -> None:
    rows = make_payments(FIRST, 9).rows
    load_all(warehouse, [TableLoad(TABLES["payments"], FIRST, rows, "load", "1", refused=1)])
    check = find(check_quality(warehouse, [FIRST], LIMITS), "payments", FIRST, "refused_share")
    assert (check.figure, check.outcome) == (0.1, "failed")


def test_verdicts_are_stored_once_for_each_day(warehouse: Warehouse) -> None:
    load_all(warehouse, [make_payments(FIRST, 4)])
    check_quality(warehouse, [FIRST], LIMITS)
    first = read_rows(warehouse, "quality_checks")
    check_quality(warehouse, [FIRST], LIMITS)
    assert read_rows(warehouse, "quality_checks") == first
    assert {row["table_name"] for row in first} == set(TABLES)


def test_features_wait_for_the_checks_of_their_day(warehouse: Warehouse) -> None:
    with pytest.raises(DataError, match="quality of 2026-06-01 has not been checked: python -m tr"):
        require_quality(warehouse, [FIRST], ["payments"], [])


def test_a_failed_check_stops_what_reads_its_table_unless_it_is_accepted(
    warehouse: Warehouse,
) -> None:
    load_all(warehouse, [make_load("accounts", FIRST, {}, {})])
    check_quality(warehouse, [FIRST], LIMITS)
    with pytest.raises(DataError, match=r"failed: accounts.repeated_keys \(2026-06-01\). Mend"):
        require_quality(warehouse, [FIRST], ["accounts", "payments"], [])
    require_quality(warehouse, [FIRST], ["payments"], [])
    require_quality(warehouse, [FIRST], ["accounts"], ["accounts.repeated_keys"])
