"""Data quality: what the tables of a day are like, against limits and against the days before.

The figures of all days are computed by two queries a table, the same in every database. Each
verdict is a row of `quality_checks`, which later days are compared with.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import mean
from typing import Any, ClassVar, Literal

import pyarrow as pa

from models.errors import DataError
from training.pipeline.quality_limits import QualityLimits, TableLimits
from training.pipeline.source_table import (
    DAY,
    SourceTable,
    TableColumn,
    Word,
    arrow_schema,
    columns_from_table,
)
from training.pipeline.tables import TABLES
from training.pipeline.warehouse import LoadRow, TableLoad, Warehouse, list_dates

Outcome = Literal["passed", "failed", "not_enough"]
LEAST_DAYS = 3  # that a mean is of
MOST_DATES = 3  # that a message names
NULLS, BROKEN, NEWEST = "nulls_", "broken_", "newest"  # columns of the query


class QualityCheckRow(SourceTable):
    """One verdict: a figure of a table and day, and the bounds that it must be within.

    `column_name` is empty if the figure is of the table. `not_enough` means that there are too few
    rows or days to judge it.
    """

    table: ClassVar = "quality_checks"
    key: ClassVar = ("table_name", "check_name", "column_name")

    table_name: Word
    check_name: Word
    column_name: str
    figure: float | None
    low: float | None
    high: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A figure, and the bounds that it must be within. Without a figure it cannot be judged."""

    name: str
    column: str = ""
    figure: float | None
    low: float | None = None
    high: float | None = None

    @property
    def outcome(self) -> Outcome:
        """Whether the figure is within its bounds."""
        if self.figure is None:
            return "not_enough"
        is_low = self.low is not None and self.figure < self.low
        is_high = self.high is not None and self.figure > self.high
        return "failed" if is_low or is_high else "passed"

    def describe(self) -> str:
        """Describe the figure and the bound that it breaks."""
        place = f"{self.name} of {self.column}" if self.column else self.name
        if self.low is not None and self.figure is not None and self.figure < self.low:
            return f"{place} is {self.figure:g}, below {self.low:g}"
        return f"{place} is {self.figure:g}, above {self.high:g}"


@dataclass(frozen=True, slots=True)
class TableFigures:
    """Figures of one table by day: of its loads, of its rows, and how many keys are repeated."""

    loads: Mapping[date, Mapping[str, int]]
    rows: Mapping[date, Mapping[str, Any]]
    repeated: Mapping[date, int]

    def count_rows(self, last_day: date, days: int) -> int:
        """Count the rows of a window of days."""
        window = (last_day - timedelta(days=number) for number in range(days))
        return sum(self.loads[day]["row_count"] for day in window if day in self.loads)


Checks = dict[tuple[str, date], list[Check]]  # by table and day


def check_quality(warehouse: Warehouse, days: Sequence[date], limits: QualityLimits) -> Checks:
    """Check every table of the days, and store the verdicts."""
    loads = _read_loads(warehouse)
    checks: Checks = {}
    for name, table in TABLES.items():
        table_limits = limits.find(name)
        figures = _measure(warehouse, table, days, table_limits, loads[name])
        history = _read_null_shares(warehouse, name, min(days), table_limits)
        for day in sorted(days):
            checks[name, day] = list(_judge(table, day, figures, table_limits, history))
            shares = {c.column: c.figure for c in checks[name, day] if c.name == "null_share"}
            history[day] = {column: s for column, s in shares.items() if s is not None}
    warehouse.replace_days([_load_checks(checks, day) for day in sorted(days)])
    return checks


def describe_failures(checks: Checks) -> list[str]:
    """Describe every failed check of every table and day."""
    return [
        f"{day}, {name}: {check.describe()}"
        for (name, day), judged in checks.items()
        for check in judged
        if check.outcome == "failed"
    ]


