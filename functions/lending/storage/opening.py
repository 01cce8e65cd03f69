"""The first day of a book: one branch, one product, one open business date."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from functions.lending.storage import tables
from functions.lending.storage.database import WHOLE_BOOK, Database
from functions.lending.storage.transaction import open_business_date

HEAD_OFFICE = {"id": 1, "name": "Head office"}
INSTALMENT_LOAN: dict[str, Any] = {
    "id": 1,
    "code": "instalment_loan",
    "version": 1,
    "rule_set": "rbi_irac_2025",
    "penal_rate": Decimal(24),
    "penal_grace_days": 3,
    "exposure_limit": Decimal(10_000_000),
}


def open_book_on(database: Database, day: date, now: datetime) -> date:
    """Open the first business day, and return the day that is open: an open book stays as it is."""

    def work(connection: Connection) -> date:
        prepare(connection)
        dates = tables.business_dates
        statement = insert(dates).values(business_date=day, opened_at=now)
        connection.execute(statement.on_conflict_do_nothing())
        return open_business_date(connection)

    return database.write(WHOLE_BOOK, work, is_repeatable=True)


def prepare(connection: Connection) -> None:
    """Add the branch and the product that a book begins with, unless it has them."""
    for table, row in ((tables.branches, HEAD_OFFICE), (tables.products, INSTALMENT_LOAN)):
        columns = {name: row[name] for name in row}
        connection.execute(insert(table).values(**columns).on_conflict_do_nothing())
