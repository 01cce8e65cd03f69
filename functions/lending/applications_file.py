"""Applications from a CSV file: checked line by line, imported as a whole or in part, resumable.

The key of an application is the content of the file and the line, so that the same file again
imports only what is missing.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection
from typing_extensions import TypedDict

from functions.lending.actions.applications import RequestIdentity, store_application
from functions.lending.requests import LoanRequest
from functions.lending.storage.database import WHOLE_BOOK, Database
from functions.lending.storage.idempotency import fingerprint
from functions.lending.storage.transaction import Transaction, begun
from functions.web.problems import faults_from_validation
from models.errors import DataError, SuretyError

PRINCIPAL = "import"
WHOLE_NUMBERS = ("customer_id", "loan_tenure_months")
MOST_FAULTS = 100
BATCH = 500
FIRST_LINE = 2  # below the heading
DIGEST_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class FileImport:
    """A file, and what to do where a line is faulty."""

    path: Path
    is_dry: bool = False
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line, read; either a request or its fault."""

    number: int
    request: LoanRequest | None
    fault: str = ""


class FaultyLineError(SuretyError):
    """A line is refused by the book, so that nothing of the file is imported."""


class ImportReport(TypedDict):
    """Lines of a file, how many are in the book now, and the first faults with their lines."""

    lines: int
    imported: int
    faulty: int
    faults: list[str]


def import_applications(database: Database, how: FileImport, now: datetime) -> ImportReport:
    """Import a file and report lines, imported applications and faults.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    faults = [f"line {line.number}: {line.fault}" for line in read_lines(how.path) if line.fault]
    lines = sum(1 for _ in read_lines(how.path))
    if how.is_dry or (faults and not how.is_partial):
        return _report(lines, 0, faults)
    digest = digest_from_file(how.path)
    sound = (line for line in read_lines(how.path) if line.request)
    size = BATCH if how.is_partial else max(lines, 1)  # as a whole: in one transaction
    imported = 0
    try:
        while batch := list(islice(sound, size)):
            work = _Batch(batch, digest, now, is_partial=how.is_partial)
            refused = database.write(WHOLE_BOOK, work, is_repeatable=True)
            faults += refused
            imported += len(batch) - len(refused)
    except FaultyLineError as error:
        return _report(lines, 0, [str(error)])
    return _report(lines, imported, faults)


def read_lines(path: Path) -> Iterator[FileLine]:
    """Read a file line by line.

    Raises
    ------
    DataError
        If it cannot be opened, or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=FIRST_LINE):
                yield _line(number, row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path} cannot be read as CSV in UTF-8: {type(error).__name__}"
        raise DataError(message) from error


def _line(number: int, row: Mapping[Any, Any]) -> FileLine:
    if None in row or None in row.values():
        return FileLine(number, None, "the line has another number of cells than the heading")
    document = {
        name: int(cell) if name in WHOLE_NUMBERS and _is_whole(cell) else cell
        for name, cell in row.items()
    }
    try:
        return FileLine(number, LoanRequest.model_validate(document))
    except ValidationError as error:
        faults = faults_from_validation(error)
        return FileLine(number, None, "; ".join(f"{f.path}: {f.message}" for f in faults))


def _is_whole(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) <= len(str(10**15))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Lines that are imported in one transaction; called, it returns the faults of lines."""

    lines: list[FileLine]
    digest: str
    now: datetime
    is_partial: bool

    def __call__(self, connection: Connection) -> list[str]:
        transaction = begun(connection, PRINCIPAL, self.digest, self.now)
        faults = []
        for line in self.lines:
            try:
                with connection.begin_nested():
                    self._store(transaction, line)
            except SuretyError as error:
                fault = f"line {line.number}: {error}"
                if not self.is_partial:
                    raise FaultyLineError(fault) from error
                faults.append(fault)
        return faults

    def _store(self, transaction: Transaction, line: FileLine) -> None:
        if line.request is None:
            raise AssertionError
        document = line.request.model_dump(mode="json")
        identity = RequestIdentity(
            key=f"{self.digest}:{line.number}", fingerprint=fingerprint("apply", document)
        )
        store_application(transaction, line.request, identity)
        transaction.flush()


def digest_from_file(path: Path) -> str:
    """Name a file by its content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_CHARACTERS]


def _report(lines: int, imported: int, faults: list[str]) -> ImportReport:
    return {
        "lines": lines,
        "imported": imported,
        "faulty": len(faults),
        "faults": faults[:MOST_FAULTS],
    }