def require_quality(
    warehouse: Warehouse, days: Sequence[date], tables: Sequence[str], accepted: Sequence[str]
) -> None:
    """Refuse to go on with days whose tables were not checked, or failed a check.

    `accepted` names checks, as `table.check`, that may have failed.

    Raises
    ------
    DataError
        If there is such a day. The message names the failed checks.
    """
    rows = warehouse.read(
        f"SELECT {DAY}, table_name, check_name, outcome FROM {QualityCheckRow.table} "
        f"WHERE {DAY} IN ({list_dates(days)}) ORDER BY {DAY}, table_name, check_name"
    ).to_pylist()
    unchecked = sorted(set(days) - {row[DAY] for row in rows})
    if unchecked:
        message = (
            f"the quality of {unchecked[0]} has not been checked: "
            f"python -m training quality --day {unchecked[0]}"
        )
        raise DataError(message)
    failed: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        name = f"{row['table_name']}.{row['check_name']}"
        if row["outcome"] == "failed" and row["table_name"] in tables and name not in accepted:
            failed[name].append(str(row[DAY]))
    if failed:
        description = "; ".join(
            f"{name} ({', '.join(sorted(set(dates))[:MOST_DATES])})"
            for name, dates in failed.items()
        )
        message = (
            f"checks of data quality failed: {description}. Mend the data, ingest and check the "
            "day again, or go on in spite of a check with --accept TABLE.CHECK"
        )
        raise DataError(message)


def write_measures(table: type[SourceTable], days: Sequence[date], newest: str) -> str:
    """Write the query of the figures of a table for each of the days."""
    figures = [
        f"SUM(CASE WHEN {c.name} IS NULL THEN 1 ELSE 0 END) AS {NULLS}{c.name}"
        for c in _list_optional(table)
    ]
    for column in columns_from_table(table):
        broken = _write_rule(column)
        if broken:
            figures.append(f"SUM(CASE WHEN {broken} THEN 1 ELSE 0 END) AS {BROKEN}{column.name}")
    if newest:
        figures.append(f"MAX({newest}) AS {NEWEST}")
    return (
        f"SELECT {', '.join([DAY, 'COUNT(*) AS row_count', *figures])} FROM {table.table} "
        f"WHERE {DAY} IN ({list_dates(days)}) GROUP BY {DAY}"
    )


def write_repeated(table: type[SourceTable], days: Sequence[date]) -> str:
    """Write the query that counts the repeated keys of each of the days."""
    key = ", ".join([DAY, *table.key])
    return (
        f"SELECT {DAY}, COUNT(*) AS repeated FROM (SELECT {key} FROM {table.table} "
        f"WHERE {DAY} IN ({list_dates(days)}) GROUP BY {key} HAVING COUNT(*) > 1) AS doubled "
        f"GROUP BY {DAY}"
    )


def _write_rule(column: TableColumn) -> str:
    """Write the condition that a value breaks the contract, or nothing if there is no rule."""
    quote = "DATE '{}'" if column.python is date else "{}"
    rules = []
    if column.low is not None:
        rules.append(f"{column.name} < {quote.format(column.low)}")
    if column.high is not None:
        rules.append(f"{column.name} > {quote.format(column.high)}")
    if column.levels:
        levels = ", ".join(f"'{level}'" for level in column.levels)
        rules.append(f"{column.name} NOT IN ({levels})")
    return " OR ".join(rules)


def _list_optional(table: type[SourceTable]) -> list[TableColumn]:
    return [column for column in columns_from_table(table) if column.optional]


def _read_loads(warehouse: Warehouse) -> Mapping[str, dict[date, dict[str, int]]]:
    loads: dict[str, dict[date, dict[str, int]]] = defaultdict(dict)
    query = f"SELECT table_name, {DAY}, row_count, refused FROM {LoadRow.table}"
    for row in warehouse.read(query).to_pylist():
        loads[row["table_name"]][row[DAY]] = row
    return loads


def _measure(
    warehouse: Warehouse,
    table: type[SourceTable],
    days: Sequence[date],
    limits: TableLimits,
    loads: Mapping[date, Mapping[str, int]],
) -> TableFigures:
    rows = warehouse.read(write_measures(table, days, limits.newest)).to_pylist()
    repeated = warehouse.read(write_repeated(table, days)).to_pylist()
    return TableFigures(
        loads,
        {row[DAY]: row for row in rows},
        {row[DAY]: row["repeated"] for row in repeated},
    )


