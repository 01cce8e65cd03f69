"""Files of a book that is to be seeded: staged in the database, and read borrower by borrower.

The database sorts them, so that only some borrowers at a time are in this process's memory.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from functions.lending.seed_rows import Records
from models.errors import DataError

# Each file with the column by which it is read, and the file before it that must have the same.
FILES: Mapping[str, tuple[str, str | None]] = {
    "customers": ("customer_id", None),
    "applications": ("customer_id", "customers"),
    "disbursements": ("application", "applications"),
    "repayments": ("application", "disbursements"),
}
CHUNK = 1 << 20
BATCH = 500
CUSTOMERS = text("""
SELECT * FROM staged_customers WHERE customer_id::bigint > :last
    ORDER BY customer_id::bigint LIMIT :batch
""")
APPLICATIONS = text("""
SELECT * FROM staged_applications WHERE customer_id::bigint BETWEEN :first AND :last
""")
DISBURSEMENTS = text("""
SELECT d.* FROM staged_applications a JOIN staged_disbursements d ON d.application = a.application
    WHERE a.customer_id::bigint BETWEEN :first AND :last
""")
REPAYMENTS = text("""
SELECT r.* FROM staged_applications a JOIN staged_repayments r ON r.application = a.application
    WHERE a.customer_id::bigint BETWEEN :first AND :last
""")


def stage_files(connection: Connection, folder: Path) -> int:
    """Copy the files into tables that last as long as the transaction; return the customers.

    Raises
    ------
    DataError
        If a file is missing, or names what another one does not have.
    """
    for name, (key, parent) in FILES.items():
        _stage(connection, folder / f"{name}.csv", name)
        kind = "::bigint" if key == "customer_id" else ""
        connection.execute(text(f"CREATE INDEX ON staged_{name} (({key}{kind}))"))
        if name == "applications":
            connection.execute(text("CREATE INDEX ON staged_applications (application)"))
        connection.execute(text(f"ANALYZE staged_{name}"))
        if parent:
            _require_parents(connection, name, key, parent)
    people: int = connection.execute(text("SELECT count(*) FROM staged_customers")).scalar_one()
    return people


def read_batches(connection: Connection) -> Iterator[Mapping[str, Records]]:
    """Yield the records of all files, so many customers at a time."""
    last = 0
    while True:
        batch = {"last": last, "batch": BATCH}
        people = connection.execute(CUSTOMERS, batch).mappings().all()
        if not people:
            return
        last = int(people[-1]["customer_id"])
        between = {"first": int(people[0]["customer_id"]), "last": last}
        queries = {
            "applications": APPLICATIONS,
            "disbursements": DISBURSEMENTS,
            "repayments": REPAYMENTS,
        }
        records = {
            name: connection.execute(query, between).mappings().all()
            for name, query in queries.items()
        }
        yield {"customers": people, **records}  # type: ignore[dict-item] # rows of text


def _stage(connection: Connection, path: Path, name: str) -> None:
    driver: Any = connection.connection.driver_connection
    try:
        with path.open(encoding="utf-8", newline="") as file:
            names = [column for column in next(csv.reader(file), []) if column.isidentifier()]
            columns = ", ".join(f'"{column}" text' for column in names)
            connection.execute(text(f"CREATE TEMP TABLE staged_{name} ({columns}) ON COMMIT DROP"))
            statement = f"COPY staged_{name} FROM STDIN WITH (FORMAT csv)"
            with driver.cursor() as cursor, cursor.copy(statement) as copy:
                while chunk := file.read(CHUNK):
                    copy.write(chunk)
    except OSError as error:
        message = f"{path}: {error.strerror}; write it with `training generate --source book`"
        raise DataError(message) from error


def _require_parents(connection: Connection, name: str, key: str, parent: str) -> None:
    orphan = connection.execute(
        text(f"""
            SELECT {key} FROM staged_{name} child WHERE NOT EXISTS (
                SELECT FROM staged_{parent} parent WHERE parent.{key} = child.{key}) LIMIT 1""")  # noqa: S608 -- names of ours
    ).scalar_one_or_none()
    if orphan is not None:
        message = f"{name}.csv: {key} {orphan} is not in {parent}.csv"
        raise DataError(message)
