"""Copies of the loans of a seeded book, with as many of their rows as a measurement reads.

A temporary table `copies` has the key of each loan and that of its copy, and the copy's branch.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, text

# What identifies the rows of a copy; every other column is that of the loan.
NEW = {"loan_id": "c.new", "branch_id": "c.branch"}
WITH_ID = NEW | {"id": "gen_random_uuid()"}
RECORDS: Mapping[str, Mapping[str, str]] = {
    "disbursements": WITH_ID,
    "repayments": WITH_ID,
    "charges": WITH_ID,
    "adjustments": WITH_ID,
    "instalments": NEW,
    "schedule_versions": NEW,
    "journal_entries": NEW,
    "journal_lines": NEW,
    "allocations": NEW,
}


def copy_rows(
    connection: Connection,
    table: str,
    new: Mapping[str, str],
    *,
    key: str = "loan_id",
    condition: str = "true",
) -> None:
    """Copy the rows of one table; `condition` may be about the copy `c` and the row `o`."""
    columns = text("""
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = :table ORDER BY ordinal_position""")
    names = connection.execute(columns, {"table": table}).scalars().all()
    values = ", ".join(new.get(name, f"o.{name}") for name in names)
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} "  # noqa: S608 -- ours
        f"FROM copies c JOIN {table} o ON o.{key} = c.old WHERE {condition} ORDER BY c.new"
    )
    connection.execute(text(statement))