def _read_null_shares(
    warehouse: Warehouse, table: str, before: date, limits: TableLimits
) -> dict[date, dict[str, float]]:
    """Read the shares of absent values that earlier days were judged by."""
    first = before - timedelta(days=limits.history_days)
    rows = warehouse.read(
        f"SELECT {DAY}, column_name, figure FROM {QualityCheckRow.table} "
        f"WHERE table_name = '{table}' AND check_name = 'null_share' AND figure IS NOT NULL "
        f"AND {DAY} >= DATE '{first}' AND {DAY} < DATE '{before}'"
    ).to_pylist()
    history: dict[date, dict[str, float]] = defaultdict(dict)
    for row in rows:
        history[row[DAY]][row["column_name"]] = row["figure"]
    return history


def _judge(
    table: type[SourceTable],
    day: date,
    figures: TableFigures,
    limits: TableLimits,
    history: Mapping[date, Mapping[str, float]],
) -> Iterator[Check]:
    yield Check(name="arrived", figure=float(day in figures.loads), low=1)
    if day not in figures.loads:
        return
    yield from _judge_counts(day, figures, limits)
    rows = figures.rows.get(day)
    if rows is None:
        return
    yield Check(name="repeated_keys", figure=figures.repeated.get(day, 0), high=0)
    if limits.newest and rows[NEWEST] is not None:
        age = (day - rows[NEWEST]).days
        yield Check(
            name="newest_age_days", column=limits.newest, figure=age, high=limits.max_age_days
        )
    for column in columns_from_table(table):
        if f"{BROKEN}{column.name}" in rows:
            broken = float(rows[f"{BROKEN}{column.name}"])
            yield Check(name="outside_contract", column=column.name, figure=broken, high=0)
    for column in _list_optional(table):
        yield _judge_nulls(column.name, day, rows, limits, history)


def _judge_counts(day: date, figures: TableFigures, limits: TableLimits) -> Iterator[Check]:
    load = figures.loads[day]
    delivered = load["row_count"] + load["refused"]
    refused = load["refused"] / delivered if delivered else 0.0
    yield Check(name="refused_share", figure=refused, high=limits.max_refused_share)
    last = max(
        (d for d, row in figures.loads.items() if d <= day and row["row_count"]), default=None
    )
    silent = None if last is None else (day - last).days
    yield Check(name="silent_days", figure=silent, high=limits.max_silent_days)
    first = day - timedelta(days=limits.window_days * (limits.windows + 1) - 1)
    if min(figures.loads) > first:
        yield Check(name="row_count", figure=None)
        return
    count = figures.count_rows(day, limits.window_days)
    usual = mean(
        figures.count_rows(day - timedelta(days=limits.window_days * number), limits.window_days)
        for number in range(1, limits.windows + 1)
    )
    yield Check(
        name="row_count",
        figure=count if usual >= limits.fewest_rows else None,
        low=limits.fewest * usual,
        high=limits.most * usual,
    )


def _judge_nulls(
    column: str,
    day: date,
    rows: Mapping[str, Any],
    limits: TableLimits,
    history: Mapping[date, Mapping[str, float]],
) -> Check:
    if rows["row_count"] < limits.fewest_rows:
        return Check(name="null_share", column=column, figure=None)
    share = float(rows[f"{NULLS}{column}"]) / rows["row_count"]
    first = day - timedelta(days=limits.history_days)
    earlier = [
        shares[column] for d, shares in history.items() if first <= d < day and column in shares
    ]
    if len(earlier) < LEAST_DAYS:
        return Check(name="null_share", column=column, figure=share)
    usual = mean(earlier)
    return Check(
        name="null_share",
        column=column,
        figure=share,
        low=usual - limits.max_null_shift,
        high=usual + limits.max_null_shift,
    )


def _load_checks(checks: Checks, day: date) -> TableLoad:
    rows = [
        {
            "table_name": name,
            "check_name": check.name,
            "column_name": check.column,
            "figure": check.figure,
            "low": check.low,
            "high": check.high,
            "outcome": check.outcome,
        }
        for (name, judged_day), judged in checks.items()
        if judged_day == day
        for check in judged
    ]
    return TableLoad(
        QualityCheckRow, day, pa.Table.from_pylist(rows, schema=arrow_schema(QualityCheckRow))
    )
