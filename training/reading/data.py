"""From where data is to validated rows: what training, evaluation and comparisons begin with."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from models.annotations import date_from_days, days_from_date
from models.contract import CreditModel, name_from_model
from models.errors import DataError
from training.progress import say
from training.reading.arguments import MAX_REFUSED_SHARE
from training.reading.options import DataOptions
from training.reading.remarks import list_remarks
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


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Validated rows, the name of their source, and remarks on rows that were cleaned."""

    source: str
    remarks: tuple[str, ...]
    rows: CheckedRows


def read_data(model: type[CreditModel], request: DataRequest) -> TrainingData:
    """Read the source, validate its rows against the contract, and report the counts.

    Raises
    ------
    DataError
        If the source cannot be read, or too many of its rows are refused.
    DeclarationError
        If an option or the model declares what cannot be.
    """
    name = name_from_model(model)
    source = read_source(model, request.options.origin(model), request.seed)
    reading = replace(request.options.reading(model), before=source.refused)
    rows = validate_rows(model, source.frame, reading)
    _refuse_future(rows, request.today)
    if request.refused:
        write_table(rows.list_refused(source.frame), request.refused)
    rows.refuse_too_many(request.max_refused_share)
    say(f"{name}: {len(rows.labels)} rows of {source.name}, {rows.refused} refused")
    remarks = (*source.remarks, *list_remarks(rows))
    for remark in remarks:
        say(f"{name}: {remark}")
    return TrainingData(source.name, remarks, rows)


def _refuse_future(rows: CheckedRows, today: date) -> None:
    """Refuse dates that are not here yet, as years of two digits give them."""
    dates = rows.special.dates
    if dates is None or not len(dates) or dates.max() <= days_from_date(today) + 1:
        return
    message = (
        f"the date column has dates up to {date_from_days(dates.max())}, which is in the future; "
        "write years with four digits"
    )
    raise DataError(message)
