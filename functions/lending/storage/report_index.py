"""Stored risk reports by day and rule set, without their loans."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

REPORT = text("""
SELECT id, as_of, rule_set, provision_rules, assumptions, models, loans, unscored, computed_again,
    created_at FROM risk_reports
WHERE split_part(rule_set, '@', 1) = :name AND (CAST(:day AS date) IS NULL OR as_of = :day)
    AND (CAST(:before AS date) IS NULL OR as_of < :before)
ORDER BY as_of DESC LIMIT 1
""")


class StoredReport(NamedTuple):
    """One report, without its loans."""

    id: UUID
    as_of: date
    rule_set: str
    provision_rules: str
    assumptions: dict[str, Any]
    models: dict[str, int]
    loans: int
    unscored: int
    computed_again: int
    created_at: Any


def find_report(
    connection: Connection, name: str, day: date | None = None, before: date | None = None
) -> StoredReport | None:
    """Return the report of a rule set for a day, the latest before one, or the latest of all."""
    values = {"name": name, "day": day, "before": before}
    row = connection.execute(REPORT, values).one_or_none()
    return StoredReport(*row) if row else None
