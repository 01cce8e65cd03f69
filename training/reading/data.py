"""From where data is to validated rows: what training, evaluation and comparisons begin with."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from models.annotations import Column, date_from_days, days_from_date
from models.contract import CreditModel, name_from_model
from models.errors import DataError
from training.progress import say
from training.reading.arguments import MAX_REFUSED_SHARE
from training.reading.options import DataOptions
from training.reading.remarks import list_remarks, remark_on_future
from training.reading.row_validation import CheckedRows, validate_rows
from training.reading.sources import read_source
from training.reading.tabular_files import write_table


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Which data to read, and how many of its rows may be refused.

    `seed` is that of generated data. `refused` is the file for refused rows, if any.
    """

    options: DataOptions
    seed: int
    max_refused_share: float = MAX_REFUSED_SHARE
    refused: Path | None = None
    today: date = field(default_factory=lambda: datetime.now(UTC).date())


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The number and the fingerprint of all accepted rows, if only a sample is in memory."""

    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Validated rows, the name of their source, and remarks on rows that were cleaned.

    `totals` is None if the rows are all that the source has.
    """

    source: str
    remarks: tuple[str, ...]
    rows: CheckedRows
    totals: Totals | None = None

    def count(self) -> Totals:
        """Return the number and the fingerprint of all accepted rows."""
        rows = self.rows
        return self.totals or Totals(rows=len(rows.labels), sha256=rows.fingerprint())


def read_data(model: type[CreditModel], request: DataRequest) -> TrainingData:
    """Read the source, validate its rows against the contract, and report the counts.

    Raises
    ------
    DataError
        If the source cannot be read, or too many of its rows are refused.
    DeclarationError
        If an option or the model declares what cannot be.
    """
    source = read_source(model, request.options.origin(model), request.seed)
    reading = replace(request.options.reading(model), before=source.refused)
    rows = validate_rows(model, source.frame, reading)
    refuse_future(rows.special.dates, request.today)
    if request.refused:
        write_table(rows.list_refused(source.frame), request.refused)
    rows.refuse_too_many(request.max_refused_share)
    future = remark_on_future(rows, reading.declare(model).csv, request.today)
    remarks = (*source.remarks, *list_remarks(rows), *future)
    report_rows(model, source.name, (len(rows.labels), rows.refused), remarks)
    return TrainingData(source.name, remarks, rows)


def report_rows(
    model: type[CreditModel], source: str, counts: tuple[int, int], remarks: Iterable[str]
) -> None:
    """Say how many rows of a source were accepted and refused, and what is remarkable."""
    name, (accepted, refused) = name_from_model(model), counts
    say(f"{name}: {accepted} rows of {source}, {refused} refused")
    for remark in remarks:
        say(f"{name}: {remark}")


def refuse_future(dates: Column | None, today: date) -> None:
    """Refuse dates that are not here yet, as years of two digits give them.

    Raises
    ------
    DataError
        If a date is more than a day after today.
    """
    if dates is None or not len(dates) or dates.max() <= days_from_date(today) + 1:
        return
    message = (
        f"the date column has dates up to {date_from_days(dates.max())}, which is in the future; "
        "write years with four digits"
    )
    raise DataError(message)
